"""What must be known of all files before any expression is judged: who assigns which variable, which setters are
called."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import tree_sitter_ruby
from tree_sitter import Language, Node, Query, QueryCursor

from shipbench.truth.ruby.indexer import Place
from shipbench.truth.ruby.syntax import Source, text

_QUERY = """
(assignment left: (instance_variable) @variable)
(operator_assignment left: (instance_variable) @variable)
(assignment left: (class_variable) @variable)
(operator_assignment left: (class_variable) @variable)
(left_assignment_list (instance_variable) @several)
(left_assignment_list (class_variable) @several)
(exception_variable (instance_variable) @several)
(assignment left: (call method: (identifier) @setter))
(operator_assignment left: (call method: (identifier) @setter))
(call method: (identifier) @name arguments: (argument_list . (simple_symbol) @sent)
  (#any-of? @name "instance_variable_set" "send" "public_send" "__send__" "method" "attribute"))
"""


class Site(NamedTuple):
    """One assignment to an instance or class variable. `node` is the whole assignment, None where its value isn't
    seen."""

    path: str
    node: Node | None
    place: Place


@dataclass
class Facts:
    variables: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))
    setters: set[str] = field(default_factory=set)
    set_by_name: set[str] = field(default_factory=set)


@cache
def _query() -> Query:
    return Query(Language(tree_sitter_ruby.language()), _QUERY)


def collect(sources: Iterable[Source], places: dict[tuple[str, int], Place]) -> Facts:
    """One pass over the files, done inside tree-sitter."""
    facts = Facts()
    for source in sources:
        captures = QueryCursor(_query()).captures(source.root)
        for node in captures.get("variable", ()):
            facts.variables[text(node)].append(Site(source.path, node.parent, enclosing(node, source.path, places)))
        for node in captures.get("several", ()):
            facts.variables[text(node)].append(Site(source.path, None, enclosing(node, source.path, places)))
        facts.setters.update(text(node) for node in captures.get("setter", ()))
        facts.set_by_name.update(text(node)[1:] for node in captures.get("sent", ()))
    return facts


def enclosing(node: Node, path: str, places: dict[tuple[str, int], Place]) -> Place:
    """The method or class whose code `node` is; the file itself counts as a module of its own."""
    current = node.parent
    while current is not None:
        if current.type in {"method", "singleton_method", "class", "module"}:
            place = places.get((path, current.start_byte))
            if place is not None:
                return place
        current = current.parent
    return Place(f"file:{path}", ())


def called_methods(sources: Iterable[Source]) -> set[str]:
    """The names of all methods that are called on an explicit receiver."""
    query = Query(Language(tree_sitter_ruby.language()), "(call receiver: (_) method: (identifier) @name)")
    return {text(node) for source in sources for node in QueryCursor(query).captures(source.root).get("name", ())}
