"""Brings a request to the form in which two runs of the same trial agree: without its days, places, ids and tokens."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from shipbench.gateway.tools import workspace_root
from shipbench.gateway.wires.base import mapping

# They name a session or a client, never what is asked of the model.
_DROPPED = frozenset({"prompt_cache_key", "metadata", "client_metadata", "user", "safety_identifier"})
_MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAYS = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_REPLACED = [
    (re.compile(r"/t/[A-Za-z0-9_-]{20,}"), "/t/{token}"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://{gateway}"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "{id}"),
    (re.compile(r"\b(?:ses|msg|prt|call|toolu|chatcmpl|resp|item|req)[_-][A-Za-z0-9_-]{6,}"), "{id}"),
    (re.compile(rf"\b{_DAYS},? {_MONTHS} \d{{1,2}},? \d{{4}}\b"), "{date}"),
    (re.compile(rf"\b{_DAYS},? \d{{1,2}} {_MONTHS} \d{{4}}\b"), "{date}"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "{date}"),
    (re.compile(r"\b\d\d?/\d\d?/20\d\d\b"), "{date}"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "{time}"),
]


def root_of(body: bytes) -> str | None:
    """The workspace's path as the request's prompt names it."""
    return workspace_root(list(_strings(mapping(_parse(body)).get("messages"))))


@lru_cache(maxsize=16)
def root_pattern(root: str) -> re.Pattern[str]:
    """Finds `root` as a whole path, or as the beginning of one: not /app in /app-2."""
    return re.compile(re.escape(root) + r"(?![\w.-])")


def normal_form(body: bytes) -> Any:
    """The request as a JSON value, with what differs from run to run replaced. Bytes that are no JSON become text."""
    document = _parse(body)
    root = workspace_root(list(_strings(mapping(document).get("messages"))))
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key not in _DROPPED}
    return _replace(document, root)


def canonical(form: Any) -> str:
    """One text for equal forms, whatever the order of their keys."""
    return json.dumps(form, sort_keys=True, separators=(",", ":"))


def first_difference(one: Any, other: Any, at: str = "") -> tuple[str, str, str] | None:
    """Where two forms first differ: a path such as messages[3].content, and both values, shortened."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            path = f"{at}.{key}".lstrip(".")
            if key not in one or key not in other:
                return path, _short(one.get(key, "(absent)")), _short(other.get(key, "(absent)"))
            if found := first_difference(one[key], other[key], path):
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if found := first_difference(left, right, f"{at}[{index}]"):
                return found
        return None if len(one) == len(other) else (at, f"{len(one)} entries", f"{len(other)} entries")
    if isinstance(one, str) and isinstance(other, str) and one != other:
        return at, *_around(one, other)
    return None if one == other else (at, _short(one), _short(other))


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _replace(value: Any, root: str | None) -> Any:
    if isinstance(value, str):
        return _replace_text(value, root)
    if isinstance(value, list):
        return [_replace(item, root) for item in value]
    if isinstance(value, dict):
        return {key: _replace(item, root) for key, item in value.items()}
    return value


@lru_cache(maxsize=8_192)  # a conversation sends its earlier messages again with each request
def _replace_text(text: str, root: str | None) -> str:
    if root is not None:
        text = root_pattern(root).sub("{workspace}", text)
    for pattern, mark in _REPLACED:
        text = pattern.sub(mark, text)
    return text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _around(one: str, other: str) -> tuple[str, str]:
    """Both texts from shortly before the first character that differs."""
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - 20)
    return _short(one[start:]), _short(other[start:])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
