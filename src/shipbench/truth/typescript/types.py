"""Types as an index stores them: plain data, read from declarations and evaluated later."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Type(NamedTuple):
    """One type expression.

    `kind`: `prim` (a primitive, `name`), `lit` (`name` is `'text` for a string, else as written), `open` (anything;
    `name` says why), `ref` (the symbol whose id is `name`, with arguments `of`), `global` (a name that no file
    declares), `param` (a type parameter), `or`, `and`, `list`, `tuple`, `rest`, `obj` (`shape`), `map` (a mapped type:
    keys, value), `at` (indexed access: object, key), `keyof`, `query` (typeof the symbol `name`), `if` (a conditional:
    its two results), `this`.
    """

    kind: str
    name: str = ""
    of: tuple["Type", ...] = ()
    shape: "Shape | None" = None


class Member(NamedTuple):
    """A property or method. `line` is 1-based, in the file of the symbol that holds it."""

    name: str
    type: Type
    optional: bool
    line: int


class Generic(NamedTuple):
    name: str
    constraint: Type | None
    default: Type | None


class Param(NamedTuple):
    name: str
    type: Type
    optional: bool
    rest: bool


class Signature(NamedTuple):
    generics: tuple[Generic, ...]
    params: tuple[Param, ...]
    returns: Type
    line: int


class Shape(NamedTuple):
    """What an object has. `open` says why more can be in it than is listed; `indexed` is the index signature's type."""

    members: tuple[Member, ...] = ()
    calls: tuple[Signature, ...] = ()
    news: tuple[Signature, ...] = ()
    open: str = ""
    indexed: Type | None = None


def unknown(why: str) -> Type:
    return Type("open", why)


def prim(name: str) -> Type:
    return Type("prim", name)


def function(signatures: Sequence[Signature]) -> Type:
    return Type("obj", shape=Shape(calls=tuple(signatures)))


def encode(each: Type) -> Any:
    """As JSON: a primitive is a string, all else a list."""
    if each.kind == "prim":
        return each.name
    if each.kind == "obj":
        return ["obj", _encode_shape(each.shape or Shape())]
    return [each.kind, each.name, *(encode(inner) for inner in each.of)]


def _encode_shape(shape: Shape) -> dict[str, Any]:
    coded: dict[str, Any] = {}
    if shape.members:
        coded["m"] = [[each.name, encode(each.type), int(each.optional), each.line] for each in shape.members]
    if shape.calls:
        coded["c"] = [_encode_signature(each) for each in shape.calls]
    if shape.news:
        coded["n"] = [_encode_signature(each) for each in shape.news]
    if shape.open:
        coded["o"] = shape.open
    if shape.indexed:
        coded["i"] = encode(shape.indexed)
    return coded


def _encode_signature(each: Signature) -> list[Any]:
    params = [[p.name, encode(p.type), int(p.optional) + 2 * int(p.rest)] for p in each.params]
    return [encode_generics(each.generics), params, encode(each.returns), each.line]


def encode_generics(generics: Sequence[Generic]) -> list[Any]:
    return [
        [each.name, encode(each.constraint) if each.constraint else 0, encode(each.default) if each.default else 0]
        for each in generics
    ]


def decode(coded: Any) -> Type:
    """The inverse of `encode`. Raises ValueError, TypeError or IndexError for what `encode` never wrote."""
    if isinstance(coded, str):
        return Type("prim", coded)
    if coded[0] == "obj":
        return Type("obj", shape=_decode_shape(coded[1]))
    return Type(coded[0], coded[1], tuple(decode(inner) for inner in coded[2:]))


def _decode_shape(coded: dict[str, Any]) -> Shape:
    return Shape(
        tuple(Member(name, decode(inner), bool(optional), line) for name, inner, optional, line in coded.get("m", ())),
        tuple(_decode_signature(each) for each in coded.get("c", ())),
        tuple(_decode_signature(each) for each in coded.get("n", ())),
        coded.get("o", ""),
        decode(coded["i"]) if "i" in coded else None,
    )


def _decode_signature(coded: list[Any]) -> Signature:
    generics, params, returns, line = coded
    return Signature(
        decode_generics(generics),
        tuple(Param(name, decode(inner), bool(flags & 1), bool(flags & 2)) for name, inner, flags in params),
        decode(returns),
        line,
    )


def decode_generics(coded: list[Any]) -> tuple[Generic, ...]:
    return tuple(
        Generic(name, decode(constraint) if constraint else None, decode(default) if default else None)
        for name, constraint, default in coded
    )
