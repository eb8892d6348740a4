"""What a static index cannot list: names that a module or class gets while it runs. Read from the syntax tree."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Facts(NamedTuple):
    """Of one module: why it is open (empty: it is not) and names that its `__getattr__` provably serves; of each class
    (dotted name inside the module) why it is open, and attributes that methods set on self (name → line, annotation);
    of each function (dotted name) the line of its last `def`, and whether it is a generator."""

    open: tuple[str, ...]
    lazy: dict[str, int]
    classes: dict[str, tuple[str, ...]]
    attributes: dict[str, dict[str, tuple[int, str]]]
    functions: dict[str, tuple[int, bool]]


def facts(text: str) -> Facts:
    """Read the source of one module. SyntaxError if it is none."""
    tree = ast.parse(text)
    reasons: list[str] = []
    lazy: dict[str, int] = {}
    for function in _module_functions(tree):
        if function.name == "__getattr__":
            served = _served(function, tree)
            if served is None:
                reasons.append(f"module __getattr__ at line {function.lineno}")
            else:
                lazy.update(dict.fromkeys(served, function.lineno))
    if "globals()" in text or "vars()" in text or "sys.modules" in text:
        reasons += _module_namespace(tree)
    classes: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, dict[str, tuple[int, str]]] = {}
    functions: dict[str, tuple[int, bool]] = {}
    for name, node in _definitions(tree, ""):
        if isinstance(node, ast.ClassDef):
            inside = list(_inside(node))
            classes[name] = tuple(_class_reasons(node, inside))
            attributes[name] = _self_attributes(inside)
        else:
            functions[name] = (node.lineno, _yields(node.body))
    return Facts(tuple(reasons), lazy, classes, attributes, functions)


def _module_functions(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions of the module itself, those under `if` and `try` too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        elif not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            yield from _module_functions(child)


def _definitions(
    node: ast.AST, inside: str
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            name = f"{inside}{child.name}"
            yield name, child
            yield from _definitions(child, f"{name}.")
        elif isinstance(child, _FUNCTIONS):
            yield f"{inside}{child.name}", child
        else:
            yield from _definitions(child, inside)


def _served(function: ast.FunctionDef, tree: ast.Module) -> set[str] | None:
    """The names that a module's `__getattr__` answers to, if it compares its argument with constants and raises
    AttributeError for all others; None where that is not proven."""
    if not function.args.args:
        return None
    argument = function.args.args[0].arg
    last = function.body[-1]
    tests = [node for node in function.body if isinstance(node, ast.If)]
    if not isinstance(last, ast.Raise) and not (tests and _always_raises_else(tests[-1])):
        return None
    if isinstance(last, ast.Raise) and any(_returns(node) for node in function.body if not isinstance(node, ast.If)):
        return None
    names: set[str] = set()
    tables = _looked_up(function, argument)
    for test in tests:
        branch: ast.stmt | None = test
        while isinstance(branch, ast.If):
            found = _compared(branch.test, argument, tree, tables)
            if found is None:
                return None
            names |= found
            branch = branch.orelse[0] if len(branch.orelse) == 1 else None
    return names


def _always_raises_else(node: ast.If) -> bool:
    while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
    return len(node.orelse) > 0 and isinstance(node.orelse[-1], ast.Raise)


def _returns(node: ast.AST) -> bool:
    return any(isinstance(child, ast.Return) for child in ast.walk(node))


def _looked_up(function: ast.FunctionDef, argument: str) -> dict[str, str]:
    """Local names that hold `TABLE.get(argument)` → the table's name."""
    found = {}
    for node in function.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=local)],
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="get"), args=[ast.Name(id=name)]),
            ) if name == argument:
                found[local] = table
    return found


def _compared(test: ast.expr, argument: str, tree: ast.Module, tables: dict[str, str]) -> set[str] | None:
    match test:
        case ast.Name(id=local) if local in tables:
            return _strings(_assigned(tree, tables[local]))
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=str(value))]):
            return {value} if name == argument else None
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In()], comparators=[ast.Name(id=table)]):
            return _strings(_assigned(tree, table)) if name == argument else None
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In()], comparators=[literal]):
            return _strings(literal) if name == argument else None
    return None


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """The one value that a name gets in the module."""
    values: list[ast.expr | None] = []
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            values.append(node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None)
    return values[0] if len(values) == 1 else None


def _strings(node: ast.expr | None) -> set[str] | None:
    """The strings in a literal collection, or the keys of a literal dict."""
    elements: list[ast.expr | None]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        elements = list(node.elts)
    elif isinstance(node, ast.Dict):
        elements = list(node.keys)
    else:
        return None
    if all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in elements):
        return {str(each.value) for each in elements if isinstance(each, ast.Constant)}
    return None


def _module_namespace(tree: ast.Module) -> Iterator[str]:
    """Writes into globals(), and modules that replace themselves."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="globals" | "vars")), attr="update")):
                yield f"globals().update at line {node.lineno}"
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="sys"), attr="modules"),
                slice=ast.Name(id="__name__"),
                ctx=ast.Store(),
            ):
                yield f"replaces itself in sys.modules at line {node.lineno}"


def _class_reasons(node: ast.ClassDef, inside: list[ast.AST]) -> Iterator[str]:
    for keyword in node.keywords:
        if keyword.arg == "metaclass" and ast.unparse(keyword.value).rpartition(".")[2] not in _PLAIN_METACLASSES:
            yield f"metaclass {ast.unparse(keyword.value)}"
    for child in inside:
        match child:
            case ast.FunctionDef(name="__getattr__" | "__getattribute__"):
                yield f"{child.name} at line {child.lineno}"
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self" | "cls"), attribute, _]):
                if not isinstance(attribute, ast.Constant):
                    yield f"dynamic setattr at line {child.lineno}"
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="__dict__"), attr="update")):
                yield f"__dict__.update at line {child.lineno}"
            case ast.Assign(targets=[ast.Name(id="model_config")]):
                yield from _extra(child.value)
            case ast.AnnAssign(target=ast.Name(id="model_config"), value=ast.expr() as value):
                yield from _extra(value)


# Metaclasses that add no attribute which a reader of the class would not see. Pydantic's own is known too.
_PLAIN_METACLASSES = {"ABCMeta", "EnumMeta", "EnumType", "ModelMetaclass"}


def _inside(node: ast.ClassDef) -> Iterator[ast.AST]:
    """All nodes of a class, without those of nested classes."""
    stack: list[ast.AST] = list(node.body)
    while stack:
        child = stack.pop()
        yield child
        stack += [each for each in ast.iter_child_nodes(child) if not isinstance(each, ast.ClassDef)]


def _extra(value: ast.expr) -> Iterator[str]:
    text = ast.unparse(value)
    if "extra='allow'" in text or "'extra': 'allow'" in text:
        yield "pydantic extra=allow"


def _self_attributes(inside: list[ast.AST]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for child in inside:
        match child:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                found.setdefault(name, (child.lineno, ""))
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=annotation):
                found[name] = (child.lineno, ast.unparse(annotation))
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self"), ast.Constant(value=str(name)), _]):
                found.setdefault(name, (child.lineno, ""))
    return found


def _yields(body: list[ast.stmt]) -> bool:
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            stack += ast.iter_child_nodes(node)
    return False
