"""Whether the list of earlier turns that the model is told is ever anything but empty."""

from typing import Literal

from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Call, Method
from shipbench.audit.parse.tree import Node
from shipbench.audit.rescue import Rescues

Filled = Literal["filled", "empty", "unsure"]

# What gives a part of a list, or the list in another form: of an empty one nothing.
PARTS = {"last", "first", "take", "drop", "reverse", "to_a", "dup", "compact", "select", "filter", "reject", "map"} | {
    "each_with_index", "each_slice", "sort_by", "filter_map", "presence", "flatten",
}  # fmt: skip
_DEPTH = 8
_SPREADING = ("splat_argument", "hash_splat_argument", "block_argument", "forward_argument")


def filled(rescues: Rescues, replay: Call) -> Filled:
    """What the loop around `replay`, or the loop that it is, goes over: `empty` only where every caller is certain to
    hand in an empty literal, or to leave out an argument that is empty by default."""
    listed = _looped(replay.node)
    if listed is None:
        return "filled"
    return _value(rescues, listed, replay.method, 0)


def _looped(node: Node) -> Node | None:
    """The receiver of the innermost loop: `history` of `history.last(9).each { … }`."""
    if ruby.block(node) is None and ruby.call_name(node) in ("each", "map", "reverse_each"):
        return ruby.receiver(node)  # history.each(&chat.method(:add_message))
    for ancestor in node.ancestors():
        if ancestor.kind in ("do_block", "block") and ancestor.parent is not None and ancestor.parent.kind == "call":
            return ruby.receiver(ancestor.parent)
        if ancestor.kind in ("method", "singleton_method"):
            return None
    return None


def _value(rescues: Rescues, node: Node, method: Method | None, depth: int) -> Filled:
    if _is_empty(node):
        return "empty"
    while node.kind == "call" and ruby.call_name(node) in PARTS and (source := ruby.receiver(node)) is not None:
        node = source
    if depth > _DEPTH or method is None:
        return "unsure"
    if node.kind == "instance_variable":
        return _of_variable(rescues, node, method, depth)
    if node.kind != "identifier":
        return "filled"
    place = _parameter(method, node.text)
    if place is None or _assigned(method, node.text):
        return "filled"
    return _of_parameter(rescues, method, place, depth)


def _of_variable(rescues: Rescues, node: Node, method: Method, depth: int) -> Filled:
    values = rescues.program.assigned(method.owner, node.text)
    if not values or any(value.kind != "identifier" for value in values):
        return "filled"
    return _all([_value(rescues, value, rescues.program.method_at(value), depth + 1) for value in values])


def _of_parameter(rescues: Rescues, method: Method, place: tuple[int, Node], depth: int) -> Filled:
    sure, maybe = rescues.callers(method)
    found = [_argument(rescues, call, place, depth) for call in sure]
    # Another class's method of this name may be meant, so an empty list given there is no proof.
    doubtful = [_argument(rescues, call, place, depth) for call in maybe]
    found += ["unsure" if each == "empty" else each for each in doubtful]
    return _all(found) if found else "filled"


def _argument(rescues: Rescues, call: Call, place: tuple[int, Node], depth: int) -> Filled:
    """What one call hands in for a parameter."""
    index, parameter = place
    listed = call.node.get("arguments") if call.node.kind == "call" else None
    given = listed.children if listed is not None else []
    if any(child.kind in _SPREADING for child in given):
        return "unsure"
    name = parameter.get("name") or parameter
    if parameter.kind == "keyword_parameter":
        pair = next((child for child in given if child.kind == "pair" and _key(child) == name.text), None)
        value = (pair.get("value") or pair.get("key")) if pair is not None else None
        if pair is not None and pair.get("value") is None:
            return "filled"  # `history:` alone: the caller's own
    else:
        positional = ruby.arguments(call.node) if call.node.kind == "call" else []
        value = positional[index] if index < len(positional) else None
    if value is None:
        default = parameter.get("value")
        if default is None:
            return "unsure"
        return "empty" if _is_empty(default) else "filled"
    return _value(rescues, value, call.method, depth + 1)


def _key(pair: Node) -> str | None:
    return ruby.literal(pair.get("key"))


def _parameter(method: Method, name: str) -> tuple[int, Node] | None:
    """A parameter by its name, with its place in the list."""
    listed = method.node.get("parameters")
    for index, child in enumerate(listed.children if listed is not None else []):
        if (child.get("name") or child).text == name and child.kind in (
            "identifier",
            "keyword_parameter",
            "optional_parameter",
        ):
            return index, child
    return None


def _assigned(method: Method, name: str) -> bool:
    return any(
        left.text == name
        for node in method.node.walk()
        if node.kind in ("assignment", "operator_assignment") and (left := node.get("left")) is not None
    )


def _is_empty(node: Node) -> bool:
    return (node.kind in ("array", "hash") and not node.children) or node.kind == "nil"


def _all(found: list[Filled]) -> Filled:
    if "filled" in found:
        return "filled"
    return "unsure" if "unsure" in found else "empty"
