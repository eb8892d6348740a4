"""Tests that replace the library: what they provide must exist in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tree_sitter import Node

from shipbench.truth.typescript.application import Source, is_test
from shipbench.truth.typescript.binder import FUNCTIONS
from shipbench.truth.typescript.seen import subpath
from shipbench.truth.typescript.syntax import field, line, literal_key, string_value, text

if TYPE_CHECKING:
    from shipbench.truth.typescript.verdicts import Verdicts

_MOCKERS = {
    "vi.mock", "vi.doMock", "jest.mock", "jest.doMock", "jest.unstable_mockModule", "mock.module", "t.mock.module",
    "mock", "vitest.mock",
}  # fmt: skip


class Provided(NamedTuple):
    """A name that a mock gives to a module of the library."""

    source: Source
    node: Node
    inside: str
    name: str


class Mocks(NamedTuple):
    """`files` are those in which what the library gives is the test's own making."""

    files: frozenset[str]
    provided: tuple[Provided, ...]

    def judge(self, verdicts: "Verdicts") -> None:
        """Adds the mocked names that do not exist and that the application imports."""
        imported = {
            raw.symbol for raw in verdicts.uses.values() if raw.kind == "constant" and raw.path not in self.files
        }
        index = verdicts.flow.world.index
        for each in self.provided:
            module = index.modules.get(each.inside)
            symbol = f"{index.library}{each.inside[1:]}.{each.name}"
            if module is None or module.open or each.name.startswith("__") or each.name == "default":
                continue
            if each.name in module.exports:
                verdicts.add_mock(each.source, each.node, symbol, "real", "", index.at(module.exports[each.name]))
            elif symbol in imported and not verdicts.suspended:
                why = f"mock: {verdicts.label} exports no {each.name}, so the test passes where the application fails"
                verdicts.add_mock(each.source, each.node, symbol, "invented", why, "")


def mocks(sources: list[Source], library: str) -> Mocks:
    """The mocks of the library in the tests. Where a set-up file mocks it, that holds for every test."""
    provided: list[Provided] = []
    files: set[str] = set()
    for source in sources:
        found = [each for node in source.names.found.get("call", ()) if (each := _mocked(node, library)) is not None]
        if found:
            files.add(source.path)
        for call, inside in found:
            provided.extend(Provided(source, node, inside, name) for name, node in _names(call))
    if files:
        files.update(source.path for source in sources if is_test(source.path))
    return Mocks(frozenset(files), tuple(provided))


def _mocked(node: Node, library: str) -> tuple[Node, str] | None:
    """The subpath of the library that a call mocks."""
    if text(field(node, "function")) not in _MOCKERS:
        return None
    arguments = field(node, "arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    if first is not None and first.type == "call_expression":  # vi.mock(import('ai'), …)
        inner = field(first, "arguments")
        first = inner.named_children[0] if inner is not None and inner.named_children else None
    specifier = string_value(first)
    inside = subpath(specifier, library) if specifier else None
    return (node, inside) if inside is not None else None


def _names(call: Node) -> Iterator[tuple[str, Node]]:
    """The names that the factory's object gives."""
    arguments = field(call, "arguments")
    nodes = arguments.named_children[1:] if arguments is not None else []
    for node in nodes:
        found = _object(node)
        for each in found.named_children if found is not None else ():
            if each.type == "pair" and literal_key(field(each, "key")) == "namedExports":
                inner = field(each, "value")
                for part in inner.named_children if inner is not None and inner.type == "object" else ():
                    yield from _named(part)
            else:
                yield from _named(each)


def _named(node: Node) -> Iterator[tuple[str, Node]]:
    name = None
    if node.type in {"pair", "method_definition"}:
        name = literal_key(field(node, "key") or field(node, "name"))
    elif node.type == "shorthand_property_identifier":
        name = text(node)
    if name is not None and line(node):
        yield name, node


def _object(node: Node) -> Node | None:
    """The object literal that a factory returns."""
    if node.type == "object":
        return node
    if node.type not in FUNCTIONS:
        return None
    body = field(node, "body")
    while body is not None and body.type == "parenthesized_expression" and body.named_children:
        body = body.named_children[0]
    if body is not None and body.type == "statement_block":
        last = body.named_children[-1] if body.named_children else None
        body = (
            last.named_children[0]
            if last is not None and last.type == "return_statement" and last.named_children
            else None
        )
    return body if body is not None and body.type == "object" else None
