"""The provider key: where it comes from, and whether its absence is noticed."""

from collections.abc import Iterator

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, passed

KEY = "OPENROUTER_API_KEY"
ASKS_FOR_ABSENCE = {"blank?", "present?", "empty?", "nil?", "presence", "key?", "has_key?", "include?", "zero?"}
KEY_WORDS = ("openrouter_api_key", "api_key", KEY)


def key_reads(app: App) -> Iterator[tuple[str, Node]]:
    """Every `ENV[…]`, `ENV.fetch(…)` and the like for the key, in application code."""
    for path, root in app.program.files.items():
        for node in root.walk():
            if _reads_key(app, node):
                yield path, node


def _reads_key(app: App, node: Node) -> bool:
    if node.kind == "element_reference":
        source = node.get("object") or (node.children[0] if node.children else None)
        names = node.children[1:]
    elif node.kind == "call":
        source, names = ruby.receiver(node), ruby.arguments(node)
    else:
        return False
    if ruby.constant(source) != "ENV":
        return False
    return any(_value(app, name) == KEY for name in names)


def _value(app: App, node: Node) -> str | None:
    name = ruby.constant(node)
    if name:
        value = app.program.constant_value(name, app.program.owner_of(node))
        return ruby.literal(value)
    return ruby.literal(node)


@check("key.from_environment")
def from_environment(app: App) -> Outcome:
    written = list(_written_keys(app))
    if written:
        return failed("the key is written into the code", *written)
    reads = [app.at(path, node) for path, node in key_reads(app)]
    if reads:
        return passed(f"the key is read from {KEY}", *reads)
    for path in app.paths("config/", suffix=(".yml", ".yaml")):
        for number, line in enumerate(app.text(path).split("\n"), 1):
            if KEY in line and "ENV" in line and not line.lstrip().startswith("#"):
                return passed(f"the key is read from {KEY}", app.at(path, number))
    return app.missing(
        f"no code reads {KEY} from the environment",
        f'ENV["{KEY}"], ENV.fetch("{KEY}")',
        reads=("app/", "config/", "lib/"),
    )


def _written_keys(app: App) -> Iterator[Evidence]:
    for path, root in app.program.files.items():
        for node in root.walk():
            if node.kind != "assignment":
                continue
            left, right = node.get("left"), node.get("right")
            if (
                left
                and left.text.lower().endswith("openrouter_api_key")
                and (ruby.literal(right) or "").strip()
                and ruby.literal(right) != KEY
            ):
                yield app.at(path, node)


@check("key.preflight")
def preflight(app: App) -> Outcome:
    found = [app.at(path, node) for path, node in _preflights(app)]
    if found:
        return passed("a missing key is noticed before the provider is called", *found)
    reads = [app.at(path, node) for path, node in key_reads(app)]
    if app.unread("app/", "lib/", "config/") or not reads:
        return app.missing(
            "nothing notices a missing key",
            f"a test for {KEY} being blank, or a rescue of RubyLLM::ConfigurationError",
            reads=("app/", "lib/", "config/"),
        )
    return failed("the key is read, and nothing notices that it is missing", *reads)


def _preflights(app: App) -> Iterator[tuple[str, Node]]:
    for path, root in app.program.files.items():
        for node in root.walk():
            if node.kind == "call":
                name = ruby.call_name(node)
                source = ruby.receiver(node)
                if (
                    (name in ASKS_FOR_ABSENCE and source is not None and _about_key(app, node))
                    or (name == "fetch" and _reads_key(app, node) and _raises_when_missing(node))
                    or (
                        name == "rescue_from"
                        and any(constant == "RubyLLM::ConfigurationError" for constant, _ in ruby.constants(node))
                    )
                ):
                    yield path, node
            elif node.kind in ("if", "unless", "if_modifier", "unless_modifier", "conditional"):
                condition = node.get("condition")
                if condition is not None and condition.kind != "call" and _about_key(app, condition):
                    yield path, node
            elif node.kind == "rescue":
                named = node.get("exceptions")
                if named and any(constant == "RubyLLM::ConfigurationError" for constant, _ in ruby.constants(named)):
                    yield path, node


def _about_key(app: App, node: Node) -> bool:
    for inner in node.walk():
        if _reads_key(app, inner):
            return True
        if inner.kind in ("identifier", "instance_variable") and any(
            word in inner.text.lower() for word in ("openrouter_api_key", "api_key", "openrouter_key")
        ):
            return True
    return False


def _raises_when_missing(call: Node) -> bool:
    """`ENV.fetch(KEY)` alone raises KeyError; with a block only if the block does."""
    given = ruby.block(call)
    if given is not None:
        return any(
            node.text.split("(")[0].split()[:1] in (["raise"], ["abort"])
            for node in given.walk()
            if node.kind in ("call", "identifier")
        )
    return len(ruby.arguments(call)) == 1
