"""A whole coding agent in one file: a system prompt, four tools, and a loop around a chat endpoint.

    PLAIN_BASE_URL=http://127.0.0.1:4000/v1 PLAIN_TOKEN=… python -I plain_agent.py --model M --workspace DIR < prompt

It imports only the standard library, because it runs where nothing else is. It prints one JSON event a line:

    {"type": "session", "session": ID}             first; continue it later with --session ID
    {"type": "step", "step": N}                    before each request to the model
    {"type": "tool", "tool", "digest", "summary"}  before each tool call; `digest` tells repeated calls
    {"type": "text", "text"}                       what the model said
    {"type": "usage", "usage", "cost_usd"}         after each answer, where the server counts
    {"type": "error", "tool", "text"}              a tool call that failed, or (without a tool) the end's reason

The conversation is kept in $HOME/.plain/ID.json after every step.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Exit codes, besides 0: the model ended by itself.
EXIT_FAILED = 1
EXIT_STEPS = 3
EXIT_LIMIT = 4  # the server answered 402: a spend limit

ATTEMPTS = 6  # for one request; the waits between them are 1, 2, 4, 8 and 16 s unless the server names its own
LONGEST_WAIT = 60.0
SILENCE = 900.0  # seconds without a byte from the server
BASH_SECONDS = 120
BASH_SECONDS_MOST = 1200
OUTPUT_HALF = 15_000  # bytes kept of a long output's start, and of its end
READ_LINES = 2000
READ_BYTES = 100_000
EDIT_BYTES = 10_000_000

# What some servers send beside an answer's text and require back untouched on the next turn.
ECHOED = ("reasoning", "reasoning_content", "reasoning_details")

SYSTEM = """\
You are an experienced software engineer. You work alone, with tools, in the folder {workspace} on a Linux machine.

- The tools are write, edit, read and bash. Paths are absolute or relative to {workspace}, and stay inside it.
- Every bash command starts in {workspace} in a fresh shell. Start servers in the background, output to a file.
- Nobody can answer questions. Where something is open, decide, and go on.
- Look at what is there before you change it. Run what you wrote, and mend what fails.
- When the work is finished, say in a few sentences what you did, and call no tool: that ends your turn.
"""


def tool(name: str, description: str, required: list[str], **properties: tuple[str, str]) -> dict[str, Any]:
    fields = {key: {"type": kind, "description": text} for key, (kind, text) in properties.items()}
    parameters = {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    tool(
        "write",
        "Write a file, replacing what is there. Missing folders are made.",
        ["path", "content"],
        path=("string", "the file"),
        content=("string", "its whole content"),
    ),
    tool(
        "edit",
        "Replace text in a file. `old` must occur exactly once.",
        ["path", "old", "new"],
        path=("string", "the file"),
        old=("string", "the text to replace, with its white space"),
        new=("string", "the text in its place"),
    ),
    tool(
        "read",
        f"Read a file, at most {READ_LINES} lines, or list a folder.",
        ["path"],
        path=("string", "the file or folder"),
        offset=("integer", "the first line to read, from 1"),
    ),
    tool(
        "bash",
        "Run a command with bash. Answers with its output and exit code.",
        ["command"],
        command=("string", "the command"),
        timeout=("integer", f"seconds, by default {BASH_SECONDS}, at most {BASH_SECONDS_MOST}"),
    ),
]


class ToolError(Exception):
    """Goes back to the model as the tool's answer."""


class StopError(Exception):
    """Ends the agent."""

    def __init__(self, text: str, code: int = EXIT_FAILED) -> None:
        super().__init__(text)
        self.code = code


