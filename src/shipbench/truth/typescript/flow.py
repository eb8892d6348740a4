"""What an expression of the application is, as far as it comes from the library."""

from tree_sitter import Node

from shipbench.truth.typescript import context
from shipbench.truth.typescript.application import Application, Source
from shipbench.truth.typescript.binder import FUNCTIONS, Binding, Step
from shipbench.truth.typescript.narrow import narrowed
from shipbench.truth.typescript.seen import UNKNOWN, Seen, library, subpath
from shipbench.truth.typescript.syntax import field, literal_key, string_value, text
from shipbench.truth.typescript.typenodes import TypeReader
from shipbench.truth.typescript.types import Type, unknown
from shipbench.truth.typescript.values import Callee, Found, Value, merged, union
from shipbench.truth.typescript.world import World

MAX_DEPTH = 60
_PASSING = {"parenthesized_expression", "non_null_expression", "satisfies_expression"}
_SAME_LIST = {"filter", "slice", "toReversed", "reverse", "toSorted", "sort", "concat"}
_ONE_ELEMENT = {"find", "findLast", "at", "pop", "shift"}


class Flow:
    """Evaluates expressions on demand and remembers the answers. `mocked` are the files in which the library's results
    are made by the test."""

    def __init__(self, application: Application, world: World, mocked: frozenset[str] = frozenset()) -> None:
        self.application = application
        self.world = world
        self.package = world.index.library
        self.mocked = mocked
        self._known: dict[tuple[str, int], Seen] = {}
        self._exports: dict[tuple[str, str], Seen] = {}
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
        return self.annotated(source, node.named_children[1])

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
                return self.annotated(source, declared)
            return self.see(source, field(node, "value"))
        if binding.kind == "assigned":
            return self.see(source, field(node, "right"))
        if binding.kind == "loop":
            return self._looped(source, node)
        if binding.kind == "parameter":
            return context.parameter(self, source, node)
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
        key = (source.path, name)
        if key in self._exports:
            return self._exports[key]
        self._exports[key] = UNKNOWN
        if self._depth < MAX_DEPTH:
            self._depth += 1
            try:
                self._exports[key] = self._exported(source, name)
            finally:
                self._depth -= 1
        return self._exports[key]

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

    def annotated(self, source: Source, node: Node) -> Seen:
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
                    return self.annotated(source, declared)
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
            return library(self.world.element(seen.value)) if self.is_list(seen.value) else UNKNOWN
        return UNKNOWN

    def is_list(self, value: Value) -> bool:
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
        return library(merged([self.world.returned(each, given) for each in fitting]))

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
        if seen.kind != "library" or seen.value is None or not self.is_list(seen.value):
            return None
        return seen if name in _SAME_LIST else library(self.world.element(seen.value))

    def returned(self, source: Source, node: Node) -> Seen:
        """What a function of the application returns."""
        declared = field(node, "return_type")
        if declared is not None:
            return self.annotated(source, declared)
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

    def expected(self, source: Source, node: Node) -> Value | None:
        """The type that the place where an expression stands asks for; None where nothing of the library does."""
        key = (source.path, node.id)
        if key not in self._contexts:
            self._contexts[key] = None
            if self._depth < MAX_DEPTH:
                self._depth += 1
                try:
                    self._contexts[key] = context.expected(self, source, node)
                finally:
                    self._depth -= 1
        return self._contexts[key]


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
