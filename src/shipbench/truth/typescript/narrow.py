"""What the tests around an expression say about its type, and whether they guard a member."""

from collections.abc import Iterator

from tree_sitter import Node

from shipbench.truth.typescript.binder import FUNCTIONS
from shipbench.truth.typescript.syntax import field, literal_key, string_value, text
from shipbench.truth.typescript.values import Alternative, Value, union
from shipbench.truth.typescript.world import World

MAX_CLIMB = 200
_ENDS = {"break_statement", "return_statement", "throw_statement", "continue_statement"}


def narrowed(world: World, value: Value, node: Node) -> Value:
    """`value` without the alternatives that `if (x.type === 'a')` or `switch (x.type)` around `node` exclude."""
    written = text(node)
    wanted: list[tuple[str, frozenset[str]]] = []
    for condition, key, words in _facts(node):
        if condition == written:
            wanted.append((key, words))
    if not wanted:
        return value
    kept = [each for each in world.alternatives(value) if all(_possible(world, each, *fact) for fact in wanted)]
    return union([world.rebuilt(each) for each in kept]) if kept else value


def _possible(world: World, alternative: Alternative, key: str, words: frozenset[str]) -> bool:
    found = world.member_of([alternative], key)
    if found.state != "present":
        return found.state != "absent"
    atoms = [atom for part in world.alternatives(found.value) for atom in part]
    return not atoms or any(atom.kind != "lit" or atom.name.removeprefix("'") in words for atom in atoms)


def _facts(node: Node) -> Iterator[tuple[str, str, frozenset[str]]]:
    """What holds at `node`: the text of an expression, a member of it, and the literals that this member can be."""
    for below, above in climb(node):
        if (above.type == "if_statement" and field(above, "consequence") == below) or (
            above.type == "ternary_expression" and field(above, "consequence") == below
        ):
            yield from _equalities(field(above, "condition"))
        elif above.type == "binary_expression" and text(field(above, "operator")) == "&&":
            if field(above, "right") == below:
                yield from _equalities(field(above, "left"))
        elif above.type == "switch_case" and field(above, "value") != below:
            yield from _case(above)


def climb(node: Node) -> Iterator[tuple[Node, Node]]:
    """Each pair of a node and its parent, upwards, as far as the function around it goes."""
    below = node
    for _ in range(MAX_CLIMB):
        above = below.parent
        if above is None:
            return
        yield below, above
        if above.type in FUNCTIONS:
            return
        below = above


def _equalities(condition: Node | None) -> Iterator[tuple[str, str, frozenset[str]]]:
    stack = [condition] if condition is not None else []
    while stack:
        node = stack.pop()
        if node.type == "parenthesized_expression":
            stack.extend(node.named_children)
        elif node.type == "binary_expression":
            operator, left, right = text(field(node, "operator")), field(node, "left"), field(node, "right")
            if operator == "&&":
                stack.extend(each for each in (left, right) if each is not None)
            elif operator in {"===", "=="} and left is not None:
                word = string_value(right)
                if left.type == "member_expression" and word is not None:
                    yield text(field(left, "object")), text(field(left, "property")), frozenset({word})


def _case(case: Node) -> Iterator[tuple[str, str, frozenset[str]]]:
    body = case.parent
    switch = body.parent if body is not None else None
    subject = field(switch, "value") if switch is not None else None
    while subject is not None and subject.type == "parenthesized_expression" and subject.named_children:
        subject = subject.named_children[0]
    if body is None or subject is None or subject.type != "member_expression":
        return
    words: set[str] = set()
    for each in body.named_children:
        if each.type == "comment":
            continue
        word = string_value(field(each, "value"))
        if word is None:
            words = {"\0"} if each.type != "switch_default" else words
        words.add(word or "\0")
        if each == case:
            break
        if _ends(each):
            words = set()
    if "\0" not in words:
        yield text(field(subject, "object")), text(field(subject, "property")), frozenset(words)


def _ends(case: Node) -> bool:
    """True where a case does not fall through to the next one."""
    last = case.named_children[-1] if case.named_children else None
    while last is not None and last.type == "statement_block" and last.named_children:
        last = last.named_children[-1]
    return last is not None and last.type in _ENDS


def guard(node: Node, target: str, name: str) -> str:
    """Why the program survives the absence of `.name` of the expression written `target`, used at `node`; ''."""
    above = node.parent
    if above is not None:
        optional = any(child.type in {"optional_chain", "?."} for child in above.children)
        used = field(above, "function") == node or field(above, "object") == node
        if optional and used:
            return "the use is optional (?.)"
    whole = f"{target}.{name}"
    for below, parent in climb(node):
        if parent.type == "unary_expression" and text(field(parent, "operator")) in {"typeof", "!", "delete"}:
            return f"only tested by {text(field(parent, 'operator'))}"
        if parent.type == "binary_expression":
            operator = text(field(parent, "operator"))
            if operator in {"??", "||"} and field(parent, "left") == below:
                return f"a default follows ({operator})"
            if operator == "&&" and (field(parent, "left") == below or _tests(field(parent, "left"), target, whole)):
                return "tested before it is used (&&)"
            if operator in {"===", "!==", "==", "!="} and text(field(parent, "right")) in {"undefined", "null"}:
                return "only compared with nothing"
        elif parent.type in {"if_statement", "ternary_expression", "while_statement"}:
            condition = field(parent, "condition")
            if condition == below and _plain(node):
                return "only tested"
            if condition != below and _tests(condition, target, whole):
                return "inside a test for it"
    return ""


def _plain(node: Node) -> bool:
    """True where the condition only looks at the member and does not call it."""
    parent = node.parent
    return parent is not None and parent.type != "call_expression" and parent.type != "member_expression"


def _tests(condition: Node | None, target: str, whole: str) -> bool:
    """True where a condition asks for the member by name, or asks what kind of object it is."""
    if condition is None:
        return False
    stack = [condition]
    while stack:
        node = stack.pop()
        if node.type in {"member_expression", "subscript_expression"} and _joined(node) == whole:
            return True
        if node.type == "binary_expression":
            operator, left, right = text(field(node, "operator")), field(node, "left"), field(node, "right")
            if operator == "in" and text(right) == target and string_value(left) == whole.rpartition(".")[2]:
                return True
            if operator == "instanceof" and text(left) == target:
                return True
        stack.extend(node.named_children)
    return False


def _joined(node: Node) -> str:
    if node.type == "member_expression":
        return f"{text(field(node, 'object'))}.{text(field(node, 'property'))}"
    return f"{text(field(node, 'object'))}.{literal_key(field(node, 'index')) or '?'}"