class PassingError(Exception):
    """A failure that may be gone at the next try. `wait` is in seconds, where the server named it."""

    def __init__(self, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.wait = wait


def emit(kind: str, **fields: Any) -> None:
    print(json.dumps({"type": kind, **fields}), flush=True)


# --- tools ---------------------------------------------------------------------------------------------------------


class Workspace:
    """The four tools, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.tools: dict[str, Callable[[dict[str, Any]], str]] = {
            "write": self.write,
            "edit": self.edit,
            "read": self.read,
            "bash": self.bash,
        }

    def run(self, name: str, arguments: dict[str, Any]) -> str:
        if name not in self.tools:
            raise ToolError(f"there is no tool {name!r}; there is: {', '.join(self.tools)}")
        try:
            return self.tools[name](arguments)
        except (OSError, ValueError) as error:
            raise ToolError(str(error)) from None

    def path(self, arguments: dict[str, Any]) -> Path:
        """The file that is meant, with symlinks followed; ToolError where that leads out of the workspace."""
        path = Path(os.path.realpath(self.folder / text(arguments, "path")))
        if path != self.folder and self.folder not in path.parents:
            raise ToolError(f"{arguments['path']} is outside the workspace {self.folder}")
        return path

    def write(self, arguments: dict[str, Any]) -> str:
        path, content = self.path(arguments), text(arguments, "content").encode("utf-8", "surrogatepass")
        path.parent.mkdir(parents=True, exist_ok=True)
        store(path, content)
        return f"wrote {len(content)} bytes to {path}"

    def edit(self, arguments: dict[str, Any]) -> str:
        path, old, new = self.path(arguments), text(arguments, "old"), text(arguments, "new")
        content = load(path, EDIT_BYTES).decode("utf-8", "surrogateescape")
        found = content.count(old) if old else 0
        if found != 1:
            raise ToolError(f"`old` occurs {found} times in {path}; it must occur exactly once")
        store(path, content.replace(old, new).encode("utf-8", "surrogateescape"))
        return f"edited {path}"

    def read(self, arguments: dict[str, Any]) -> str:
        path, first = self.path(arguments), max(1, number(arguments, "offset", 1))
        if path.is_dir():
            names = sorted(entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in os.scandir(path))
            return clip("\n".join(names).encode("utf-8", "replace")) or "(an empty folder)"
        lines = load(path, EDIT_BYTES).decode("utf-8", "replace").splitlines()
        shown: list[str] = []
        size = 0
        for line in lines[first - 1 : first - 1 + READ_LINES]:
            size += len(line) + 1
            if size > READ_BYTES and shown:
                break
            shown.append(line[:READ_BYTES])
        last = first - 1 + len(shown)
        if last < len(lines):
            shown.append(f"(lines {first} to {last} of {len(lines)}; read on with offset {last + 1})")
        return "\n".join(shown) or "(empty)"

    def bash(self, arguments: dict[str, Any]) -> str:
        command = text(arguments, "command")
        seconds = min(max(1, number(arguments, "timeout", BASH_SECONDS)), BASH_SECONDS_MOST)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PLAIN_")}
        process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output = Output(process)
        try:
            ending = f"(exit code {process.wait(seconds)})"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ending = f"(stopped after {seconds} seconds)"
        return f"{output.text()}\n{ending}"


class Output:
    """Drains a process's output to its end; keeps only the first and the last bytes of it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self.pipe = process.stdout
        self.start, self.end, self.size = b"", b"", 0
        self.thread = threading.Thread(target=self.drain, daemon=True)
        self.thread.start()

    def drain(self) -> None:
        while chunk := os.read(self.pipe.fileno(), 65536):
            self.size += len(chunk)
            room = OUTPUT_HALF - len(self.start)
            self.start += chunk[:room]
            self.end = (self.end + chunk[room:])[-OUTPUT_HALF:]

    def text(self) -> str:
        # A process left in the background keeps the pipe open: what it says later is drained, and not waited for.
        self.thread.join(1.0)
        missing = self.size - len(self.start) - len(self.end)
        gap = f"\n({missing} bytes left out)\n".encode() if missing > 0 else b""
        return (self.start + gap + self.end).decode("utf-8", "replace")


def text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise ToolError(f"the argument {name!r} is missing, or not a string")
    return value


def number(arguments: dict[str, Any], name: str, default: int) -> int:
    value = arguments.get(name)
    return int(value) if isinstance(value, int | float) and abs(value) < 10**9 else default


def load(path: Path, limit: int) -> bytes:
    """A regular file's bytes. O_NONBLOCK: opening a FIFO would wait for its writer."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ToolError(f"{path} is not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ToolError(f"{path} is larger than {limit} bytes; use bash to look at a part of it")
    return content


def store(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o666), "wb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ToolError(f"{path} is not a regular file")
        file.truncate()
        file.write(content)


def clip(content: bytes) -> str:
    kept = content if len(content) <= 2 * OUTPUT_HALF else content[: 2 * OUTPUT_HALF] + b"\n(cut off)"
    return kept.decode("utf-8", "replace")


# --- the model -----------------------------------------------------------------------------------------------------


def events(response: http.client.HTTPResponse) -> Iterator[str]:
    """The data of each server-sent event."""
    data: list[str] = []
    for raw in response:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


class Answer:
    """An assistant message, put together from a stream's chunks."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {"role": "assistant", "content": ""}
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish: str | None = None
        self.usage: dict[str, Any] | None = None

    def add(self, chunk: dict[str, Any]) -> None:
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            self.message["content"] += delta.get("content") or ""
            for name in ECHOED:
                if value := delta.get(name):
                    self.message[name] = self.message[name] + value if name in self.message else value
            for call in delta.get("tool_calls") or []:
                self.add_call(call)
            self.finish = choice.get("finish_reason") or self.finish

    def add_call(self, part: dict[str, Any]) -> None:
        # A server that leaves the index out sends calls whole, or one after the other with an id at each start.
        last = max(self.calls, default=-1)
        index = part.get("index")
        if index is None:
            index = last + 1 if part.get("id") or last < 0 else last
        call = self.calls.setdefault(index, {"type": "function", "function": {"name": "", "arguments": ""}})
        call |= {name: value for name, value in part.items() if name not in ("index", "function") and value}
        function = part.get("function") or {}
        call["function"]["name"] = call["function"]["name"] or function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    def finished(self) -> dict[str, Any]:
        """The message as the next request carries it."""
        calls = [self.calls[index] for index in sorted(self.calls)]
        for place, call in enumerate(calls):
            call.setdefault("id", f"call_{place}")
        if calls:
            self.message["tool_calls"] = calls
        return self.message


class Model:
    """A chat endpoint of the OpenAI kind."""

    def __init__(self, base_url: str, token: str, options: dict[str, Any]) -> None:
        self.url, self.token, self.options = urlsplit(base_url), token, options

    def ask(self, messages: list[dict[str, Any]]) -> Answer:
        """One answer, with retries of what may pass. StopError where there is none."""
        fixed = {"tools": TOOLS, "stream": True, "stream_options": {"include_usage": True}}
        body = json.dumps({**self.options, "messages": messages, **fixed}).encode()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.request(body)
            except PassingError as failure:
                reason, wait = str(failure), failure.wait
            except (OSError, http.client.HTTPException) as failure:
                reason, wait = f"connection to the model failed: {failure!r}", None
            if attempt < ATTEMPTS:
                time.sleep(2.0 ** (attempt - 1) if wait is None else min(wait, LONGEST_WAIT))
        raise StopError(f"{reason} ({ATTEMPTS} tries)")

    def request(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=SILENCE)
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        headers["Authorization"] = f"Bearer {self.token}"
        with contextlib.closing(connection):
            connection.request("POST", f"{self.url.path.rstrip('/')}/chat/completions", body, headers)
            response = connection.getresponse()
            if response.status != 200:
                refuse(response.status, response.read(2000), response.headers.get("Retry-After", ""))
            return assemble(events(response))


def assemble(stream: Iterator[str]) -> Answer:
    """The answer that a stream carries; PassingError where it broke off."""
    answer = Answer()
    for data in stream:
        if data.strip() == "[DONE]":
            break
        try:
            chunk = json.loads(data)
            if chunk.get("error"):
                code = chunk["error"].get("code")
                refuse(code if isinstance(code, int) else 500, data.encode(), "")
            answer.add(chunk)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            raise PassingError(f"the model's stream holds no valid chunk: {data[:200]}") from None
    if answer.finish is None:
        raise PassingError("the model's stream broke off")
    return answer


def refuse(status: int, body: bytes, retry_after: str) -> None:
    reason = f"the model's server answered {status}: {body.decode('utf-8', 'replace')[:1000]}"
    if status == 402:
        raise StopError(reason, EXIT_LIMIT)
    if status in (408, 409, 425, 429) or status >= 500:
        raise PassingError(reason, float(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after) else None)
    raise StopError(reason)


# --- the loop ------------------------------------------------------------------------------------------------------


class Session:
    """The conversation, kept in a file below HOME."""

    def __init__(self, name: str | None, workspace: Path) -> None:
        self.name = name or f"plain-{os.urandom(8).hex()}"
        self.file = Path.home() / ".plain" / f"{self.name}.json"
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM.format(workspace=workspace)}]
        if name:
            try:
                self.messages = json.loads(self.file.read_bytes())
            except (OSError, ValueError) as error:
                raise StopError(f"cannot continue session {name}: {error}") from None

    def add(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def save(self) -> None:
        self.file.parent.mkdir(exist_ok=True)
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.messages))
        temporary.replace(self.file)


