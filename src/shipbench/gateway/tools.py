"""Finds, among the tools that a request offers, the one that writes a file and the one that runs a command."""

import base64
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shipbench.gateway.wires.base import mapping

_WRITERS = frozenset({"write", "writefile", "createfile", "filewrite", "writetofile", "savefile"})
_SHELLS = frozenset(
    {"bash", "shell", "sh", "run", "runcommand", "runbash", "execute", "executebash", "executecommand", "terminal"}
)
_PATHS = ("filePath", "file_path", "path", "filename", "file")
_CONTENTS = ("content", "contents", "file_text", "text", "data")
_COMMANDS = ("command", "cmd", "script")
_PIECE = 60_000  # bytes of content in one command line: the kernel takes 128 KiB as one argument
_ROOT = re.compile(
    r"(?:working directory|workspace(?: root)?(?: folder| directory)?|cwd)\b[^\n/]{0,40}?[:=>] *`?\"?(/[^\n`\"<]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Writer:
    """A tool that writes a file. `absolute` says whether its schema asks for an absolute path."""

    name: str
    path: str
    content: str
    absolute: bool
    extra: dict[str, Any]

    def arguments(self, path: str, content: str) -> dict[str, Any]:
        return {self.path: path, self.content: content, **self.extra}


@dataclass(frozen=True)
class Shell:
    """A tool that runs a command line in the workspace."""

    name: str
    command: str
    extra: dict[str, Any]

    def arguments(self, command: str) -> dict[str, Any]:
        return {self.command: command, **self.extra}


@dataclass(frozen=True)
class Toolbox:
    writer: Writer | None
    shell: Shell | None


def toolbox(tools: object) -> Toolbox:
    """What the chat wire's `tools` list offers."""
    writer, shell = None, None
    for tool in tools if isinstance(tools, list) else []:
        function = mapping(mapping(tool).get("function"))
        name, schema = function.get("name"), mapping(function.get("parameters"))
        if not isinstance(name, str):
            continue
        plain = re.sub(r"[^a-z]", "", name.lower())
        if plain in _WRITERS:
            writer = writer or _writer(name, schema)
        elif plain in _SHELLS:
            shell = shell or _shell(name, schema)
    return Toolbox(writer, shell)


def workspace_root(texts: Iterable[str]) -> str | None:
    """The workspace's absolute path as a prompt names it ("Working directory: /x"), None where none does."""
    return next((root for text in texts if (root := _named_root(text))), None)


@lru_cache(maxsize=1_024)  # every request of a conversation begins with the same texts
def _named_root(text: str) -> str | None:
    match = _ROOT.search(text)
    return match[1].strip().rstrip("/.,;") or None if match else None


def decode_commands(path: str, content: bytes) -> list[str]:
    """Command lines that write `content` to `path`."""
    target, folder = shlex.quote(path), path.rpartition("/")[0]
    make = f"mkdir -p -- {shlex.quote(folder)} && " if folder else ""
    pieces = [content[start : start + _PIECE] for start in range(0, len(content), _PIECE)] or [b""]
    return [
        f"{make if number == 0 else ''}printf %s '{base64.b64encode(part).decode()}' | base64 -d "
        f"{'>' if number == 0 else '>>'} {target}"
        for number, part in enumerate(pieces)
    ]


def _writer(name: str, schema: Any) -> Writer | None:
    properties = mapping(schema.get("properties"))
    path = next((key for key in _PATHS if key in properties), None)
    content = next((key for key in _CONTENTS if key in properties), None)
    extra = _extra(schema, {path, content})
    if path is None or content is None or extra is None:
        return None
    absolute = "absolute" in str(mapping(properties[path]).get("description", "")).lower()
    return Writer(name, path, content, absolute, extra)


def _shell(name: str, schema: Any) -> Shell | None:
    properties = mapping(schema.get("properties"))
    command = next((key for key in _COMMANDS if key in properties), None)
    extra = _extra(schema, {command})
    return None if command is None or extra is None else Shell(name, command, extra)


def _extra(schema: Any, known: set[str | None]) -> dict[str, Any] | None:
    """Values for further required parameters; None where one is required that cannot be guessed."""
    required = schema.get("required")
    values: dict[str, Any] = {}
    for key in required if isinstance(required, list) else []:
        if key in known:
            continue
        if mapping(mapping(schema.get("properties")).get(key)).get("type") != "string":
            return None
        values[key] = "Part of the application"
    return values
