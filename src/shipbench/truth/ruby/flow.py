"""Evaluates Ruby expressions to the types that they can have, and hands every call and constant to the judge.

Order and branches are not followed: a local holds everything that is assigned to it anywhere in its method. What isn't
understood is UNKNOWN, and nothing is said of what is done with it.
"""

import math
import time
from collections.abc import Callable
from functools import partial

from tree_sitter import Node

from shipbench.truth.ruby import iteration
from shipbench.truth.ruby.args import symbol_block
from shipbench.truth.ruby.evaluation import Frame, Judge, OutOfTimeError, Params, Passed
from shipbench.truth.ruby.facts import Facts, Site
from shipbench.truth.ruby.indexer import Place
from shipbench.truth.ruby.names import assigned, identifiers
from shipbench.truth.ruby.scope import Scope
from shipbench.truth.ruby.symbols import Method
from shipbench.truth.ruby.syntax import Source, arguments, block_of, field, symbol_or_string, text
from shipbench.truth.ruby.types import (
    NIL,
    NOTHING,
    OTHER,
    UNKNOWN,
    Type,
    Types,
    class_object,
    instance,
    known,
    list_of,
    read,
)
from shipbench.truth.ruby.world import World

_LITERALS = {
    "string", "integer", "float", "simple_symbol", "delimited_symbol", "true", "false", "heredoc_beginning", "regex",
    "chained_string", "character", "rational", "complex", "subshell", "string_array", "symbol_array", "hash", "range",
    "lambda", "interpolation", "hash_splat_argument",
}  # fmt: skip
_LEAVES = {
    "simple_symbol", "string_content", "escape_sequence", "integer", "float", "true", "false", "hash_key_symbol",
    "character", "rational", "complex", "string_array", "symbol_array", "comment", "heredoc_beginning",
}  # fmt: skip
_SAME = {"dup", "clone", "freeze", "itself", "tap", "presence", "deep_dup"}
_SENDS = {"public_send", "send", "__send__"}


