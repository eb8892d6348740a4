"""tree-sitter with limits, and a light node: one pass over a parse, and no check touches the C library again."""

import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from tree_sitter import Language, Parser, TreeCursor

MAX_PARSE_BYTES = 512 * 1024
PARSE_SECONDS = 2.0
MAX_DEPTH = 400  # of nodes; people's code stays below 100
_CHUNK = 16 * 1024


class UnparsableError(Exception):
    """A file that was not parsed: too large, too slow or broken. The message is a reason fit for a summary."""


class Node:
    """A syntax node. Children are the named nodes and those with a field name; `line` is 1-based.

    `broken`, of a root alone, is the first line that the grammar could not read or where it had to add something.
    """

    __slots__ = ("broken", "children", "end", "field", "index", "kind", "line", "named", "parent", "source", "start")

    def __init__(self, cursor: TreeCursor, source: bytes, parent: "Node | None") -> None:
        node = cursor.node
        assert node is not None
        self.kind = node.type
        self.named = node.is_named
        self.field = cursor.field_name
        self.start = node.start_byte
        self.end = node.end_byte
        self.line = node.start_point[0] + 1
        self.source = source
        self.parent = parent
        self.index = 0
        self.children: list[Node] = []
        self.broken: int | None = None

    @property
    def text(self) -> str:
        return self.source[self.start : self.end].decode("utf-8", "replace")

    def get(self, field: str) -> "Node | None":
        """The first child with this field name."""
        for child in self.children:
            if child.field == field:
                return child
        return None

    def walk(self) -> Iterator["Node"]:
        """This node and everything below it, in source order, without recursion."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def ancestors(self) -> Iterator["Node"]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def inside(self, other: "Node") -> bool:
        return other.start <= self.start and self.end <= other.end

    def last_line(self) -> int:
        return self.line + self.source.count(b"\n", self.start, self.end)


@cache
def _language(name: str) -> Language:
    return Language(import_module(f"tree_sitter_{name}").language())


def parse(language: str, source: bytes, clock: Callable[[], float] = time.monotonic) -> Node:
    """`source` as a tree of `ruby`, `javascript` or `embedded_template`. UnparsableError over a limit of size, time."""
    if len(source) > MAX_PARSE_BYTES:
        raise UnparsableError(f"{len(source)} bytes, more than the {MAX_PARSE_BYTES} that are parsed")
    deadline = clock() + PARSE_SECONDS

    # Only a chunked read lets the parser ask, on its way, whether to go on.
    def read(offset: int, _point: object) -> bytes:
        if clock() > deadline:
            return b""
        return source[offset : offset + _CHUNK]

    def overdue(_offset: int, _has_error: bool) -> bool:
        return clock() > deadline

    try:
        tree = Parser(_language(language)).parse(read, progress_callback=overdue)
    except ValueError:
        raise UnparsableError(f"not parsed within {PARSE_SECONDS:g} s") from None
    if clock() > deadline:
        raise UnparsableError(f"not parsed within {PARSE_SECONDS:g} s")
    return _copy(tree.walk(), source)


def _misread(node: Node, cursor: TreeCursor) -> bool:
    """Whether the grammar gave up here, added something, or (Ruby's) took an `end` too many for a name."""
    if node.kind == "ERROR" or (cursor.node is not None and cursor.node.is_missing):
        return True
    return node.kind == "identifier" and node.field is None and node.end - node.start == 3 and node.text == "end"


def _copy(cursor: TreeCursor, source: bytes) -> Node:
    root = Node(cursor, source, None)
    if root.kind == "ERROR":
        root.broken = root.line
    current = root
    descending = True
    depth = 0
    while True:
        if descending and cursor.goto_first_child():
            depth += 1
            if depth > MAX_DEPTH:
                raise UnparsableError(f"nested deeper than {MAX_DEPTH} nodes")
        elif cursor.goto_next_sibling():
            current = current.parent or root
        else:
            if not cursor.goto_parent():
                return root
            current = current.parent or root
            descending = False
            depth -= 1
            continue
        child = Node(cursor, source, current)
        if root.broken is None and _misread(child, cursor):
            root.broken = child.line
        if child.named or child.field:
            child.index = len(current.children)
            current.children.append(child)
        current = child
        descending = True
