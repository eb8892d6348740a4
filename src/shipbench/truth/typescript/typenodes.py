"""From a type's syntax to `types.Type`."""

from collections.abc import Callable

from tree_sitter import Node

from shipbench.truth.typescript.syntax import field, line, literal_key, string_value, text
from shipbench.truth.typescript.types import Generic, Member, Param, Shape, Signature, Type, prim, unknown

# Gives the `ref`, `global` or `open` type that a written name (`A`, `ns.A`) stands for; the flag is True for a value.
Resolve = Callable[[str, bool], Type]

MAX_DEPTH = 60
_MEMBERS = {"property_signature", "public_field_definition", "method_signature", "abstract_method_signature"}
_PRIMITIVES = {"string", "number", "boolean", "bigint", "symbol", "void", "never", "null", "undefined"}

_FIXED = {
    "template_literal_type": prim("string"), "type_predicate": prim("boolean"),
    "type_predicate_annotation": prim("boolean"), "asserts": prim("void"), "asserts_annotation": prim("void"),
    "this_type": Type("this"),
}  # fmt: skip


class TypeReader:
    """Reads the types of one file. `is_symbol` tells whether a constant is a symbol, so that a member with it as its
    computed name is no property that can be written `.name`."""

    def __init__(self, resolve: Resolve, is_symbol: Callable[[str], bool] = lambda _: False) -> None:
        self.resolve = resolve
        self.is_symbol = is_symbol
        self._params: list[frozenset[str]] = []
        self._depth = 0

    # -- expressions ----------------------------------------------------------------------------------------------

    def read(self, node: Node | None) -> Type:
        """The type that `node` writes; `open` with the reason for what isn't understood."""
        if node is None:
            return unknown("no type is declared")
        if node.type == "ERROR" or node.is_missing:
            return unknown("did not parse")
        if self._depth >= MAX_DEPTH:
            return unknown("nested too deeply")
        self._depth += 1
        try:
            if node.type in _FIXED:
                return _FIXED[node.type]
            reader = getattr(self, f"_{node.type}", None)
            return reader(node) if reader else unknown(f"a {node.type.replace('_', ' ')}")
        finally:
            self._depth -= 1

    def _first(self, node: Node) -> Type:
        return self.read(node.named_children[0]) if node.named_children else unknown("did not parse")

    _parenthesized_type = _first
    _readonly_type = _first
    _type_annotation = _first
    _opting_type_annotation = _first
    _adding_type_annotation = _first
    _omitting_type_annotation = _first
    _optional_type = _first

    def _predefined_type(self, node: Node) -> Type:
        name = text(node)
        if name in _PRIMITIVES:
            return prim(name)
        return prim("symbol") if name == "unique symbol" else unknown(name)

    def _literal_type(self, node: Node) -> Type:
        inner = node.named_children[0] if node.named_children else None
        if inner is None or inner.type in {"undefined", "null"}:
            return prim(text(node))
        value = string_value(inner)
        return Type("lit", text(inner) if value is None else f"'{value}")

    def _type_identifier(self, node: Node) -> Type:
        return self._name(text(node), ())

    def _nested_type_identifier(self, node: Node) -> Type:
        return self._name("".join(text(node).split()), ())

    def _generic_type(self, node: Node) -> Type:
        arguments = field(node, "type_arguments")
        given = tuple(self.read(each) for each in arguments.named_children) if arguments is not None else ()
        return self._name("".join(text(field(node, "name")).split()), given)

    def _name(self, name: str, arguments: tuple[Type, ...]) -> Type:
        if name in _PRIMITIVES:
            return prim(name)
        if any(name in scope for scope in self._params):
            return Type("param", name)
        found = self.resolve(name, False)
        return found._replace(of=arguments) if arguments and found.kind in {"ref", "global"} else found

    def _many(self, node: Node, kind: str) -> Type:
        nodes: list[Node] = []
        waiting = [node]
        while waiting:  # the grammar nests `a | b | c` to the left, as deep as there are parts
            each = waiting.pop()
            if each.type == node.type:
                waiting.extend(reversed(each.named_children))
            elif each.type != "comment":
                nodes.append(each)
        parts: list[Type] = []
        for each in nodes:
            inner = self.read(each)
            parts.extend(inner.of if inner.kind == kind else (inner,))
        return parts[0] if len(parts) == 1 else Type(kind, "", tuple(parts))

    def _union_type(self, node: Node) -> Type:
        return self._many(node, "or")

    def _intersection_type(self, node: Node) -> Type:
        return self._many(node, "and")

    def _array_type(self, node: Node) -> Type:
        return Type("list", "", (self._first(node),))

    def _tuple_type(self, node: Node) -> Type:
        return Type("tuple", "", tuple(self._element(each) for each in node.named_children if each.type != "comment"))

    def _element(self, node: Node) -> Type:
        if node.type in {"required_parameter", "optional_parameter"}:  # a named element
            pattern = field(node, "pattern")
            inner = self.read(field(node, "type"))
            return Type("rest", "", (inner,)) if pattern is not None and pattern.type == "rest_pattern" else inner
        return self.read(node)

    def _rest_type(self, node: Node) -> Type:
        return Type("rest", "", (self._first(node),))

    def _conditional_type(self, node: Node) -> Type:
        right = field(node, "right")
        inferred = _inferred(right) if right is not None else frozenset()
        self._params.append(inferred)
        consequence = self.read(field(node, "consequence"))
        self._params.pop()
        return Type("if", "", (consequence, self.read(field(node, "alternative"))))

    def _index_type_query(self, node: Node) -> Type:
        return Type("keyof", "", (self._first(node),))

    def _lookup_type(self, node: Node) -> Type:
        if len(node.named_children) != 2:
            return unknown("did not parse")
        return Type("at", "", tuple(self.read(each) for each in node.named_children))

    def _type_query(self, node: Node) -> Type:
        inner = node.named_children[0] if node.named_children else None
        if inner is not None and inner.type == "instantiation_expression":
            inner = field(inner, "function") or inner.named_children[0]
        if inner is None or inner.type not in {"identifier", "member_expression"}:
            return unknown("a typeof of an expression")
        found = self.resolve("".join(text(inner).split()), True)
        return Type("query", found.name) if found.kind == "ref" else found

    # -- functions ------------------------------------------------------------------------------------------------

    def _function_type(self, node: Node) -> Type:
        return Type("obj", shape=Shape(calls=(self.signature(node),)))

    def _constructor_type(self, node: Node) -> Type:
        return Type("obj", shape=Shape(news=(self.signature(node),)))

    def signature(self, node: Node) -> Signature:
        """Of anything that has `type_parameters`, `parameters` and a result."""
        generics = self.enter(node)
        found = Signature(generics, self._parameters(field(node, "parameters")), self._result(node), line(node))
        self.leave()
        return found

    def _result(self, node: Node) -> Type:
        result = field(node, "return_type") or field(node, "type")
        return self.read(result) if result is not None else unknown("no result is declared")

    def enter(self, node: Node) -> tuple[Generic, ...]:
        """Brings the type parameters that `node` declares into scope."""
        declared = field(node, "type_parameters")
        nodes = [each for each in declared.named_children if each.type == "type_parameter"] if declared else []
        self._params.append(frozenset(text(field(each, "name")) for each in nodes))
        return tuple(
            Generic(text(field(each, "name")), self._optional(field(each, "constraint")),
                    self._optional(field(each, "value")))
            for each in nodes
        )  # fmt: skip

    def leave(self) -> None:
        self._params.pop()

    def _optional(self, node: Node | None) -> Type | None:
        return self._first(node) if node is not None else None

    def _parameters(self, node: Node | None) -> tuple[Param, ...]:
        found: list[Param] = []
        for each in node.named_children if node is not None else ():
            if each.type not in {"required_parameter", "optional_parameter"}:
                continue
            pattern = field(each, "pattern")
            if pattern is None or pattern.type == "this":
                continue
            rest = pattern.type == "rest_pattern"
            name = text(pattern).removeprefix("...") if pattern.type in {"identifier", "rest_pattern"} else "options"
            optional = each.type == "optional_parameter" or field(each, "value") is not None
            found.append(Param(name, self.read(field(each, "type")), optional, rest))
        return tuple(found)

    # -- objects --------------------------------------------------------------------------------------------------

    def _object_type(self, node: Node) -> Type:
        for child in node.named_children:
            if child.type == "index_signature":
                mapped = next((each for each in child.named_children if each.type == "mapped_type_clause"), None)
                if mapped is not None:
                    return self._mapped(child, mapped)
        return Type("obj", shape=self.shape(node))

    def _mapped(self, node: Node, clause: Node) -> Type:
        keys = self.read(field(clause, "type"))
        self._params.append(frozenset({text(field(clause, "name"))}))
        value = self.read(field(node, "type"))
        self._params.pop()
        if field(clause, "alias") is not None:
            keys = unknown("a mapped type that renames keys")
        return Type("map", text(field(clause, "name")), (keys, value))

    def shape(self, body: Node, static: bool = False) -> Shape:
        """The members of an object type, an interface's or a class's body; `static` chooses a class's two halves."""
        members: dict[str, Member] = {}
        calls: list[Signature] = []
        news: list[Signature] = []
        why, index = "", None
        for node in body.named_children:
            if node.type == "ERROR" or node.is_missing:
                why = "a part did not parse"
            elif node.type == "call_signature":
                calls.append(self.signature(node))
            elif node.type == "construct_signature":
                news.append(self.signature(node))
            elif node.type == "index_signature":
                why, index = "an index signature", self.read(field(node, "type"))
            elif node.type in _MEMBERS and _is_static(node) == static:
                why = self._member(node, members, news) or why
        return Shape(tuple(members.values()), tuple(calls), tuple(news), why, index)

    def _member(self, node: Node, members: dict[str, Member], news: list[Signature]) -> str:
        """Adds a member; returns why the shape is open because of it, or ''."""
        named = field(node, "name")
        if named is not None and named.type == "private_property_identifier":
            return ""
        name = literal_key(named)
        if name is None:
            hidden = any(child.type == "accessibility_modifier" and text(child) == "private" for child in node.children)
            written = text(named).strip("[] ")
            return (
                "" if hidden or written.startswith("Symbol.") or self.is_symbol(written) else "a computed member name"
            )
        optional = any(child.type == "?" for child in node.children)
        if "method" not in node.type:
            declared = field(node, "type")
            members[name] = Member(name, self.read(declared), optional, line(node))
        elif name == "constructor":
            news.append(self.signature(node))
        elif any(child.type in {"get", "set"} for child in node.children):
            if name not in members or any(child.type == "get" for child in node.children):
                members[name] = Member(name, self._result(node), False, line(node))
        else:
            signatures: tuple[Signature, ...] = (self.signature(node),)
            earlier = members.get(name)
            if earlier is not None and earlier.type.shape is not None:
                signatures = earlier.type.shape.calls + signatures
            at = earlier.line if earlier is not None else line(node)
            members[name] = Member(name, Type("obj", shape=Shape(calls=signatures)), optional, at)
        return ""


def _is_static(node: Node) -> bool:
    return any(child.type == "static" for child in node.children)


def _inferred(node: Node) -> frozenset[str]:
    """The names that `infer` introduces below `node`."""
    found: set[str] = set()
    stack = [node]
    while stack:
        each = stack.pop()
        if each.type == "infer_type" and each.named_children:
            found.add(text(each.named_children[0]))
        stack.extend(each.named_children)
    return frozenset(found)
