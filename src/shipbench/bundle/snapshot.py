"""Takes a workspace into a bundle, and puts it back into an empty folder for whoever audits it."""

import hashlib
import os
import re
import stat
from pathlib import Path, PurePosixPath

import zstandard

from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import Snapshot, SnapshotFile
from shipbench.errors import InputError
from shipbench.workspace import MIB, Workspace, read_workspace

MAX_FILE = 8 * MIB
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def take_snapshot(bundle: Bundle, workspace: Path) -> Snapshot:
    """Store every regular file's content below blobs/, and return the list of entries."""
    found = read_workspace(workspace, max_file=MAX_FILE)
    reasons = {note.path: note.reason for note in found.notes}
    files = [
        SnapshotFile(
            path=entry.path,
            kind="file" if entry.kind == "file" else "symlink" if entry.kind == "symlink" else "other",
            mode=entry.mode,
            size=entry.size,
            sha256=_store(bundle, found, entry.path),
            target=entry.target,
            note=reasons.get(entry.path, ""),
        )
        for entry in found.entries
        if entry.kind != "directory"
    ]
    listed = {file.path for file in files}
    omitted = [f"{note.path}: {note.reason}" for note in found.notes if note.path not in listed]
    return Snapshot(files=sorted(files, key=lambda file: file.path), omitted=sorted(omitted))


def read_blob(bundle: Bundle, sha256: str, limit: int = MAX_FILE) -> bytes:
    """A stored content, cut at `limit` bytes. InputError where it is missing or is not what its name says."""
    path = _blob(bundle, sha256)
    try:
        with path.open("rb") as handle, zstandard.ZstdDecompressor().stream_reader(handle) as reader:
            content = reader.read(MAX_FILE + 1)
    except (OSError, zstandard.ZstdError) as error:
        raise InputError(f"{path}: {error}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(f"{path}: its content is not what its name says")
    return content[:limit]


def restore(bundle: Bundle, snapshot: Snapshot, destination: Path) -> None:
    """Write the snapshot's regular files into the empty folder `destination`, links last and as links.

    A bundle may come from a stranger: a path that would leave the folder is an InputError.
    """
    destination.mkdir(parents=True, exist_ok=True)
    links = []
    for file in snapshot.files:
        target = destination / _real_path(file.path, bundle)
        if file.kind == "symlink":
            links.append((target, file))
        elif file.sha256 is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read_blob(bundle, file.sha256))
            target.chmod(stat.S_IRUSR | stat.S_IWUSR | (file.mode & stat.S_IXUSR))
    for target, file in links:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.fsdecode(_unescape(file.target or "")))


def _store(bundle: Bundle, found: Workspace, path: str) -> str | None:
    content = found.files.get(path)
    if content is None:
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    blob = _blob(bundle, sha256)
    if not blob.exists():
        blob.parent.mkdir(parents=True, exist_ok=True)
        temporary = blob.with_suffix(".tmp")
        temporary.write_bytes(zstandard.ZstdCompressor(level=3).compress(content))
        temporary.replace(blob)
    return sha256


def _blob(bundle: Bundle, sha256: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InputError(f"{bundle.root}: {sha256[:80]!r} is not a SHA-256")
    return bundle.blobs / sha256[:2] / f"{sha256}.zst"


def _real_path(path: str, bundle: Bundle) -> Path:
    real = PurePosixPath(os.fsdecode(_unescape(path)))
    if real.is_absolute() or ".." in real.parts or not real.parts or "\0" in str(real):
        raise InputError(f"{bundle.root}: a snapshot holds the path {path!r}, which leaves its folder")
    return Path(real)


def _unescape(text: str) -> bytes:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