def work(session: Session, model: Model, workspace: Workspace, steps: int) -> None:
    """Ask, do what the model calls for, and ask again, until it calls for nothing."""
    for step in range(1, steps + 1):
        emit("step", step=step)
        answer = model.ask(session.messages)
        message = answer.finished()
        report(answer, message)
        session.add(message)
        for call in message.get("tool_calls", []):
            session.add({"role": "tool", "tool_call_id": call["id"], "content": do(call, workspace)})
        if "tool_calls" not in message and answer.finish == "length":
            session.add({"role": "user", "content": "Your answer was cut off at its longest. Go on."})
        session.save()
        if session.messages[-1] is message:
            return
    raise StopError(f"stopped after {steps} steps", EXIT_STEPS)


def do(call: dict[str, Any], workspace: Workspace) -> str:
    """A tool call's answer for the model."""
    function = call["function"]
    name, given = function["name"], function["arguments"] or "{}"
    try:
        arguments = json.loads(given)
    except (ValueError, RecursionError):
        arguments = None
    valid = isinstance(arguments, dict)
    told = json.dumps([name, arguments if valid else given], sort_keys=True)
    summary = (arguments.get("path") or arguments.get("command") or "") if valid else ""
    emit("tool", tool=name, digest=hashlib.sha256(told.encode()).hexdigest(), summary=str(summary)[:300])
    try:
        if not valid:
            function["arguments"] = "{}"  # a server may refuse a conversation that holds what it cannot parse
            raise ToolError("the arguments were not a JSON object")
        return workspace.run(name, arguments)
    except ToolError as error:
        emit("error", tool=name, text=str(error)[:500])
        return f"error: {error}"


