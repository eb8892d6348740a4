"""The house's own rules: rooms in one direction, quick start-up, nothing of a machine in the files."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_rooms_import_only_from_earlier_rooms() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "Rooms import only from earlier rooms KEPT" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['shipbench', '--help']\n"
        "from shipbench.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'pydantic', 'aiohttp', 'rich', 'scipy', 'tree_sitter', 'jinja2'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.rstrip().endswith("[]"), result.stdout


def test_lock_files_carry_hashes_and_no_download_addresses() -> None:
    for path in [*ROOT.glob("requirements/*.txt"), *ROOT.glob("tools/*/package-lock.json")]:
        text = path.read_text()
        assert not re.search(r"https?://[^\s\"]*\.(whl|tgz|tar\.gz)", text), path
        assert "--index-url" not in text
        assert '"resolved"' not in text
        assert "sha256:" in text or "sha512-" in text, path
