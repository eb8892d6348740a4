"""The difference between two snapshots as a unified diff, for people to read. The snapshots are the evidence."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile

from shipbench.bundle.schema import Snapshot, SnapshotFile

MAX_FILE_BYTES = 256 * 1024
MAX_FILE_LINES = 5_000
MAX_BYTES = 4 * 1024 * 1024
# Steps that difflib may need for all files of a diff, about half a minute: some lines make it need them.
MAX_WORK = 100_000_000


def changed_paths(before: Snapshot, after: Snapshot) -> list[str]:
    """Paths that were added, removed, or have another content, kind, target or mode."""
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in after.files}
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def unified_diff(before: Snapshot, after: Snapshot, read: Callable[[str], bytes]) -> str:
    """The diff of all changed files. `read` gives a content by its SHA-256. Large or binary files are named only.

    Where it is too much work to find what stayed the same, a file is shown as wholly replaced.
    """
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in after.files}
    parts: list[str] = []
    size, effort = 0, _Effort(MAX_WORK)
    for path in changed_paths(before, after):
        part = _file_diff(path, old.get(path), new.get(path), read, effort)
        size += len(part)
        if size > MAX_BYTES:
            parts.append(f"# cut here: the rest of the diff is over {MAX_BYTES} bytes\n")
            break
        parts.append(part)
    return "".join(parts)


@dataclass
class _Effort:
    left: int


def _file_diff(
    path: str, old: SnapshotFile | None, new: SnapshotFile | None, read: Callable[[str], bytes], effort: _Effort
) -> str:
    shown = path.replace("\n", "\\n")
    header = f"diff --git a/{shown} b/{shown}\n"
    if new is not None and (old is None or old.mode != new.mode) and new.kind == "file":
        header += f"{'new file' if old is None else 'new'} mode {new.mode:o}\n"
    before, after = _lines(old, read), _lines(new, read)
    if before is None or after is None:
        return header + f"# content not shown: {_size(old)} → {_size(new)}\n"
    names = ("/dev/null" if old is None else f"a/{shown}", "/dev/null" if new is None else f"b/{shown}")
    return header + "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in _hunks(before, after, names, effort)
    )


def _hunks(before: list[str], after: list[str], names: tuple[str, str], effort: _Effort) -> Iterable[str]:
    work = _work(before, after)
    if work <= effort.left:
        effort.left -= work
        return difflib.unified_diff(before, after, *names)
    head = [f"--- {names[0]}\n", f"+++ {names[1]}\n", f"@@ -1,{len(before)} +1,{len(after)} @@\n"]
    return [*head, *(f"-{line}" for line in before), *(f"+{line}" for line in after)]


def _work(before: list[str], after: list[str]) -> int:
    """The most steps that difflib can need: one for each pair of equal lines, again for each block that it finds."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    before, after = before[same:], after[same:]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before[::-1], after[::-1], strict=False)))
    before, after = before[: len(before) - same], after[: len(after) - same]
    counts = Counter(after)
    return sum(counts[line] for line in before) * min(len(before), len(after))


def _lines(file: SnapshotFile | None, read: Callable[[str], bytes]) -> list[str] | None:
    """Lines with their ends; None where the content is not text, not taken or too large."""
    if file is None:
        return []
    if file.kind == "symlink":
        return [f"symlink to {file.target}\n"]
    if file.sha256 is None or file.size > MAX_FILE_BYTES:
        return None
    content = read(file.sha256)
    if b"\0" in content:
        return None
    # Only \n ends a line: splitlines() would also split at form feeds and Unicode separators.
    lines = content.decode(errors="backslashreplace").split("\n")
    kept = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    return kept if len(kept) <= MAX_FILE_LINES else None


def _size(file: SnapshotFile | None) -> str:
    return "absent" if file is None else f"{file.size} bytes"
