"""What an expression of the application was found to be."""

from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.typescript.application import Source
from shipbench.truth.typescript.values import Value


class Seen(NamedTuple):
    """`kind`: `library` (`value`), `module` (a module of the library, `name` its subpath), `function`, `object` or
    `class` of the application (`source`, `node`), `file` (a module of the application), `promise` (of `inner`), or
    `unknown`."""

    kind: str
    value: Value | None = None
    source: Source | None = None
    node: Node | None = None
    name: str = ""
    inner: "Seen | None" = None


UNKNOWN = Seen("unknown")


def library(value: Value) -> Seen:
    return Seen("library", value)


def subpath(specifier: str, package: str) -> str | None:
    """`./test` for `ai/test`, `.` for `ai`; None for another package."""
    if specifier == package:
        return "."
    return "." + specifier[len(package) :] if specifier.startswith(f"{package}/") else None
