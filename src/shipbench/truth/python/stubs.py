"""Writes an index out as type stubs, so that a type checker can read an application without the library."""

import keyword
from collections.abc import Iterable
from typing import NamedTuple

from shipbench.truth.python.libraries import CLOSED
from shipbench.truth.python.symbols import Index, Parameter, Signature, Symbol

_HEAD = """\
import abc as __abc
import contextlib as __contextlib
import dataclasses as __dataclasses
import typing as __typing
"""
_DECORATORS = {
    "staticmethod": "staticmethod",
    "classmethod": "classmethod",
    "abstractmethod": "__abc.abstractmethod",
    "contextmanager": "__contextlib.contextmanager",
    "asynccontextmanager": "__contextlib.asynccontextmanager",
    "final": "__typing.final",
}
_ANY = "__typing.Any"


class Stubs(NamedTuple):
    """`files`: relative path → text. `lines`: (path, 1-based line) → the symbol that is defined there."""

    files: dict[str, str]
    lines: dict[tuple[str, int], str]


def stubs(index: Index) -> Stubs:
    """The stub files of every module in the index. Parameters get a type only where it chooses the return type, so
    that a checker never loses a result over an argument that it cannot follow."""
    found = Stubs({}, {})
    packages = {path.rpartition(".")[0] for path, symbol in index.symbols.items() if symbol.kind == "module"}
    for path, symbol in index.symbols.items():
        if symbol.kind == "module":
            relative = path.replace(".", "/")
            is_package = path in packages or "." not in path or symbol.at.endswith("/__init__.py:1")
            name = f"{relative}/__init__.pyi" if is_package else f"{relative}.pyi"
            writer = _Writer(index, name, found.lines)
            writer.module(symbol, is_package)
            found.files[name] = "\n".join(writer.rows) + "\n"
    return found


class _Writer:
    def __init__(self, index: Index, file: str, lines: dict[tuple[str, int], str]) -> None:
        self.index = index
        self.file = file
        self.lines = lines
        self.rows = _HEAD.splitlines()

    def module(self, module: Symbol, is_package: bool) -> None:
        members = self.index.members.get(module.path, {})
        for member in members.values():
            if member.kind == "alias":
                self.alias(member, module.path if is_package else module.path.rpartition(".")[0])
        for member in members.values():
            if member.kind != "alias":
                self.member(member, "", in_class=False)
        if module.exports is not None:
            self.rows.append(f"__all__ = {list(module.exports)!r}")
        if module.open:
            self.rows.append(f"def __getattr__(name: str) -> {_ANY}: ...")

    def row(self, text: str, symbol: Symbol) -> None:
        self.rows.append(text)
        self.lines[self.file, len(self.rows)] = symbol.path

    def alias(self, symbol: Symbol, package: str) -> None:
        parent, _, last = symbol.target.rpartition(".")
        if not _is_dotted(symbol.target) or not _is_dotted(symbol.name) or symbol.target == symbol.path:
            return
        if parent == "__future__":
            return
        if not parent:
            self.row(f"import {last} as {symbol.name}", symbol)
        elif parent == package:
            self.row(f"from . import {last} as {symbol.name}", symbol)
        else:
            self.row(f"from {parent} import {last} as {symbol.name}", symbol)

    def member(self, symbol: Symbol, indent: str, in_class: bool) -> None:
        if keyword.iskeyword(symbol.name) or not symbol.name.isidentifier():
            return
        if symbol.kind == "class":
            self.class_(symbol, indent)
        elif symbol.kind == "function":
            if symbol.name != "__getattr__" or (in_class and symbol.path.rpartition(".")[0] not in CLOSED):
                self.function(symbol, indent, in_class)
        elif symbol.kind == "attribute" and symbol.name != "__all__":
            self.attribute(symbol, indent)

    def class_(self, symbol: Symbol, indent: str) -> None:
        for each in symbol.decorators:
            if each.partition("(")[0].rpartition(".")[2] == "dataclass":
                self.rows.append(f"{indent}@__dataclasses.dataclass")
        keywords = [f"{name}={value}" for name, value in symbol.keywords if name == "total"]
        bases = ", ".join([*symbol.bases, *keywords])
        self.row(f"{indent}class {symbol.name}({bases}):" if bases else f"{indent}class {symbol.name}:", symbol)
        members = self.index.members.get(symbol.path, {})
        before = len(self.rows)
        for member in members.values():
            if member.kind != "alias":
                self.member(member, indent + "    ", in_class=True)
        if len(self.rows) == before:
            self.rows.append(f"{indent}    ...")

    def attribute(self, symbol: Symbol, indent: str) -> None:
        value = symbol.value
        if symbol.annotation.rpartition(".")[2] == "TypeAlias" and value:
            self.row(f"{indent}{symbol.name}: {symbol.annotation} = {value}", symbol)
        elif symbol.annotation:
            default = " = ..." if symbol.has_value and "property" not in symbol.decorators else ""
            self.row(f"{indent}{symbol.name}: {symbol.annotation}{default}", symbol)
        elif value.startswith("<"):
            self.row(f"{indent}{symbol.name}: {value[1:-1]} = ...", symbol)
        elif value and value[0] not in "[(" and (not indent or self.is_sibling(symbol)):
            self.row(f"{indent}{symbol.name} = {value}", symbol)
        else:
            self.row(f"{indent}{symbol.name}: {_ANY}", symbol)

    def is_sibling(self, symbol: Symbol) -> bool:
        """Whether the value of a class's attribute is another name of the class, already written."""
        owner = symbol.path.rpartition(".")[0]
        return symbol.value < symbol.name and f"{owner}.{symbol.value}" in self.index.symbols

    def function(self, symbol: Symbol, indent: str, in_class: bool) -> None:
        if symbol.open or symbol.signature is None:
            self.row(f"{indent}{symbol.name}: {_ANY}", symbol)
            return
        last = [each.partition("(")[0].rpartition(".")[2] for each in symbol.decorators]
        decorators = [_DECORATORS[each] for each in last if each in _DECORATORS]
        signatures = symbol.overloads or (symbol.signature,)
        chosen = _choosing(signatures)
        for signature in signatures:
            for each in ["__typing.overload", *decorators] if len(signatures) > 1 else decorators:
                self.rows.append(f"{indent}@{each}")
            head = "async def" if symbol.is_async else "def"
            returns = f" -> {signature.returns}" if signature.returns else ""
            bound = in_class and "staticmethod" not in last
            parameters = _parameters(signature, chosen, bound)
            self.row(f"{indent}{head} {symbol.name}({parameters}){returns}: ...", symbol)


