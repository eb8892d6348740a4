"""Which values of an index's names are worth keeping: type aliases, type variables, lists of names."""

import ast

MAX_VALUE = 20_000
_TYPE_MAKERS = {"TypeVar", "ParamSpec", "TypeVarTuple", "NewType"}
_LITERALS = {str: "str", int: "int", float: "float", bool: "bool", bytes: "bytes"}


def kept_value(text: str) -> str:
    """`text` where it is a type alias, a type variable, a short list of names, or the type's name of a constant in
    angle brackets; empty for all else."""
    if not text or len(text) > MAX_VALUE:
        return ""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return ""
    if isinstance(node, ast.Constant):
        kind = _LITERALS.get(type(node.value))
        return f"<{kind}>" if kind else ""
    if _is_type(node) or _is_maker(node) or _is_names(node):
        return text
    return ""


def _is_maker(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _TYPE_MAKERS


def _is_names(node: ast.expr) -> bool:
    return isinstance(node, (ast.List, ast.Tuple)) and all(
        isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.elts
    )


def _is_type(node: ast.expr) -> bool:
    """A name, `a.b`, `X[...]` or `X | Y`."""
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_type(value)
        case ast.Subscript(value=value):
            return _is_type(value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_side(left) and _is_side(right)
    return False


def _is_side(node: ast.expr) -> bool:
    return _is_type(node) or isinstance(node, ast.Constant)
