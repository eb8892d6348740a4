"""What the calls in a class body define. A macro that is in neither table makes its class open."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from shipbench.truth.ruby.signature import parameters
from shipbench.truth.ruby.symbols import Method, Param, Ref
from shipbench.truth.ruby.syntax import arguments, field, literal_names, symbol_or_string, text

if TYPE_CHECKING:
    from shipbench.truth.ruby.indexer import Context, Indexer

# Calls in a class body that define no method: Ruby's own, and those of Rails that are met in libraries and plain
# objects.
_HARMLESS = """
    require require_relative load using raise fail warn puts print p pp freeze private_constant public_constant
    deprecate_constant block_given? binding lambda proc loop catch throw at_exit autoload srand rand sleep
    format sprintf Integer Float String Array Hash Rational Complex super __method__ __dir__ caller
    before_action after_action around_action skip_before_action skip_forgery_protection protect_from_forgery
    layout rescue_from allow_browser rate_limit helper_method helper default_form_builder queue_as retry_on
    discard_on sidekiq_options validates validate before_validation after_initialize setup teardown parallelize
    fixtures self
"""
HARMLESS = frozenset(_HARMLESS.split())


def struct_members(indexer: "Indexer", node: Node, context: "Context") -> None:
    """Struct.new(:a, :b) and Data.define(:a): accessors, readers; the constructor's parameters stay unknown."""
    data = text(field(node, "receiver")) == "Data"
    context.module.superclass = Ref("::Data" if data else "::Struct")
    for argument in arguments(node):
        if argument.type in {"pair", "string"}:
            continue
        name = symbol_or_string(argument) if argument.type != "identifier" else None
        if name is None:
            context.module.open_instance.append(f"computed member at {indexer.at(node)}")
            continue
        for method in _accessor(indexer, node, name, reader=True, writer=not data):
            method.how = "struct"
            indexer.put(context.module, method, False)
    indexer.put(context.module, Method("initialize", indexer.at(node), None, how="struct"), False)


def _accessor(indexer: "Indexer", node: Node, name: str, *, reader: bool, writer: bool) -> list[Method]:
    at = indexer.at(node)
    found = [Method(name, at, (), how="attr", block=False)] if reader else []
    if writer:
        found.append(Method(f"{name}=", at, (Param("req", "value"),), how="attr", block=False))
    return found


def _names(node: Node, context: "Context") -> list[str] | None:
    """The names that a macro is called with; None where one is computed. A loop's variable stands for its values."""
    names: list[str] = []
    for argument in arguments(node):
        if argument.type in {"pair", "hash_splat_argument"}:
            continue
        if argument.type == "identifier" and text(argument) in context.loop:
            names += context.loop[text(argument)]
            continue
        if argument.type == "splat_argument":
            values = literal_names(argument.named_children[0]) if argument.named_children else None
        elif argument.type in {"method", "singleton_method"}:
            values = [text(field(argument, "name"))]
        elif argument.type == "call":  # private attr_reader :a
            values = _names(argument, context)
        elif argument.type in {"identifier", "constant"}:
            values = None
        else:
            single = symbol_or_string(argument)
            values = literal_names(argument) if single is None else [single]
        if values is None:
            return None
        names += values
    return names


def _open(indexer: "Indexer", node: Node, context: "Context", what: str) -> None:
    reasons = context.module.open_singleton if context.singleton else context.module.open_instance
    reasons.append(f"{what} at {indexer.at(node)}")


def _attr(reader: bool, writer: bool) -> "Macro":
    def macro(indexer: "Indexer", node: Node, context: "Context") -> None:
        names = _names(node, context)
        if names is None:
            _open(indexer, node, context, "computed attribute")
        for name in names or ():
            for method in _accessor(indexer, node, name, reader=reader, writer=writer):
                method.visibility = context.visibility
                indexer.put(context.module, method, context.singleton)

    return macro


