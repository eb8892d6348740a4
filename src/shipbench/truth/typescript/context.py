"""What the place where an expression stands asks for: an argument's, a property's, a callback parameter's type."""

from typing import TYPE_CHECKING

from tree_sitter import Node

from shipbench.truth.typescript.application import Source
from shipbench.truth.typescript.binder import FUNCTIONS
from shipbench.truth.typescript.seen import UNKNOWN, Seen, library
from shipbench.truth.typescript.syntax import field, literal_key, string_value, text
from shipbench.truth.typescript.types import unknown
from shipbench.truth.typescript.values import Alternative, Value, merged, opened, union
from shipbench.truth.typescript.world import World

if TYPE_CHECKING:
    from shipbench.truth.typescript.flow import Flow

_ELEMENT_CALLBACKS = {"map", "forEach", "filter", "find", "findLast", "some", "every", "flatMap", "findIndex"}


def parameter(flow: "Flow", source: Source, node: Node) -> Seen:
    declared = field(node, "type")
    if declared is not None:
        return flow.annotated(source, declared)
    holder = node if node.type == "arrow_function" else (node.parent.parent if node.parent else None)
    if holder is None or holder.type not in FUNCTIONS:
        return UNKNOWN
    siblings = [each for each in node.parent.named_children if each.type != "comment"] if node.parent else []
    number = siblings.index(node) if node.type != "arrow_function" and node in siblings else 0
    value = _callback(flow, source, holder, number)
    return library(value) if value is not None else UNKNOWN


def _callback(flow: "Flow", source: Source, function: Node, number: int) -> Value | None:
    """The type of a callback's parameter, from the place where the function stands."""
    element = _element_callback(flow, source, function) if number == 0 else None
    if element is not None:
        return element
    expected = flow.expected(source, function)
    if expected is None:
        return None
    callees, why = flow.world.calls(expected, some=True)
    if not callees or why:
        return None
    parts = [found for each in callees if (found := flow.world.parameter(each, number)) is not None]
    return merged([each for each, _ in parts]) if parts else None


def _element_callback(flow: "Flow", source: Source, function: Node) -> Value | None:
    call = function.parent.parent if function.parent is not None else None
    target = field(call, "function") if call is not None and call.type == "call_expression" else None
    if call is None or target is None or target.type != "member_expression":
        return None
    name = text(field(target, "property"))
    nodes, _ = flow.arguments(call)
    if not nodes or nodes[0] != function:
        return None
    seen = flow.see(source, field(target, "object"))
    if name == "then":
        inner = flow.awaited(seen)
        return inner.value if seen.kind in {"library", "promise"} and inner.kind == "library" else None
    if name in _ELEMENT_CALLBACKS and seen.kind == "library" and seen.value and flow.is_list(seen.value):
        return flow.world.element(seen.value)
    return None


def expected(flow: "Flow", source: Source, node: Node) -> Value | None:
    parent = node.parent
    if parent is None:
        return None
    if parent.type in {"parenthesized_expression", "ternary_expression"}:
        return flow.expected(source, parent) if field(parent, "condition") != node else None
    if parent.type == "arguments" and parent.parent is not None:
        return _argument(flow, source, parent.parent, node)
    if parent.type == "pair" and field(parent, "value") == node and parent.parent is not None:
        return _keyed(flow, source, parent.parent, literal_key(field(parent, "key")))
    if node.type == "method_definition" and parent.type == "object":
        return _keyed(flow, source, parent, literal_key(field(node, "name")))
    if parent.type == "array":
        expected = flow.expected(source, parent)
        return flow.world.listed(expected) if expected is not None else None
    if parent.type == "satisfies_expression" or (parent.type == "variable_declarator" and field(parent, "type")):
        written = field(parent, "type") if parent.type == "variable_declarator" else parent.named_children[-1]
        found = flow.annotation(source, written) if written is not None else unknown("")
        return Value(found, {}, "") if found.kind != "open" else None
    return None


def _keyed(flow: "Flow", source: Source, holder: Node, name: str | None) -> Value | None:
    expected = flow.expected(source, holder) if name is not None else None
    if expected is None or name is None:
        return None
    found = flow.world.member(chosen(flow.world, expected, holder), name)
    return found.value if found.state == "present" else None


def _argument(flow: "Flow", source: Source, call: Node, node: Node) -> Value | None:
    if call.type not in {"call_expression", "new_expression"}:
        return None
    callees, why = flow.callees(source, call)
    nodes, spread = flow.arguments(call)
    if not callees or why or spread or node not in nodes:
        return None
    fitting = flow.fitting(callees, len(nodes), spread) or callees
    parts = [found for each in fitting if (found := flow.world.parameter(each, nodes.index(node)))]
    return merged([each for each, _ in parts]) if parts else opened("no such parameter")


def chosen(world: World, value: Value, node: Node) -> Value:
    """The alternatives of a type that an object literal can mean, by the literals that it gives (`type: 'text'`)."""
    kept = [each for each in world.alternatives(value) if _agrees(world, each, node)]
    return union([world.rebuilt(each) for each in kept]) if kept else value


def _agrees(world: World, alternative: Alternative, node: Node) -> bool:
    for each in node.named_children:
        if each.type != "pair":
            continue
        name, written = literal_key(field(each, "key")), string_value(field(each, "value"))
        if name is None or written is None:
            continue
        found = world.member_of([alternative], name)
        if found.state == "present":
            kinds = [atom for part in world.alternatives(found.value) for atom in part]
            if kinds and all(atom.kind == "lit" and atom.name != f"'{written}" for atom in kinds):
                return False
    return True
