import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipbench.errors import InputError
from shipbench.workspace import MAX_DEPTH, Workspace, read_workspace


def reasons(found: Workspace) -> dict[str, str]:
    return {note.path: note.reason for note in found.notes}


def test_files_are_read_in_a_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "app" / "models").mkdir(parents=True)
    (tmp_path / "app" / "models" / "chat.rb").write_bytes(b"class Chat; end\n")
    (tmp_path / "Gemfile").write_bytes(b"gem 'rails'\n")
    (tmp_path / "zebra.txt").write_bytes(b"\xff")
    found = read_workspace(tmp_path)
    assert list(found.files) == ["Gemfile", "zebra.txt", "app/models/chat.rb"]
    assert found.files["Gemfile"] == b"gem 'rails'\n"
    assert found.text("zebra.txt") == "�"
    assert found.text("missing") is None
    assert found.notes == []
    assert {(entry.path, entry.kind) for entry in found.entries} >= {
        ("app", "directory"),
        ("Gemfile", "file"),
    }


def test_links_are_listed_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.rb").write_text("secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "etc").symlink_to("/etc")
    (inside / "passwd").symlink_to("/etc/passwd")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to("loop")
    (inside / "parent").symlink_to("..")
    found = read_workspace(inside)
    assert found.files == {}
    targets = {entry.path: entry.target for entry in found.entries}
    assert targets["etc"] == "/etc"
    assert targets["loop"] == "loop"
    assert set(reasons(found)) == {"etc", "passwd", "folder", "loop", "parent"}


def test_a_link_put_in_place_of_a_file_after_the_look_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.rb").write_text("x")
    (tmp_path / "dir").mkdir()
    real_open = os.open

    def swapping_open(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path in ("a.rb", "dir"):
            victim = tmp_path / str(path)
            victim.rmdir() if victim.is_dir() else victim.unlink()
            victim.symlink_to("/etc" if path == "dir" else "/etc/passwd")
        return real_open(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapping_open)
    found = read_workspace(tmp_path)
    assert found.files == {}
    assert set(reasons(found)) == {"a.rb", "dir"}


def test_fifos_and_sockets_do_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.rb")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.sock")
        start = time.monotonic()
        found = read_workspace(tmp_path)
    assert time.monotonic() - start < 2
    assert {entry.path: entry.kind for entry in found.entries} == {"pipe.rb": "fifo", "s.sock": "other"}
    assert found.files == {}


def test_a_sparse_file_of_2_gib_is_listed_and_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.rb").open("wb") as handle:
        handle.truncate(2 * 1024**3)
    found = read_workspace(tmp_path)
    assert found.files == {}
    assert found.entries[0].size == 2 * 1024**3
    assert "over the limit" in reasons(found)["huge.rb"]


def test_names_that_are_not_utf8_or_hold_control_characters_are_escaped(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"caf\xe9.rb", b"a\nb\x1b[31m.rb", b"back\\slash", b"back\\x5cslash", "süß.rb".encode()):
        with open(folder + b"/" + name, "wb") as handle:  # noqa: PTH123 - the name is bytes
            handle.write(name)
    found = read_workspace(tmp_path)
    assert set(found.files) == {
        "caf\\xe9.rb",
        "a\\x0ab\\x1b[31m.rb",
        "back\\x5cslash",
        "back\\x5cx5cslash",
        "süß.rb",
    }
    assert all(path.encode() for path in found.files)


def test_deep_nesting_ends_with_a_note(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d", dir_fd=descriptor)
        deeper = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    try:
        found = read_workspace(tmp_path)
        assert len(found.entries) == MAX_DEPTH
        assert found.notes[-1].reason == f"deeper than {MAX_DEPTH} directories"
    finally:
        os.system(f"rm -rf {tmp_path}/d")  # shutil.rmtree cannot remove such a tree on every Python


def test_limits_on_count_and_sum(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.rb").write_bytes(b"12345678")
    by_count = read_workspace(tmp_path, max_files=3)
    assert list(by_count.files) == ["0.rb", "1.rb", "2.rb"]
    by_sum = read_workspace(tmp_path, max_total=17)
    assert list(by_sum.files) == ["0.rb", "1.rb"]
    assert len(by_sum.notes) == 3
    assert len(by_sum.entries) == 5


def test_foreign_folders_are_skipped_and_said(tmp_path: Path) -> None:
    for path in (
        ".git/config",
        "node_modules/a.js",
        "vendor/bundle/b.rb",
        "tmp/c.rb",
        "log/d.log",
        "app/log/e.rb",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "Gemfile").write_text("")
    found = read_workspace(tmp_path)
    assert set(found.files) == {"Gemfile", "app/log/e.rb"}
    assert set(reasons(found)) == {".git", "node_modules", "vendor/bundle", "tmp", "log"}


def test_hard_links_are_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.link(tmp_path / "a", tmp_path / "b")
    assert set(read_workspace(tmp_path).files) == {"a", "b"}


def test_what_may_not_be_read_is_noted(readable_by_all: Path) -> None:
    (readable_by_all / "closed").mkdir()
    (readable_by_all / "closed.rb").write_text("x")
    (readable_by_all / "closed").chmod(0)
    (readable_by_all / "closed.rb").chmod(0)
    with as_ordinary_user():
        found = read_workspace(readable_by_all)
    assert set(reasons(found)) == {"closed", "closed.rb"}


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """Like tmp_path, which root alone may enter when root runs the tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
        (path / "closed").chmod(0o700)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Root may read everything, so there would be nothing to refuse."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.rb").write_text("x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_workspace(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", ["missing", "file", "nul\0byte"])
def test_a_root_that_is_no_folder_is_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError) as caught:
        read_workspace(tmp_path / name)
    assert "\n" not in str(caught.value)
