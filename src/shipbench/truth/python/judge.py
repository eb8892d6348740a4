"""Verdicts: what the index says of a name that the application uses, with the evidence."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.model import Kind, Verdict
from shipbench.truth.python.arguments import callee, given, misfits, near
from shipbench.truth.python.guards import guard
from shipbench.truth.python.libraries import Library
from shipbench.truth.python.lookup import Api
from shipbench.truth.python.symbols import Symbol
from shipbench.truth.python.syntax import Source, line, text


class Raw(NamedTuple):
    """A use before it is reported; `column` keeps two uses on a line apart."""

    path: str
    line: int
    column: int
    symbol: str
    kind: Kind
    verdict: Verdict
    reason: str = ""
    at: str = ""


@dataclass
class Judge:
    """Collects verdicts. `suspended` says why nothing may be called invented; `unsure` are packages in the index whose
    version the application does not lock; `tested` and `written` are names that the application tests for, or sets;
    `contradicted` are classes that annotations in the application name wrongly."""

    api: Api
    about: Library
    label: str
    suspended: str = ""
    unsure: frozenset[str] = frozenset()
    tested: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    contradicted: frozenset[str] = frozenset()
    uses: dict[tuple[str, int, int, str, Kind], Raw] = field(default_factory=dict)

    def say(
        self, source: Source, node: Node, symbol: str, kind: Kind, verdict: Verdict, why: str, at: str = ""
    ) -> None:
        place = node.start_point
        raw = Raw(source.path, line(node), place.column, symbol, kind, verdict, why, at)
        self.uses.setdefault((source.path, raw.line, raw.column, symbol, kind), raw)

    def real(self, source: Source, node: Node, symbol: Symbol, kind: Kind) -> None:
        self.say(source, node, symbol.path, kind, "real", "", symbol.at)

    def accuse(self, source: Source, node: Node, symbol: str, kind: Kind, why: str, at: str = "") -> None:
        """An invention, unless something makes it uncertain."""
        name = symbol.rpartition(".")[2]
        guarded = guard(node, arguments=kind in {"keyword", "arity"})
        doubt = self._doubt(source, symbol)
        if guarded:
            self.say(source, node, symbol, kind, "guarded", f"{guarded}; {why}", at)
        elif name in self.tested and kind in {"method", "constant"}:
            self.say(source, node, symbol, kind, "guarded", f"tested for with hasattr or getattr; {why}", at)
        elif doubt:
            self.say(source, node, symbol, kind, "unknown", f"{doubt}; {why}", at)
        elif name in self.written and kind in {"method", "constant"}:
            self.say(source, node, symbol, kind, "unknown", f"the application sets this name itself; {why}", at)
        else:
            self.say(source, node, symbol, kind, "invented", why, at)

    def _doubt(self, source: Source, symbol: str) -> str:
        if self.suspended:
            return self.suspended
        if source.root.has_error:
            return "the file has a syntax error"
        package = symbol.partition(".")[0]
        if package in self.unsure:
            return f"the application does not lock {package}"
        if self.contradicted.intersection(symbol.split(".")):
            return "the application gives this type to what has another"
        return ""

    def attribute(self, source: Source, node: Node, owners: list[Symbol]) -> None:
        """`node` is an attribute that the checker found on none of `owners`: all must prove it absent."""
        name_node = node.child_by_field_name("attribute")
        name = text(name_node)
        if name_node is None:
            return
        symbol = f"{owners[0].path}.{name}"
        called = is_called(node)
        kind: Kind = "constant" if owners[0].kind == "module" and name[:1].isupper() else "method"
        members = [self.api.member(owner, name) for owner in owners]
        if any(member.symbol is not None or member.inherited for member in members):
            return
        removed = self._removed(owners[0], name)
        if removed:
            self.say(source, name_node, symbol, kind, "version_mismatch", removed[0], removed[1])
            return
        opened = next((member.open for member in members if member.open), "")
        if opened:
            self.say(source, name_node, symbol, kind, "unknown", f"not in the index, but {opened}")
            return
        if any(member.extra for member in members) and not called and name not in self.about.never:
            why = "not declared, but the model keeps extra fields that a service sends"
            self.say(source, name_node, symbol, kind, "unknown", why)
            return
        self.accuse(source, name_node, symbol, kind, self.absence(owners, name, called))

    def absence(self, owners: list[Symbol], name: str, called: bool = False) -> str:
        """The search that was made, what is near, and what happens at run time."""
        names: set[str] = set()
        looked = []
        for owner in owners:
            if owner.kind == "module":
                names |= set(self.api.index.members.get(owner.path, {}))
                looked.append(f"{owner.path} ({owner.at})")
                continue
            classes = self.api.order(owner)[0]
            for each in classes:
                names |= set(self.api.index.members.get(each.path, {}))
            looked.append(f"{owner.path} ({owner.at}) and {len(classes) - 1} that it inherits")
        public = {each for each in names if not each.startswith("_")}
        error = "AttributeError"
        extra = any(self.api.member(owner, name).extra for owner in owners)
        if extra and called:
            error = "AttributeError; a field that a service sends is never callable"
        return f"{self.label}: searched {', '.join(looked)}: 0 hits; nearest: {near(name, public)}; {error} at run time"

    def _removed(self, owner: Symbol, name: str) -> tuple[str, str] | None:
        known = self.about
        if owner.kind != "module" or owner.path != known.packages[0] or name not in known.removed:
            return None
        raises = self.api.resolve(known.removed_by)
        if raises is None or name not in known.raising:
            return f"real before {known.removed_in}; {self._no_import(owner, f'{owner.path}.{name}')}", ""
        return f"real before {known.removed_in}; in {self.label} using it raises {known.removed_by}", raises.at

    def imported(self, source: Source, node: Node, module: str, name: str) -> None:
        """`from module import name`, or `import module` where `name` is empty."""
        path = f"{module}.{name}" if name else module
        symbol = self.api.index.symbols.get(path) or self.api.resolve(path)
        if symbol is not None:
            final = self.api.resolve(path) or symbol
            self.say(source, node, final.path, "constant", "real", "", final.at)
            return
        owner = self._nearest(path)
        if owner is None:
            return
        if owner.kind == "alias":
            self.say(source, node, path, "constant", "unknown", f"{owner.path} comes from elsewhere: {owner.target}")
            return
        if owner.kind != "module":
            self.accuse(source, node, path, "constant", self._no_import(owner, path))
            return
        removed = self._removed(owner, path.removeprefix(f"{owner.path}.").partition(".")[0])
        member = self.api.module_member(owner, path.removeprefix(f"{owner.path}.").partition(".")[0])
        if removed:
            self.say(source, node, path, "constant", "version_mismatch", removed[0], removed[1])
        elif member.open:
            self.say(source, node, path, "constant", "unknown", f"not in the index, but {member.open}")
        else:
            self.accuse(source, node, path, "constant", self._no_import(owner, path))

    def _no_import(self, owner: Symbol, path: str) -> str:
        name = path.removeprefix(f"{owner.path}.").partition(".")[0]
        names = {each for each in self.api.index.members.get(owner.path, {}) if not each.startswith("_")}
        return f"{self.label}: searched {owner.path} ({owner.at}): 0 hits; nearest: {near(name, names)}; ImportError"

    def _nearest(self, path: str) -> Symbol | None:
        """The last part of a dotted path that exists."""
        owner = path.rpartition(".")[0]
        while owner:
            found = self.api.resolve(owner) or self.api.index.symbols.get(owner)
            if found is not None:
                return found
            owner = owner.rpartition(".")[0]
        return None

    def call(self, source: Source, node: Node, symbol: Symbol) -> None:
        """Judge the arguments of a call whose callee is known for certain."""
        function = callee(self.api, symbol)
        arguments = given(node)
        if function is None or arguments is None:
            return
        owner = self.api.index.symbols.get(function.path.rpartition(".")[0])
        in_class = owner is not None and owner.kind == "class"
        static = any(each.rpartition(".")[2] == "staticmethod" for each in function.decorators)
        through_class = symbol.kind == "function" and in_class and _last(node)[:1].isupper()
        if through_class:
            return
        for misfit in misfits(function, arguments, bound=in_class and not static):
            place = misfit.node or node.child_by_field_name("arguments") or node
            name = symbol.path
            why = f"{self.label}: {name} is defined at {function.at}; {misfit.what}; TypeError at run time"
            self.accuse(source, place, name, misfit.kind, why, function.at)


def is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call" and parent.child_by_field_name("function") == node


def _last(call: Node) -> str:
    """The last name of what a method is called on: `OpenAI` in `OpenAI.copy()`."""
    function = call.child_by_field_name("function")
    receiver = function.child_by_field_name("object") if function is not None else None
    return text(receiver).rpartition(".")[2] if receiver is not None and receiver.type != "call" else ""
