"""Types in normal form: a union of intersections of what a value can be."""

from collections.abc import Callable, Iterator
from itertools import product

from shipbench.truth.typescript.builtins import FUNCTION_MEMBERS, LISTS, OBJECT_MEMBERS, PROMISES, SHAPES, TRANSPARENT
from shipbench.truth.typescript.symbols import Index
from shipbench.truth.typescript.types import Generic, Member, Shape, Type, prim, unknown
from shipbench.truth.typescript.values import Alternative, Atom, Callee, Env, Found, Value, has, opened, union

MAX_DEPTH = 40
MAX_ALTERNATIVES = 300
_NEVER = prim("never")


class Normal:
    """Evaluates the types of one index."""

    def __init__(self, index: Index, augmented: frozenset[str] = frozenset()) -> None:
        self.index = index
        self.augmented = augmented  # interfaces that the application adds to
        self._known: dict[tuple[int, int, str], tuple[Value, list[Alternative]]] = {}
        self._cuts = 0
        self._readers: dict[str, Callable[[Value, int], list[Alternative]]] = {
            "ref": self._ref, "query": self._query, "this": self._this, "map": self._map, "at": self._at,
            "global": self._global,
        }  # fmt: skip

    # -- normal form ----------------------------------------------------------------------------------------------

    def alternatives(self, value: Value, depth: int = 0) -> list[Alternative]:
        """The type as a union of intersections of atoms; empty for `never`."""
        key = (id(value.type), id(value.env), value.owner)
        known = self._known.get(key)
        if known is not None:
            return known[1]
        before = self._cuts
        found = self._alternatives(value, depth)
        if self._cuts == before:  # an answer that was cut short is good for this depth only
            self._known[key] = (value, found)  # with the value, so that the identities in the key stay taken
        return found

    def _alternatives(self, value: Value, depth: int) -> list[Alternative]:
        if depth > MAX_DEPTH:
            self._cuts += 1
            return [self._opaque(value, "the type is nested too deeply")]
        kind = value.type.kind
        if kind == "or" or kind == "if":
            found = [each for part in value.type.of for each in self.alternatives(value._replace(type=part), depth + 1)]
            return found if len(found) <= MAX_ALTERNATIVES else [self._opaque(value, "too many alternatives")]
        if kind == "and":
            return self._intersection([value._replace(type=part) for part in value.type.of], value, depth)
        if kind == "param":
            bound = value.env.get(value.type.name)
            if bound is None:
                return [self._opaque(value, f"the type parameter {value.type.name}")]
            return self.alternatives(bound, depth + 1)
        special = self._readers.get(kind)
        if special is not None:
            return special(value, depth)
        if kind == "keyof":
            return [(self._atom(value._replace(type=prim("string"))),)]
        return [] if value.type == _NEVER else [(self._atom(value),)]

    def _atom(self, value: Value) -> Atom:
        kind, name = value.type.kind, value.type.name
        if kind == "prim" and name in {"null", "undefined", "void"}:
            return Atom("nil", name, value)
        if kind == "obj":
            return Atom("object", self.title(value.owner), value)
        return Atom(kind, name, value)

    def _opaque(self, value: Value, why: str) -> Alternative:
        return (Atom("open", why, value._replace(type=unknown(why))),)

    def _intersection(self, parts: list[Value], value: Value, depth: int) -> list[Alternative]:
        choices = [self.alternatives(part, depth + 1) for part in parts]
        size = 1
        for each in choices:
            size *= max(1, len(each))
        if size > MAX_ALTERNATIVES:
            return [self._opaque(value, "too many alternatives")]
        return [tuple(atom for part in combined for atom in part) for combined in product(*choices)]

    def _ref(self, value: Value, depth: int) -> list[Alternative]:
        symbol = self.index.symbol(value.type.name)
        if symbol is None or symbol.type is None:
            return [self._opaque(value, f"{self.title(value.type.name)} is not a type")]
        env = self.bind(symbol.generics, [value._replace(type=each) for each in value.type.of], {}, value.type.name)
        inner = Value(symbol.type, {**env, "this": value}, value.type.name)
        if symbol.kind == "type":
            return self.alternatives(inner, depth + 1)
        if self.title(value.type.name) in self.augmented:
            return [self._opaque(value, f"the application adds to {self.title(value.type.name)}")]
        return self._intersection([inner, *(inner._replace(type=base) for base in symbol.bases)], value, depth)

    def bind(self, generics: tuple[Generic, ...], given: list[Value], env: Env, owner: str) -> dict[str, Value]:
        bound = dict(env)
        for number, each in enumerate(generics):
            if number < len(given):
                bound[each.name] = given[number]
            elif each.default is not None and given:
                bound[each.name] = Value(each.default, bound, owner)
            else:
                bound.pop(each.name, None)
        return bound

    def _query(self, value: Value, depth: int) -> list[Alternative]:
        symbol = self.index.symbol(value.type.name)
        if symbol is None or symbol.value is None:
            return [self._opaque(value, f"{self.title(value.type.name)} is not a value")]
        return self.alternatives(Value(symbol.value, {}, value.type.name), depth + 1)

    def _this(self, value: Value, depth: int) -> list[Alternative]:
        bound = value.env.get("this")
        return self.alternatives(bound, depth + 1) if bound is not None else [self._opaque(value, "this")]

    def _map(self, value: Value, depth: int) -> list[Alternative]:
        keys, inner = value.type.of
        names = self.keys(value._replace(type=keys), depth + 1)
        if names is None:
            return [(Atom("map", self.title(value.owner), value),)]
        members = tuple(Member(name, inner, True, 0) for name in sorted(names))
        env = {name: each for name, each in value.env.items() if name != value.type.name}
        return [(self._atom(Value(Type("obj", shape=Shape(members)), env, value.owner)),)]

    def keys(self, value: Value, depth: int = 0) -> frozenset[str] | None:
        """The literal names that a type of keys is made of; None where there may be others."""
        while value.type.kind == "param" and value.type.name in value.env and depth < MAX_DEPTH:
            value, depth = value.env[value.type.name], depth + 1
        if value.type.kind == "keyof":
            names: set[str] = set()
            for alternative in self.alternatives(value._replace(type=value.type.of[0]), depth + 1):
                for atom in alternative:
                    if atom.kind != "object" or atom.only is not None or self.shape(atom).open:
                        return None
                    names.update(each.name for each in self.shape(atom).members if each.name not in atom.hidden)
            return frozenset(names)
        found: set[str] = set()
        for alternative in self.alternatives(value, depth + 1):
            if len(alternative) != 1 or alternative[0].kind != "lit":
                return None
            found.add(alternative[0].name.removeprefix("'"))
        return frozenset(found)

    def _at(self, value: Value, depth: int) -> list[Alternative]:
        target, key = (value._replace(type=each) for each in value.type.of)
        names = self.keys(key, depth + 1) if key.type.kind != "keyof" else None
        found: list[Alternative] = []
        for alternative in self.alternatives(target, depth + 1):
            for inner in self._indexed(alternative, names):
                found.extend(self.alternatives(inner, depth + 1))
        return found or [self._opaque(value, "an indexed type")]

    def _indexed(self, alternative: Alternative, names: frozenset[str] | None) -> Iterator[Value]:
        for atom in alternative:
            if atom.kind == "map":
                env = {name: each for name, each in atom.value.env.items() if name != atom.value.type.name}
                yield Value(atom.value.type.of[1], env, atom.value.owner)
                return
            if atom.kind in {"list", "tuple"}:
                number = next(iter(names)) if names and len(names) == 1 else ""
                yield self.item_of(atom, int(number) if number.isdigit() else None)
                return
        for name in sorted(names or ()):
            states = self.in_alternative(alternative, name)
            yield states.value if states.state == "present" else opened("an indexed type")
        if not names:
            yield opened("an indexed type")

    def item_of(self, atom: Atom, number: int | None) -> Value:
        parts = atom.value.type.of
        if atom.kind == "tuple" and number is not None and number < len(parts):
            if not any(each.kind == "rest" for each in parts[: number + 1]):
                return atom.value._replace(type=parts[number])
            return opened("a rest element")
        if atom.kind == "list":
            return atom.value._replace(type=parts[0])
        if any(each.kind == "rest" for each in parts) or not parts:
            return opened("a tuple with a rest element")
        return union([atom.value._replace(type=each) for each in parts])

    # -- standard types -------------------------------------------------------------------------------------------

    def _global(self, value: Value, depth: int) -> list[Alternative]:
        name, arguments = value.type.name, [value._replace(type=each) for each in value.type.of]
        if name in SHAPES:
            return [(Atom("object", name, Value(Type("obj", shape=SHAPES[name]), {}, "")),)]
        if name == "Function":
            return [self._opaque(value, "a Function")]
        if not arguments:
            return [(self._atom(value),)]
        if name in LISTS:
            return [(Atom("list", "Array", value._replace(type=Type("list", "", value.type.of))),)]
        if name in TRANSPARENT:
            found = self.alternatives(arguments[0], depth + 1)
            return [
                tuple(atom._replace(optional=atom.optional or name == "Partial") for atom in each) for each in found
            ]
        if name == "Awaited":
            return self.alternatives(self.awaited(arguments[0], depth + 1), depth + 1)
        if name in {"Omit", "Pick"} and len(arguments) == 2:
            return self._selected(name, arguments[0], arguments[1], depth)
        if name == "Record" and len(arguments) == 2:
            keyed = Value(Type("map", "|key", (Type("param", "|keys"), Type("param", "|value"))),
                          {"|keys": arguments[0], "|value": arguments[1]}, value.owner)  # fmt: skip
            return self.alternatives(keyed, depth + 1)
        if name in {"Parameters", "ReturnType"}:
            return self._of_function(name, arguments[0], value, depth)
        return [(self._atom(value),)]

    def _selected(self, name: str, target: Value, key: Value, depth: int) -> list[Alternative]:
        names = self.keys(key, depth + 1)
        found = self.alternatives(target, depth + 1)
        if names is None:
            return [(*each, Atom("open", f"{name} of computed keys", target)) for each in found]
        if name == "Omit":
            return [tuple(atom._replace(hidden=atom.hidden | names) for atom in each) for each in found]
        return [tuple(atom._replace(only=names if atom.only is None else atom.only & names) for atom in each)
                for each in found]  # fmt: skip

    def _of_function(self, name: str, target: Value, value: Value, depth: int) -> list[Alternative]:
        callables, _ = self.calls(target, depth=depth + 1)
        if len(callables) != 1:
            return [self._opaque(value, f"{name} of what is not one function")]
        signature, env, owner = callables[0]
        free = {each.name for each in signature.generics}
        inner = {key: each for key, each in env.items() if key not in free}
        if name == "ReturnType":
            return self.alternatives(Value(signature.returns, inner, owner), depth + 1)
        parts = tuple(Type("rest", "", (each.type,)) if each.rest else each.type for each in signature.params)
        return self.alternatives(Value(Type("tuple", "", parts), inner, owner), depth + 1)

    # -- what is in one alternative ----------------------------------------------------------------------------------

    def shape(self, atom: Atom) -> Shape:
        return atom.value.type.shape or Shape(open="not read")

    def in_alternative(self, alternative: Alternative, name: str) -> Found:
        owner = next((atom.name for atom in alternative if atom.kind in {"object", "map"} and atom.value.owner), "")
        doubt = ""
        for atom in alternative:
            if atom.kind == "object" and owner:
                found = self._in_object(atom, name, owner)
                if found is not None and found.state == "present":
                    return found
                doubt = doubt or (found.why if found is not None else "")
            elif atom.kind == "open":
                doubt = doubt or atom.name
            elif atom.kind == "map":
                doubt = doubt or "its keys are not known (an index signature or a mapped type)"
            elif owner:
                doubt = doubt or f"part of the type is {atom.name or atom.kind}"
        if doubt:
            return Found("open", opened(doubt), owner=owner, why=doubt)
        if not owner:
            return Found("foreign", opened("not of the library"))
        return Found("absent", opened("absent"), owner=owner)

    def _in_object(self, atom: Atom, name: str, owner: str) -> Found | None:
        """Present, or open with the reason, or None."""
        shape = self.shape(atom)
        for each in shape.members:
            if each.name == name and has(atom, name):
                value = atom.value._replace(type=each.type)
                return Found("present", value, self.index.at(atom.value.owner, each.line), owner)
        if name in OBJECT_MEMBERS or ((shape.calls or shape.news) and name in FUNCTION_MEMBERS):
            return Found("present", opened("of every object"), "", owner)
        if shape.open and (atom.only is None or name in atom.only):
            return Found("open", opened(shape.open), owner=owner, why=shape.open)
        return None

    def calls(self, value: Value, new: bool = False, depth: int = 0, some: bool = False) -> tuple[list[Callee], str]:
        """The signatures by which the value can be called (or constructed), and why there may be others. Both empty:
        it certainly is not callable, or is not the library's. With `some`, those that are known are enough where each
        alternative has one."""
        if new and value.type.kind == "query" and depth < MAX_DEPTH:
            inherited = self._inherited(value.type.name, depth)
            if inherited is not None:
                return inherited
        found: list[Callee] = []
        why = ""
        for alternative in self.alternatives(value, depth):
            known = some and any(atom.kind == "object" and self.shape(atom).calls for atom in alternative)
            for atom in alternative:
                if known and atom.kind != "object":
                    continue
                if atom.kind == "object":
                    shape = self.shape(atom)
                    found.extend(Callee(each, atom.value.env, atom.value.owner)
                                 for each in (shape.news if new else shape.calls))  # fmt: skip
                    why = why or shape.open
                elif atom.kind != "nil":
                    why = why or (atom.name if atom.kind == "open" else f"part of the type is {atom.name or atom.kind}")
        return found, why

    def _inherited(self, name: str, depth: int) -> tuple[list[Callee], str] | None:
        """The constructors of a class that declares none and extends another; None for any other class."""
        symbol = self.index.symbol(name)
        if symbol is None or symbol.kind != "class" or symbol.value is None or symbol.value.kind != "and":
            return None
        own, above = symbol.value.of[:2]
        if own.shape is None or own.shape.news:
            return None
        itself = Type("ref", name, tuple(Type("param", each.name) for each in symbol.generics))
        found, why = self.calls(Value(above, {}, name), True, depth + 1)
        return [each._replace(signature=each.signature._replace(returns=itself, generics=symbol.generics))
                for each in found], why  # fmt: skip

    def awaited(self, value: Value, depth: int = 0) -> Value:
        """What `await` gives."""
        parts: list[Value] = []
        for alternative in self.alternatives(value, depth):
            promise = next((atom for atom in alternative if atom.kind == "global" and atom.name in PROMISES), None)
            if promise is not None and promise.value.type.of:
                inner = promise.value._replace(type=promise.value.type.of[0])
                parts.append(self.awaited(inner, depth + 1) if depth < MAX_DEPTH else opened("nested too deeply"))
            else:
                parts.append(self.rebuilt(alternative))
        return union(parts) if parts else opened("never")

    def rebuilt(self, alternative: Alternative) -> Value:
        """One alternative as a value again."""
        if len(alternative) == 1 and not alternative[0].hidden and alternative[0].only is None:
            return alternative[0].value
        if any(atom.hidden or atom.only is not None for atom in alternative):
            return opened("a selection of members")
        names = [f"&{number}" for number in range(len(alternative))]
        env = {name: atom.value for name, atom in zip(names, alternative, strict=True)}
        return Value(Type("and", "", tuple(Type("param", name) for name in names)), env, "")

    def title(self, name: str) -> str:
        """The name of a symbol without its file and without what a bundler added."""
        return name.partition("#")[2].partition("$")[0] or name
