"""The names of locals that a piece of code reads or assigns."""

from tree_sitter import Node

from shipbench.truth.ruby.syntax import field, text


def identifiers(node: Node | None) -> set[str]:
    found, stack = set(), [node] if node is not None else []
    while stack:
        current = stack.pop()
        if current.type == "identifier":
            found.add(text(current))
        stack.extend(current.named_children)
    return found


def assigned(body: Node) -> set[str]:
    """Names that are assigned, or are a block's parameter, anywhere in a body."""
    found, stack = set(), [body]
    while stack:
        current = stack.pop()
        if current.type in {"assignment", "operator_assignment"}:
            left = field(current, "left")
            if left is not None:
                found |= {text(left)} if left.type == "identifier" else identifiers(left)
        elif current.type in {"block_parameters", "lambda_parameters", "exception_variable", "for"}:
            found |= identifiers(current if current.type != "for" else field(current, "pattern"))
        stack.extend(current.named_children)
    return found
