"""Whether anything that a request, a job, a channel or a task starts may come to the call to the model."""

from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Call, Method, Program
from shipbench.audit.parse.tree import Node
from shipbench.audit.provider import Provider

# What Rails, Rack or a scheduler enters by itself, and what runs when the code is loaded.
ENTRIES = (
    "app/controllers/", "app/jobs/", "app/channels/", "app/workers/", "app/sidekiq/", "app/helpers/", "app/components/",
    "app/middleware/", "lib/middleware/", "app/mailers/", "app/mailboxes/", "app/views/", "config/",
)  # fmt: skip
# Called by Ruby or Rails under no name of their own, so that whoever defines them may be entered.
IMPLICIT = {"method_missing", "respond_to_missing?", "to_s", "to_json", "as_json", "to_h", "to_partial_path", "perform"}
NAMES = ("simple_symbol", "hash_key_symbol", "bare_symbol", "string")


class Reach:
    """The application's methods that may run. By names where the class of the receiver is not known, so it holds too
    many rather than too few. `outside` are parsed files beside the program: templates and tasks."""

    def __init__(self, program: Program, provider: Provider, outside: list[Node]) -> None:
        self.program = program
        self.provider = provider
        self._calls: dict[int, list[Call]] = {}
        for call in program.calls:
            if call.method is not None:
                self._calls.setdefault(id(call.method), []).append(call)
        self.entered = self._closure(outside)

    def provider_is_reached(self) -> bool:
        return any(call.call.method is None or call.call.method in self.entered for call in self.provider.calls)

    def _closure(self, outside: list[Node]) -> set[Method]:
        pending = [method for method in self.program.methods if self._is_entry(method)]
        for call in self.program.calls:
            if call.method is None:
                pending += self._targets(call)
        names = {name for root in outside for node in root.walk() for name in _names(node)}
        for root in self.program.files.values():
            names |= {name for node in root.walk() if ruby.method_of(node) is None for name in _symbols(node)}
        pending += self._named(names)
        seen: set[Method] = set()
        while pending:
            method = pending.pop()
            if method in seen:
                continue
            seen.add(method)
            for call in self._calls.get(id(method), []):
                pending += self._targets(call)
            pending += self._named({name for node in method.node.walk() for name in _implied(node, method)})
        return seen

    def _is_entry(self, method: Method) -> bool:
        return (
            method.path.startswith(ENTRIES)
            or method.name in IMPLICIT
            or not (method.name[0].isalpha() or method.name[0] == "_")
            or self.program.is_controller(method.owner)
        )

    def _named(self, names: set[str]) -> list[Method]:
        found = []
        for name in names:
            found += self.program.methods_by_name.get("initialize" if name == "new" else name, [])
        return found

    def _targets(self, call: Call) -> list[Method]:
        """The methods that a call may enter."""
        name = "initialize" if call.name == "new" else call.name
        source = ruby.receiver(call.node) if call.node.kind == "call" else None
        kind = self.provider.kind(source) if source is not None else None
        owner = (kind or "").partition(":")[2]
        if owner and owner in self.program.classes:
            own = [
                method
                for method in self.program.methods_by_name.get(name, [])
                if self.program.related(method.owner, owner)
            ]
            if own:
                return own
        return self.program.methods_by_name.get(name, [])


def _names(node: Node) -> set[str]:
    """Every name in a file that is not part of the program: any of them may be a call."""
    return {node.text} if node.kind == "identifier" else _symbols(node)


def _symbols(node: Node) -> set[str]:
    """`before_action :answer`, `send("answer")`, `&:answer`."""
    name = ruby.literal(node) if node.kind in NAMES else None
    return {name} if name else set()


def _implied(node: Node, method: Method) -> set[str]:
    """Names that a method body calls in another way than by a call: as a symbol, by `super`, by an assignment."""
    if node.kind == "super":
        return {method.name}
    if node.kind in ("assignment", "operator_assignment"):
        left = node.get("left")
        return {f"{ruby.call_name(left)}="} if left is not None and left.kind == "call" else set()
    return _symbols(node)