def report(answer: Answer, message: dict[str, Any]) -> None:
    if answer.usage:
        prompt = answer.usage.get("prompt_tokens_details") or {}
        completion = answer.usage.get("completion_tokens_details") or {}
        usage = {
            "input": answer.usage.get("prompt_tokens"),
            "output": answer.usage.get("completion_tokens"),
            "cache_read": prompt.get("cached_tokens"),
            "cache_write": prompt.get("cache_write_tokens"),
            "reasoning": completion.get("reasoning_tokens"),
        }
        emit("usage", usage=usage, cost_usd=answer.usage.get("cost"))
    if message["content"]:
        emit("text", text=message["content"][:2000])


def main() -> int:
    parser = argparse.ArgumentParser(description="A coding agent. The prompt comes from standard input.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--max-steps", default=500, type=int)
    parser.add_argument("--output-tokens", default=32_000, type=int, help="the most that one answer may have")
    parser.add_argument("--reasoning-effort", help="passed on as reasoning_effort")
    parser.add_argument("--session", help="continue this one")
    options = parser.parse_args()
    asked = {"model": options.model, "max_tokens": options.output_tokens}
    if options.reasoning_effort:
        asked["reasoning_effort"] = options.reasoning_effort
    model = Model(os.environ["PLAIN_BASE_URL"], os.environ["PLAIN_TOKEN"], asked)
    workspace = Workspace(options.workspace)
    try:
        session = Session(options.session, workspace.folder)
        emit("session", session=session.name)
        session.add({"role": "user", "content": sys.stdin.buffer.read().decode("utf-8", "replace")})
        session.save()
        work(session, model, workspace, options.max_steps)
    except StopError as reason:
        emit("error", tool=None, text=str(reason)[:2000])
        return reason.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
