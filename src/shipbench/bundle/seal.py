"""Sealing a bundle: the digests of its files, after which any change shows."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import Record
from shipbench.errors import InputError
from shipbench.files import open_evidence, read_model, write_atomically


class Seal(Record):
    """`files` maps each path below the bundle to its SHA-256; `digest` is the SHA-256 over that list, sorted."""

    schema_version: Literal[1] = 1
    files: dict[str, str]
    digest: str


def seal(bundle: Bundle) -> Seal:
    """Write seal.json. InputError where the bundle has one already: a bundle is sealed once."""
    if bundle.seal_path.exists():
        raise InputError(f"{bundle.root}: already sealed")
    files = _digests(bundle.root)
    made = Seal(files=files, digest=_digest(files))
    write_atomically(bundle.seal_path, made.model_dump_json(indent=1) + "\n")
    return made


def verify(bundle: Bundle) -> list[str]:
    """What differs from the seal, one line a file; empty where nothing does."""
    if not bundle.seal_path.is_file():
        return [f"{bundle.root}: not sealed"]
    sealed = read_model(Seal, bundle.root, bundle.seal_path)
    found = _digests(bundle.root)
    problems = [f"{path}: missing" for path in sealed.files.keys() - found.keys()]
    problems += [f"{path}: not in the seal" for path in found.keys() - sealed.files.keys()]
    problems += [f"{path}: changed" for path in sealed.files.keys() & found.keys() if sealed.files[path] != found[path]]
    if sealed.digest != _digest(sealed.files):
        problems.append("seal.json: its digest is not that of its list")
    return sorted(problems)


def _digests(root: Path) -> dict[str, str]:
    found = {shown: digest for shown, digest in _entries(root) if shown != "seal.json"}
    return dict(sorted(found.items()))


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    """Path and digest of everything that is not a folder, which is named as what it is and never followed or opened."""
    folders = [root]
    while folders:
        try:
            with os.scandir(folders.pop()) as listing:
                entries = list(listing)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from None
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            else:
                yield path.relative_to(root).as_posix(), _entry_digest(root, entry)


def _entry_digest(root: Path, entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return f"link to {Path(entry.path).readlink()}"
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    with open_evidence(root, Path(entry.path)) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest(files: dict[str, str]) -> str:
    lines = "".join(f"{path}\0{files[path]}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
