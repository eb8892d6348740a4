"""Chat completions, as OpenAI, OpenRouter, DeepSeek, Moonshot, Z.ai, vLLM, llama-server and Ollama speak them."""

import hashlib
import json
from typing import Any, Literal

from shipbench.bundle.schema import ToolCall, Usage
from shipbench.gateway.wires import base
from shipbench.gateway.wires.base import Answered, Asked, count, dollars, mapping, text
from shipbench.gateway.wires.sse import EventSplitter

_DECODER = json.JSONDecoder()
MAX_ANSWER = 32 * 1024 * 1024
MAX_ARGUMENTS = 8 * 1024 * 1024
_SPOKEN = ("content", "reasoning_content", "reasoning", "refusal")
PATH_ARGUMENTS = ("filePath", "path", "file_path", "filename")
_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota"}


class ChatWire:
    name: Literal["chat"] = "chat"

    def read_request(self, body: bytes) -> Asked:
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            raise ValueError("the request body is not JSON") from None
        if not isinstance(request, dict):
            raise ValueError("the request body is not a JSON object")
        tools = request.get("tools")
        output = count(request.get("max_completion_tokens"))
        output = count(request.get("max_tokens")) if output is None else output
        return Asked(
            model=text(request.get("model"), base.MAX_NAME),
            streamed=request.get("stream") is True,
            tools=len(tools) if isinstance(tools, list) else 0,
            max_output=None if output is None else output * max(1, count(request.get("n")) or 1),
        )

    def reader(self, *, event_stream: bool) -> "ChatStreamReader | ChatJsonReader":
        return ChatStreamReader() if event_stream else ChatJsonReader()

    def error(self, status: int, message: str) -> bytes:
        kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": status}}).encode()


class _Call:
    """One tool call that grows by deltas."""

    def __init__(self) -> None:
        self.name = ""
        self.arguments: list[str] = []
        self.size = 0

    def add(self, name: object, arguments: object) -> None:
        # A name comes whole in the first delta; some servers repeat it in each.
        if isinstance(name, str) and not self.name:
            self.name = name
        if isinstance(arguments, dict):  # older Ollama sends an object where the wire wants a string
            arguments = json.dumps(arguments)
        if isinstance(arguments, str) and self.size <= MAX_ARGUMENTS:
            self.arguments.append(arguments)
            self.size += len(arguments)

    def done(self, arguments: str) -> ToolCall:
        digest = hashlib.sha256(arguments.encode("utf-8", "surrogatepass")).hexdigest()
        return ToolCall(name=text(self.name, base.MAX_NAME) or "", arguments_sha256=digest, path=_path(arguments))


class _Collector:
    """What both forms of an answer have in common: documents come in, an Answered goes out."""

    def __init__(self) -> None:
        self.answered = Answered()
        self._calls: dict[tuple[int, int], _Call] = {}
        self._spoken: dict[str, list[str]] = {}
        self.listening = True

    def take(self, document: object, part: Literal["delta", "message"]) -> None:
        body = mapping(document)
        answered = self.answered
        answered.model = text(body.get("model"), base.MAX_NAME) or answered.model
        self._take_usage(body.get("usage"))
        if body.get("error"):
            answered.error = _error_text(body["error"])
        choices = body.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            self._take_choice(mapping(choice), part)

    def _take_choice(self, choice: Any, part: Literal["delta", "message"]) -> None:
        self._take_usage(choice.get("usage"))  # Moonshot puts it here in a stream
        self.answered.finish_reason = text(choice.get("finish_reason"), base.MAX_NAME) or self.answered.finish_reason
        said = mapping(choice.get(part))
        for key in _SPOKEN:
            if self.listening and isinstance(said.get(key), str):
                self._spoken.setdefault(f"{choice.get('index')} {key}", []).append(said[key])
        calls = said.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else []):
            call = mapping(call)
            index = count(call.get("index"))
            place = (count(choice.get("index")) or 0, position if index is None else index)
            if place in self._calls or len(self._calls) < base.MAX_TOOL_CALLS:
                function = mapping(call.get("function"))
                self._calls.setdefault(place, _Call()).add(function.get("name"), function.get("arguments"))

    def _take_usage(self, value: object) -> None:
        usage = mapping(value)
        if not usage:
            return
        details = mapping(usage.get("prompt_tokens_details"))
        cached = (details.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens"))
        self.answered.usage = Usage(
            input=count(usage.get("prompt_tokens")),
            output=count(usage.get("completion_tokens")),
            cache_read=next((number for value in cached if (number := count(value)) is not None), None),
            cache_write=count(details.get("cache_write_tokens")),
            reasoning=count(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        )
        self.answered.usd = dollars(usage.get("cost"))

    def done(self) -> Answered:
        for _, call in sorted(self._calls.items()):
            arguments = "".join(call.arguments)
            self.answered.tool_calls.append(call.done(arguments))
            self.answered.texts.append(arguments)
        self.answered.texts += ["".join(pieces) for pieces in self._spoken.values()]
        return self.answered


class ChatStreamReader:
    """An answer as server-sent events."""

    def __init__(self) -> None:
        self._events = EventSplitter()
        self._collector = _Collector()
        self._size = 0

    def feed(self, data: bytes) -> None:
        for event in self._events.feed(data):
            self._take(event)
        self._size += len(data)
        # No more of an answer is recorded, so what is said later can give nothing away.
        self._collector.listening = self._size <= MAX_ANSWER

    def finish(self) -> Answered:
        for event in self._events.finish():
            self._take(event)
        answered = self._collector.done()
        if self._events.dropped and answered.error is None:
            answered.error = "a line of the stream was too long to be read"
        return answered

    def _take(self, event: bytes) -> None:
        try:
            self._collector.take(_document(event), "delta")
        except (ValueError, RecursionError):
            return  # `[DONE]`, or a provider's slip that is the client's to judge


class ChatJsonReader:
    """An answer as one JSON document, or an error body of any kind."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> None:
        self._cut = self._cut or len(self._body) + len(data) > MAX_ANSWER
        if not self._cut:
            self._body += data

    def finish(self) -> Answered:
        if self._cut:
            return Answered(error=f"the answer is over {MAX_ANSWER} bytes and was not read")
        collector = _Collector()
        try:
            collector.take(json.loads(self._body), "message")
        except (ValueError, RecursionError):
            return Answered(error=text(self._body.decode("utf-8", "replace"), base.MAX_ERROR))
        return collector.done()


def _document(event: bytes) -> object:
    """What `json.loads` gives, without its guesses at the encoding: they take half of its time on events this short."""
    line = event.decode("utf-8", "surrogatepass")
    document, end = _DECODER.raw_decode(line)
    if end != len(line):
        raise ValueError("more than one document")
    return document


def _path(arguments: str) -> str | None:
    try:
        values = mapping(json.loads(arguments))
    except (ValueError, RecursionError):
        return None
    return next((path for name in PATH_ARGUMENTS if (path := text(values.get(name), base.MAX_PATH))), None)


def _error_text(error: object) -> str | None:
    message = mapping(error).get("message")
    return text(message if isinstance(message, str) and message else json.dumps(error), base.MAX_ERROR)
