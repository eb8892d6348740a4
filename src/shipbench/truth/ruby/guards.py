"""Does the code around a call make sure that it never fails? Then it is no invention, whatever the library has."""

import re

from tree_sitter import Node

from shipbench.truth.ruby.syntax import field, text

_BRANCHES = {
    "if",
    "unless",
    "elsif",
    "conditional",
    "if_modifier",
    "unless_modifier",
    "while",
    "until",
    "binary",
    "when",
}
_QUESTIONS = re.compile(
    r"respond_to\?|defined\?|is_a\?|kind_of\?|instance_of\?|===|method_defined\?|const_defined\?|RUBY_VERSION|VERSION|"
    r"Gem::Version|instance_methods|public_methods|\.methods\b|\.class\b"
)
_PLAIN = {"nil", "false", "true", "return", "return nil", "return false", "return true", "next"}
_ENDS = {"method", "singleton_method", "class", "module", "program"}
_RAISING = {"assert_raises", "assert_raise", "assert_throws", "refute_respond_to", "assert_not_respond_to"}


def guard(node: Node, receiver: str, name: str) -> str:
    """Why the use at `node` is safe, or an empty text. `receiver` is the receiver's source, `name` the method's or
    constant's."""
    current: Node | None = node
    while current is not None:
        parent = current.parent
        if parent is None:
            break
        found = _guarded_by(parent, current, receiver, name)
        if found:
            return found
        if current.type in _ENDS:
            break
        current = parent
    body = text(current) if current is not None and current.type in {"method", "singleton_method"} else ""
    if re.search(rf"(respond_to\?|method_defined\?)\s*\(?\s*:{re.escape(name)}\b", body):
        return f"the method asks respond_to?(:{name})"
    if receiver and re.search(rf"(?<![\w.@]){re.escape(receiver)}\.(is_a\?|kind_of\?|instance_of\?|class\b)", body):
        return f"the method asks for the class of {receiver}"
    return ""


def _falls_back(clause: Node, receiver: str, name: str) -> bool:
    """A rescue that offers another way, or answers with a plain value, expects the API to be missing; one that
    reports a failure does not."""
    if not re.search(r"\b(NoMethodError|NameError)\b", text(field(clause, "exceptions"))):
        return False
    body = field(clause, "body")
    statements = body.named_children if body is not None else []
    root = receiver.split(".")[0] or name
    statements = [each for each in statements if each.type != "comment"]
    plain = all(text(each) in _PLAIN or each.type in {"string", "array", "hash", "integer"} for each in statements)
    return plain or re.search(rf"(?<!\w){re.escape(root)}(?!\w)", text(body)) is not None


def _guarded_by(parent: Node, current: Node, receiver: str, name: str) -> str:
    kind = parent.type
    if kind in _BRANCHES:
        condition = field(parent, "condition") or field(parent, "left") or field(parent, "pattern")
        asked = text(condition)
        if condition is not None and condition != current and _QUESTIONS.search(asked):
            return f"inside a condition: {asked[:80]}"
    elif kind == "case":
        value = text(field(parent, "value"))
        if value and value == receiver:
            return f"inside case {value[:60]}"
    elif kind == "rescue_modifier" and field(parent, "body") == current:
        return "a rescue modifier follows"
    elif kind in {"begin", "body_statement", "block_body"} and current.type != "rescue":
        for clause in parent.named_children:
            if clause.type == "rescue" and _falls_back(clause, receiver, name):
                return "the rescue of a NameError or NoMethodError does without it"
    elif kind == "call":
        if text(field(parent, "method")) in _RAISING or "raise_error" in text(field(parent, "arguments")):
            return "the test expects an error"
    elif kind == "unary" and text(parent).startswith("defined?"):
        return "inside defined?"
    return ""
