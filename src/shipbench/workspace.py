"""Reads a folder that an agent filled: hostile, so nothing is followed, waited for, or read beyond a limit.

Directories are opened relative to their parent's descriptor with O_NOFOLLOW, so a link put in place of any
component while the walk runs is refused by the kernel, not by a check that came too early.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from shipbench.errors import InputError

MIB = 1024 * 1024
MAX_DEPTH = 64
MAX_ENTRIES = 100_000
MAX_NAMES = 16 * MIB  # of all paths and link targets together, as text
MAX_TOTAL = 256 * MIB  # of all contents

Kind = Literal["file", "directory", "symlink", "fifo", "other"]

# Never the application's own work, wherever they stand.
FOREIGN = {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"}
# Left by running the application. Skipped only beside a Gemfile or package.json,
# since app/models/log is somebody's code.
RUN_TIME = {"tmp", "log"}


class Entry(NamedTuple):
    """One name in the workspace. `path` is relative and posix, `size` in bytes, `target` a symbolic link's."""

    path: str
    kind: Kind
    size: int
    mode: int
    target: str | None = None


class Note(NamedTuple):
    """Something that was not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Workspace:
    """What was found. `files` holds what was read, by path; `entries` everything that was seen, read or not.

    In all paths bytes that are not UTF-8, control characters and backslashes are shown as \\xNN, so a path here
    is text that is safe to store, and different names stay different.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def text(self, path: str) -> str | None:
        """The file as UTF-8, wrong bytes replaced; None where it was not read."""
        content = self.files.get(path)
        return None if content is None else content.decode("utf-8", "replace")


def read_workspace(
    root: Path, *, max_file: int = MIB, max_files: int = 20_000, max_total: int = MAX_TOTAL
) -> Workspace:
    """All regular files under `root`, a directory's own files before its subdirectories, names in byte order.

    A file over `max_file` bytes, files after the first `max_files`, and files that would bring the sum over
    `max_total` bytes are listed but not read, with a note. InputError where `root` is no directory or closed.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"{root}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL byte in the name
        raise InputError(f"{root!r}: {error}") from None
    return _Reader(max_file, max_files, max_total).walk(descriptor)


def shown(name: str) -> str:
    """A file name as safe text: bytes that are not UTF-8, control characters and backslashes become \\xNN."""
    text = os.fsencode(name).decode("utf-8", "surrogateescape")
    return "".join(_shown_character(character) for character in text)


def _shown_character(character: str) -> str:
    if character != "\\" and character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


class _Directory(NamedTuple):
    descriptor: int
    prefix: str
    children: Iterator[str]


class _Reader:
    def __init__(self, max_file: int, max_files: int, max_total: int) -> None:
        self.max_file, self.max_files, self.max_total = max_file, max_files, max_total
        self.total = 0
        self.named = 0
        self.found = Workspace()

    def walk(self, root: int) -> Workspace:
        stack = [self._enter(root, "")]
        try:
            while stack:
                directory = stack[-1]
                name = next(directory.children, None)
                if name is None:
                    os.close(stack.pop().descriptor)
                    continue
                path = directory.prefix + shown(name)
                if len(stack) >= MAX_DEPTH:
                    self._note(path, f"deeper than {MAX_DEPTH} directories")
                    continue
                descriptor = self._open(directory.descriptor, name, path, os.O_DIRECTORY)
                if descriptor is not None:
                    stack.append(self._enter(descriptor, f"{path}/"))
        finally:
            for directory in stack:
                os.close(directory.descriptor)
        return self.found

    def _enter(self, descriptor: int, prefix: str) -> _Directory:
        """Record a directory's entries and read its files; its subdirectories are left for the caller."""
        children = []
        names = self._names(descriptor, prefix)
        ours = {"Gemfile", "package.json"}.intersection(names)
        for name in names:
            if self.named > MAX_NAMES:
                self._note(prefix or ".", f"the workspace has over {MAX_NAMES} bytes of names: the rest is not listed")
                break
            entry = self._record(descriptor, name, prefix)
            if entry is None:
                continue
            if entry.kind == "file":
                self._read(descriptor, name, entry)
            elif entry.kind != "directory":
                self._note(entry.path, f"not read: {entry.kind}")
            elif name in FOREIGN or (name in RUN_TIME and ours) or f"/{entry.path}".endswith("/vendor/bundle"):
                self._note(entry.path, "skipped: not the application's own files")
            else:
                children.append(name)
        return _Directory(descriptor, prefix, iter(children))

    def _names(self, descriptor: int, prefix: str) -> list[str]:
        room = MAX_ENTRIES - len(self.found.entries)
        names: list[str] = []
        try:
            with os.scandir(descriptor) as listing:
                for entry in listing:
                    if len(names) >= room:
                        self._note(
                            prefix or ".",
                            f"more than {MAX_ENTRIES} names in the workspace: the rest is not listed",
                        )
                        break
                    names.append(entry.name)
        except OSError as error:
            self._note(prefix or ".", f"cannot be listed: {error.strerror}")
        return sorted(names, key=os.fsencode)

    def _record(self, parent: int, name: str, prefix: str) -> Entry | None:
        path = prefix + shown(name)
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            target = shown(os.readlink(name, dir_fd=parent)) if stat.S_ISLNK(found.st_mode) else None
        except OSError as error:
            self._note(path, f"cannot be looked at: {error.strerror}")
            return None
        entry = Entry(path, _kind(found.st_mode), found.st_size, stat.S_IMODE(found.st_mode), target)
        self.named += len(path) + len(target or "")
        self.found.entries.append(entry)
        return entry

    def _read(self, parent: int, name: str, entry: Entry) -> None:
        if entry.size > self.max_file:
            self._note(entry.path, f"not read: {entry.size} bytes, over the limit of {self.max_file}")
        elif len(self.found.files) >= self.max_files:
            self._note(entry.path, f"not read: more than {self.max_files} files")
        elif self.total + entry.size > self.max_total:
            self._note(entry.path, f"not read: the workspace is over {self.max_total} bytes")
        else:
            descriptor = self._open(parent, name, entry.path, 0)
            if descriptor is not None:
                self._take(descriptor, entry)

    def _take(self, descriptor: int, entry: Entry) -> None:
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                self._note(entry.path, "not read: no longer a regular file")
                os.close(descriptor)
                return
            with os.fdopen(descriptor, "rb") as handle:
                content = handle.read(self.max_file + 1)
        except OSError as error:
            self._note(entry.path, f"cannot be read: {error.strerror}")
            return
        if len(content) > self.max_file:
            self._note(entry.path, f"not read: grew over the limit of {self.max_file} bytes")
            return
        self.total += len(content)
        self.found.files[entry.path] = content

    def _open(self, parent: int, name: str, path: str, flags: int) -> int | None:
        try:
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | flags, dir_fd=parent)
        except OSError as error:
            self._note(path, f"cannot be opened: {error.strerror}")
            return None

    def _note(self, path: str, reason: str) -> None:
        self.found.notes.append(Note(path, reason))


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "symlink"
    return "fifo" if stat.S_ISFIFO(mode) else "other"
