"""A small agent: sends a conversation over HTTP, does the tool calls that come back, until there are none."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp


def tool(name: str, properties: dict[str, str], required: list[str] | None = None) -> dict[str, Any]:
    """A tool with string parameters, name → description."""
    schema = {
        "type": "object",
        "properties": {key: {"type": "string", "description": text} for key, text in properties.items()},
        "required": list(properties) if required is None else required,
    }
    return {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}


PLAIN = [tool("write", {"path": "Relative to the workspace", "content": ""}), tool("bash", {"command": ""})]
OPENCODE = [
    tool("bash", {"command": "The command", "description": "What it does"}),
    tool("write", {"content": "", "filePath": "The absolute path to the file to write (must be absolute)"}),
]


@dataclass
class Agent:
    """`workspace` is where tools act; `messages` is the whole conversation."""

    session: aiohttp.ClientSession
    base_url: str
    workspace: Path
    tools: list[dict[str, Any]]
    streamed: bool = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    usage: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, text: str, most_turns: int = 500) -> str:
        """One user message and everything that follows; the model's last words."""
        self.messages.append({"role": "user", "content": text})
        for _ in range(most_turns):
            message = await self._ask()
            self.messages.append(message)
            for call in message.get("tool_calls", []):
                self.calls += 1
                result = self._do(call["function"]["name"], json.loads(call["function"]["arguments"]))
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            if not message.get("tool_calls"):
                return str(message["content"])
        raise AssertionError("the model never ends")

    async def _ask(self) -> dict[str, Any]:
        request = {"model": "m", "messages": self.messages, "tools": self.tools, "stream": self.streamed}
        if self.streamed:
            request["stream_options"] = {"include_usage": True}
        async with self.session.post(f"{self.base_url}/chat/completions", json=request) as response:
            body = await response.read()
            assert response.status == 200, body
        if not self.streamed:
            document = json.loads(body)
            self.usage.append(document["usage"])
            return dict(document["choices"][0]["message"])
        return self._join(body)

    def _join(self, body: bytes) -> dict[str, Any]:
        calls: dict[int, dict[str, Any]] = {}
        text = ""
        lines = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
        assert lines[-1] == "[DONE]"
        for document in map(json.loads, lines[:-1]):
            if document.get("usage"):
                self.usage.append(document["usage"])
            for choice in document["choices"]:
                text += choice["delta"].get("content") or ""
                for part in choice["delta"].get("tool_calls", []):
                    call = calls.setdefault(part["index"], {"id": part.get("id"), "type": "function", "function": {}})
                    function = call["function"]
                    function["name"] = function.get("name") or part["function"].get("name")
                    function["arguments"] = function.get("arguments", "") + part["function"].get("arguments", "")
        return {"role": "assistant", "content": text or None} | ({"tool_calls": list(calls.values())} if calls else {})

    def _do(self, name: str, arguments: dict[str, str]) -> str:
        if name == "bash":
            done = subprocess.run(
                ["bash", "-c", arguments["command"]], cwd=self.workspace, capture_output=True, text=True
            )
            return f"{done.returncode}\n{done.stdout}{done.stderr}"
        path = self.workspace / (arguments.get("filePath") or arguments["path"])
        assert path.is_relative_to(self.workspace)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as handle:
            handle.write(arguments["content"])
        return "written"


def tree(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file: its content, and whether it may be executed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), bool(path.stat().st_mode & 0o111))
        for path in folder.rglob("*")
        if path.is_file()
    }