def _class_attr(indexer: "Indexer", node: Node, context: "Context") -> None:
    """class_attribute, mattr_accessor, cattr_accessor: readers and writers on both sides, and predicates."""
    names = _names(node, context)
    if names is None:
        _open(indexer, node, context, "computed attribute")
    for name in names or ():
        for method in _accessor(indexer, node, name, reader=True, writer=True):
            indexer.put(context.module, method, True)
            indexer.put(context.module, method, False)
        for singleton in (True, False):
            indexer.put(context.module, Method(f"{name}?", indexer.at(node), ()), singleton)


def _mixin(kind: str) -> "Macro":
    def macro(indexer: "Indexer", node: Node, context: "Context") -> None:
        for argument in arguments(node):
            if argument.type == "self":
                context.module.extends.append(Ref(f"::{context.module.name}"))
            elif argument.type in {"constant", "scope_resolution"}:
                target = "extends" if context.singleton or kind == "extends" else kind
                getattr(context.module, target).append(Ref(text(argument), context.nesting))
            else:
                context.module.open_instance.append(f"computed mixin at {indexer.at(node)}")
                context.module.open_singleton.append(f"computed mixin at {indexer.at(node)}")

    return macro


def _visibility(visibility: str) -> "Macro":
    def macro(indexer: "Indexer", node: Node, context: "Context") -> None:
        for argument in arguments(node):
            if argument.type in {"method", "call"}:
                indexer.statement(argument, context)
        methods = context.module.singleton if context.singleton else context.module.instance
        for name in _names(node, context) or ():
            for known in (name, f"{name}=") if _is_attr(node) else (name,):
                if known in methods:
                    methods[known].visibility = visibility

    return macro


def _is_attr(node: Node) -> bool:
    given = arguments(node)
    return bool(given) and given[0].type == "call"


def _class_visibility(visibility: str) -> "Macro":
    def macro(indexer: "Indexer", node: Node, context: "Context") -> None:
        for argument in arguments(node):
            if argument.type == "singleton_method":
                indexer.statement(argument, context)
        for name in _names(node, context) or ():
            if name == "new" and "new" not in context.module.singleton:
                context.module.singleton["new"] = Method("new", indexer.at(node), None)
            if name in context.module.singleton:
                context.module.singleton[name].visibility = visibility

    return macro


def _private_constant(_indexer: "Indexer", node: Node, context: "Context") -> None:
    context.module.private_constants += _names(node, context) or []


def _module_function(indexer: "Indexer", node: Node, context: "Context") -> None:
    for argument in arguments(node):
        if argument.type == "method":
            indexer.statement(argument, context)
    for name in _names(node, context) or ():
        if name in context.module.instance:
            context.module.singleton[name] = context.module.instance[name]


def _alias_method(indexer: "Indexer", node: Node, context: "Context") -> None:
    names = _names(node, context)
    if names is None or len(names) != 2:
        _open(indexer, node, context, "computed alias")
    else:
        indexer.alias(context, names[0], names[1], indexer.at(node))


def _delegate(indexer: "Indexer", node: Node, context: "Context") -> None:
    """ActiveSupport's `delegate :a, to: :b`; a prefix changes the names in ways that are not followed."""
    names = _names(node, context)
    keys = {text(field(argument, "key")).rstrip(":") for argument in arguments(node) if argument.type == "pair"}
    if names is None or keys - {"to", "allow_nil", "private"}:
        _open(indexer, node, context, "computed delegation")
    for name in names or ():
        indexer.put(context.module, Method(name, indexer.at(node), None, how="delegate"), context.singleton)


def _def_delegators(indexer: "Indexer", node: Node, context: "Context") -> None:
    names = _names(node, context)
    if names is None:
        _open(indexer, node, context, "computed delegation")
    for name in (names or ())[1:]:
        indexer.put(context.module, Method(name, indexer.at(node), None, how="delegate"), context.singleton)


def _def_delegator(indexer: "Indexer", node: Node, context: "Context") -> None:
    names = _names(node, context)
    if names is None or len(names) < 2:
        _open(indexer, node, context, "computed delegation")
        return
    indexer.put(context.module, Method(names[-1], indexer.at(node), None, how="delegate"), context.singleton)


