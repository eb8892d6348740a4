"""Where an application calls the model: a light flow of types from RubyLLM to the call, and other roads to a model."""

from dataclasses import dataclass
from typing import Literal

from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Call, Method, Program
from shipbench.audit.parse.tree import Node

Road = Literal["library", "client", "http"]

# RubyLLM's own, and what applications wrongly believe to be RubyLLM's: whether a call exists is for
# llm.api_real to say; that the author meant to reach the model there is what counts here.
ASKING = {"ask", "say", "complete"}
BELIEVED_ASKING = {
    "chat",
    "send_message",
    "generate",
    "chat_completion",
    "completion",
    "create_completion",
    "prompt",
    "completions",
}
MODEL_HOSTS = ("openrouter.ai", "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com")
HTTP_CLIENTS = {
    "Net::HTTP",
    "Faraday",
    "HTTParty",
    "HTTP",
    "HTTPX",
    "RestClient",
    "Excon",
    "Typhoeus",
    "Curl",
    "Async::HTTP",
}
OTHER_CLIENTS = ("OpenAI", "OpenRouter", "Openrouter", "Anthropic", "Langchain", "Raix", "LLM")

LIBRARY, CHAT, MESSAGE = "RubyLLM", "chat", "message"
_DEPTH = 12
_STEPS = 400  # of one question; code that needs more is not certain anyway


@dataclass(eq=False)
class ProviderCall:
    """A call that sends something to a model."""

    call: Call
    road: Road


