"""Sealing a bundle: the digests of its files, after which any change shows."""

import hashlib
from pathlib import Path
from typing import Literal

from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import Record
from shipbench.errors import InputError
from shipbench.files import read_model, write_atomically


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
    sealed = read_model(Seal, bundle.seal_path)
    found = _digests(bundle.root)
    problems = [f"{path}: missing" for path in sealed.files.keys() - found.keys()]
    problems += [f"{path}: not in the seal" for path in found.keys() - sealed.files.keys()]
    problems += [f"{path}: changed" for path in sealed.files.keys() & found.keys() if sealed.files[path] != found[path]]
    if sealed.digest != _digest(sealed.files):
        problems.append("seal.json: its digest is not that of its list")
    return sorted(problems)


def _digests(root: Path) -> dict[str, str]:
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path != root / "seal.json"}
    return {name: digest for name, path in sorted(found.items()) if (digest := _entry_digest(path))}


def _entry_digest(path: Path) -> str | None:
    """Of a file its digest, None for a folder; anything else is named as what it is, never followed or opened."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return None
    return _file_digest(path) if path.is_file() else "not a regular file"


def _file_digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256("".join(f"{path}\0{files[path]}\n" for path in sorted(files)).encode()).hexdigest()
