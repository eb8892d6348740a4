"""Golden, null and mutants are made from the reference, the same way each time."""

import shutil
from pathlib import Path

import pytest

from shipbench.errors import InputError
from shipbench.files import read_toml
from shipbench.task.load import Task, load_task
from shipbench.task.mutants import GOLDEN, NULL, load_mutant, materialize, mutant_names

TASK = load_task("rails-chat")
NAMES = mutant_names(TASK)


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, int]]:
    folder = tmp_path_factory.mktemp("golden") / "app"
    materialize(TASK, GOLDEN, folder)
    return files(folder)


@pytest.fixture
def small_task(tmp_path: Path) -> Task:
    """A task of one file and one mutant, to be broken by the test."""
    folder = tmp_path / "task"
    (folder / "reference").mkdir(parents=True)
    (folder / "reference" / "a.txt").write_text("one\n")
    (folder / "mutants").mkdir()
    (folder / "mutants" / "two.patch").write_text("--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n")
    write_mutant(folder, "two", 'expects = ["llm.api_real"]')
    return Task(folder, TASK.file)


def write_mutant(folder: Path, name: str, rest: str) -> None:
    text = f'canary = "c"\ntitle = "t"\ndefect = "d"\nseed = "1"\n{rest}\n'
    (folder / "mutants" / f"{name}.toml").write_text(text)


def test_golden_is_the_reference_without_its_canary(golden: dict[str, tuple[bytes, int]]) -> None:
    reference = files(TASK.folder / "reference")
    assert reference.pop(".canary")[0].decode().strip() == TASK.file.canary
    assert golden == reference
    assert not any(TASK.file.canary.encode() in content for content, _ in golden.values())


def test_null_is_an_empty_folder(tmp_path: Path) -> None:
    materialize(TASK, NULL, tmp_path / "null")
    assert list((tmp_path / "null").iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_mutant_applies_and_changes_something(
    name: str, tmp_path: Path, golden: dict[str, tuple[bytes, int]]
) -> None:
    materialize(TASK, name, tmp_path / "once")
    materialize(TASK, name, tmp_path / "twice")
    once = files(tmp_path / "once")
    assert once != golden
    assert once == files(tmp_path / "twice")
    assert not any(TASK.file.canary.encode() in content for content, _ in once.values())


@pytest.mark.parametrize("name", NAMES)
def test_each_mutant_says_what_must_notice_it(name: str) -> None:
    mutant = load_mutant(TASK, name)
    assert mutant.expects
    assert len(set(mutant.expects)) == len(mutant.expects)
    assert all(TASK.checks[check].kind == "static" for check in mutant.expects)
    assert read_toml(TASK.folder / "mutants" / f"{name}.toml")["canary"] == TASK.file.canary


def test_no_patch_without_a_description() -> None:
    assert {path.stem for path in (TASK.folder / "mutants").glob("*.patch")} <= set(NAMES)


def test_a_nested_mutant_moves_every_file(tmp_path: Path, golden: dict[str, tuple[bytes, int]]) -> None:
    materialize(TASK, "nested_app_folder", tmp_path)
    assert files(tmp_path) == {f"chat_app/{path}": entry for path, entry in golden.items()}


def test_a_patch_applies_inside_a_repository_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git would otherwise take the folder for a part of the repository around it and skip every file in silence."""
    (tmp_path / ".git").mkdir()
    for name, content in {"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\tbare = false\n"}.items():
        (tmp_path / ".git" / name).write_text(content)
    for folder in ("objects", "refs"):
        (tmp_path / ".git" / folder).mkdir()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    materialize(TASK, "slug_without_vendor", tmp_path / "runs" / "app")
    assert '"claude-sonnet-4.6"' in (tmp_path / "runs" / "app" / "app/services/assistant.rb").read_text()


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no mutant 'nonsense'; there is: golden, null, .*invented_client"):
        materialize(TASK, "nonsense", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_name_is_no_path() -> None:
    with pytest.raises(InputError, match="no mutant"):
        load_mutant(TASK, "../mutants/invented_client")


def test_a_destination_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        materialize(TASK, GOLDEN, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_destination_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        materialize(TASK, NULL, tmp_path / "file")


def test_a_patch_that_does_not_apply_is_one_line(small_task: Task, tmp_path: Path) -> None:
    (small_task.folder / "reference" / "a.txt").write_text("three\n")
    with pytest.raises(InputError, match=r"two\.patch: does not apply: .+") as caught:
        materialize(small_task, "two", tmp_path / "app")
    assert "\n" not in str(caught.value)


def test_without_git_the_error_says_so(small_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is missing"):
        materialize(small_task, "two", tmp_path / "app")


def test_a_missing_reference_is_told(small_task: Task, tmp_path: Path) -> None:
    shutil.rmtree(small_task.folder / "reference")
    with pytest.raises(InputError, match="reference: missing"):
        materialize(small_task, GOLDEN, tmp_path / "app")


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ('expects = ["no.such_check"]', "catalogue does not have: no.such_check"),
        ("expects = []", "expects"),
        ('expects = ["llm.api_real"]\nfolder = "x"', "go together"),
        ('expects = ["llm.api_real"]\ntransform = "nest"', "go together"),
        ('expects = ["llm.api_real"]\ntransform = "nest"\nfolder = "../x"', "folder"),
        ('expects = ["llm.api_real"]\nmay = []', "may"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(small_task: Task, rest: str, message: str) -> None:
    write_mutant(small_task.folder, "two", rest)
    with pytest.raises(InputError, match=message):
        load_mutant(small_task, "two")


def test_a_description_without_its_patch_is_refused(small_task: Task) -> None:
    write_mutant(small_task.folder, "lonely", 'expects = ["llm.api_real"]')
    with pytest.raises(InputError, match=r"lonely\.patch: missing"):
        load_mutant(small_task, "lonely")


def test_every_static_check_has_a_mutant_that_it_must_notice() -> None:
    """A check that no mutant can fail might pass everything, and nobody would see it."""
    expected = {check for name in NAMES for check in load_mutant(TASK, name).expects}
    assert expected == {check.id for check in TASK.file.checks if check.kind == "static"}
