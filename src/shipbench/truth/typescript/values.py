"""What the evaluation of types works with."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from shipbench.truth.typescript.types import Signature, Type, unknown

Env = Mapping[str, "Value"]


class Value(NamedTuple):
    """A type with the meaning of its type parameters; `owner` is the id of the symbol in which it is written."""

    type: Type
    env: Env
    owner: str


class Atom(NamedTuple):
    """One part of a type in normal form. `kind`: `object`, `list`, `tuple`, `map`, `global`, `prim`, `lit`, `nil`,
    `open`. `name` is what it is called, for `open` the reason. Members in `hidden`, or outside `only`, are taken
    away."""

    kind: str
    name: str
    value: Value
    hidden: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    optional: bool = False


class Found(NamedTuple):
    """A member that was looked for. `foreign`: the type is not the library's."""

    state: Literal["present", "absent", "open", "foreign"]
    value: "Value"
    at: str = ""
    owner: str = ""
    why: str = ""


class Callee(NamedTuple):
    """A signature with the meaning of its outer type parameters."""

    signature: Signature
    env: Env
    owner: str


Alternative = tuple[Atom, ...]


def opened(why: str) -> Value:
    return Value(unknown(why), {}, "")


def union(values: list[Value]) -> Value:
    """A value that is any of `values`."""
    if len(values) == 1:
        return values[0]
    names = [f"|{number}" for number in range(len(values))]
    return Value(
        Type("or", "", tuple(Type("param", name) for name in names)), dict(zip(names, values, strict=True)), ""
    )


def merged(values: list[Value]) -> Value:
    """A union in which each class or interface stands once, without arguments where they differ."""
    found: dict[str, Value] = {}
    for number, each in enumerate(values):
        key = each.type.name if each.type.kind == "ref" else f"|{number}"
        same = found.setdefault(key, each)
        if same is not each and (same.type != each.type or same.env != each.env):
            found[key] = Value(Type("ref", key), {}, each.owner)
    return union(list(found.values()))


def has(atom: Atom, name: str) -> bool:
    """True where Omit and Pick have left the member in."""
    return name not in atom.hidden and (atom.only is None or name in atom.only)