def _is_dotted(path: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in path.split("."))


def _choosing(signatures: Iterable[Signature]) -> frozenset[str]:
    """Parameters whose annotations differ between overloads: they choose the return type."""
    seen: dict[str, set[str]] = {}
    for signature in signatures:
        for parameter in signature.parameters:
            seen.setdefault(parameter.name, set()).add(parameter.annotation)
    return frozenset(name for name, annotations in seen.items() if len(annotations) > 1)


def _parameters(signature: Signature, chosen: frozenset[str], bound: bool) -> str:
    parts: list[str] = []
    starred = False
    pending_slash = False
    for number, parameter in enumerate(signature.parameters):
        if pending_slash and parameter.kind != "positional":
            parts.append("/")
            pending_slash = False
        pending_slash = pending_slash or parameter.kind == "positional"
        if parameter.kind == "keyword" and not starred:
            parts.append("*")
            starred = True
        starred = starred or parameter.kind == "var"
        parts.append(_parameter(parameter, chosen, first=bound and number == 0))
    return ", ".join([*parts, "/"] if pending_slash else parts)


def _parameter(parameter: Parameter, chosen: frozenset[str], first: bool) -> str:
    stars = {"var": "*", "varkw": "**"}.get(parameter.kind, "")
    if first and not parameter.annotation:
        return stars + parameter.name
    annotation = parameter.annotation if parameter.name in chosen or _binds(parameter.annotation) or first else _ANY
    default = "" if parameter.required or stars else " = ..."
    return f"{stars}{parameter.name}: {annotation or _ANY}{default}"


def _binds(annotation: str) -> bool:
    """Whether the annotation may hold a type variable or a parameter specification that the result depends on."""
    words = annotation.replace("[", " ").replace("]", " ").replace(",", " ").replace("|", " ").split()
    return any(
        word.rstrip("_").endswith("T") or word.startswith(("_T", "_R", "_P")) or len(word) == 1 for word in words
    )
