"""The Ruby code of an application as classes, methods and calls, with a light flow of types."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node

_STRUCTS = {("Struct", "new"), ("Data", "define"), ("Class", "new")}


@dataclass(eq=False)
class Method:
    """A `def`. `owner` is the qualified class or module, "" at top level; `singleton` is a class's own method."""

    name: str
    owner: str
    path: str
    node: Node
    singleton: bool

    @property
    def body(self) -> Node | None:
        return self.node.get("body")


@dataclass(eq=False)
class Class:
    """A class or module, one of the places where it is opened."""

    name: str
    superclass: str
    path: str
    node: Node
    mixins: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Call:
    """A call with where it stands."""

    name: str
    path: str
    node: Node
    owner: str
    method: Method | None


class Program:
    """What a set of parsed Ruby files defines and calls."""

    def __init__(self, files: dict[str, Node]) -> None:
        self.files = files
        self.classes: dict[str, list[Class]] = defaultdict(list)
        self.methods: list[Method] = []
        self.calls: list[Call] = []
        self.constants: dict[str, list[tuple[str, Node]]] = defaultdict(list)
        self._of_node: dict[int, Method] = {}
        self._lineages: dict[str, list[str]] = {}
        for path, root in files.items():
            self._read(path, root)

    @cached_property
    def methods_by_name(self) -> dict[str, list[Method]]:
        found: dict[str, list[Method]] = defaultdict(list)
        for method in self.methods:
            found[method.name].append(method)
        return found

    @cached_property
    def calls_by_name(self) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.name].append(call)
        return found

    def named(self, *names: str) -> Iterator[Call]:
        for name in names:
            yield from self.calls_by_name.get(name, [])

    def method_at(self, node: Node) -> Method | None:
        found = ruby.method_of(node)
        return self._of_node.get(id(found)) if found else None

    def resolve(self, name: str, owner: str = "") -> str | None:
        """The qualified name of the application's class that `name` means inside `owner`, if it has one."""
        name = name.removeprefix("::")
        scope = owner
        while True:
            candidate = f"{scope}::{name}" if scope else name
            if candidate in self.classes:
                return candidate
            if not scope:
                return None
            scope = scope.rpartition("::")[0]

    def lineage(self, name: str) -> list[str]:
        """The class, its mixins and superclasses: those of the application qualified, foreign ones as written."""
        if name in self._lineages:
            return self._lineages[name]
        found: list[str] = []
        pending = [name]
        while pending and len(found) < 50:
            current = pending.pop(0)
            if not current or current in found:
                continue
            found.append(current)
            for opened in self.classes.get(current, []):
                outer = current.rpartition("::")[0]
                pending += [
                    self.resolve(other, outer) or other for other in [*opened.mixins, opened.superclass] if other
                ]
        self._lineages[name] = found
        return found

    def related(self, one: str, other: str) -> bool:
        return one in self.lineage(other) or other in self.lineage(one)

    def methods_of(self, owner: str, name: str) -> list[Method]:
        """The definitions of `name` that an instance or the class itself would use."""
        lineage = self.lineage(owner)
        return [method for method in self.methods_by_name.get(name, []) if method.owner in lineage]

    def is_controller(self, owner: str) -> bool:
        return any(name.endswith("Controller") or name.startswith("ActionController") for name in self.lineage(owner))

    def assigned(self, owner: str, variable: str) -> list[Node]:
        """What is assigned to an instance or class variable anywhere in `owner` and its relatives."""
        lineage = self.lineage(owner)
        return [right for where, name, right in self._assignments if name == variable and where in lineage]

    @cached_property
    def _assignments(self) -> list[tuple[str, str, Node]]:
        found = []
        for root in self.files.values():
            for node in root.walk():
                if node.kind in ("assignment", "operator_assignment"):
                    left, right = node.get("left"), node.get("right")
                    if left and right and left.kind in ("instance_variable", "class_variable", "global_variable"):
                        found.append((self.owner_of(node), left.text, right))
        return found

    def owner_of(self, node: Node) -> str:
        """The qualified class or module around `node`."""
        parts: list[str] = []
        for ancestor in node.ancestors():
            name = _opened_name(ancestor)
            if name and ancestor.get("name") is not node:
                parts.append(name)
        return "::".join(reversed(parts))

    def _read(self, path: str, root: Node) -> None:
        # One walk with the lexical owner at hand; a stack, so that no nesting can exhaust Python's own.
        stack: list[tuple[Node, str, bool, Method | None]] = [(root, "", False, None)]
        while stack:
            node, owner, eigen, method = stack.pop()
            inner = (owner, eigen, method)
            name = _opened_name(node)
            if name:
                owner_inside = f"{owner}::{name}" if owner else name
                self._open(path, node, owner_inside)
                inner = (owner_inside, False, None)
            elif node.kind == "singleton_class":
                inner = (owner, True, None)
            elif node.kind in ("method", "singleton_method"):
                named = node.get("name")
                found = Method(named.text if named else "", owner, path, node, eigen or node.kind == "singleton_method")
                self.methods.append(found)
                self._of_node[id(node)] = found
                inner = (owner, eigen, found)
            elif node.kind == "call":
                self.calls.append(Call(ruby.call_name(node), path, node, owner, method))
            elif node.kind == "identifier" and _may_be_call(node):
                self.calls.append(Call(node.text, path, node, owner, method))
            elif node.kind == "assignment":
                self._constant(path, node, owner)
            stack.extend((child, *inner) for child in reversed(node.children))

    def _open(self, path: str, node: Node, name: str) -> None:
        above = node.get("superclass")
        superclass = next((found for found, _ in ruby.constants(above)), "") if above else ""
        body = node.get("body") or node
        mixins = [
            found
            for statement in ruby.statements(body)
            if statement.kind == "call" and ruby.call_name(statement) in ("include", "extend", "prepend")
            for argument in ruby.arguments(statement)
            if (found := ruby.constant(argument))
        ]
        self.classes[name].append(Class(name, superclass, path, node, mixins))

    def _constant(self, path: str, node: Node, owner: str) -> None:
        left, right = node.get("left"), node.get("right")
        name = ruby.constant(left)
        if name and right:
            self.constants[f"{owner}::{name}" if owner else name].append((path, right))

    def constant_value(self, name: str, owner: str) -> Node | None:
        """What the application assigns to the constant `name` as seen from `owner`."""
        scope = owner
        while True:
            found = self.constants.get(f"{scope}::{name}" if scope else name)
            if found:
                return found[0][1]
            if not scope:
                return None
            scope = scope.rpartition("::")[0]


def _opened_name(node: Node) -> str | None:
    if node.kind in ("class", "module"):
        return ruby.constant(node.get("name"))
    if node.kind == "assignment":  # X = Struct.new(:a) do … end
        right = node.get("right")
        if right and right.kind == "call" and ruby.block(right):
            maker = (ruby.constant(ruby.receiver(right)) or "", ruby.call_name(right))
            return ruby.constant(node.get("left")) if maker in _STRUCTS else None
    return None


def _may_be_call(node: Node) -> bool:
    """A bare name that is read, not defined: a local variable or a call without arguments."""
    parent = node.parent
    if parent is None or node.field in ("method", "name", "left"):
        return False
    return parent.kind not in ("method_parameters", "block_parameters", "lambda_parameters", "exception_variable")
