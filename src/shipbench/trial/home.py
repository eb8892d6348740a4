"""Writes a harness's files into an agent's home, which after the first phase is hostile ground."""

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath


def write_home(home: Path, files: Mapping[str, str]) -> None:
    """Write each text to its path below `home`. What the agent put in the way is removed.

    A link is not followed: seen from outside the sandbox it could lead anywhere.
    """
    for name, text in files.items():
        *folders, last = PurePosixPath(name).parts
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                descriptor = _enter(descriptor, folder)
            _write(descriptor, last, text.encode())
        finally:
            os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove an agent's leftovers, also below folders that it made unreadable. Links are removed, not followed."""
    if not folder.exists():
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _enter(parent: int, name: str) -> int:
    """A descriptor of the real folder `name` in `parent`, made where there is none; closes `parent`."""
    try:
        _clear_unless(parent, name, stat.S_ISDIR)
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)


def _write(parent: int, name: str, content: bytes) -> None:
    _clear_unless(parent, name, lambda _: False)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)


def _clear_unless(parent: int, name: str, wanted: Callable[[int], bool]) -> None:
    """Remove `name` from `parent` unless `wanted(mode)` says that it is what should be there."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if wanted(mode):
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(name, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)
