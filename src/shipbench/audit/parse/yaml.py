"""YAML from a stranger: safe types only, with caps on size, depth and aliases."""

from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_ALIASES = 200
MAX_NODES = 20_000
# PyYAML's scanner needs quadratic time for brackets left open, before the first event is there to be counted.
MAX_BRACKETS = 2_000


class BrokenError(Exception):
    """Not YAML, or over a limit. The message is a reason fit for a summary; `line` is 1-based where known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def load(text: str) -> Any:
    """The document as plain values. BrokenError where it cannot be parsed or is over a limit."""
    if len(text) > MAX_BYTES:
        raise BrokenError(f"larger than {MAX_BYTES} characters")
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise BrokenError(f"more than {MAX_BRACKETS} brackets")
    try:
        _measure(text)
        return yaml.load(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BrokenError(
            f"not valid YAML: {getattr(error, 'problem', None) or 'unreadable'}", mark.line + 1 if mark else None
        ) from None
    except (RecursionError, ValueError, TypeError) as error:
        raise BrokenError(f"not usable YAML: {type(error).__name__}") from None


def _measure(text: str) -> None:
    """Refuse by events, before any value is built. An alias may stand for as much as everything before it."""
    depth = aliases = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise BrokenError(f"nested deeper than {MAX_DEPTH}")
        if nodes > MAX_NODES:
            raise BrokenError(f"more than {MAX_NODES} nodes")
        if aliases > MAX_ALIASES:
            raise BrokenError(f"more than {MAX_ALIASES} aliases")
