"""Ruby and ERB source as syntax trees, and the few questions that are asked of a node."""

from functools import cache
from typing import NamedTuple

import tree_sitter_embedded_template
import tree_sitter_ruby
from tree_sitter import Language, Node, Parser

# Over this a file is no hand-written Ruby, and a tree of it costs seconds and hundreds of megabytes.
MAX_SOURCE_BYTES = 512 * 1024

_ERB_CODE = {"directive", "output_directive"}


class Source(NamedTuple):
    """One parsed file."""

    path: str
    root: Node
    content: bytes


@cache
def _parser(language: str) -> Parser:
    grammar = tree_sitter_ruby if language == "ruby" else tree_sitter_embedded_template
    return Parser(Language(grammar.language()))


def parse(path: str, content: bytes) -> Source:
    """The tree of a Ruby file, or of the Ruby inside an ERB file. Broken source gives a tree with ERROR nodes."""
    if path.endswith(".erb"):
        content = _ruby_of_erb(content)
    return Source(path, _parser("ruby").parse(content).root_node, content)


def _ruby_of_erb(content: bytes) -> bytes:
    """ERB with all that is not code blanked, at the same offsets; each tag ends in a semicolon, as ERB itself does."""
    blank = bytearray(b if b in b"\r\n" else 32 for b in content)
    for node in _parser("erb").parse(content).root_node.children:
        if node.type in _ERB_CODE:
            code = next((child for child in node.children if child.type == "code"), None)
            if code is not None:
                blank[code.start_byte : code.end_byte] = content[code.start_byte : code.end_byte]
                if code.end_byte < node.end_byte:
                    blank[code.end_byte] = ord(";")
    return bytes(blank)


def text(node: Node | None) -> str:
    """The source of a node; empty for None."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def line(node: Node) -> int:
    """1-based."""
    return node.start_point[0] + 1


def field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


def symbol_or_string(node: Node) -> str | None:
    """The value of `:name`, `"name"` or `:"name"` without interpolation; None for anything else."""
    kind = node.type
    if kind == "simple_symbol":
        return text(node)[1:]
    if kind in {"string", "delimited_symbol", "bare_string", "bare_symbol"}:
        children = node.named_children
        if all(child.type == "string_content" for child in children):
            return "".join(text(child) for child in children)
        return None
    if kind in {"hash_key_symbol", "identifier", "constant"}:
        return text(node)
    return None


def literal_names(node: Node) -> list[str] | None:
    """The strings or symbols of an array literal (`[:a]`, `%w[a]`, also with `.freeze`); None where one is computed."""
    if node.type == "call" and text(field(node, "method")) == "freeze":
        receiver = field(node, "receiver")
        return literal_names(receiver) if receiver is not None else None
    if node.type not in {"array", "string_array", "symbol_array"}:
        return None
    names = []
    for child in node.named_children:
        name = None if child.type in {"identifier", "constant"} else symbol_or_string(child)
        if child.type == "comment":
            continue
        if name is None:
            return None
        names.append(name)
    return names


def arguments(node: Node) -> list[Node]:
    """A call's arguments as nodes, without comments and the bodies of heredocs, which stand in the list."""
    found = field(node, "arguments")
    if found is None:
        return []
    return [child for child in found.named_children if child.type not in {"comment", "heredoc_body"}]


def block_of(node: Node) -> Node | None:
    return field(node, "block")
