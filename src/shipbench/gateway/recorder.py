"""Writes exchanges to a bundle's wire folder."""

import json
import os
from pathlib import Path
from typing import Any

import zstandard

from shipbench.bundle.schema import Exchange
from shipbench.errors import InputError
from shipbench.gateway.redact import Redactor

MAX_BODY = 32 * 1024 * 1024
MAX_TRIAL = 4 * 1024 * 1024 * 1024  # of stored bytes: a hostile agent must not fill the disk
_MARGIN = 4_096  # what is dropped at the cut of a capped body, since a key may lie across it


class Body:
    """A body as it passes, held up to `MAX_BODY` bytes: redaction needs it in one piece."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.size = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        room = MAX_BODY - len(self.held)
        if room > 0:
            self.held += data[:room]

    @property
    def capped(self) -> bool:
        return self.size > MAX_BODY


class Recorder:
    """Appends to `folder`/exchanges.jsonl and stores bodies beside it, all redacted before it touches the disk."""

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self._bodies = folder / "bodies"
        self.redactor = redactor
        self._stored = 0
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._bodies.mkdir(parents=True, exist_ok=True)
        path = folder / "exchanges.jsonl"
        try:
            self._lines = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise InputError(f"{path}: there is a recording already; each attempt needs a folder of its own") from None

    def store(self, name: str, body: Body) -> str | None:
        """Compress `body` into bodies/`name`; the name, or None where there is nothing to store or no room left."""
        if not body.size or self._stored > MAX_TRIAL:
            return None
        clean = self.redactor.clean(bytes(body.held))
        if body.capped:
            clean = clean[:-_MARGIN]
        packed = self._compressor.compress(clean)
        self._stored += len(packed)
        (self._bodies / name).write_bytes(packed)
        return name

    def append(self, exchange: Exchange) -> None:
        # ASCII, so that a line cut off by a crash is still text; one write, so that only its end can be missing.
        line = json.dumps(self._clean(exchange.model_dump(mode="json"))).encode() + b"\n"
        if os.write(self._lines, line) != len(line):
            raise OSError("no room for a line of exchanges.jsonl")

    def _clean(self, value: Any) -> Any:
        """Texts redacted, wherever they are in `value`."""
        if isinstance(value, str):
            return self.redactor.clean(value.encode()).decode()
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        return value

    def close(self) -> None:
        if self._lines >= 0:
            os.close(self._lines)
            self._lines = -1
