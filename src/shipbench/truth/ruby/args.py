"""Does a call fit a signature? Ruby's own rules, with every uncertainty read in the call's favour."""

from typing import NamedTuple

from tree_sitter import Node

from shipbench.truth.ruby.symbols import Param
from shipbench.truth.ruby.syntax import arguments, block_of, field, symbol_or_string, text


class Arguments(NamedTuple):
    """What a call passes. `positional` counts those that are certain; `splat` and `keysplat` may bring any number more.
    `literal_block` is True for `{ }` and `do end` at the call itself; `uncertain` where the source is broken."""

    positional: int = 0
    splat: bool = False
    keywords: tuple[str, ...] = ()
    keysplat: bool = False
    other_keys: bool = False
    literal_block: bool = False
    uncertain: bool = False


class Misfit(NamedTuple):
    kind: str
    message: str


def arguments_of(node: Node) -> Arguments:
    """The arguments of a call node."""
    positional, keywords = 0, []
    splat = keysplat = other = uncertain = False
    found = field(node, "arguments")
    if found is not None and found.has_error:
        uncertain = True
    for argument in arguments(node):
        kind = argument.type
        if kind == "pair":
            key = field(argument, "key")
            name = (
                symbol_or_string(key) if key is not None and key.type in {"hash_key_symbol", "simple_symbol"} else None
            )
            if name is None and key is not None and key.type == "string" and _colon_key(argument):
                name = symbol_or_string(key)
            if name is None:
                other = True
            else:
                keywords.append(name)
        elif kind == "hash_splat_argument":
            keysplat = True
        elif kind == "splat_argument":
            splat = True
        elif kind == "forward_argument":
            uncertain = True
        elif kind != "block_argument":
            positional += 1
    literal = block_of(node) is not None
    return Arguments(positional, splat, tuple(keywords), keysplat, other, literal, uncertain)


def _colon_key(pair: Node) -> bool:
    """`"key": value` is a symbol key, `"key" => value` is not."""
    return any(child.type == ":" for child in pair.children)


def misfit(params: tuple[Param, ...] | None, given: Arguments, added: frozenset[str] = frozenset()) -> Misfit | None:
    """Why Ruby would raise ArgumentError for this call; None where it would not, or where that isn't certain.
    `added` are keywords that a forwarding method passes besides."""
    if params is None or given.uncertain or any(param.kind in {"forward", "nokey"} for param in params):
        return None
    kinds = [param.kind for param in params]
    takes_keywords = any(kind in {"key", "keyreq", "keyrest"} for kind in kinds)
    if takes_keywords:
        wrong = _keywords(params, given, added)
        if wrong:
            return wrong
    return _count(kinds, given, takes_keywords)


def _keywords(params: tuple[Param, ...], given: Arguments, added: frozenset[str]) -> Misfit | None:
    named = [param.name for param in params if param.kind in {"key", "keyreq"}]
    if not any(param.kind == "keyrest" for param in params):
        unknown = [name for name in given.keywords if name not in named]
        if unknown:
            accepted = ", ".join(f"{name}:" for name in named if name not in added)
            return Misfit("keyword", f"unknown keyword: {', '.join(unknown)} (it takes {accepted})")
    required = [param.name for param in params if param.kind == "keyreq"]
    missing = [name for name in required if name not in given.keywords and name not in added]
    if missing and not given.keysplat and not given.other_keys:
        return Misfit("keyword", f"missing keyword: {', '.join(missing)}")
    return None


def _count(kinds: list[str], given: Arguments, takes_keywords: bool) -> Misfit | None:
    least, most = kinds.count("req"), kinds.count("req") + kinds.count("opt")
    low = high = given.positional
    if not takes_keywords:  # braceless keywords become one positional hash; a `**hash` may be empty and become nothing
        certain = bool(given.keywords) or given.other_keys
        low += certain
        high += certain or given.keysplat
    if high < least and not given.splat:
        return Misfit("arity", f"wrong number of arguments (given {high}, expected {_expected(kinds)})")
    if low > most and "rest" not in kinds:
        return Misfit("arity", f"wrong number of arguments (given {low}, expected {_expected(kinds)})")
    return None


def disjoint(one: tuple[Param, ...] | None, other: tuple[Param, ...] | None) -> bool:
    """True where certainly no call fits both signatures. With keywords on one side only nothing is certain: the other
    takes them as a hash."""
    if one is None or other is None:
        return False
    kinds = [[param.kind for param in params] for params in (one, other)]
    if any({"forward", "nokey"}.intersection(each) for each in kinds):
        return False
    with_keywords = [bool({"key", "keyreq", "keyrest"}.intersection(each)) for each in kinds]
    if with_keywords[0] != with_keywords[1]:
        return False
    (low, high), (least, most) = (_positional(each) for each in kinds)
    if low > most or least > high:
        return True
    return _needs_more(one, other) or _needs_more(other, one)


def _positional(kinds: list[str]) -> tuple[int, float]:
    least = kinds.count("req")
    return least, float("inf") if "rest" in kinds else least + kinds.count("opt")


def _needs_more(one: tuple[Param, ...], other: tuple[Param, ...]) -> bool:
    """`one` requires a keyword that `other` refuses."""
    if any(param.kind == "keyrest" for param in other):
        return False
    taken = {param.name for param in other if param.kind in {"key", "keyreq"}}
    return any(param.kind == "keyreq" and param.name not in taken for param in one)


def _expected(kinds: list[str]) -> str:
    least, most = kinds.count("req"), kinds.count("req") + kinds.count("opt")
    if "rest" in kinds:
        return f"{least}+"
    return str(least) if least == most else f"{least}..{most}"


def shown(params: tuple[Param, ...] | None) -> str:
    """A signature as Ruby writes it, for a reason: `(message = …, with: …, &block)`."""
    if params is None:
        return "(?)"
    forms = {
        "req": "{}", "opt": "{} = …", "rest": "*{}", "keyreq": "{}:", "key": "{}: …", "keyrest": "**{}",
        "block": "&{}", "forward": "...", "nokey": "**nil",
    }  # fmt: skip
    return "(" + ", ".join(forms[param.kind].format(param.name) for param in params) + ")"


def symbol_block(node: Node) -> str | None:
    """The method that `&:name` calls."""
    for argument in arguments(node):
        if argument.type == "block_argument" and argument.named_children:
            inner = argument.named_children[0]
            return text(inner)[1:] if inner.type == "simple_symbol" else None
    return None