def _define_method(indexer: "Indexer", node: Node, context: "Context") -> None:
    given = arguments(node)
    names = _computed_names(given[0], context) if given else None
    if names is None:
        _open(indexer, node, context, "computed define_method")
        return
    block = field(node, "block")
    params = parameters(field(block, "parameters")) if block is not None and len(given) == 1 else None
    for name in names:
        # A block's parameters are as strict as a def's once it is a method.
        method = Method(name, indexer.at(node), params, context.visibility, how="define_method")
        indexer.put(
            context.module, method, context.singleton or text(field(node, "method")) == "define_singleton_method"
        )


def _computed_names(node: Node, context: "Context") -> list[str] | None:
    """A literal, a loop's variable, or a string whose one interpolation is a loop's variable."""
    if node.type == "identifier":
        return context.loop.get(text(node))
    single = symbol_or_string(node)
    if single is not None:
        return [single]
    if node.type not in {"string", "delimited_symbol"}:
        return None
    names = [""]
    for part in node.named_children:
        if part.type == "string_content":
            values = [text(part)]
        elif part.type == "interpolation" and len(part.named_children) == 1:
            values = context.loop.get(text(part.named_children[0]), [])
        else:
            values = []
        if not values:
            return None
        names = [name + value for name in names for value in values]
    return names


def _class_methods(indexer: "Indexer", node: Node, context: "Context") -> None:
    """ActiveSupport::Concern's `class_methods do … end`: they go to whoever includes the module."""
    block = field(node, "block")
    if block is not None:
        name = f"{context.module.name}::ClassMethods"
        inner = indexer.index.module(name)
        inner.at.append(indexer.at(node))
        context.module.constants.setdefault("ClassMethods", indexer.at(node))
        indexer._body(field(block, "body"), type(context)(inner, (name, *context.nesting)))


def _concern_hook(indexer: "Indexer", node: Node, context: "Context") -> None:
    for reasons in (context.module.open_instance, context.module.open_singleton):
        reasons.append(f"{text(field(node, 'method'))} block at {indexer.at(node)}")


def _opens(indexer: "Indexer", node: Node, context: "Context") -> None:
    for reasons in (context.module.open_instance, context.module.open_singleton):
        reasons.append(f"{text(field(node, 'method'))} at {indexer.at(node)}")


def _refine(indexer: "Indexer", node: Node, context: "Context") -> None:
    """A refinement may add to the refined class wherever it is used: treated as if it always did."""
    for argument in arguments(node):
        indexer._open_named(text(argument), context, f"refined at {indexer.at(node)}")


Macro = Callable[["Indexer", Node, "Context"], None]

MACROS: dict[str, Macro] = {
    "attr_reader": _attr(reader=True, writer=False),
    "attr": _attr(reader=True, writer=False),
    "attr_writer": _attr(reader=False, writer=True),
    "attr_accessor": _attr(reader=True, writer=True),
    "class_attribute": _class_attr,
    "mattr_accessor": _class_attr,
    "cattr_accessor": _class_attr,
    "thread_mattr_accessor": _class_attr,
    "include": _mixin("includes"),
    "prepend": _mixin("prepends"),
    "extend": _mixin("extends"),
    "private": _visibility("private"),
    "public": _visibility("public"),
    "protected": _visibility("protected"),
    "private_class_method": _class_visibility("private"),
    "public_class_method": _class_visibility("public"),
    "private_constant": _private_constant,
    "module_function": _module_function,
    "alias_method": _alias_method,
    "delegate": _delegate,
    "def_delegators": _def_delegators,
    "def_instance_delegators": _def_delegators,
    "def_delegator": _def_delegator,
    "def_instance_delegator": _def_delegator,
    "define_method": _define_method,
    "define_singleton_method": _define_method,
    "class_methods": _class_methods,
    "included": _concern_hook,
    "prepended": _concern_hook,
    "delegate_missing_to": _opens,
    "concerning": _opens,
    "instance_eval": _opens,
    "class_eval": _opens,
    "module_eval": _opens,
    "class_exec": _opens,
    "refine": _refine,
    "send": _opens,
    "public_send": _opens,
    "__send__": _opens,
    "const_set": _opens,
    "eval": _opens,
    "undef_method": _opens,
    "remove_method": _opens,
}
