"""Builds an index from syntax trees: what class bodies define, and every reason why a class could have more than is
seen."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.ruby.macros import HARMLESS, MACROS, struct_members
from shipbench.truth.ruby.signature import method_of
from shipbench.truth.ruby.symbols import Index, Method, Module, Param, Ref
from shipbench.truth.ruby.syntax import Source, arguments, line, literal_names, symbol_or_string, text
from shipbench.truth.ruby.syntax import field as child

_TRANSPARENT = {
    "program", "body_statement", "begin", "then", "else", "ensure", "rescue", "if", "unless", "elsif", "case", "when",
    "if_modifier", "unless_modifier", "rescue_modifier", "parenthesized_statements", "block_body", "do", "ERROR",
    "begin_block", "end_block", "while", "until",
}  # fmt: skip
_EVALUATORS = {"class_eval", "class_exec", "module_eval", "module_exec"}
_DEFINERS = {
    "define_method", "define_singleton_method", "attr_accessor", "attr_reader", "attr_writer", "alias_method",
    "class_eval", "class_exec", "module_eval", "module_exec", "instance_eval", "instance_exec", "include", "extend",
    "prepend", "delegate", "def_delegators", "def_delegator", "const_set", "remove_method", "undef_method",
    "class_attribute", "instance_variable_get",
}  # fmt: skip
_HOOKS = {"included", "extended", "prepended", "inherited", "method_added", "const_added"}
_OWN_CLASS = {"self.class", "singleton_class", "self.singleton_class"}
_SENDERS = {"send", "public_send", "__send__"}
# Called on a constant, these may give it methods that no index sees.
_REOPENERS = _EVALUATORS | _SENDERS | {
    "include", "extend", "prepend", "define_method", "define_singleton_method", "singleton_class", "instance_eval",
    "instance_exec", "alias_method", "attr_accessor", "attr_reader", "attr_writer", "const_set", "remove_const",
    "remove_method", "undef_method", "delegate", "def_delegators", "class_attribute", "mattr_accessor",
}  # fmt: skip
_DEFINING_WORDS = ("def ", "define_", "attr_", "alias", "extend ", "include ", "prepend ", "delegate", "_eval", "_exec")


class Place(NamedTuple):
    """Whose code a `class`, `module` or `def` node holds. `method` is None for the body of a class."""

    module: str
    nesting: tuple[str, ...]
    singleton: bool = False
    method: Method | None = None


@dataclass
class Context:
    """Where a statement stands: the module whose body it is in, the nesting, and what a bare `private` has set."""

    module: Module
    nesting: tuple[str, ...]
    singleton: bool = False
    visibility: str = "public"
    module_function: bool = False
    loop: dict[str, list[str]] = field(default_factory=dict)


class Indexer:
    """Collects the definitions of many files into one index. `option_macros` are class methods of the library that
    define an accessor named by their first argument (a library's overlay names them)."""

    def __init__(self, index: Index, option_macros: frozenset[str] = frozenset()) -> None:
        self.index = index
        self.option_macros = option_macros
        self.path = ""
        self.pending: list[tuple[Module, bool, str, str]] = []
        self.lists: dict[tuple[str, str], list[str]] = {}
        self.places: dict[tuple[str, int], Place] = {}
        self.values: dict[str, tuple[Node, str, tuple[str, ...]]] = {}

    def add(self, source: Source) -> None:
        """Index one file."""
        self.path = source.path
        self._body(source.root, Context(self.index.module(""), ()))

    # -- statements ---------------------------------------------------------------------------------------------

    def _body(self, node: Node | None, context: Context) -> None:
        if node is None:
            return
        for statement in node.named_children:
            self.statement(statement, context)

    def statement(self, node: Node, context: Context) -> None:
        handler = _HANDLERS.get(node.type)
        if handler is not None:
            handler(self, node, context)
        elif node.type in _TRANSPARENT:
            self._body(node, context)

    def _namespace(self, node: Node, context: Context) -> None:
        name_node = child(node, "name")
        name = self._absolute(text(name_node), context)
        module = self.index.module(name)
        module.at.append(self.at(node))
        if node.type == "class":
            module.kind = "class"
            superclass = child(node, "superclass")
            if superclass is not None and superclass.named_children:
                self._superclass(module, superclass.named_children[0], context)
        owner, _, last = name.rpartition("::")
        self.index.module(owner).constants.setdefault(last, self.at(node))
        nesting = (name, *context.nesting)
        self.places[self.path, node.start_byte] = Place(name, nesting)
        self._body(child(node, "body"), Context(module, nesting))

    def _superclass(self, module: Module, node: Node, context: Context) -> None:
        if node.type in {"constant", "scope_resolution"}:
            module.superclass = Ref(text(node), context.nesting)
        elif node.type == "call" and text(child(node, "receiver")) in {"Struct", "Data"}:
            struct_members(self, node, replace(context, module=module))
        else:
            module.open_instance.append(f"superclass is computed at {self.at(node)}")
            module.open_singleton.append(f"superclass is computed at {self.at(node)}")

    def _absolute(self, path: str, context: Context) -> str:
        """The full name that `class PATH` opens. `class A::B` inside M opens A where Ruby finds it, M::A where it
        is known."""
        if path.startswith("::"):
            return path[2:]
        first = path.split("::", 1)[0]
        if "::" in path:
            for outer in context.nesting:
                if f"{outer}::{first}" in self.index.modules:
                    return f"{outer}::{path}"
            if first in self.index.modules or not context.nesting:
                return path
        return f"{context.nesting[0]}::{path}" if context.nesting else path

    def _singleton_class(self, node: Node, context: Context) -> None:
        value = text(child(node, "value"))
        if value != "self":
            self._open_named(value, context, f"class << {value} at {self.at(node)}")
            return
        self._body(child(node, "body"), replace(context, singleton=True, visibility="public"))

    def _method(self, node: Node, context: Context, visibility: str | None = None) -> None:
        method = method_of(node, self.at(node), (self.path, context.nesting))
        if method is None:
            return
        singleton = context.singleton
        if node.type == "singleton_method":
            target = text(child(node, "object"))
            if target != "self" and self._absolute_known(target, context) != context.module.name:
                self._open_named(target, context, f"def {target}.{method.name} at {self.at(node)}")
                return
            singleton = True
        else:
            method.visibility = visibility or context.visibility
        method.defines = self._scan(node, context, method.name)
        self.put(context.module, method, singleton)
        place = Place(context.module.name, context.nesting, singleton, method)
        self.places[self.path, node.start_byte] = place
        if context.module_function and not singleton:
            self.put(context.module, replace_method(method, visibility="public"), True)

    def _absolute_known(self, path: str, context: Context) -> str:
        for outer in (*context.nesting, ""):
            name = f"{outer}::{path}" if outer else path
            if name in self.index.modules:
                return name
        return path

    def put(self, module: Module, method: Method, singleton: bool) -> None:
        """Record a method; the first definition gives the location, a later one with other parameters makes them
        unknown."""
        methods = module.singleton if singleton else module.instance
        if method.name == "method_missing":
            reasons = module.open_singleton if singleton else module.open_instance
            reasons.append(f"method_missing at {method.at}")
        if method.name == "const_missing":
            module.open_constants.append(f"const_missing at {method.at}")
        known = methods.get(method.name)
        if known is not None and known.how == method.how == "def" and known.params != method.params:
            method.params = None
        methods[method.name] = method

    def _scan(self, node: Node, context: Context, name: str) -> bool:
        """Look into a method's body for definitions made when it runs. True where it may define on its own receiver."""
        defines = False
        stack = [node]
        source = text(node)
        if not any(word in source for word in _DEFINERS) and "def " not in source[4:]:
            return False
        while stack:
            current = stack.pop()
            if current.type in {"method", "singleton_method"} and current is not node and current != node:
                self.statement(current, replace(context, visibility="public", loop={}))
                continue
            if current.type == "call" and self._defining_call(current, context, hook=name in _HOOKS):
                defines = True
            elif current.type == "singleton_class":
                self._open_named(text(child(current, "value")), context, f"class << in {name} at {self.at(current)}")
            stack.extend(current.named_children)
        if defines and name in _HOOKS:
            for reasons in (context.module.open_instance, context.module.open_singleton):
                reasons.append(f"hook {name} at {self.at(node)}")
        return defines

    def _defining_call(self, node: Node, context: Context, *, hook: bool) -> bool:
        name = text(child(node, "method"))
        if name in _SENDERS:
            given = arguments(node)
            name = (symbol_or_string(given[0]) or "") if given else ""
        if name not in _DEFINERS or name == "instance_variable_get":
            return False
        receiver = child(node, "receiver")
        written = text(receiver)
        if receiver is not None and receiver.type in {"constant", "scope_resolution"}:
            self._reopened(node, written, context)
            return False
        if hook:  # what a hook extends is the class that it is called with
            return True
        own = receiver is None or written in _OWN_CLASS | {"self", "base", "klass"}
        if written in _OWN_CLASS:
            reason = f"{name} at {self.at(node)}"
            context.module.open_instance.append(reason)
            context.module.open_singleton.append(reason)
        elif receiver is None and name in {"instance_eval", "instance_exec"}:
            return False
        return own

    # -- class-level code ---------------------------------------------------------------------------------------

    def _call(self, node: Node, context: Context) -> None:
        receiver = child(node, "receiver")
        name = text(child(node, "method"))
        if receiver is not None and _constant(receiver):
            if self._each_loop(node, receiver, name, context):
                return
            self._maybe_reopened(node, context)
            self._loose_block(node, context)
            return
        if receiver is not None and receiver.type != "self":
            if self._each_loop(node, receiver, name, context):
                return
            if receiver.type == "call":
                self._call(receiver, context)
            self._loose_block(node, context)
            return
        macro = MACROS.get(name)
        if macro is not None:
            macro(self, node, context)
        elif name in self.option_macros:
            self._option(node, context)
        elif name not in HARMLESS and context.module.name:
            self.pending.append((context.module, context.singleton, name, self.at(node)))
            self._loose_block(node, context)
        else:
            self._loose_block(node, context)

    def _loose_block(self, node: Node, context: Context) -> None:
        """A block that some method runs: who defines what in it isn't known, so definitions in it open the class."""
        block = child(node, "block")
        if block is None:
            return
        if context.module.name and any(word in text(block) for word in _DEFINING_WORDS):
            reason = f"definitions in a block at {self.at(node)}"
            context.module.open_instance.append(reason)
            context.module.open_singleton.append(reason)
        self._inside_block(child(block, "body"), context)

    def _inside_block(self, node: Node | None, context: Context) -> None:
        """Namespaces and reopened classes in a block are found whatever its receiver."""
        stack = [node] if node is not None else []
        while stack:
            current = stack.pop()
            if current.type in {"class", "module"}:
                self._namespace(current, context)
                continue
            if current.type == "singleton_class":
                self._open_named(text(child(current, "value")), context, f"class << in a block at {self.at(current)}")
            elif current.type == "call" and _constant(child(current, "receiver")):
                self._maybe_reopened(current, context)
            stack.extend(reversed(current.named_children))

    def _maybe_reopened(self, node: Node, context: Context) -> None:
        if text(child(node, "method")) in _REOPENERS:
            self._reopened(node, text(child(node, "receiver")), context)

    def _reopened(self, node: Node, target: str, context: Context) -> None:
        """`Target.class_eval do … end` and its kin: what its block defines is taken, anything else opens the class."""
        name = text(child(node, "method"))
        module = self.index.module(self._absolute_known(target.removeprefix("::"), context))
        block = child(node, "block")
        if name in _EVALUATORS and block is not None:
            self._body(child(block, "body"), Context(module, (module.name, *context.nesting)))
            return
        reason = f"{target}.{name} at {self.at(node)}"
        module.open_instance.append(reason)
        module.open_singleton.append(reason)
        module.open_constants.append(reason)

    def _open_named(self, target: str, context: Context, reason: str) -> None:
        if target[:1].isupper() or target.startswith("::"):
            module = self.index.module(self._absolute_known(target.removeprefix("::"), context))
            module.open_instance.append(reason)
            module.open_singleton.append(reason)

    def _each_loop(self, node: Node, receiver: Node, name: str, context: Context) -> bool:
        """`%w[a b].each do |x| define_method … end`: the loop's names are put in place of `x`."""
        block = child(node, "block")
        if name not in {"each", "map"} or block is None:
            return False
        names = self.lists.get((context.module.name, text(receiver))) or literal_names(receiver)
        parameters = child(block, "parameters")
        variables = [text(p) for p in parameters.named_children] if parameters is not None else []
        if names is None or len(variables) != 1:
            return False
        self._body(child(block, "body"), replace(context, loop={**context.loop, variables[0]: names}))
        return True

    def _option(self, node: Node, context: Context) -> None:
        given = arguments(node)
        name = symbol_or_string(given[0]) if given and given[0].type != "identifier" else None
        if name is None:
            context.module.open_instance.append(f"computed option at {self.at(node)}")
            return
        for method in accessor(name, self.at(node), reader=True, writer=True):
            method.how = "option"
            self.put(context.module, method, False)

    def _assignment(self, node: Node, context: Context) -> None:
        left, right = child(node, "left"), child(node, "right")
        if left is None or left.type not in {"constant", "scope_resolution"}:
            if right is not None and right.type == "call":
                self._loose_block(right, context)
            return
        name = self._absolute(text(left), context)
        owner, _, last = name.rpartition("::")
        home = self.index.module(owner)
        home.constants.setdefault(last, self.at(node))
        if right is None:
            return
        self.values.setdefault(name, (right, self.path, context.nesting))
        names = literal_names(right)
        if names is not None:
            self.lists[(context.module.name, text(left))] = names
        if right.type in {"constant", "scope_resolution"}:
            home.aliases[last] = Ref(text(right), context.nesting)
        elif right.type == "call":
            self._built_module(right, name, context)

    def _built_module(self, node: Node, name: str, context: Context) -> None:
        """`X = Struct.new(…)`, `Data.define(…)`, `Class.new(Base)`, `Module.new`: modules that a call makes."""
        maker = f"{text(child(node, 'receiver'))}.{text(child(node, 'method'))}"
        if maker not in {"Struct.new", "Data.define", "Class.new", "Module.new"}:
            return
        module = self.index.module(name)
        module.at.append(self.at(node))
        inner = Context(module, (name, *context.nesting))
        if maker == "Module.new":
            module.open_instance.append(f"Module.new at {self.at(node)}")
        else:
            module.kind = "class"
        if maker == "Class.new":
            given = arguments(node)
            if given:
                self._superclass(module, given[0], context)
        elif maker != "Module.new":
            struct_members(self, node, inner)
        block = child(node, "block")
        if block is not None:
            self._body(child(block, "body"), inner)

    def _identifier(self, node: Node, context: Context) -> None:
        name = text(node)
        if name in {"private", "public", "protected"}:
            context.visibility = name
            context.module_function = False
        elif name == "module_function":
            context.module_function = True
        elif name not in HARMLESS and context.module.name and name not in context.loop:
            self.pending.append((context.module, context.singleton, name, self.at(node)))

    def _alias(self, node: Node, context: Context) -> None:
        new, old = child(node, "name"), child(node, "alias")
        if new is not None and old is not None:
            self.alias(
                context, (symbol_or_string(new) or text(new)), (symbol_or_string(old) or text(old)), self.at(node)
            )

    def alias(self, context: Context, new: str, old: str, at: str) -> None:
        methods = context.module.singleton if context.singleton else context.module.instance
        known = methods.get(old)
        if known is not None:
            copy = replace_method(known, name=new, at=at, how="alias", visibility=known.visibility)
        else:
            copy = Method(new, at, params=None, how="alias")
        methods[new] = copy

    def at(self, node: Node) -> str:
        return f"{self.path}:{line(node)}"


def _constant(node: Node | None) -> bool:
    return node is not None and node.type in {"constant", "scope_resolution"}


def accessor(name: str, at: str, *, reader: bool, writer: bool) -> list[Method]:
    """The methods that attr_reader, attr_writer and attr_accessor make."""
    found = []
    if reader:
        found.append(Method(name, at, (), how="attr", block=False))
    if writer:
        found.append(Method(f"{name}=", at, (Param("req", "value"),), how="attr", block=False))
    return found


def replace_method(method: Method, **changes: object) -> Method:
    return replace(method, **changes)  # type: ignore[arg-type]


_HANDLERS: dict[str, Callable[[Indexer, Node, Context], None]] = {
    "class": Indexer._namespace,
    "module": Indexer._namespace,
    "singleton_class": Indexer._singleton_class,
    "method": Indexer._method,
    "singleton_method": Indexer._method,
    "call": Indexer._call,
    "assignment": Indexer._assignment,
    "operator_assignment": Indexer._assignment,
    "identifier": Indexer._identifier,
    "alias": Indexer._alias,
}
