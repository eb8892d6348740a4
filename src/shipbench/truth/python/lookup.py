"""Questions to an index: what a name leads to, what a class has and inherits, and whether that is all it can have."""

import abc
import builtins
import enum
import functools
import re
import typing
from dataclasses import dataclass, field

from shipbench.truth.python.libraries import CLOSED
from shipbench.truth.python.symbols import Index, Symbol

_MAX_STEPS = 50
_SPECIAL = {"Generic": object, "Protocol": object, "ABC": abc.ABC, "NamedTuple": tuple, "TypedDict": dict}

_STRUCTURAL = {"Protocol", "TypedDict"}


@dataclass(frozen=True)
class Member:
    """What was found: the symbol, or (`symbol` is None) why it may exist all the same; `open` empty means that it
    cannot. `inherited` says that Python itself defines it."""

    symbol: Symbol | None = None
    open: str = ""
    inherited: bool = False
    extra: bool = False


@dataclass
class Api:
    """An index as its questions. Cheap to make."""

    index: Index
    _orders: dict[str, tuple[tuple[Symbol, ...], tuple[type, ...], str]] = field(default_factory=dict)

    @functools.cached_property
    def packages(self) -> frozenset[str]:
        """The top-level packages that the library itself is."""
        return frozenset(
            symbol.path
            for symbol in self.index.symbols.values()
            if "." not in symbol.path and symbol.kind == "module" and not symbol.open
        )

    def resolve(self, path: str) -> Symbol | None:
        """The symbol that a dotted path leads to, through aliases; None where it is not in the index."""
        for _ in range(_MAX_STEPS):
            symbol = self.index.symbols.get(path)
            if symbol is None:
                owner, _, name = path.rpartition(".")
                found = self.resolve_owner(owner)
                if not found or found == owner:
                    return None
                path = f"{found}.{name}"
            elif symbol.kind == "alias":
                path = symbol.target
            else:
                return symbol
        return None

    def resolve_owner(self, path: str) -> str:
        owner = self.resolve(path) if path else None
        return owner.path if owner is not None else ""

    def module_member(self, module: Symbol, name: str) -> Member:
        """`module.name`."""
        symbol = self.index.symbols.get(f"{module.path}.{name}")
        if symbol is not None:
            return Member(symbol)
        if name.startswith("__"):
            return Member(open="special name")
        return Member(open=module.open[0] if module.open else "")

    def member(self, owner: Symbol, name: str) -> Member:
        """`instance.name` or `class.name` for a class of the index, `module.name` for a module."""
        if owner.kind == "module":
            return self.module_member(owner, name)
        classes, outside, reason = self.order(owner)
        for each in classes:
            symbol = self.index.symbols.get(f"{each.path}.{name}")
            if symbol is not None:
                return Member(symbol)
        if any(hasattr(each, name) for each in outside) or name.startswith("_"):
            return Member(inherited=True, open="defined by Python itself")
        extra = any("extra=allow" in why for each in classes for why in each.open)
        for each in classes:
            for why in each.open:
                if each.path not in CLOSED and "extra=allow" not in why:
                    return Member(open=f"{each.path}: {why}")
        return Member(open=reason, extra=extra)

    def order(self, owner: Symbol) -> tuple[tuple[Symbol, ...], tuple[type, ...], str]:
        """The class and all that it inherits: indexed classes, Python's own, and why others may be among them."""
        if owner.path not in self._orders:
            self._orders[owner.path] = self._order(owner)
        return self._orders[owner.path]

    def _order(self, owner: Symbol) -> tuple[tuple[Symbol, ...], tuple[type, ...], str]:
        classes: list[Symbol] = []
        outside: list[type] = [object]
        reason = ""
        stack = [owner]
        while stack and len(classes) < 200:
            each = stack.pop(0)
            if each in classes:
                continue
            classes.append(each)
            for base in each.bases:
                found = self.base(each, base)
                if isinstance(found, Symbol):
                    stack.append(found)
                elif found is not None:
                    outside.append(found)
                    if base.partition("[")[0].rpartition(".")[2] in _STRUCTURAL:
                        reason = reason or f"{each.path} is a {base}: anything of its shape may be given in its place"
                else:
                    reason = reason or f"{each.path}: its base {base} is not known"
        return tuple(classes), tuple(outside), reason

    def base(self, owner: Symbol, text: str) -> Symbol | type | None:
        """A base class by its source text in the scope of `owner`."""
        plain = re.sub(r"\[.*", "", text, flags=re.DOTALL).strip()
        found = self.in_scope(owner, plain)
        if found is not None:
            return found if found.kind == "class" else None
        last = plain.rpartition(".")[2]
        if last in _SPECIAL:
            return _SPECIAL[last]
        known = getattr(builtins, plain, None) or getattr(enum, last, None) or getattr(typing, last, None)
        return known if isinstance(known, type) else None

    def in_scope(self, owner: Symbol, name: str) -> Symbol | None:
        """What a name means inside the module that defines `owner`."""
        scope = owner.path.rpartition(".")[0]
        while scope:
            found = self.resolve(f"{scope}.{name}")
            if found is not None:
                return found
            scope = scope.rpartition(".")[0] if self._is_class(scope) else ""
        return None

    def _is_class(self, path: str) -> bool:
        symbol = self.index.symbols.get(path)
        return symbol is not None and symbol.kind == "class"

    def type_of(self, symbol: Symbol) -> Symbol | None:
        """The one class of the index that an attribute's annotation names."""
        if symbol.kind in {"class", "module"}:
            return symbol
        text = symbol.annotation.strip("\"'")
        if not re.fullmatch(r"[\w.]+", text):
            return None
        found = self.in_scope(symbol, text)
        return found if found is not None and found.kind == "class" else None
