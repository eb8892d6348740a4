"""What an expression of the application is, as far as it comes from the library."""

from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.typescript.application import Application, Source
from shipbench.truth.typescript.binder import FUNCTIONS, Binding, Step
from shipbench.truth.typescript.narrow import narrowed
from shipbench.truth.typescript.syntax import field, literal_key, string_value, text
from shipbench.truth.typescript.typenodes import TypeReader
from shipbench.truth.typescript.types import Type, unknown
from shipbench.truth.typescript.world import Callee, Found, Value, World, opened, union

MAX_DEPTH = 60
_PASSING = {"parenthesized_expression", "non_null_expression", "satisfies_expression"}
_ELEMENT_CALLBACKS = {"map", "forEach", "filter", "find", "findLast", "some", "every", "flatMap", "findIndex"}
_SAME_LIST = {"filter", "slice", "toReversed", "reverse", "toSorted", "sort", "concat"}
_ONE_ELEMENT = {"find", "findLast", "at", "pop", "shift"}


class Seen(NamedTuple):
    """`kind`: `library` (`value`), `module` (a module of the library, `name` its subpath), `function`, `object` or
    `class` of the application (`source`, `node`), `file` (a module of the application), `promise` (of `inner`), or
    `unknown`."""

    kind: str
    value: Value | None = None
    source: Source | None = None
    node: Node | None = None
    name: str = ""
    inner: "Seen | None" = None


UNKNOWN = Seen("unknown")


def library(value: Value) -> Seen:
    return Seen("library", value)


def subpath(specifier: str, package: str) -> str | None:
    """`./test` for `ai/test`, `.` for `ai`; None for another package."""
    if specifier == package:
        return "."
    return "." + specifier[len(package) :] if specifier.startswith(f"{package}/") else None


