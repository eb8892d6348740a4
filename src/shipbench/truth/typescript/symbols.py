"""An index: what the modules of one version of a package export, and every symbol that this leads to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shipbench.errors import InputError
from shipbench.truth.typescript.types import Generic, Type, decode, decode_generics, encode, encode_generics

SCHEMA = 1


class Symbol(NamedTuple):
    """One declaration. `file` is a number in the index's list. `type` is what the name means as a type (for a class
    or an interface its own members, besides those of `bases`), `value` what it is at run time; None where it is not."""

    kind: str
    file: int
    line: int
    generics: tuple[Generic, ...] = ()
    type: Type | None = None
    bases: tuple[Type, ...] = ()
    value: Type | None = None


class Module(NamedTuple):
    """`exports`: each name and its symbol's id, or '' where it is known to be exported but not what it is. `open`
    says why there may be more."""

    exports: Mapping[str, str]
    open: str


@dataclass
class Index:
    """`closed` is True where an `exports` map says which subpaths there are. `peers` are its version ranges for other
    packages. `ids` are written `3#Name`: the number of the file, then the name in it."""

    library: str
    version: str
    closed: bool
    files: list[str]
    modules: dict[str, Module]
    _coded: dict[str, Any]
    _symbols: dict[str, Symbol] = field(default_factory=dict)

    def symbol(self, name: str) -> Symbol | None:
        """The symbol with the id `name`."""
        found = self._symbols.get(name)
        if found is None and name in self._coded:
            found = self._symbols[name] = _decode_symbol(self._coded[name])
        return found

    def at(self, name: str, line: int = 0) -> str:
        """`file:line` of a symbol, or of a member of it in `line`."""
        found = self.symbol(name)
        return f"{self.files[found.file]}:{line or found.line}" if found is not None else ""


def encode_symbol(symbol: Symbol) -> dict[str, Any]:
    coded: dict[str, Any] = {"k": symbol.kind, "f": symbol.file, "l": symbol.line}
    if symbol.generics:
        coded["g"] = encode_generics(symbol.generics)
    if symbol.type is not None:
        coded["t"] = encode(symbol.type)
    if symbol.bases:
        coded["b"] = [encode(each) for each in symbol.bases]
    if symbol.value is not None:
        coded["v"] = encode(symbol.value)
    return coded


def _decode_symbol(coded: Any) -> Symbol:
    return Symbol(
        coded["k"],
        coded["f"],
        coded["l"],
        decode_generics(coded.get("g", [])),
        decode(coded["t"]) if "t" in coded else None,
        tuple(decode(each) for each in coded.get("b", ())),
        decode(coded["v"]) if "v" in coded else None,
    )


def dumps(index: Index) -> str:
    """As deterministic JSON, one symbol a line."""

    def row(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    modules = {
        path: {"exports": dict(sorted(each.exports.items())), "open": each.open}
        for path, each in sorted(index.modules.items())
    }
    head = [
        f'"schema":{SCHEMA}', '"language":"typescript"', f'"library":{row(index.library)}',
        f'"version":{row(index.version)}', f'"closed":{row(index.closed)}', f'"files":{row(index.files)}',
    ]  # fmt: skip
    lines = [f"{row(path)}:{row(each)}" for path, each in modules.items()]
    symbols = [f"{row(name)}:{row(each)}" for name, each in sorted(index._coded.items())]
    return "{" + ",\n".join([
        *head, '"modules":{\n' + ",\n".join(lines) + "}", '"symbols":{\n' + ",\n".join(symbols) + "}",
    ]) + "}\n"  # fmt: skip


def loads(content: str, where: str) -> Index:
    """An index from its JSON. InputError, naming `where`, for anything else."""
    try:
        data = json.loads(content)
        if data["schema"] != SCHEMA or data["language"] != "typescript":
            raise InputError(f"{where}: not an index of schema {SCHEMA} for TypeScript")
        modules = {path: Module(each["exports"], each["open"]) for path, each in data["modules"].items()}
        return Index(data["library"], data["version"], data["closed"], data["files"], modules, data["symbols"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{where}: not an index that shipbench wrote") from None
