"""What happens when the provider call raises: the rescue clauses around it, in its method and in its callers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Call, Method, Program
from shipbench.audit.parse.tree import Node
from shipbench.audit.provider import Provider, ProviderCall

State = Literal["rescued", "open", "unsure"]

# Errors that no failing provider raises: a rescue of these alone guards against something else.
OTHER_MATTERS = {
    "JSON::ParserError", "KeyError", "ArgumentError", "TypeError", "NoMethodError", "NameError", "IndexError",
    "ZeroDivisionError", "ActionController::ParameterMissing", "ActionController::BadRequest", "URI::InvalidURIError",
    "ActionController::InvalidAuthenticityToken", "ActiveSupport::MessageVerifier::InvalidSignature",
    "ActionView::MissingTemplate", "ActiveRecord::RecordNotFound", "ActiveRecord::RecordInvalid",
}  # fmt: skip
# Methods that so many classes have that a receiver of unknown class says nothing.
COMMON = {
    "new",
    "each",
    "map",
    "get",
    "save",
    "update",
    "delete",
    "create",
    "first",
    "last",
    "find",
    "to_h",
    "to_s",
    "to_a",
    "<<",
    "[]",
}


@dataclass(eq=False)
class Handler:
    """A rescue clause, or a rescue_from. `errors` are the constants it names; empty is a bare rescue."""

    path: str
    node: Node
    errors: list[str]
    body: Node | None
    method: str | None = None  # of a rescue_from … with: :method
    owner: str = ""

    @property
    def relevant(self) -> bool:
        return not self.errors or any(error not in OTHER_MATTERS for error in self.errors)


@dataclass
class Guard:
    """How a provider call is protected, from the inside out."""

    call: ProviderCall
    state: State = "open"
    handlers: list[Handler] = field(default_factory=list)
    reason: str = ""


class Rescues:
    def __init__(self, program: Program, provider: Provider) -> None:
        self.program = program
        self.provider = provider
        self.guards = [self._guard(call) for call in provider.calls]

    def _guard(self, call: ProviderCall) -> Guard:
        guard = Guard(call)
        guard.state = self._protect(call.call.node, call.call.path, guard, set())
        return guard

    def _protect(self, node: Node, path: str, guard: Guard, seen: set[int]) -> State:
        for handler in self.lexical(node, path):
            if handler.relevant:
                guard.handlers.append(handler)
                if not any(self.raises(handler)):
                    return "rescued"
        method = self.program.method_at(node)
        if method is None:
            return "open" if path.startswith("app/controllers") else "unsure"
        return self._protect_callers(method, guard, seen)

    def _protect_callers(self, method: Method, guard: Guard, seen: set[int]) -> State:
        if id(method) in seen or len(seen) > 60:
            return "rescued"  # a cycle adds no way in
        seen.add(id(method))
        sure, maybe = self.callers(method)
        if self.program.is_controller(method.owner) and not sure:
            return self._controller(method.owner, guard)
        states = [self._protect(call.node, call.path, guard, seen) for call in sure]
        if not states:
            states = [self._protect(call.node, call.path, guard, seen) for call in maybe]
            if "open" in states and not all(state == "open" for state in states):
                states = ["unsure"]
        if not states:
            return self._uncalled(guard)
        return "open" if "open" in states else "unsure" if "unsure" in states else "rescued"

    def _controller(self, owner: str, guard: Guard) -> State:
        handlers = self.rescue_from(owner)
        guard.handlers += handlers
        if handlers:
            return "rescued"
        lineage = self.program.lineage(owner)
        if any(call.owner in lineage for call in self.program.named("around_action")):
            guard.reason = "an around_action may rescue"
            return "unsure"
        return "open"

    def _uncalled(self, guard: Guard) -> State:
        """No caller was found: what it raises may still be rescued by name somewhere."""
        raised = {
            name.split("::")[-1]
            for handler in guard.handlers
            for call in self.raises(handler)
            for name, _ in ruby.constants(call)
        }
        for handler in self._all_handlers():
            if any(error.split("::")[-1] in raised for error in handler.errors):
                guard.handlers.append(handler)
                return "rescued"
        guard.reason = "nothing was found that calls it"
        return "unsure"

    def bodies(self, handler: Handler, depth: int = 3) -> list[tuple[str, Node]]:
        """The code that runs when `handler` catches: its body, and the application's methods that it calls."""
        found: list[tuple[str, Node]] = []
        if handler.body is not None:
            found.append((handler.path, handler.body))
        owner = handler.owner or (self.program.owner_of(handler.node) if handler.body is not None else "")
        names = [handler.method] if handler.method else []
        seen: set[int] = set()
        for _ in range(depth):
            names += [
                name for _, body in found if id(body) not in seen for node in body.walk() if (name := _called(node))
            ]
            seen |= {id(body) for _, body in found}
            for name in dict.fromkeys(names):
                for method in self.program.methods_of(owner, name):
                    if not any(body is method.node for _, body in found):
                        found.append((method.path, method.node))
            names = []
        return found

    def raises(self, handler: Handler) -> Iterator[Node]:
        """The `raise` calls that `handler` may come to."""
        for _, body in self.bodies(handler):
            for node in body.walk():
                if (
                    node.kind == "call" and ruby.receiver(node) is None and ruby.call_name(node) in ("raise", "fail")
                ) or (node.kind == "identifier" and node.text == "raise" and node.field != "method"):
                    yield node

    def _all_handlers(self) -> list[Handler]:
        found = []
        for path, root in self.program.files.items():
            found += [self._clause(node, path) for node in root.walk() if node.kind == "rescue"]
        for owner in list(self.program.classes):
            found += self.rescue_from(owner)
        return found

    def callers(self, method: Method) -> tuple[list[Call], list[Call]]:
        """Calls that certainly, and calls that possibly, enter `method`."""
        name = "new" if method.name == "initialize" and not method.singleton else method.name
        sure, maybe = [], []
        for call in self.program.calls_by_name.get(name, []):
            if call.method is method or call.path.startswith("config/"):
                continue
            source = ruby.receiver(call.node) if call.node.kind == "call" else None
            if source is None:
                if (
                    name != "new"
                    and call.owner
                    and self.program.related(call.owner, method.owner)
                    and not self._local(call)
                ):
                    sure.append(call)
                continue
            kind = self.provider.kind(source)
            if kind is None:
                if name not in COMMON:
                    maybe.append(call)
            elif kind.partition(":")[2] and self.program.related(kind.partition(":")[2], method.owner):
                sure.append(call)
        return sure, maybe

    def _local(self, call: Call) -> bool:
        """Whether a bare name is a local variable of its method."""
        if call.node.kind == "call" or call.method is None:
            return False
        for node in call.method.node.walk():
            named = node.get("left") if node.kind in ("assignment", "operator_assignment") else None
            if named and named.kind == "identifier" and named.text == call.name:
                return True
            if node.kind in ("method_parameters", "block_parameters", "lambda_parameters"):
                names = [child.get("name") or child for child in node.children]
                if any(child.text == call.name for child in names):
                    return True
        return False

    def lexical(self, node: Node, path: str) -> list[Handler]:
        """The rescue clauses around `node` in its method, innermost first. A thread's block keeps outer ones out."""
        found: list[Handler] = []
        child = node
        for parent in node.ancestors():
            if parent.kind == "rescue_modifier" and child.field == "body":
                found.append(Handler(path, parent, [], parent.get("handler")))
            if child.kind not in ("rescue", "ensure", "else"):
                found += [self._clause(clause, path) for clause in parent.children if clause.kind == "rescue"]
            if parent.kind in ("method", "singleton_method", "class", "module"):
                break
            if parent.kind in ("do_block", "block") and parent.parent and _starts_thread(parent.parent):
                break
            child = parent
        return found

    def _clause(self, node: Node, path: str) -> Handler:
        named = node.get("exceptions")
        owner = self.program.owner_of(node)
        errors = self._errors(named, owner) if named else []
        return Handler(path, node, errors, node.get("body") or node, owner=owner)

    def _errors(self, named: Node, owner: str) -> list[str]:
        found = []
        for name, _ in ruby.constants(named):
            value = self.program.constant_value(name, owner)  # rescue *ERRORS
            inner = [inside for inside, _ in ruby.constants(value)] if value else []
            found += inner or [self.program.resolve(name, owner) or name]
        return found

    def rescue_from(self, owner: str) -> list[Handler]:
        """What a controller, its ancestors and its concerns rescue from."""
        lineage = self.program.lineage(owner)
        found = []
        for call in self.program.named("rescue_from"):
            if call.owner not in lineage:
                continue
            errors = [
                literal
                for argument in ruby.arguments(call.node)
                for literal in self._errors(argument, call.owner) or [ruby.literal(argument) or ""]
            ]
            handler = Handler(
                call.path,
                call.node,
                errors,
                ruby.block(call.node),
                ruby.literal(ruby.options(call.node).get("with")),
                owner,
            )
            if handler.relevant:
                found.append(handler)
        return found


def _called(node: Node) -> str | None:
    """The name of a call on self."""
    if node.kind == "call" and ruby.receiver(node) is None:
        return ruby.call_name(node)
    return node.text if node.kind == "identifier" and node.field not in ("method", "name", "left") else None


def _starts_thread(call: Node) -> bool:
    source = ruby.receiver(call) if call.kind == "call" else None
    return ruby.constant(source) in ("Thread", "Concurrent::Future", "Concurrent::Promises", "Fiber", "Ractor")
