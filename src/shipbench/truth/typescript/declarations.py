"""What one declaration file declares, imports and exports; the bodies are read only when they are needed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.typescript.syntax import broken_within, parse, string_value, text
from shipbench.truth.typescript.syntax import field as child

_DECLARING = {
    "function_signature", "function_declaration", "class_declaration", "abstract_class_declaration",
    "interface_declaration", "type_alias_declaration", "enum_declaration", "internal_module", "module",
}  # fmt: skip


class Origin(NamedTuple):
    """A name of another module: `name` is `*` for the whole module. An empty `source` is this file."""

    source: str
    name: str


@dataclass
class File:
    """`nodes` has each declared name (dotted inside a namespace) with its declarations; `open` says why there may be
    exports that are not listed."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    imports: dict[str, Origin] = field(default_factory=dict)
    exports: dict[str, Origin] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    open: str = ""


def read_file(content: bytes, path: str) -> File:
    """What the file declares."""
    return read_root(parse(content, path))


def read_root(root: Node) -> File:
    """What the file declares whose tree has this root."""
    found = File()
    if broken_within(root, deep=False) and any(each.type == "ERROR" and _exports(each) for each in root.children):
        found.open = "an export did not parse"
    for statement in root.named_children:
        _statement(statement, found, "")
    if not found.exports and not found.stars and not found.imports:
        found.open = "a script without exports"
    return found


def _exports(node: Node) -> bool:
    return "export" in text(node)[:200]


def _statement(node: Node, found: File, prefix: str) -> None:
    if node.type == "import_statement":
        _import(node, found)
    elif node.type == "export_statement":
        _export(node, found, prefix)
    elif node.type == "expression_statement":
        for each in node.named_children:
            _declare(each, found, prefix)
    else:
        _declare(node, found, prefix)


def _declare(node: Node, found: File, prefix: str) -> list[str]:
    """Notes a declaration; returns the names that it declares."""
    if node.type in {"lexical_declaration", "variable_declaration"}:
        names = []
        for each in node.named_children:
            named = child(each, "name")
            if each.type == "variable_declarator" and named is not None and named.type == "identifier":
                found.nodes.setdefault(prefix + text(named), []).append(each)
                names.append(text(named))
        return names
    if node.type == "ambient_declaration":
        return [name for each in node.named_children for name in _declare(each, found, prefix)]
    if node.type not in _DECLARING:
        return []
    name = text(child(node, "name"))
    if node.type == "module":  # `declare module 'x'` declares names of another module
        return []
    found.nodes.setdefault(prefix + name, []).append(node)
    body = child(node, "body")
    if node.type == "internal_module" and body is not None:
        inner = f"{prefix}{name}."
        table = found.namespaces.setdefault(prefix + name, {})
        for each in body.named_children:
            before = set(found.nodes)
            _statement(each, found, inner)
            for added in set(found.nodes) - before:
                short = added.removeprefix(inner)
                if "." not in short:
                    table.setdefault(short, added)
    return [name]


def _import(node: Node, found: File) -> None:
    source = string_value(child(node, "source"))
    clause = next((each for each in node.named_children if each.type == "import_clause"), None)
    if source is None or clause is None:
        return
    for local, name in imported(clause):
        found.imports[local] = Origin(source, name)


def imported(clause: Node) -> Iterable[tuple[str, str]]:
    """Each local name that an import clause brings and its name in the module (`default`, or `*` for all of it)."""
    for each in clause.named_children:
        if each.type == "identifier":
            yield text(each), "default"
        elif each.type == "namespace_import" and each.named_children:
            yield text(each.named_children[0]), "*"
        elif each.type == "named_imports":
            for part in each.named_children:
                if part.type == "import_specifier":
                    name = _plain(child(part, "name"))
                    yield text(child(part, "alias")) or name, name


def _plain(node: Node | None) -> str:
    """A name in a clause, which may be written as a string."""
    return string_value(node) or text(node)


def _export(node: Node, found: File, prefix: str) -> None:
    source = string_value(child(node, "source")) or ""
    declared = child(node, "declaration")
    names = _declare(declared, found, prefix) if declared is not None else []
    default = any(each.type == "default" for each in node.children)
    if not prefix:
        for name in names:
            found.exports["default" if default else name] = Origin("", name)
    value = child(node, "value")
    if default and value is not None and value.type == "identifier":
        found.exports["default"] = Origin("", text(value))
    clauses = [each for each in node.named_children if each.type in {"export_clause", "namespace_export"}]
    if source and not clauses and any(each.type == "*" for each in node.children):
        found.stars.append(source)
    for clause in clauses:
        if clause.type == "namespace_export" and clause.named_children:
            found.exports[_plain(clause.named_children[0])] = Origin(source, "*")
        for part in clause.named_children:
            if part.type == "export_specifier":
                name = _plain(child(part, "name"))
                alias = _plain(child(part, "alias")) or name
                if prefix:
                    found.namespaces.setdefault(prefix[:-1], {})[alias] = name
                else:
                    found.exports[alias] = Origin(source, name)
