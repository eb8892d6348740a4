"""The application's Minitest suite: tests with their assertions, how they replace the provider, what they reach."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from shipbench.audit.app import App
from shipbench.audit.parse import ruby
from shipbench.audit.parse.program import Call, Method
from shipbench.audit.parse.tree import Node
from shipbench.audit.provider import ASKING, LIBRARY, MODEL_HOSTS

REQUESTS = {
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "visit",
    "click_on",
    "click_button",
    "perform",
    "subscribe",
    "process",
}
ASSERTING = ("assert", "refute", "must_", "wont_", "flunk", "expect")
STUBBING = {
    "stub",
    "stubs",
    "expects",
    "stub_any_instance",
    "define_singleton_method",
    "define_method",
    "stub_const",
    "with_stub",
    "stub_method",
    "alias_method",
}
WEB_STUBS = {"stub_request", "use_cassette", "insert_cassette"}


@dataclass(eq=False)
class Test:
    """One `test "…" do` or `def test_…`. Of a skipped one only the assertions before the `skip` are there."""

    name: str
    path: str
    node: Node
    assertions: list[Node] = field(default_factory=list)
    skipped: bool = False


@dataclass(eq=False)
class Replacement:
    """Something in the suite that stands in for the provider. `how` is `web`, `chat` (RubyLLM.chat), `new`
    (RubyLLM::Chat.new), `instance` (any chat), `fake` (an object handed in) or `own` (the application's own code)."""

    how: str
    path: str
    node: Node


class Suite:
    def __init__(self, app: App) -> None:
        self.app = app
        self.program = app.tests
        self.files = [path for path in self.program.files if _holds_tests(path)]
        self.tests = [test for path in self.files for test in self._tests(path)]

    @property
    def helpers(self) -> list[str]:
        return [path for path in self.program.files if path not in self.files]

    def _tests(self, path: str) -> Iterator[Test]:
        for node in self.program.files[path].walk():
            if (
                node.kind == "call"
                and ruby.call_name(node) in ("test", "it", "specify")
                and ruby.block(node)
                and ruby.receiver(node) is None
            ):
                given = ruby.arguments(node)
                yield self._test((ruby.literal(given[0]) or given[0].text) if given else "", path, node)
            elif node.kind == "method" and (name := node.get("name")) is not None and name.text.startswith("test_"):
                yield self._test(name.text, path, node)

    def _test(self, name: str, path: str, node: Node) -> Test:
        end = self._skipped_at(path, node)
        test = Test(name, path, node, skipped=end is not None)
        helpers = self._asserting_helpers
        for inner in node.walk():
            if end is not None and inner.start >= end:
                break
            if inner.kind == "call" or (inner.kind == "identifier" and inner.field != "method"):
                called = ruby.call_name(inner) if inner.kind == "call" else inner.text
                if (called.startswith(ASSERTING) and not _trivial(inner)) or called in helpers:
                    test.assertions.append(inner)
        return test

    def _skipped_at(self, path: str, node: Node) -> int | None:
        """The byte after which nothing of a test runs, for it, or the setup of its class, skips whatever happens."""
        for name, opened in self.program.classes.items():
            if any(place.path == path and node.inside(place.node) for place in opened) and self._setup_skips(name):
                return node.start
        return next((statement.start for statement in _body(node) if _skips(statement)), None)

    def _setup_skips(self, owner: str) -> bool:
        setups = [method.node for method in self.program.methods if method.owner == owner and method.name == "setup"]
        setups += [call.node for call in self.program.named("setup") if call.owner == owner and call.method is None]
        return any(_skips(statement) for setup in setups for statement in _body(setup))

    @cached_property
    def _asserting_helpers(self) -> set[str]:
        """Methods of the suite that assert on behalf of tests."""
        found = set()
        for method in self.program.methods:
            if not method.name.startswith("test_") and any(
                ruby.call_name(call).startswith(ASSERTING) and not _trivial(call) for call in ruby.calls(method.node)
            ):
                found.add(method.name)
        return found

    # What stands in for the provider

    @cached_property
    def replacements(self) -> list[Replacement]:
        found = [
            Replacement(how, call.path, call.node)
            for call in self.program.calls
            if call.node.kind == "call" and (how := self._how(call))
        ]
        for name, places in self.program.classes.items():
            if how := self._fake(name):
                found += [Replacement(how, opened.path, opened.node) for opened in places]
        for path, root in self.program.files.items():
            found += [Replacement("fake", path, node) for node in root.walk() if _is_inline_fake(node)]
        return found

    def _how(self, call: Call) -> str | None:
        name, source, given = call.name, ruby.receiver(call.node), ruby.arguments(call.node)
        if name in WEB_STUBS:
            return "web" if name != "stub_request" or self._about_model(call.node) else None
        if name in STUBBING and source is not None:
            target = ruby.literal(given[0]) if given else None
            owner = ruby.constant(source) or ""
            if owner == LIBRARY and target in ("chat", "context"):
                return "chat"
            if owner == f"{LIBRARY}::Chat" and target == "new":
                return "new"
            if (
                source.kind == "call"
                and ruby.call_name(source) in ("any_instance", "singleton_class", "allow_any_instance_of")
                and f"{LIBRARY}" in source.text
            ):
                return "instance" if "Chat" in source.text else "chat"
            if owner.startswith(f"{LIBRARY}::Chat") and target in ASKING | {"with_instructions", "add_message"}:
                return "instance"
            if owner and self.app.program.resolve(owner) and name in STUBBING:
                return "own"
            if source.kind == "call" and ruby.call_name(source) == "any_instance":
                return "own"
        if name in ("allow", "allow_any_instance_of") and given and (ruby.constant(given[0]) or "").startswith(LIBRARY):
            return "chat" if ruby.constant(given[0]) == LIBRARY else "instance"
        if ruby.constant(source) == "Minitest::Mock" and name == "new":
            return "fake"
        return None

    def _about_model(self, node: Node) -> bool:
        """A stubbed request: the host is named, or a constant or a pattern stands for it."""
        text = node.text
        return (
            any(host in text for host in MODEL_HOSTS)
            or "openrouter" in text.lower()
            or any(ruby.literal(argument) is None for argument in ruby.arguments(node)[1:])
        )

    def _fake(self, name: str) -> str | None:
        """What a class of the suite stands for: a chat or its maker, an own object of the application, or nothing."""
        methods = {method.name for method in self.program.methods if method.owner == name}
        if name.endswith("Test"):
            return None
        if methods & (ASKING | {"chat"}):
            return "fake"
        return "own" if methods & {"reply", "reply_to", "generate", "call", "respond", "answer"} else None

    def used_in(self, path: str, found: Replacement) -> bool:
        """Whether a file's tests use a replacement: it stands there, or they name what holds it."""
        if found.path == path:
            return True
        names = {name.split("::")[-1] for name, _ in ruby.constants(self.program.files[path])} | self.called_names(path)
        opened = ruby.constant(found.node.get("name")) if found.node.kind in ("class", "module") else None
        if opened:
            return self._made_by_helper(opened.split("::")[-1], names)
        holder = self.program.method_at(found.node)
        if holder is not None:
            inside = self.program.owner_of(found.node).split("::")[-1]
            return bool({holder.name, inside} & names) or holder.name in ("setup", "before_setup")
        return True  # in a setup block or at the top of the helper

    def _made_by_helper(self, fake: str, names: set[str]) -> bool:
        """Whether tests that use `names` get the class `fake`: they name it, or a helper of theirs does."""
        if fake in names:
            return True
        makers = [
            method
            for method in self.program.methods
            if method.path in self.helpers
            and any(name.split("::")[-1] == fake for name, _ in ruby.constants(method.node))
        ]
        if {method.name for method in makers} & names or {method.owner.split("::")[-1] for method in makers} & names:
            return True
        return any(call.path in self.helpers and fake in call.node.text for call in self.program.named("setup"))

    # What the tests reach

    def reached(self, path: str) -> set[Method]:
        """The application's methods that the tests of one file may come to, helpers included."""
        start: set[Method] = set()
        names = self.called_names(path).union(*(self.called_names(helper) for helper in self.helpers))
        for method in self.app.program.methods:
            if method.name in names or (method.name == "initialize" and "new" in names):
                start.add(method)
        if names & REQUESTS:
            start |= {method for method in self.app.program.methods if self.app.program.is_controller(method.owner)}
        return self._closure(start)

    def called_names(self, path: str) -> set[str]:
        return {call.name for call in self.program.calls if call.path == path}

    def _closure(self, start: set[Method]) -> set[Method]:
        seen: set[Method] = set()
        pending = list(start)
        while pending:
            method = pending.pop()
            if method in seen:
                continue
            seen.add(method)
            for name in self._calls_of(method):
                pending += self.app.program.methods_by_name.get("initialize" if name == "new" else name, [])
        return seen

    def _calls_of(self, method: Method) -> set[str]:
        return self._names_by_method.get(id(method), set())

    @cached_property
    def _names_by_method(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for call in self.app.program.calls:
            if call.method is not None:
                found.setdefault(id(call.method), set()).add(call.name)
        return found


def _holds_tests(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith("_test.rb") or (name.startswith("test_") and name != "test_helper.rb")


def _body(node: Node) -> list[Node]:
    """The statements of a method or of a call's block."""
    given = ruby.block(node) if node.kind == "call" else node
    body = given.get("body") if given is not None else None
    return [body] if body is not None and body.kind not in ("body_statement", "block_body") else ruby.statements(body)


def _skips(statement: Node) -> bool:
    """`skip`, `skip "later"`: unconditional."""
    if statement.kind == "identifier":
        return statement.text == "skip"
    return statement.kind == "call" and ruby.call_name(statement) == "skip" and ruby.receiver(statement) is None


def _trivial(call: Node) -> bool:
    """`assert true` and the like: it cannot fail."""
    given = ruby.arguments(call) if call.kind == "call" else []
    name = ruby.call_name(call) if call.kind == "call" else call.text
    if name in ("assert", "refute", "assert_not") and given:
        return given[0].kind in ("true", "false", "nil", "integer", "string", "simple_symbol")
    if name in ("assert_equal", "assert_same") and len(given) >= 2:
        return ruby.is_constant_value(given[0]) and ruby.is_constant_value(given[1])
    return name == "assert_nothing_raised"


def _is_inline_fake(node: Node) -> bool:
    """`fake = Object.new; def fake.ask(…)`, `Struct.new(…) do def ask`, `OpenStruct.new(ask: …)`."""
    if node.kind == "singleton_method":
        name = node.get("name")
        return name is not None and name.text in ASKING | {"chat"}
    if node.kind == "call" and ruby.call_name(node) == "new":
        return ruby.constant(ruby.receiver(node)) in ("OpenStruct", "Struct") and bool(set(ruby.options(node)) & ASKING)
    return (
        node.kind == "call"
        and ruby.call_name(node) in ("stub", "mock", "double", "instance_double")
        and bool(set(ruby.options(node)) & ASKING)
    )