class Flow:
    """`places` and `values` come from the indexers of the application, `facts` from all its files. `judge` is None
    while a library is indexed: then only types are wanted. `replaced` names methods that tests stub: what those
    return is unknown."""

    def __init__(
        self,
        world: World,
        places: dict[tuple[str, int], Place],
        values: dict[str, tuple[Node, str, tuple[str, ...]]],
        facts: Facts,
        judge: Judge | None = None,
        replaced: frozenset[str] = frozenset(),
    ) -> None:
        self.world, self.places, self.values, self.facts, self.judge = world, places, values, facts, judge
        self.replaced = replaced
        self.passed: dict[tuple[str, int], Passed] = {}
        # Of these methods the arguments are remembered, while they are learnt.
        own = {place.method.name for place in places.values() if place.method is not None}
        self.learnt = frozenset(own | {"new"}) if judge is None else frozenset[str]()
        self.params: Params = {}
        self.yielded: dict[tuple[str, int], Types] = {}
        self.results: dict[tuple[str, int], Types] = {}
        self.running: set[tuple[str, int]] = set()
        self.reporting = False
        self.frame = Frame()
        self.deadline = math.inf
        self.sites_below: dict[str, dict[str, list[Site]]] = {}
        self.variable_cache: dict[tuple[str, str, bool, str], Types] = {}
        self.constant_cache: dict[str, Types] = {}

    # -- whole files and methods ----------------------------------------------------------------------------------

    def run_file(self, source: Source) -> None:
        """Evaluate all code of a file, its classes and methods included."""
        scope = Scope(source.path, module=f"file:{source.path}", class_level=True)
        self._twice(source.root, scope)

    def run_method(self, node: Node, place: Place, path: str) -> Types:
        """The types that a `def` returns; its calls are judged on the way. UNKNOWN while it is being evaluated."""
        key = (path, node.start_byte)
        if key in self.results:
            return self.results[key]
        if key in self.running:
            return UNKNOWN
        self.running.add(key)
        kind = class_object if place.singleton else instance
        self_types = kind(place.module) if place.module else UNKNOWN
        scope = Scope(path, place.nesting, place.module, place.singleton, self_types)
        self._parameters(field(node, "parameters"), scope, self.params.get(key))
        body = field(node, "body")
        result = self._twice(body, scope) if body is not None else NIL
        self.running.discard(key)
        self.results[key] = result | scope.returned
        self.yielded[key] = scope.yielded
        return self.results[key]

    def _twice(self, node: Node, scope: Scope) -> Types:
        """Evaluate code, again where a local was read before all that it holds was assigned; only the last time is
        judged."""
        if time.monotonic() > self.deadline:
            self.running.clear()
            raise OutOfTimeError
        outer, self.frame = self.frame, Frame()
        before, self.reporting = self.reporting, self.judge is not None
        result = self.eval(node, scope)
        if self.frame.stale:
            self.frame.held.clear()
            result = self.eval(node, scope)
        for say in self.frame.held:
            say()
        self.frame, self.reporting = outer, before
        return result

    def _set(self, name: str, types: Types, scope: Scope) -> None:
        if name in self.frame.read:
            known_before = scope.get(name)
            self.frame.stale |= known_before is None or not types <= known_before
        scope.assign(name, types)

    def _parameters(self, node: Node | None, scope: Scope, given: dict[str, Types] | None = None) -> None:
        """`given` is what call sites pass; a parameter that none of them passes holds its default."""
        for parameter in node.named_children if node is not None else ():
            name = text(parameter) if parameter.type == "identifier" else text(field(parameter, "name"))
            value = field(parameter, "value")
            types = self.eval(value, scope) if value is not None else NOTHING
            if not name:
                self._unknown_targets(parameter, scope)
            elif parameter.type in {"identifier", "optional_parameter", "keyword_parameter"} and given is not None:
                scope.locals[name] = (types | given.get(name, NOTHING)) or UNKNOWN
            else:
                scope.locals[name] = UNKNOWN

    # -- expressions ----------------------------------------------------------------------------------------------

    def eval(self, node: Node | None, scope: Scope) -> Types:
        """The types of one expression."""
        if node is None:
            return NIL
        kind = node.type
        if kind in _LEAVES:
            return OTHER
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node, scope)
        for child in node.named_children:
            self.eval(child, scope)
        return OTHER if kind in _LITERALS else UNKNOWN

    def _sequence(self, node: Node, scope: Scope) -> Types:
        """A body: the value is that of its last statement, or of a rescue."""
        last: Types = NIL
        rescued: Types = NOTHING
        for child in node.named_children:
            kind = child.type
            if kind in {"comment", "heredoc_body", "empty_statement"}:
                if kind == "heredoc_body":
                    self.eval(child, scope)
                continue
            value = self.eval(child, scope)
            if kind == "rescue":
                rescued |= value
            elif kind != "ensure":
                last = value
        return last | rescued

    def _rescue(self, node: Node, scope: Scope) -> Types:
        exceptions = field(node, "exceptions")
        found: Types = NOTHING
        for name in exceptions.named_children if exceptions is not None else ():
            types = self.eval(name, scope)
            found |= frozenset(
                Type("instance", each.name) if each.kind == "class" else Type("unknown") for each in types
            )
        variable = field(node, "variable")
        if variable is not None and variable.named_children:
            self._assign(variable.named_children[0], found or UNKNOWN, scope)
        return self.eval(field(node, "body"), scope)

    def _branches(self, node: Node, scope: Scope) -> Types:
        self.eval(field(node, "condition"), scope)
        return self.eval(field(node, "consequence"), scope) | self.eval(field(node, "alternative"), scope)

    def _modifier(self, node: Node, scope: Scope) -> Types:
        self.eval(field(node, "condition"), scope)
        return self.eval(field(node, "body"), scope) | NIL

    def _rescue_modifier(self, node: Node, scope: Scope) -> Types:
        return self.eval(field(node, "body"), scope) | self.eval(field(node, "handler"), scope)

    def _case(self, node: Node, scope: Scope) -> Types:
        found: Types = NOTHING
        self.eval(field(node, "value"), scope)
        otherwise = False
        for child in node.named_children:
            if child.type == "when":
                for pattern in child.children_by_field_name("pattern"):
                    self.eval(pattern, scope)
                found |= self.eval(field(child, "body"), scope)
            elif child.type == "else":
                otherwise = True
                found |= self._sequence(child, scope)
        return found if otherwise else found | NIL

    def _case_match(self, node: Node, scope: Scope) -> Types:
        for child in node.named_children:
            if child.type == "in_clause":
                self._unknown_targets(field(child, "pattern"), scope)
                self.eval(field(child, "body"), scope)
            else:
                self.eval(child, scope)
        return UNKNOWN

    def _loop(self, node: Node, scope: Scope) -> Types:
        for child in node.named_children:
            self.eval(child, scope)
        return UNKNOWN

    def _for(self, node: Node, scope: Scope) -> Types:
        values = self.eval(field(node, "value"), scope)
        pattern = field(node, "pattern")
        if pattern is not None:
            self._assign(pattern, iteration.element(values), scope)
        self.eval(field(node, "body"), scope)
        return values

    def _in(self, node: Node, scope: Scope) -> Types:
        return self.eval(node.named_children[0], scope) if node.named_children else UNKNOWN

    def _binary(self, node: Node, scope: Scope) -> Types:
        left = self.eval(field(node, "left"), scope)
        right = self.eval(field(node, "right"), scope)
        operator = text(field(node, "operator"))
        if operator in {"||", "or"}:
            return (left - NIL) | right
        if operator in {"&&", "and"}:
            return right | NIL
        if operator in {"<<", "+", "-", "*", "/", "%", ">", "<", ">=", "<="}:
            return self.send(node, left, operator, scope)
        return OTHER

    def _unary(self, node: Node, scope: Scope) -> Types:
        if text(node).startswith("defined?"):
            return OTHER
        self.eval(field(node, "operand"), scope)
        return OTHER

    def _parenthesised(self, node: Node, scope: Scope) -> Types:
        return self._sequence(node, scope)

    def _array(self, node: Node, scope: Scope) -> Types:
        found: Types = NOTHING
        for child in node.named_children:
            types = self.eval(child, scope)
            found |= types if child.type not in {"splat_argument", "comment"} else UNKNOWN
        # A list that is kept may be given other members; only one that is used on the spot is known.
        here = node.parent is not None and node.parent.type in {"call", "element_reference"}
        return list_of(found if here else NOTHING)

    def _return(self, node: Node, scope: Scope) -> Types:
        values = [child for child in node.named_children if child.type != "comment"]
        inner = values[0].named_children if values and values[0].type == "argument_list" else values
        types = [self.eval(child, scope) for child in inner if child.type != "heredoc_body"]
        result = types[0] if len(types) == 1 else (NIL if not types else UNKNOWN)
        scope.method_scope().returned |= result
        return NOTHING

    def _leave(self, node: Node, scope: Scope) -> Types:
        """next, break and redo: the value goes to a place that isn't followed."""
        for child in node.named_children:
            self.eval(child, scope)
        return UNKNOWN if node.named_children else NOTHING

    def _yield(self, node: Node, scope: Scope) -> Types:
        given = [child for child in node.named_children if child.type == "argument_list"]
        values = [self.eval(child, scope) for child in (given[0].named_children if given else ())]
        scope.method_scope().yielded |= values[0] if values else NIL
        return UNKNOWN

    def _self(self, _node: Node, scope: Scope) -> Types:
        return scope.self_types

    def _nil(self, _node: Node, _scope: Scope) -> Types:
        return NIL

    # -- definitions met on the way -------------------------------------------------------------------------------

    def _definition(self, node: Node, scope: Scope) -> Types:
        place = self.places.get((scope.path, node.start_byte))
        if place is not None and place.method is not None and not place.module.startswith("file:"):
            self.run_method(node, place, scope.path)
        else:
            inner = Scope(scope.path, scope.nesting, scope.module)
            self._parameters(field(node, "parameters"), inner)
            self._twice(field(node, "body") or node, inner) if field(node, "body") is not None else None
        return OTHER

    def _namespace(self, node: Node, scope: Scope) -> Types:
        place = self.places.get((scope.path, node.start_byte))
        superclass = field(node, "superclass")
        if superclass is not None:
            self.eval(superclass, scope)
        body = field(node, "body")
        if place is not None and body is not None:
            inner = scope.block(node.id)
            inner.parent = None
            inner.nesting, inner.module, inner.singleton = place.nesting, place.module, True
            inner.self_types, inner.class_level = class_object(place.module), True
            self.eval(body, inner)
        return OTHER

    def _singleton_class(self, node: Node, scope: Scope) -> Types:
        inner = scope.block(node.id)
        inner.parent, inner.self_types, inner.class_level = None, UNKNOWN, True
        self.eval(field(node, "body"), inner)
        return OTHER

    # -- variables ------------------------------------------------------------------------------------------------

    def _assignment(self, node: Node, scope: Scope) -> Types:
        left, right = field(node, "left"), field(node, "right")
        types = self.eval(right, scope)
        if left is not None:
            self._assign(left, types, scope, node)
        return types

    def _operator_assignment(self, node: Node, scope: Scope) -> Types:
        left, right = field(node, "left"), field(node, "right")
        current = self.eval(left, scope) if left is not None and left.type != "constant" else NOTHING
        types = self.eval(right, scope)
        operator = text(field(node, "operator"))
        result = (current - NIL) | types if operator == "||=" else (types | NIL if operator == "&&=" else UNKNOWN)
        if left is not None:
            self._assign(left, result, scope, node)
        return result

    def _assign(self, target: Node, types: Types, scope: Scope, whole: Node | None = None) -> None:
        kind = target.type
        if kind == "identifier":
            self._set(text(target), types, scope)
        elif kind == "call" and whole is not None:
            receiver = field(target, "receiver")
            if receiver is not None:
                self.send(target, self.eval(receiver, scope), f"{text(field(target, 'method'))}=", scope)
        elif kind == "element_reference":
            self.eval(target, scope)
        elif kind in {"left_assignment_list", "destructured_left_assignment", "rest_assignment", "splat_argument"}:
            self._unknown_targets(target, scope)

    def _unknown_targets(self, node: Node | None, scope: Scope) -> None:
        stack = [node] if node is not None else []
        while stack:
            current = stack.pop()
            if current.type == "identifier":
                self._set(text(current), UNKNOWN, scope)
            elif current.type == "call":
                self.eval(current, scope)
                continue
            elif current.type == "hash_key_symbol":
                self._set(text(current), UNKNOWN, scope)
            stack.extend(current.named_children)

    def _identifier(self, node: Node, scope: Scope) -> Types:
        name = text(node)
        self.frame.read.add(name)
        local = scope.get(name)
        if local is not None:
            return local
        return self._own_call(node, name, scope)

    def _variable(self, node: Node, scope: Scope) -> Types:
        return self.variable(text(node), scope.module, scope.singleton, scope.path)

    def variable(self, name: str, module: str, singleton: bool, path: str) -> Types:
        """What an instance or class variable can hold: all assignments to it in the class, its ancestors,
        descendants and mixins; in a view those of every class, since a controller lends its variables."""
        # All views share what controllers lend them.
        key = (name, "", False, ".erb") if path.endswith(".erb") else (name, module, singleton, path)
        if key not in self.variable_cache:
            self.variable_cache[key] = UNKNOWN
            self.variable_cache[key] = self._variable_types(name, module, singleton, path)
            if name.removeprefix("@") and name in self.facts.set_by_name:
                self.variable_cache[key] = UNKNOWN
        return self.variable_cache[key]

    def _variable_types(self, name: str, module: str, singleton: bool, path: str) -> Types:
        found: Types = NOTHING
        class_side = singleton or name[1] == "@"
        for site in self.facts.variables.get(name, ()) if path.endswith(".erb") else self._sites(name, module):
            if not path.endswith(".erb") and not self._same_side(site.place, class_side):
                continue
            if site.node is None:
                return UNKNOWN
            found |= self._site_types(site)
        writer = f"{name[1:]}"
        if writer in self.facts.setters and self.world.parts(module):
            maker = self.world.class_method if singleton else self.world.instance_method
            if maker(module, f"{writer}=").method is not None:
                return UNKNOWN
        return found or UNKNOWN

    def _sites(self, name: str, module: str) -> list[Site]:
        """The assignments to a variable in a class, its ancestors, mixins and descendants."""
        if name not in self.sites_below:
            below: dict[str, list[Site]] = {}
            for site in self.facts.variables.get(name, ()):
                for ancestor in {site.place.module, *self.world.line(site.place.module, False)[0]}:
                    below.setdefault(ancestor, []).append(site)
            self.sites_below[name] = below
        below = self.sites_below[name]
        above = [
            site
            for ancestor in self.world.line(module, False)[0]
            if ancestor != module
            for site in below.get(ancestor, ())
            if site.place.module == ancestor
        ]
        return below.get(module, []) + above

    def _same_side(self, place: Place, singleton: bool) -> bool:
        class_side = place.singleton or (place.method is None and not place.module.startswith("file:"))
        return singleton == class_side or place.method is None

    def _site_types(self, site: Site) -> Types:
        """The value assigned at one place, found without evaluating the whole method where it names no locals."""
        assert site.node is not None
        right = field(site.node, "right")
        place = site.place
        kind = class_object if place.singleton or place.method is None else instance
        self_types = kind(place.module) if not place.module.startswith("file:") else UNKNOWN
        scope = Scope(site.path, place.nesting, place.module, place.singleton, self_types)
        body = place.method.body if place.method is not None else None
        self._presumed_locals(body if body is not None else site.node, right, scope)
        before, self.reporting = self.reporting, False
        types = self.eval(right, scope)
        self.reporting = before
        return types

    def _presumed_locals(self, body: Node, wanted: Node | None, scope: Scope) -> None:
        """Fill in the locals that `wanted` names: parameters as unknown, assignments with their values."""
        names = identifiers(wanted)
        parameters = field(body, "parameters") if body.type in {"method", "singleton_method"} else None
        if parameters is not None:
            before, self.reporting = self.reporting, False
            self._parameters(parameters, scope, self.params.get((scope.path, body.start_byte)))
            self.reporting = before
        if names - set(scope.locals):
            for name in names & assigned(body) - set(scope.locals):
                scope.locals[name] = UNKNOWN

    # -- constants ------------------------------------------------------------------------------------------------

    def _constant(self, node: Node, scope: Scope) -> Types:
        if node.type == "scope_resolution":
            outer = field(node, "scope")
            if outer is not None and outer.type not in {"constant", "scope_resolution"}:
                self.eval(outer, scope)
                return UNKNOWN
        if self.reporting and self.judge is not None:
            self.frame.held.append(partial(self.judge.constant, node, scope.path, scope.nesting))
        return self.constant_types(text(node), scope.nesting)

    def constant_types(self, path: str, nesting: tuple[str, ...]) -> Types:
        found = self.world.constant(path, nesting)
        if found.module is not None:
            return class_object(found.module)
        if not found.at:
            return UNKNOWN if found.owner else OTHER  # what neither library nor application defines is somebody else's
        name = path.rsplit("::", 1)[-1]
        full = f"{found.owner}::{name}" if found.owner else name
        if full not in self.constant_cache:
            self.constant_cache[full] = UNKNOWN
            if full in self.values:
                right, file, outer = self.values[full]
                before, self.reporting = self.reporting, False
                self.constant_cache[full] = self.eval(right, Scope(file, outer, module=found.owner, singleton=True))
                self.reporting = before
        return self.constant_cache[full]

    # -- calls ----------------------------------------------------------------------------------------------------

    def _call(self, node: Node, scope: Scope) -> Types:
        receiver = field(node, "receiver")
        method = field(node, "method")
        name = text(method) if method is not None else "call"
        if name == "defined?":
            return OTHER
        if receiver is None:
            self._pass(node, name, scope.self_types, scope)
            if method is not None and method.type == "super":
                self._block(node, UNKNOWN, scope, keep_self=False)
                return UNKNOWN
            return self._own_call(node, name, scope)
        types = self.eval(receiver, scope)
        self._pass(node, name, types, scope)
        if name in _SENDS:
            given_nodes = arguments(node)
            literal = (
                symbol_or_string(given_nodes[0]) if given_nodes and given_nodes[0].type == "simple_symbol" else None
            )
            self._block(node, UNKNOWN, scope, keep_self=False)
            if literal is not None and len(given_nodes) == 1:
                return self.send(node, types, literal, scope, block=False, sent=name)
            return UNKNOWN
        return self.send(node, types, name, scope)

    def _pass(self, node: Node, name: str, receiver: Types, scope: Scope) -> None:
        """Evaluate the arguments of a call, and remember their types for the parameters that take them."""
        passed = Passed(name, receiver)
        for argument in arguments(node):
            kind = argument.type
            if kind == "pair":
                key, value = field(argument, "key"), field(argument, "value")
                label = text(key).rstrip(":")
                if value is not None:
                    passed.keywords[label] = self.eval(value, scope)
                else:  # `key:` alone stands for the local or method of that name
                    self.frame.read.add(label)
                    passed.keywords[label] = scope.get(label) or UNKNOWN
            elif kind in {"splat_argument", "hash_splat_argument", "forward_argument"}:
                self.eval(argument, scope)
                passed.open = True
            elif kind == "block_argument":
                self.eval(argument, scope)
            else:
                passed.positional.append(self.eval(argument, scope))
        if name in self.learnt:
            self.passed[scope.path, node.start_byte] = passed

    def _element_reference(self, node: Node, scope: Scope) -> Types:
        receiver = field(node, "object")
        types = self.eval(receiver, scope)
        given = [child for child in node.named_children if child != receiver]
        for argument in given:
            self.eval(argument, scope)
        if types and all(each.kind in {"list", "nil"} for each in types):
            single = len(given) == 1 and given[0].type in {"integer", "unary"}
            return iteration.element(types) | NIL if single else UNKNOWN
        return self.send(node, types, "[]", scope)

    def _own_call(self, node: Node, name: str, scope: Scope) -> Types:
        """A call without a receiver: a method of self, which is followed; or a macro in a class body, which is
        judged."""
        types = scope.self_types
        owner = next(iter(types)) if len(types) == 1 else Type("unknown")
        if owner.kind not in {"instance", "class"}:
            self._block(node, UNKNOWN, scope, keep_self=False)
            return UNKNOWN
        finder = self.world.class_method if owner.kind == "class" else self.world.instance_method
        if scope.class_level and self.reporting and self.judge is not None:
            self.frame.held.append(partial(self.judge.macro, node, scope.path, owner.name, name))
        found = finder(owner.name, name)
        if found.method is None or name == "new":
            iterating = name in {"loop", "tap", "catch", "synchronize", "transaction"}
            self._block(node, UNKNOWN, scope, keep_self=iterating and not scope.class_level)
            return instance(owner.name) if name == "new" and owner.kind == "class" else UNKNOWN
        if self.reporting and self.judge is not None and not scope.class_level:
            self.frame.held.append(partial(self.judge.call, node, scope.path, types, name))
        yields = self.yields(found.method, types)
        self._block(node, yields, scope, keep_self=yields != UNKNOWN)
        return self.returns(found.method, types)

    def send(self, node: Node, types: Types, name: str, scope: Scope, *, block: bool = True, sent: str = "") -> Types:
        """The result of calling `name` on each of `types`; every member that is an object of a known class is
        judged."""
        if name in {"then", "yield_self"} or (name in _SAME and not (node.type == "call" and arguments(node))):
            value = self._block(node, types, scope, keep_self=True) if block else UNKNOWN
            return types if name in _SAME else value
        if name == "class" and known(types):
            modules = [part for each in types for part in self.world.parts(each.name)]
            if any(part.kind == "class" for part in modules) or not modules:
                return frozenset(
                    Type("class", each.name) if each.kind == "instance" else Type("other") for each in types
                )
            return UNKNOWN
        result: Types = NOTHING
        yields: Types = NOTHING
        kept = True
        members = types - NIL
        if self.reporting and self.judge is not None and members:
            self.frame.held.append(partial(self.judge.call, node, scope.path, members, name, sent))
        for member in sorted(members):
            returned, yielded, keep = self._send_one(member, name)
            result, yields, kept = result | returned, yields | yielded, kept and keep
        if block:
            self._block(node, yields or UNKNOWN, scope, keep_self=kept and bool(members))
            self._symbol_block(node, yields, scope)
        return result or UNKNOWN

    def _send_one(self, member: Type, name: str) -> tuple[Types, Types, bool]:
        """What one possible receiver returns, what it yields, and whether its block runs with the same self."""
        if member.kind == "list":
            return iteration.list_result(member, name), iteration.list_yields(member, name), True
        if member.kind not in {"instance", "class"}:
            return (UNKNOWN, UNKNOWN, name in iteration.KEEPS_SELF)
        receiver = frozenset({member})
        finder = self.world.class_method if member.kind == "class" else self.world.instance_method
        found = finder(member.name, name)
        if name == "new" and member.kind == "class" and (found.method is None or found.method.name == "initialize"):
            return (UNKNOWN if "new" in self.replaced else instance(member.name)), UNKNOWN, False
        if found.method is None:
            each = self.world.instance_method(member.name, "each").method if member.kind == "instance" else None
            if each is not None and each.yields and name in iteration.OVER_EACH:
                items = list_of(read(each.yields, receiver))
                inner = next(iter(items))
                return iteration.list_result(inner, name), iteration.list_yields(inner, name), True
            return UNKNOWN, UNKNOWN, False
        yields = self.yields(found.method, receiver)
        return self.returns(found.method, receiver), yields, yields != UNKNOWN

    def returns(self, method: Method, receiver: Types) -> Types:
        """The types that a method returns, when it is called on `receiver`."""
        if method.name in self.replaced:
            return UNKNOWN
        if method.returns:
            return read(method.returns, receiver)
        if method.how == "attr" and not method.name.endswith("=") and len(receiver) == 1:
            owner = next(iter(receiver))
            return self.variable(f"@{method.name}", owner.name, owner.kind == "class", "")
        if method.body is None or method.scope is None:
            return UNKNOWN
        path, _ = method.scope
        place = self.places.get((path, method.body.start_byte))
        if place is None:
            return UNKNOWN
        kind = "class" if place.singleton else "instance"
        own = Type(kind, place.module)
        types = self.run_method(method.body, place, path)
        # What is self in the method is the receiver, which may be a subclass with more methods.
        return (types - {own}) | receiver if own in types else types

    def yields(self, method: Method, receiver: Types) -> Types:
        """The types of the first value that a method gives to its block."""
        if method.yields:
            return read(method.yields, receiver)
        if method.body is None or method.scope is None or not method.block:
            return UNKNOWN
        self.returns(method, receiver)
        return self.yielded.get((method.scope[0], method.body.start_byte)) or UNKNOWN

    # -- blocks ---------------------------------------------------------------------------------------------------

    def _block(self, node: Node, yields: Types, scope: Scope, *, keep_self: bool) -> Types:
        """Evaluate the block at a call. Unless the method is known to leave it alone, self inside is unknown."""
        block = block_of(node) if node.type == "call" else None
        if block is None:
            return UNKNOWN
        inner = scope.block(block.id)
        if not keep_self:
            inner.self_types = UNKNOWN
        self._block_parameters(field(block, "parameters"), yields, inner)
        return self.eval(field(block, "body"), inner)

    def _block_parameters(self, node: Node | None, yields: Types, scope: Scope) -> None:
        names = node.named_children if node is not None else []
        for position, parameter in enumerate(names):
            if parameter.type == "identifier":
                first = position == 0
                scope.locals[text(parameter)] = yields if first else UNKNOWN
            else:
                name = field(parameter, "name")
                if name is not None:
                    scope.locals[text(name)] = UNKNOWN
                else:
                    self._unknown_block_names(parameter, scope)

    def _unknown_block_names(self, parameter: Node, scope: Scope) -> None:
        for child in parameter.named_children:
            if child.type == "identifier":
                scope.locals[text(child)] = UNKNOWN
            else:
                self._unknown_block_names(child, scope)

    def _symbol_block(self, node: Node, yields: Types, scope: Scope) -> None:
        """`map(&:text)` calls text on each element."""
        name = symbol_block(node) if node.type == "call" else None
        if name is not None and known(yields):
            self.send(node, yields, name, scope, block=False, sent="&")

    def _lambda(self, node: Node, scope: Scope) -> Types:
        inner = scope.block(node.id)
        if scope.class_level:
            inner.self_types = UNKNOWN
        self._block_parameters(field(node, "parameters"), UNKNOWN, inner)
        self.eval(field(node, "body"), inner)
        return OTHER


