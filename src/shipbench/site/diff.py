"""A phase's changes.diff, cut into files and lines for the page."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from shipbench.files import open_evidence
from shipbench.site.text import MAX_LINE, visible

MAX_BYTES = 5_000_000
MAX_FILES = 300
MAX_LINES_OF_A_FILE = 400
MAX_LINES = 6_000

_HEADER = re.compile(r"diff --git (.+)")
_STATUS = (("new file mode", "new"), ("new mode", "mode"), ("+++ /dev/null", "deleted"))
_KIND = {"+": "add", "-": "del", "@": "hunk"}


@dataclass
class FileDiff:
    """One file's changes. `lines` are (kind, text) of kind add, del, hunk or same; `hidden` counts those left out."""

    path: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    hidden: int = 0
    status: str = "changed"
    note: str = ""


@dataclass
class Diff:
    """What a phase changed. `notes` say what is not shown; without any, it is everything."""

    files: list[FileDiff]
    notes: list[str] = field(default_factory=list)

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)


def read_diff(root: Path, path: Path) -> Diff:
    """The diff at `path` in the bundle `root`, an empty one where there is none. Wrong UTF-8 stands as `\\xNN`."""
    content = b""
    if os.path.lexists(path):
        with open_evidence(root, path) as handle:
            content = handle.read(MAX_BYTES + 1)
    notes = []
    if len(content) > MAX_BYTES:
        content = content[:MAX_BYTES].rpartition(b"\n")[0]
        notes.append(f"only the first {MAX_BYTES // 1_000_000} MB of the diff are shown")
    files = _files(content.decode(errors="backslashreplace"), notes)
    if len(files) > MAX_FILES:
        notes.append(f"only the first {MAX_FILES} of {len(files)} files are shown")
        files = files[:MAX_FILES]
    return Diff(files, notes)


def _files(text: str, notes: list[str]) -> list[FileDiff]:
    files: list[FileDiff] = []
    kept = 0
    in_hunk = False
    for line in text.removesuffix("\n").split("\n"):
        header = _HEADER.match(line)
        if header:
            files.append(FileDiff(_path(header[1])))
            in_hunk = False
        elif line.startswith("# cut here"):
            notes.append(line[2:])
        elif files:
            file = files[-1]
            in_hunk = in_hunk or line.startswith("@@")
            if not in_hunk:
                _read_header_line(file, line)
            else:
                kept += _keep(file, line, kept)
    return files


def _keep(file: FileDiff, line: str, kept: int) -> int:
    """Count a line of a hunk, and keep it where there is room: 1 if kept."""
    kind = _KIND.get(line[:1], "same")
    file.added += kind == "add"
    file.removed += kind == "del"
    if len(file.lines) >= MAX_LINES_OF_A_FILE or kept >= MAX_LINES:
        file.hidden += 1
        return 0
    file.lines.append((kind, visible(line.removesuffix("\r"), MAX_LINE)))
    return 1


def _path(names: str) -> str:
    """NAME of `a/NAME b/NAME`: the two are equal, so the space in the middle parts them, whatever NAME holds."""
    return names[len(names) // 2 + 1 :].removeprefix("b/")


def _read_header_line(file: FileDiff, line: str) -> None:
    for beginning, status in _STATUS:
        if line.startswith(beginning):
            file.status = status
    if line.startswith("# "):
        file.note = line[2:]
