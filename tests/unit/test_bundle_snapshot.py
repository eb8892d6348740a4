"""A workspace goes into a bundle and comes out the same, whatever an agent put into it."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipbench.bundle.changes import MAX_FILE_BYTES, changed_paths, unified_diff
from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import Snapshot, SnapshotFile
from shipbench.bundle.snapshot import read_blob, restore, take_snapshot
from shipbench.errors import InputError
from shipbench.workspace import read_workspace


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(tmp_path / "attempt-1")


def test_restored_workspace_is_the_same(bundle: Bundle, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "app" / "models").mkdir(parents=True)
    (workspace / "app" / "models" / "chat.rb").write_text("class Chat\nend\n")
    (workspace / "bin").mkdir()
    (workspace / "bin" / "rails").write_text("#!/usr/bin/env ruby\n")
    (workspace / "bin" / "rails").chmod(0o755)
    (workspace / "link").symlink_to("/etc/passwd")
    (Path(os.fsdecode(os.fsencode(workspace) + b"/caf\xe9.txt"))).write_bytes(b"\x00\xff")

    snapshot = take_snapshot(bundle, workspace)
    restore(bundle, snapshot, tmp_path / "restored")

    before, after = read_workspace(workspace), read_workspace(tmp_path / "restored")
    assert after.files == before.files
    assert str((tmp_path / "restored" / "link").readlink()) == "/etc/passwd"
    assert os.access(tmp_path / "restored" / "bin" / "rails", os.X_OK)
    assert not os.access(tmp_path / "restored" / "app" / "models" / "chat.rb", os.X_OK)


def test_special_and_huge_files_are_listed_with_a_reason_and_not_read(bundle: Bundle, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    os.mkfifo(workspace / "pipe")
    with (workspace / "sparse").open("wb") as handle:
        handle.truncate(2 * 1024**3)

    files = {file.path: file for file in take_snapshot(bundle, workspace).files}

    assert files["pipe"].kind == "other"
    assert files["pipe"].sha256 is None
    assert files["sparse"].sha256 is None
    assert "over the limit" in files["sparse"].note


def test_dependency_folders_are_omitted_and_said_so(bundle: Bundle, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "node_modules" / "x").mkdir(parents=True)
    (workspace / "node_modules" / "x" / "index.js").write_text("x")
    snapshot = take_snapshot(bundle, workspace)
    assert snapshot.files == []
    assert any(line.startswith("node_modules") for line in snapshot.omitted)


@pytest.mark.parametrize("path", ["../escape", "/etc/cron.d/x", "a/../../b", "\\x2e\\x2e/escape", ""])
def test_a_strangers_bundle_cannot_write_outside_the_folder(bundle: Bundle, tmp_path: Path, path: str) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "a").write_text("a")
    stored = take_snapshot(bundle, workspace).files[0]
    hostile = Snapshot(files=[stored.model_copy(update={"path": path})], omitted=[])
    with pytest.raises(InputError, match="leaves its folder"):
        restore(bundle, hostile, tmp_path / "restored")
    assert not (tmp_path / "escape").exists()


def test_a_blob_that_was_changed_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "a").write_text("one")
    (workspace / "b").write_text("two")
    one, two = (file.sha256 for file in take_snapshot(bundle, workspace).files)
    assert one is not None
    assert two is not None
    path = bundle.blobs / one[:2] / f"{one}.zst"
    path.write_bytes((bundle.blobs / two[:2] / f"{two}.zst").read_bytes())
    with pytest.raises(InputError, match="not what its name says"):
        read_blob(bundle, one)


def _snapshot(contents: dict[str, str]) -> tuple[Snapshot, dict[str, bytes]]:
    files = [
        SnapshotFile(path=path, kind="file", mode=0o644, size=len(text.encode()), sha256=text)
        for path, text in contents.items()
    ]
    return Snapshot(files=files, omitted=[]), {text: text.encode() for text in contents.values()}


texts = st.dictionaries(st.sampled_from(["a.rb", "b/c.rb", "d"]), st.text(max_size=200), max_size=3)


@given(texts, texts)
@settings(max_examples=150)
def test_a_diff_names_exactly_the_changed_files(old: dict[str, str], new: dict[str, str]) -> None:
    before, old_blobs = _snapshot(old)
    after, new_blobs = _snapshot(new)
    blobs = old_blobs | new_blobs
    diff = unified_diff(before, after, blobs.__getitem__)
    differing = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    assert changed_paths(before, after) == differing
    assert [line for line in diff.split("\n") if line.startswith("diff --git ")] == [
        f"diff --git a/{path} b/{path}" for path in differing
    ]


def test_large_files_are_named_and_not_shown() -> None:
    before, blobs = _snapshot({})
    after = Snapshot(
        files=[SnapshotFile(path="big", kind="file", mode=0o644, size=MAX_FILE_BYTES + 1, sha256="x")], omitted=[]
    )
    assert "content not shown" in unified_diff(before, after, blobs.__getitem__)


def test_lines_made_to_keep_difflib_busy_do_not(bundle: Bundle, tmp_path: Path) -> None:
    """Two such files took difflib more than a minute."""
    snapshots = []
    for other in ("old", "new"):
        workspace = tmp_path / other
        workspace.mkdir()
        lines = [line for number in range(2500) for line in (f"same {number % 49}", f"{other} {number}")]
        for name in "abcdef":
            (workspace / name).write_text("\n".join(lines))
        (workspace / "edited").write_text("".join(f"line {number}\n" for number in range(4000)) + f"{other}\n")
        snapshots.append(take_snapshot(bundle, workspace))
    began = time.monotonic()
    shown = unified_diff(*snapshots, lambda sha256: read_blob(bundle, sha256))
    assert time.monotonic() - began < 20
    assert "@@ -1,5000 +1,5000 @@\n-same 0\n-old 0\n" in shown
    assert "@@ -3998,4 +3998,4 @@\n line 3997\n line 3998\n line 3999\n-old\n+new\n" in shown
