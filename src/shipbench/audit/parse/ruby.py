"""Reading Ruby syntax: names, receivers, arguments and constant values of tree-sitter-ruby nodes."""

from collections.abc import Iterator

from shipbench.audit.parse.tree import Node

_NOT_ARGUMENTS = {"comment", "heredoc_body", "block_argument", "pair", "hash_splat_argument"}
_METHODS = {"method", "singleton_method"}


def calls(node: Node, *names: str) -> Iterator[Node]:
    """All calls in `node`, of these method names where any are given."""
    for found in node.walk():
        if found.kind == "call" and (not names or call_name(found) in names):
            yield found


def call_name(call: Node) -> str:
    method = call.get("method")
    return method.text if method else "call"  # `x.()` calls `call`


def receiver(call: Node) -> Node | None:
    return call.get("receiver")


def arguments(call: Node) -> list[Node]:
    """Positional arguments."""
    listed = call.get("arguments")
    return [child for child in listed.children if child.named and child.kind not in _NOT_ARGUMENTS] if listed else []


def options(node: Node) -> dict[str, Node]:
    """Keyword arguments of a call, those in a braced hash included; or the pairs of a hash. `x:` alone is `x: x`."""
    found: dict[str, Node] = {}
    holder = node.get("arguments") if node.kind == "call" else node
    for child in holder.children if holder else []:
        if child.kind == "pair":
            key, value = child.get("key"), child.get("value")
            name = literal(key) if key else None
            if key and name is not None:
                found[name] = value or key
        elif child.kind == "hash" and node.kind == "call":
            found.update(options(child))
    return found


def block(call: Node) -> Node | None:
    return call.get("block")


def constant(node: Node | None) -> str | None:
    """`A::B` of a constant path, without a leading `::`; None for anything else."""
    parts: list[str] = []
    while node is not None and node.kind == "scope_resolution":
        name = node.get("name")
        if name is None or name.kind != "constant":
            return None
        parts.append(name.text)
        scope = node.get("scope")
        if scope is None:
            return "::".join(reversed(parts))
        node = scope
    if node is None or node.kind != "constant":
        return None
    return "::".join([node.text, *reversed(parts)])


def constants(node: Node) -> Iterator[tuple[str, Node]]:
    """Every outermost constant path in `node`."""
    for found in node.walk():
        if found.kind in ("constant", "scope_resolution") and not (
            found.parent and found.parent.kind == "scope_resolution"
        ):
            name = constant(found)
            if name:
                yield name, found


def literal(node: Node | None) -> str | None:
    """The value of a string or symbol without interpolation, of a hash key or a number; None for anything else."""
    if node is None:
        return None
    if node.kind in ("hash_key_symbol", "integer", "bare_string", "bare_symbol"):
        return node.text
    if node.kind == "simple_symbol":
        return node.text[1:]
    if node.kind in ("string", "delimited_symbol"):
        parts = [child for child in node.children if child.named]
        if all(part.kind in ("string_content", "escape_sequence") for part in parts):
            return "".join(part.text for part in parts)
    if node.kind == "chained_string":
        parts_of = [literal(child) for child in node.children]
        return None if None in parts_of else "".join(part for part in parts_of if part)
    return None


def heredoc(root: Node, beginning: Node) -> str:
    """The text of the heredoc that `beginning` opens."""
    openings = [node for node in root.walk() if node.kind == "heredoc_beginning"]
    bodies = [node for node in root.walk() if node.kind == "heredoc_body"]
    for opening, body in zip(openings, bodies, strict=False):
        if opening is beginning:
            return body.text
    return ""


def strings(node: Node) -> Iterator[tuple[str, Node]]:
    """Every piece of literal text in `node`: of strings, word arrays and heredocs."""
    for found in node.walk():
        if found.kind in ("string_content", "heredoc_content"):
            yield found.text, found


def method_of(node: Node) -> Node | None:
    """The `def` that `node` stands in, if any."""
    for ancestor in node.ancestors():
        if ancestor.kind in _METHODS:
            return ancestor
    return None


def statements(body: Node | None) -> list[Node]:
    """The statements of a body, without its rescue, else and ensure clauses."""
    if body is None:
        return []
    return [
        child
        for child in body.children
        if child.named and child.kind not in ("comment", "rescue", "ensure", "else", "heredoc_body", "parameters")
    ]


def is_constant_value(node: Node) -> bool:
    """Whether the expression is literal text alone, so that no user can have a say in it."""
    return literal(node) is not None or node.kind in ("nil", "true", "false", "integer", "float", "simple_symbol")
