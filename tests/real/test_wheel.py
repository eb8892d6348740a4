"""The wheel is the whole product: installed elsewhere it brings tasks, experiments and published results."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
CARRIED = ("tasks", "published", "experiments")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    return next(folder.glob("shipbench-*.whl"))


def test_every_tracked_file_of_the_carried_folders_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *CARRIED],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    expected = {f"shipbench/carried/{path}" for path in listed.split("\0") if path and (ROOT / path).exists()}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if name.startswith("shipbench/carried/")}
    assert expected - found == set()
    assert expected


def test_the_demo_runs_from_an_installed_wheel_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    # The dependencies are those of this environment; the package itself comes from the wheel alone.
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(target)}
    run = [sys.executable, "-m", "shipbench.cli.main"]
    where = subprocess.run(
        [sys.executable, "-c", "import shipbench; print(shipbench.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(target))
    experiment = target / "shipbench" / "carried" / "experiments" / "demo.toml"
    text = experiment.read_text().replace("repeats = 3", "repeats = 1")
    kept = [
        part for part in text.split("[[contenders]]") if "tasks =" in part or '"golden"' in part or '"null"' in part
    ]
    (tmp_path / "small.toml").write_text("[[contenders]]".join(kept) + "")
    sandbox = (
        "bubblewrap" if subprocess.run(["which", "bwrap"], capture_output=True, check=False).returncode == 0 else "host"
    )
    result = subprocess.run(
        [*run, "run", "small.toml", "--sandbox", sandbox],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    rows = subprocess.run(
        [*run, "standings", "runs/demo", "published/2026-05"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "golden" in rows
    assert "Claude Opus 4.7" in rows
