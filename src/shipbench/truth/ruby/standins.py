"""What a test gives in place of a real object, read from its syntax."""

from tree_sitter import Node

from shipbench.truth.ruby.syntax import arguments, symbol_or_string, text
from shipbench.truth.ruby.syntax import field as child

_MAX_NODES = 200_000


def key_of(pair: Node) -> str:
    return text(child(pair, "key")).rstrip(":").lstrip(":")


def calls_in(root: Node) -> list[Node]:
    found: list[Node] = []
    stack = [root]
    while stack and len(found) < _MAX_NODES:
        current = stack.pop()
        if current.type == "call":
            found.append(current)
        stack.extend(reversed(current.named_children))
    return found


def assigned_in(root: Node) -> dict[str, list[Node]]:
    """Everything that a file assigns to each local or instance variable."""
    found: dict[str, list[Node]] = {}
    stack = [root]
    while stack:
        current = stack.pop()
        if current.type in {"assignment", "operator_assignment"}:
            left, right = child(current, "left"), child(current, "right")
            if left is not None and right is not None and left.type in {"identifier", "instance_variable"}:
                found.setdefault(text(left), []).append(right)
        stack.extend(current.named_children)
    return found


def chained_answer(node: Node, names: set[str]) -> Node | None:
    """The first argument of `.returns(…)` or `.and_return(…)` somewhere after a stub."""
    current = node
    while current.parent is not None and current.parent.type == "call" and child(current.parent, "receiver") == current:
        current = current.parent
        if text(child(current, "method")) in names and arguments(current):
            return arguments(current)[0]
    return None


def possible_values(answer: Node, locals_: dict[str, list[Node]]) -> list[tuple[Node, str]]:
    """What an answer can be: itself, what a lambda ends in, or what is assigned to a variable; with the variable's
    name."""
    if answer.type == "lambda" or (answer.type == "call" and text(child(answer, "method")) in {"proc", "lambda"}):
        block = child(answer, "body") or child(answer, "block")
        body = child(block, "body") if block is not None else None
        code = body if body is not None else block
        statements = code.named_children if code is not None else []
        return possible_values(statements[-1], locals_) if statements else []
    if answer.type in {"identifier", "instance_variable"}:
        values = locals_.get(text(answer), [])
        return [(values[0], text(answer))] if len(values) == 1 else []
    return [(answer, "")]


def constructed(value: Node) -> str:
    """`FakeChat.new(…)` → FakeChat."""
    receiver = child(value, "receiver") if value.type == "call" else None
    if (
        receiver is None
        or text(child(value, "method")) != "new"
        or receiver.type not in {"constant", "scope_resolution"}
    ):
        return ""
    return text(receiver).removeprefix("::")


def told_members(value: Node, variable: str, calls: list[Node]) -> list[tuple[Node, str]]:
    """The methods that a Minitest::Mock, a mocha mock or a double is told to have."""
    maker = text(child(value, "method")) if value.type == "call" else ""
    is_mock = maker in {"mock", "double", "stub", "spy"} or constructed(value) in {"Minitest::Mock", "MiniTest::Mock"}
    if not is_mock:
        return []
    found = [(value, key_of(argument)) for argument in arguments(value) if argument.type == "pair"]
    for node in calls:
        if (
            variable
            and text(child(node, "receiver")) == variable
            and text(child(node, "method")) in {"expect", "expects", "stubs"}
        ):
            given = arguments(node)
            member = symbol_or_string(given[0]) if given and given[0].type == "simple_symbol" else None
            if member:
                found.append((node, member))
    return found
