"""What JavaScript itself gives to every object, and the few standard types whose members must be known."""

from shipbench.truth.typescript.types import Member, Shape, unknown

OBJECT_MEMBERS = frozenset(
    {"constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable",
     "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"}
)  # fmt: skip
FUNCTION_MEMBERS = frozenset({"apply", "call", "bind", "name", "length", "prototype", "arguments", "caller"})

# Standard types that only pass on their first argument, as far as the names of members go.
TRANSPARENT = frozenset({"NoInfer", "Readonly", "NonNullable", "Extract", "Exclude", "Required", "Partial"})
PROMISES = frozenset({"Promise", "PromiseLike"})
LISTS = frozenset({"Array", "ReadonlyArray"})
ITERABLES = frozenset(
    {"AsyncIterable", "AsyncIterator", "AsyncIterableIterator", "AsyncGenerator", "AsyncIteratorObject", "Iterable",
     "Iterator", "IterableIterator", "Generator", "IteratorObject", "ReadableStream", "Set", "ReadonlySet"}
)  # fmt: skip


def _shape(names: str) -> Shape:
    return Shape(tuple(Member(name, unknown("standard"), True, 0) for name in names.split()))


SHAPES = {
    "Error": _shape("name message stack cause"),
    "ErrorConstructor": _shape("captureStackTrace stackTraceLimit prepareStackTrace isError"),
    "ResponseInit": _shape("headers status statusText"),
}