_HANDLERS: dict[str, Callable[[Flow, Node, Scope], Types]] = {
    "program": Flow._sequence,
    "body_statement": Flow._sequence,
    "block_body": Flow._sequence,
    "begin": Flow._sequence,
    "then": Flow._sequence,
    "else": Flow._sequence,
    "ensure": Flow._sequence,
    "parenthesized_statements": Flow._sequence,
    "rescue": Flow._rescue,
    "if": Flow._branches,
    "unless": Flow._branches,
    "elsif": Flow._branches,
    "conditional": Flow._branches,
    "if_modifier": Flow._modifier,
    "unless_modifier": Flow._modifier,
    "while_modifier": Flow._loop,
    "until_modifier": Flow._loop,
    "rescue_modifier": Flow._rescue_modifier,
    "case": Flow._case,
    "case_match": Flow._case_match,
    "while": Flow._loop,
    "until": Flow._loop,
    "for": Flow._for,
    "in": Flow._in,
    "binary": Flow._binary,
    "unary": Flow._unary,
    "array": Flow._array,
    "return": Flow._return,
    "next": Flow._leave,
    "break": Flow._leave,
    "redo": Flow._leave,
    "yield": Flow._yield,
    "self": Flow._self,
    "nil": Flow._nil,
    "method": Flow._definition,
    "singleton_method": Flow._definition,
    "class": Flow._namespace,
    "module": Flow._namespace,
    "singleton_class": Flow._singleton_class,
    "assignment": Flow._assignment,
    "operator_assignment": Flow._operator_assignment,
    "identifier": Flow._identifier,
    "instance_variable": Flow._variable,
    "class_variable": Flow._variable,
    "constant": Flow._constant,
    "scope_resolution": Flow._constant,
    "call": Flow._call,
    "element_reference": Flow._element_reference,
    "lambda": Flow._lambda,
}