class Provider:
    """The calls that reach a model in a program, and what can be said about the values that flow there."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._kinds: dict[int, str] = {}
        self._steps = 0
        self.mentions = {
            path
            for path, root in program.files.items()
            if any(name.split("::")[0] == LIBRARY for name, _ in ruby.constants(root))
        }
        self.persisted = {call.owner for call in program.named("acts_as_chat")}
        self.calls = [found for call in program.calls if (found := self._classify(call))]

    # What an expression is: "RubyLLM", "chat", "message", "class:X", "object:X", or None for unknown.

    def kind(self, node: Node | None, depth: int = 0) -> str | None:
        if node is None:
            return None
        if depth == 0:
            self._steps = 0
        self._steps += 1
        if depth > _DEPTH or self._steps > _STEPS:
            return None
        known = self._kinds.get(id(node)) or self._infer(node, depth)
        if known:
            self._kinds[id(node)] = known
        return known

    def _infer(self, node: Node, depth: int) -> str | None:
        if node.kind in ("constant", "scope_resolution"):
            return self._kind_of_constant(node, depth)
        if node.kind == "self":
            return f"object:{self.program.owner_of(node)}"
        if node.kind in ("instance_variable", "class_variable"):
            values = self.program.assigned(self.program.owner_of(node), node.text)
            return self._first_kind(values, node, depth)
        if node.kind == "identifier":
            return self._kind_of_name(node, depth)
        if node.kind == "call":
            return self._kind_of_call(node, depth)
        if node.kind in ("assignment", "operator_assignment"):
            return self.kind(node.get("right"), depth + 1)
        if node.kind in ("parenthesized_statements", "begin", "body_statement", "then", "else", "block_body"):
            inner = ruby.statements(node)
            return self.kind(inner[-1], depth + 1) if inner else None
        if node.kind in ("binary", "conditional", "if", "unless", "if_modifier", "unless_modifier"):
            branches = [node.get(name) for name in ("left", "right", "consequence", "alternative", "body")]
            return self._first_kind([branch for branch in branches if branch], node, depth)
        return None

    def _first_kind(self, values: list[Node], asked: Node | None, depth: int) -> str | None:
        for value in values:
            if value is not asked and (found := self.kind(value, depth + 1)):
                return found
        return None

    def _kind_of_constant(self, node: Node, depth: int) -> str | None:
        name = ruby.constant(node) or ""
        if name == LIBRARY:
            return LIBRARY
        owner = self.program.owner_of(node)
        resolved = self.program.resolve(name, owner)
        if resolved:
            return f"class:{resolved}"
        if name.startswith(f"{LIBRARY}::"):
            return f"class:{name}"
        value = self.program.constant_value(name, owner)
        return self.kind(value, depth + 1) if value and value is not node else None

    def _kind_of_name(self, node: Node, depth: int) -> str | None:
        method = self.program.method_at(node)
        scope = method.node if method else None
        values = []
        if scope:
            for found in scope.walk():
                left = found.get("left") if found.kind in ("assignment", "operator_assignment") else None
                if left and left.kind == "identifier" and left.text == node.text:
                    values.append(found.get("right"))
                elif found.kind in ("keyword_parameter", "optional_parameter"):
                    name = found.get("name")
                    if name and name.text == node.text:
                        values.append(found.get("value"))
        kind = self._first_kind([value for value in values if value and not node.inside(value)], node, depth)
        if kind:
            return kind
        blocked = _block_of_parameter(node)
        if blocked:  # chat.with_model(x) do |chat| … end
            given = self.kind(blocked, depth + 1)
            return CHAT if given == CHAT and ruby.call_name(blocked) not in ("each", "map") else None
        owner = self.program.owner_of(node)
        return self._kind_of_result(owner, node.text, depth) or self._first_kind(
            self.program.assigned(owner, f"@{node.text}"), node, depth
        )

    def _kind_of_call(self, node: Node, depth: int) -> str | None:
        name, source = ruby.call_name(node), ruby.receiver(node)
        if source is None:
            return self._kind_of_result(self.program.owner_of(node), name, depth)
        kind = self.kind(source, depth + 1)
        if kind == LIBRARY:
            return {"chat": CHAT, "context": LIBRARY, "agent": CHAT}.get(name)
        if kind == CHAT:
            return (
                MESSAGE
                if name in ASKING | BELIEVED_ASKING
                else CHAT
                if name.startswith(("with_", "on_", "reset_", "tap"))
                else None
            )
        if kind and kind.startswith("class:"):
            cls = kind.removeprefix("class:")
            if name in (
                "new",
                "create",
                "create!",
                "find",
                "find_by",
                "find_or_create_by",
                "find_or_create_by!",
                "first",
                "last",
            ) and self.is_chat_class(cls):
                return CHAT
            if name == "new":
                return f"object:{cls}"
            return self._kind_of_result(cls, name, depth)
        if kind and kind.startswith("object:"):
            return self._kind_of_result(kind.removeprefix("object:"), name, depth)
        if name in ("call", "new", "fetch", "then", "tap", "dup", "presence"):
            return kind
        return None

    def is_chat_class(self, name: str) -> bool:
        lineage = self.program.lineage(name)
        return any(other.startswith(f"{LIBRARY}::") or other in self.persisted for other in lineage)

    def _kind_of_result(self, owner: str, name: str, depth: int) -> str | None:
        for method in self.program.methods_of(owner, name):
            inner = ruby.statements(method.body)
            kind = self.kind(inner[-1], depth + 2) if inner else None
            if kind:
                return kind
        readers = [call for call in self.program.named("attr_reader", "attr_accessor") if call.owner == owner]
        if any(ruby.literal(argument) == name for call in readers for argument in ruby.arguments(call.node)):
            return self._first_kind(self.program.assigned(owner, f"@{name}"), None, depth)
        return None

    # Which calls reach a model

    def _classify(self, call: Call) -> ProviderCall | None:
        if call.node.kind != "call":
            return None
        source = ruby.receiver(call.node)
        kind = self.kind(source)
        if kind == LIBRARY:
            batch = call.name in BELIEVED_ASKING | ASKING and "messages" in ruby.options(call.node)
            return ProviderCall(call, "library") if batch or call.name in ("ask", "complete") else None
        if kind == CHAT or (kind or "").startswith(("object:RubyLLM::", "class:RubyLLM::")):
            return ProviderCall(call, "library") if call.name in ASKING | BELIEVED_ASKING else None
        if kind is None and source is not None and self._looks_like_asking(call, source):
            return ProviderCall(call, "library")
        return self._other_road(call)

    def _looks_like_asking(self, call: Call, source: Node) -> bool:
        """An injected chat: its type is not known, but the file, or the application, is about RubyLLM."""
        own = list(self.program.methods_by_name.get(call.name, []))
        if call.name not in ("ask", "complete") or not self.mentions | self.persisted:
            return False
        if call.path in self.mentions:
            return call.name == "ask" or any(
                word in source.text.lower() for word in ("chat", "llm", "conversation", "agent")
            )
        return call.name == "ask" and not own

    def _other_road(self, call: Call) -> ProviderCall | None:
        source = ruby.receiver(call.node)
        root = self.program.files[call.path]
        if call.name in ("request", "post") and source is not None and names_model_host(root) and uses_http(root):
            return ProviderCall(call, "http")
        if call.name in ("chat", "complete", "completions", "create", "messages") and ruby.arguments(call.node) + list(
            ruby.options(call.node).values()
        ):
            name = next((name for name, _ in ruby.constants(root) if name.split("::")[0] in OTHER_CLIENTS), None)
            if name and self._comes_from(source, name.split("::")[0]) and not self.program.resolve(name):
                return ProviderCall(call, "client")
        return None

    def _comes_from(self, source: Node | None, library: str) -> bool:
        """Whether the receiver is `library` itself or a variable or method of this file that is made from it."""
        if source is None:
            return False
        if any(name.split("::")[0] == library for name, _ in ruby.constants(source)):
            return True
        word = source.text.split(".")[0].lstrip("@")
        root = [source, *source.ancestors()][-1]
        for node in root.walk():
            named = (
                node.get("left")
                if node.kind in ("assignment", "operator_assignment")
                else node.get("name")
                if node.kind == "method"
                else None
            )
            if (
                named
                and named.text.lstrip("@") == word
                and any(name.split("::")[0] == library for name, _ in ruby.constants(node))
            ):
                return True
        return False

    @property
    def methods(self) -> list[Method]:
        """The methods with a call to the model in them."""
        return list(dict.fromkeys(found.call.method for found in self.calls if found.call.method))


def names_model_host(root: Node) -> Node | None:
    """The first string in a file that names a model provider's host."""
    return next((node for text, node in ruby.strings(root) if any(host in text for host in MODEL_HOSTS)), None)


def uses_http(root: Node) -> bool:
    """Whether a file calls an HTTP client, or mixes one in. To rescue its errors is no call."""
    for call in ruby.calls(root):
        name = ruby.constant(ruby.receiver(call)) or ""
        if name in HTTP_CLIENTS or name.startswith("Net::HTTP") or (name == "URI" and ruby.call_name(call) == "open"):
            return True
        if ruby.call_name(call) == "include" and any(
            ruby.constant(given) == "HTTParty" for given in ruby.arguments(call)
        ):
            return True
    return False


def _block_of_parameter(node: Node) -> Node | None:
    """The call whose block has `node`'s name as its parameter."""
    for ancestor in node.ancestors():
        if ancestor.kind in ("do_block", "block"):
            parameters = ancestor.get("parameters")
            if parameters and any(child.text == node.text for child in parameters.children):
                return ancestor.parent
        if ancestor.kind in ("method", "singleton_method"):
            return None
    return None
