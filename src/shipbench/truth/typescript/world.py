"""What members a type has, what calling it gives, what it holds."""

from shipbench.truth.typescript.builtins import ITERABLES
from shipbench.truth.typescript.normal import Normal
from shipbench.truth.typescript.symbols import Index
from shipbench.truth.typescript.types import Type
from shipbench.truth.typescript.values import Alternative, Atom, Callee, Found, Value, has, opened, union


class World(Normal):
    """The index of one library, as types that can be asked."""

    def __init__(self, index: Index, augmented: frozenset[str] = frozenset()) -> None:
        super().__init__(index, augmented)
        self._parameters: dict[tuple[int, int, int], tuple[Callee, tuple[Value, bool] | None]] = {}
        self._exports: dict[tuple[str, str], Value | None] = {}

    def member(self, value: Value, name: str) -> Found:
        """The member `name`: present where any alternative has it, absent only where none can have it."""
        return self.member_of(self.alternatives(value), name)

    def member_of(self, alternatives: list[Alternative], name: str) -> Found:
        """The same for a type in normal form."""
        parts = [each for each in alternatives if not all(atom.kind == "nil" for atom in each)]
        if not parts:
            return Found("foreign", opened("nothing"))
        found = [self.in_alternative(each, name) for each in parts]
        library = [each for each in found if each.state != "foreign"]
        if not library:
            return Found("foreign", opened("not of the library"))
        present = [each for each in library if each.state == "present"]
        values = [each.value if each.state == "present" else opened(each.why)
                  for each in found if each.state != "absent"]  # fmt: skip
        if present:
            return present[0]._replace(value=union(values))
        doubtful = next((each for each in found if each.state in {"open", "foreign"}), None)
        if doubtful is not None:
            return doubtful._replace(state="open", why=doubtful.why or "it may be of a type outside the library")
        return library[0]

    def names(self, value: Value) -> list[str]:
        """The names of all members that are known, sorted."""
        found: set[str] = set()
        for alternative in self.alternatives(value):
            for atom in alternative:
                if atom.kind == "object":
                    found.update(each.name for each in self.shape(atom).members if has(atom, each.name))
        return sorted(found)

    def required(self, value: Value) -> frozenset[str]:
        """The members that every alternative demands."""
        demands: list[frozenset[str]] = []
        for alternative in self.alternatives(value):
            names: set[str] = set()
            for atom in alternative:
                if atom.kind == "object" and not atom.optional:
                    names.update(each.name for each in self.shape(atom).members
                                 if not each.optional and has(atom, each.name)
                                 and not self._may_be_missing(atom.value._replace(type=each.type)))  # fmt: skip
            demands.append(frozenset(names))
        return frozenset.intersection(*demands) if demands else frozenset()

    def _may_be_missing(self, value: Value) -> bool:
        found = self.alternatives(value)
        kinds = [{atom.kind for atom in each} for each in found]
        return any("nil" in each for each in kinds) or all("open" in each for each in kinds)

    def returned(self, each: Callee, given: list[Value]) -> Value:
        """What a call by this signature gives, with the type arguments `given`."""
        env = self.bind(each.signature.generics, given, each.env, each.owner)
        return Value(each.signature.returns, env, each.owner)

    def parameter(self, each: Callee, number: int) -> tuple[Value, bool] | None:
        """The type of the argument at `number` and whether it may be left out; None where there is no such one."""
        key = (id(each.signature), id(each.env), number)
        if key not in self._parameters:
            self._parameters[key] = (each, self._parameter(each, number))
        return self._parameters[key][1]

    def _parameter(self, each: Callee, number: int) -> tuple[Value, bool] | None:
        free = {generic.name for generic in each.signature.generics}
        env = {name: value for name, value in each.env.items() if name not in free}
        params = each.signature.params
        if number < len(params) and not params[number].rest:
            return Value(params[number].type, env, each.owner), params[number].optional
        if params and params[-1].rest:
            spread = Value(params[-1].type, env, each.owner)
            first = len(params) - 1
            items = [self.item_of(atom, number - first) for alternative in self.alternatives(spread)
                     for atom in alternative if atom.kind in {"list", "tuple"}]  # fmt: skip
            return (union(items) if items else opened("a rest parameter")), True
        return None

    def element(self, value: Value) -> Value:
        """What a loop over the value gives at each turn."""
        parts: list[Value] = []
        for alternative in self.alternatives(value):
            found = next((each for atom in alternative if (each := self._held(atom)) is not None), None)
            parts.append(found or opened("not known to be iterable"))
        return union(parts) if parts else opened("never")

    def listed(self, value: Value) -> Value | None:
        """What the lists among the alternatives hold; None where there is none, or where something is open."""
        parts: list[Value] = []
        for alternative in self.alternatives(value):
            if any(atom.kind in {"open", "map", "global"} for atom in alternative):
                return None
            parts.extend(self.item_of(atom, None) for atom in alternative if atom.kind in {"list", "tuple"})
        return union(parts) if parts else None

    def _held(self, atom: Atom) -> Value | None:
        if atom.kind in {"list", "tuple"}:
            return self.item_of(atom, None)
        if atom.kind == "global" and atom.name in ITERABLES and atom.value.type.of:
            return atom.value._replace(type=atom.value.type.of[0])
        return None

    def item(self, value: Value, number: int) -> Value:
        """What stands at a place of a list or tuple."""
        parts = []
        for each in self.alternatives(value):
            held = (self.item_of(atom, number) for atom in each if atom.kind in {"list", "tuple"})
            parts.append(next(held, opened("no list")))
        return union(parts) if parts else opened("never")

    def exported(self, subpath: str, name: str) -> Value | None:
        """The value that a module exports under a name; None where it is not a value."""
        if (subpath, name) not in self._exports:
            self._exports[subpath, name] = self._exported(subpath, name)
        return self._exports[subpath, name]

    def _exported(self, subpath: str, name: str) -> Value | None:
        module = self.index.modules.get(subpath)
        symbol = self.index.symbol(module.exports.get(name, "")) if module is not None else None
        if module is None or symbol is None or symbol.value is None:
            return None
        return Value(Type("query", module.exports[name]), {}, "")