class Flow:
    """Evaluates expressions on demand and remembers the answers. `mocked` are the files in which the library's results
    are made by the test."""

    def __init__(self, application: Application, world: World, mocked: frozenset[str] = frozenset()) -> None:
        self.application = application
        self.world = world
        self.package = world.index.library
        self.mocked = mocked
        self._known: dict[tuple[str, int], Seen] = {}
        self._contexts: dict[tuple[str, int], Value | None] = {}
        self._depth = 0

    # -- expressions ----------------------------------------------------------------------------------------------

    def see(self, source: Source, node: Node | None) -> Seen:
        """What the expression `node` is."""
        if node is None or self._depth >= MAX_DEPTH:
            return UNKNOWN
        key = (source.path, node.id)
        if key in self._known:
            return self._known[key]
        self._known[key] = UNKNOWN  # what depends on itself is not known
        self._depth += 1
        try:
            found = self._see(source, node)
        finally:
            self._depth -= 1
        self._known[key] = found
        return found

    def _see(self, source: Source, node: Node) -> Seen:
        kind = node.type
        if kind in {"identifier", "shorthand_property_identifier"}:
            return self._identifier(source, node)
        if kind in _PASSING:
            return self.see(source, node.named_children[0] if node.named_children else None)
        if kind == "member_expression":
            found = self.member(self.see(source, field(node, "object")), text(field(node, "property")))
            return self._narrow(node, found)
        if kind == "subscript_expression":
            return self._subscript(source, node)
        if kind == "call_expression":
            return self._call(source, node)
        if kind == "new_expression":
            return self._new(source, node)
        if kind == "await_expression":
            return self.awaited(self.see(source, node.named_children[0] if node.named_children else None))
        if kind == "as_expression":
            return self._cast(source, node)
        if kind in FUNCTIONS:
            return Seen("function", None, source, node)
        if kind == "object":
            return Seen("object", None, source, node)
        if kind == "ternary_expression":
            return self._either(source, field(node, "consequence"), field(node, "alternative"))
        if kind == "binary_expression" and text(field(node, "operator")) in {"??", "||"}:
            return self._either(source, field(node, "left"), field(node, "right"))
        if kind == "assignment_expression":
            return self.see(source, field(node, "right"))
        if kind == "this":
            return self._this(source, node)
        return UNKNOWN

    def _either(self, source: Source, one: Node | None, other: Node | None) -> Seen:
        seen = [self.see(source, one), self.see(source, other)]
        values = [each.value for each in seen if each.kind == "library" and each.value is not None]
        return library(union(values)) if len(values) == 2 else UNKNOWN

    def _cast(self, source: Source, node: Node) -> Seen:
        if len(node.named_children) < 2:  # `as const`
            return self.see(source, node.named_children[0] if node.named_children else None)
        return self._annotated(source, node.named_children[1])

    def _this(self, source: Source, node: Node) -> Seen:
        above = node.parent
        while above is not None:
            if above.type in {"function_declaration", "function_expression", "object"}:
                return UNKNOWN
            if above.type == "class_body":
                return Seen("class", None, source, above, "instance")
            above = above.parent
        return UNKNOWN

    # -- names ----------------------------------------------------------------------------------------------------

    def _identifier(self, source: Source, node: Node) -> Seen:
        binding = source.names.lookup(text(node), node.start_byte)
        if binding is None:
            return UNKNOWN
        return self._narrow(node, self.bound(source, binding))

    def _narrow(self, node: Node, seen: Seen) -> Seen:
        if seen.kind != "library" or seen.value is None:
            return seen
        return seen._replace(value=narrowed(self.world, seen.value, node))

    def bound(self, source: Source, binding: Binding) -> Seen:
        """What a declaration gives its name."""
        if binding.kind == "import":
            return self.imported(source, binding.source, binding.name)
        if binding.kind == "function":
            return Seen("function", None, source, binding.node)
        if binding.kind == "class":
            return Seen("class", None, source, field(binding.node, "body"))
        return self.steps(self.origin(source, binding), binding.steps)

    def origin(self, source: Source, binding: Binding) -> Seen:
        """The value that is declared, before a pattern takes it apart."""
        node = binding.node
        if binding.kind == "variable":
            declared = field(node, "type")
            if declared is not None:
                return self._annotated(source, declared)
            return self.see(source, field(node, "value"))
        if binding.kind == "assigned":
            return self.see(source, field(node, "right"))
        if binding.kind == "loop":
            return self._looped(source, node)
        if binding.kind == "parameter":
            return self._parameter(source, node)
        return UNKNOWN

    def _looped(self, source: Source, node: Node) -> Seen:
        if not any(child.type == "of" for child in node.children):
            return UNKNOWN
        seen = self.see(source, field(node, "right"))
        if seen.kind != "library" or seen.value is None:
            return UNKNOWN
        element = self.world.element(seen.value)
        awaiting = any(child.type == "await" for child in node.children)
        return library(self.world.awaited(element) if awaiting else element)

    def steps(self, seen: Seen, steps: tuple[Step, ...]) -> Seen:
        """What a way into a pattern leads to."""
        for kind, name in steps:
            if kind == "member":
                seen = self.member(seen, name)
            elif kind == "item" and seen.kind == "library" and seen.value is not None:
                seen = library(self.world.item(seen.value, int(name)))
            else:
                return UNKNOWN
        return seen

    def imported(self, source: Source, specifier: str, name: str) -> Seen:
        """What an import brings."""
        inside = subpath(specifier, self.package)
        if inside is not None:
            if source.path in self.mocked:
                return UNKNOWN
            if name == "*":
                return Seen("module", name=inside)
            value = self.world.exported(inside, name)
            return library(value) if value is not None else UNKNOWN
        target = self.application.locate(specifier, source.path)
        if target is None:
            return UNKNOWN
        other = self.application.sources[target]
        return Seen("file", None, other) if name == "*" else self.exported(other, name)

    def exported(self, source: Source, name: str) -> Seen:
        """What a file of the application exports under a name."""
        key = (source.path, hash(("export", name)))
        if key in self._known:
            return self._known[key]
        self._known[key] = UNKNOWN
        if self._depth < MAX_DEPTH:
            self._depth += 1
            try:
                self._known[key] = self._exported(source, name)
            finally:
                self._depth -= 1
        return self._known[key]

    def _exported(self, source: Source, name: str) -> Seen:
        origin = source.exports.exports.get(name)
        if origin is None:
            for each in source.exports.stars:
                found = self.imported(source, each, name)
                if found.kind != "unknown":
                    return found
            return UNKNOWN
        if origin.source:
            return self.imported(source, origin.source, origin.name)
        binding = source.names.lookup(origin.name, source.root.end_byte)
        return self.bound(source, binding) if binding is not None else UNKNOWN

    # -- types ----------------------------------------------------------------------------------------------------

    def _annotated(self, source: Source, node: Node) -> Seen:
        found = self.annotation(source, node)
        if found.kind == "open" and found.name != "any":
            return UNKNOWN
        return library(Value(found, {}, "")) if found.kind != "open" else UNKNOWN

    def annotation(self, source: Source, node: Node) -> Type:
        """The type that the application writes, in the library's terms."""
        return TypeReader(lambda name, value: self._type_name(source, name, value)).read(node)

    def _type_name(self, source: Source, name: str, value: bool) -> Type:
        head, _, rest = name.partition(".")
        binding = source.names.lookup(head, 0)
        if binding is not None and binding.kind == "import":
            inside = subpath(binding.source, self.package)
            wanted = rest if binding.name == "*" else binding.name
            module = self.world.index.modules.get(inside) if inside is not None else None
            symbol = module.exports.get(wanted, "") if module is not None else ""
            if symbol and (not rest or binding.name == "*"):
                return Type("ref", symbol)
            return unknown(f"{name} is declared elsewhere")
        declared = source.names.types.get(head)
        alias = declared is not None and declared.type == "type_alias_declaration" and not rest and not value
        if declared is not None and alias and self._depth < MAX_DEPTH and not field(declared, "type_parameters"):
            self._depth += 1
            try:
                return self.annotation(source, field(declared, "value") or declared)
            finally:
                self._depth -= 1
        if declared is not None or binding is not None or value or rest:
            return unknown(f"{name} is declared in the application")
        return Type("global", name)

    # -- members --------------------------------------------------------------------------------------------------

    def found(self, seen: Seen, name: str) -> Found | None:
        """The member of a library's value; None where it is nothing of the library."""
        if seen.kind == "library" and seen.value is not None:
            return self.world.member(seen.value, name)
        return None

    def member(self, seen: Seen, name: str) -> Seen:
        """What `.name` of a value is."""
        if seen.kind == "library":
            found = self.found(seen, name)
            return library(found.value) if found is not None and found.state == "present" else UNKNOWN
        if seen.kind == "module":
            value = self.world.exported(seen.name, name)
            return library(value) if value is not None else UNKNOWN
        if seen.kind == "file" and seen.source is not None:
            return self.exported(seen.source, name)
        if seen.kind == "object" and seen.node is not None and seen.source is not None:
            return self._property(seen.source, seen.node, name)
        if seen.kind == "class" and seen.node is not None and seen.source is not None:
            return self._class_member(seen.source, seen.node, name, seen.name == "instance")
        return UNKNOWN

    def _property(self, source: Source, node: Node, name: str) -> Seen:
        found = UNKNOWN
        for each in node.named_children:
            if each.type == "spread_element":
                found = UNKNOWN
            elif each.type == "pair" and literal_key(field(each, "key")) == name:
                found = self.see(source, field(each, "value"))
            elif each.type == "shorthand_property_identifier" and text(each) == name:
                found = self.see(source, each)
            elif each.type == "method_definition" and literal_key(field(each, "name")) == name:
                found = Seen("function", None, source, each)
        return found

    def _class_member(self, source: Source, body: Node, name: str, instance: bool) -> Seen:
        for each in body.named_children:
            static = any(child.type == "static" for child in each.children)
            if static == instance or literal_key(field(each, "name")) != name:
                continue
            if each.type == "method_definition":
                getter = any(child.type in {"get", "set"} for child in each.children)
                return UNKNOWN if getter else Seen("function", None, source, each)
            if each.type in {"public_field_definition", "field_definition"}:
                declared = field(each, "type")
                if declared is not None:
                    return self._annotated(source, declared)
                readonly = any(child.type == "readonly" for child in each.children)
                written = source.content.count(b"this." + name.encode() + b" =")
                return self.see(source, field(each, "value")) if readonly or not written else UNKNOWN
        return UNKNOWN

    def _subscript(self, source: Source, node: Node) -> Seen:
        seen, index = self.see(source, field(node, "object")), field(node, "index")
        name = string_value(index)
        if name is not None:
            return self.member(seen, name)
        if index is not None and index.type == "number" and text(index).isdigit():
            return self.steps(seen, (("item", text(index)),))
        if seen.kind == "library" and seen.value is not None:
            return library(self.world.element(seen.value)) if self._is_list(seen.value) else UNKNOWN
        return UNKNOWN

    def _is_list(self, value: Value) -> bool:
        found = self.world.alternatives(value)
        return bool(found) and all(any(atom.kind in {"list", "nil"} for atom in each) for each in found)

    # -- calls ----------------------------------------------------------------------------------------------------

    def arguments(self, node: Node) -> tuple[list[Node], bool]:
        """The arguments of a call, and whether a spread may bring more."""
        found = field(node, "arguments")
        nodes = [each for each in found.named_children if each.type != "comment"] if found is not None else []
        if found is not None and found.type == "template_string":
            return [], True
        return nodes, any(each.type == "spread_element" for each in nodes)

    def callees(self, source: Source, node: Node) -> tuple[list[Callee], str]:
        """The signatures of the library by which a call can be meant; none, with the reason, where that is open."""
        target = field(node, "function") or field(node, "constructor")
        seen = self.see(source, target)
        if seen.kind != "library" or seen.value is None:
            return [], ""
        return self.world.calls(seen.value, new=node.type == "new_expression")

    def fitting(self, callees: list[Callee], count: int, spread: bool) -> list[Callee]:
        """Those that take this number of arguments."""
        return [each for each in callees if spread or self.takes(each, count)]

    def takes(self, callee: Callee, count: int) -> bool:
        """True where `count` arguments fit the signature."""
        params = callee.signature.params
        least = sum(not each.optional and not each.rest for each in params)
        return least <= count and (count <= len(params) or bool(params and params[-1].rest))

    def _call(self, source: Source, node: Node) -> Seen:
        target = field(node, "function")
        if target is None:
            return UNKNOWN
        if target.type == "import" or (target.type == "identifier" and text(target) == "require"):
            return self._loaded(source, node, target.type == "import")
        if target.type == "member_expression":
            listed = self._list_method(source, target)
            if listed is not None:
                return listed
        seen = self.see(source, target)
        if seen.kind == "function" and seen.node is not None and seen.source is not None:
            return self.returned(seen.source, seen.node)
        return self._result(source, node)

    def _new(self, source: Source, node: Node) -> Seen:
        seen = self.see(source, field(node, "constructor"))
        if seen.kind == "class" and seen.node is not None:
            return seen._replace(name="instance")
        return self._result(source, node)

    def _result(self, source: Source, node: Node) -> Seen:
        callees, _ = self.callees(source, node)
        nodes, spread = self.arguments(node)
        fitting = self.fitting(callees, len(nodes), spread)
        if not fitting:
            return UNKNOWN
        written = field(node, "type_arguments")
        given = [Value(self.annotation(source, each), {}, "") for each in written.named_children] if written else []
        return library(union([self.world.returned(each, given) for each in fitting[:8]]))

    def _loaded(self, source: Source, node: Node, later: bool) -> Seen:
        nodes, _ = self.arguments(node)
        specifier = string_value(nodes[0]) if nodes else None
        if specifier is None:
            return UNKNOWN
        found = self.imported(source, specifier, "*")
        return Seen("promise", inner=found) if later else found

    def _list_method(self, source: Source, target: Node) -> Seen | None:
        name = text(field(target, "property"))
        if name not in _SAME_LIST and name not in _ONE_ELEMENT:
            return None
        seen = self.see(source, field(target, "object"))
        if seen.kind != "library" or seen.value is None or not self._is_list(seen.value):
            return None
        return seen if name in _SAME_LIST else library(self.world.element(seen.value))

    def returned(self, source: Source, node: Node) -> Seen:
        """What a function of the application returns."""
        declared = field(node, "return_type")
        if declared is not None:
            return self._annotated(source, declared)
        if "generator" in node.type or any(child.type == "*" for child in node.children):
            return UNKNOWN
        body = field(node, "body")
        if body is None:
            return UNKNOWN
        results = [body] if body.type != "statement_block" else _returns(body)
        seen = [self.see(source, each) for each in results]
        values = [each.value for each in seen if each.kind == "library" and each.value is not None]
        found = UNKNOWN
        if len(seen) == 1:
            found = seen[0]
        elif values and len(values) == len(seen):
            found = library(union(values))
        if any(child.type == "async" for child in node.children):
            return Seen("promise", inner=self.awaited(found))
        return found

    def awaited(self, seen: Seen) -> Seen:
        """What `await` makes of a value."""
        if seen.kind == "promise" and seen.inner is not None:
            return seen.inner
        if seen.kind == "library" and seen.value is not None:
            return library(self.world.awaited(seen.value))
        return seen

    # -- context --------------------------------------------------------------------------------------------------

    def _parameter(self, source: Source, node: Node) -> Seen:
        declared = field(node, "type")
        if declared is not None:
            return self._annotated(source, declared)
        holder = node if node.type == "arrow_function" else (node.parent.parent if node.parent else None)
        if holder is None or holder.type not in FUNCTIONS:
            return UNKNOWN
        siblings = [each for each in node.parent.named_children if each.type != "comment"] if node.parent else []
        number = siblings.index(node) if node.type != "arrow_function" and node in siblings else 0
        value = self._callback(source, holder, number)
        return library(value) if value is not None else UNKNOWN

    def _callback(self, source: Source, function: Node, number: int) -> Value | None:
        """The type of a callback's parameter, from the place where the function stands."""
        element = self._element_callback(source, function) if number == 0 else None
        if element is not None:
            return element
        expected = self.expected(source, function)
        if expected is None:
            return None
        callees, why = self.world.calls(expected, some=True)
        if not callees or why:
            return None
        parts = [found for each in callees if (found := self.world.parameter(each, number)) is not None]
        return union([each for each, _ in parts]) if parts else None

    def _element_callback(self, source: Source, function: Node) -> Value | None:
        call = function.parent.parent if function.parent is not None else None
        target = field(call, "function") if call is not None and call.type == "call_expression" else None
        if call is None or target is None or target.type != "member_expression":
            return None
        name = text(field(target, "property"))
        nodes, _ = self.arguments(call)
        if not nodes or nodes[0] != function:
            return None
        seen = self.see(source, field(target, "object"))
        if name == "then":
            inner = self.awaited(seen)
            return inner.value if seen.kind in {"library", "promise"} and inner.kind == "library" else None
        if name in _ELEMENT_CALLBACKS and seen.kind == "library" and seen.value and self._is_list(seen.value):
            return self.world.element(seen.value)
        return None

    def expected(self, source: Source, node: Node) -> Value | None:
        """The type that the place where an expression stands asks for; None where nothing of the library does."""
        key = (source.path, node.id)
        if key not in self._contexts:
            self._contexts[key] = None
            if self._depth < MAX_DEPTH:
                self._depth += 1
                try:
                    self._contexts[key] = self._expected(source, node)
                finally:
                    self._depth -= 1
        return self._contexts[key]

    def _expected(self, source: Source, node: Node) -> Value | None:
        parent = node.parent
        if parent is None:
            return None
        if parent.type in {"parenthesized_expression", "ternary_expression"}:
            return self.expected(source, parent) if field(parent, "condition") != node else None
        if parent.type == "arguments" and parent.parent is not None:
            return self._argument(source, parent.parent, node)
        if parent.type == "pair" and field(parent, "value") == node and parent.parent is not None:
            return self._keyed(source, parent.parent, literal_key(field(parent, "key")))
        if node.type == "method_definition" and parent.type == "object":
            return self._keyed(source, parent, literal_key(field(node, "name")))
        if parent.type == "array":
            expected = self.expected(source, parent)
            return self.world.listed(expected) if expected is not None else None
        if parent.type == "satisfies_expression" or (parent.type == "variable_declarator" and field(parent, "type")):
            written = field(parent, "type") if parent.type == "variable_declarator" else parent.named_children[-1]
            found = self.annotation(source, written) if written is not None else unknown("")
            return Value(found, {}, "") if found.kind != "open" else None
        return None

    def _keyed(self, source: Source, holder: Node, name: str | None) -> Value | None:
        expected = self.expected(source, holder) if name is not None else None
        if expected is None or name is None:
            return None
        found = self.world.member(chosen(self.world, expected, holder), name)
        return found.value if found.state == "present" else None

    def _argument(self, source: Source, call: Node, node: Node) -> Value | None:
        if call.type not in {"call_expression", "new_expression"}:
            return None
        callees, why = self.callees(source, call)
        nodes, spread = self.arguments(call)
        if not callees or why or spread or node not in nodes:
            return None
        fitting = self.fitting(callees, len(nodes), spread) or callees
        parts = [found for each in fitting[:40] if (found := self.world.parameter(each, nodes.index(node)))]
        return union([each for each, _ in parts]) if parts else opened("no such parameter")


def chosen(world: World, value: Value, node: Node) -> Value:
    """The alternatives of a type that an object literal can mean, by the literals that it gives (`type: 'text'`)."""
    kept = [each for each in world.alternatives(value) if _agrees(world, each, node)]
    return union([world.rebuilt(each) for each in kept]) if kept else value


def _agrees(world: World, alternative: tuple[object, ...], node: Node) -> bool:
    for each in node.named_children:
        if each.type != "pair":
            continue
        name, written = literal_key(field(each, "key")), string_value(field(each, "value"))
        if name is None or written is None:
            continue
        found = world.member_of([alternative], name)  # type: ignore[list-item]
        if found.state == "present":
            kinds = [atom for part in world.alternatives(found.value) for atom in part]
            if kinds and all(atom.kind == "lit" and atom.name != f"'{written}" for atom in kinds):
                return False
    return True


def _returns(body: Node) -> list[Node]:
    """The expressions that a function's own return statements give."""
    found: list[Node] = []
    stack = [body]
    while stack:
        node = stack.pop()
        if node.type == "return_statement":
            found.extend(node.named_children[:1])
        elif node.type not in FUNCTIONS and node.type != "class_body":
            stack.extend(node.named_children)
    return found
