"""Builds chat completions as OpenAI sends them, whole or as a stream: for models that are played."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shipbench.bundle.schema import Usage

PIECE = 1_024  # characters of text or arguments in one delta


@dataclass(frozen=True)
class PlayedCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class PlayedAnswer:
    """What the played model says: text or tool calls. `usage.input` and `usage.output` are known; it costs nothing."""

    model: str
    text: str
    calls: list[PlayedCall]
    usage: Usage

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.calls else "stop"

    @property
    def id(self) -> str:
        """The same for the same answer, so that a played run repeats byte for byte."""
        content = json.dumps([self.text, [(call.id, call.arguments) for call in self.calls], self.usage.model_dump()])
        return f"chatcmpl-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def usage_document(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": (usage.input or 0) + (usage.output or 0),
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        "cost": 0,
    }


def whole(answer: PlayedAnswer) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason, "logprobs": None}
    document = _head(answer, "chat.completion") | {"choices": [choice], "usage": usage_document(answer.usage)}
    return json.dumps(document).encode()


def stream(answer: PlayedAnswer, *, include_usage: bool) -> Iterator[bytes]:
    """Server-sent events: role, deltas, finish, usage where it was asked for, [DONE]."""
    head = _head(answer, "chat.completion.chunk")
    for delta, finish in _deltas(answer):
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        yield _event(head | {"choices": [choice]})
    if include_usage:
        yield _event(head | {"choices": [], "usage": usage_document(answer.usage)})
    yield b"data: [DONE]\n\n"


def _deltas(answer: PlayedAnswer) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": None if answer.calls else ""}, None
    for piece in _pieces(answer.text):
        yield {"content": piece}, None
    for index, call in enumerate(answer.calls):
        opening = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": opening}]}, None
        for piece in _pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None
    yield {}, answer.finish_reason


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _head(answer: PlayedAnswer, kind: str) -> dict[str, Any]:
    return {"id": answer.id, "object": kind, "created": 0, "model": answer.model}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"
