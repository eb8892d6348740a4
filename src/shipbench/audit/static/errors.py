"""What a failing provider does to the application."""

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node
from shipbench.audit.provider import LIBRARY
from shipbench.audit.registry import check
from shipbench.audit.rescue import Handler
from shipbench.audit.verdict import Outcome, failed, not_applicable, passed, unproven

LOGGING = {
    "error",
    "warn",
    "info",
    "debug",
    "fatal",
    "log",
    "puts",
    "p",
    "report",
    "notify",
    "capture_exception",
    "warning",
}
SHOWING = {"render", "flash", "turbo_stream", "render_to_string", "respond_to", "alert", "notice", "flash_now"}
BROADCASTS = ("broadcast_", "append", "prepend", "replace", "update", "before", "after", "stream_")
# Words by which scripts notice a failed submission.
SCRIPT_SIGNS = (
    "turbo:submit-end",
    "turbo:fetch-request-error",
    "turbo:before-fetch-response",
    "response.ok",
    ".catch(",
    "turbo:frame-missing",
)


def _guarded(app: App) -> Outcome | None:
    """The outcome where there is no provider call to speak of."""
    if app.rescues.guards:
        return None
    if app.unread("app/", "lib/") or app.provider.mentions:
        return unproven("no call to a model was recognised")
    return not_applicable("no call to a model was found")


@check("errors.rescued")
def rescued(app: App) -> Outcome:
    early = _guarded(app)
    if early:
        return early
    guards = app.rescues.guards
    bare = [guard for guard in guards if guard.state == "open"]
    if bare:
        return failed(
            "a call to the model has no rescue around it",
            *(app.at(guard.call.call.path, guard.call.call.node) for guard in bare),
        )
    unsure = [guard for guard in guards if guard.state == "unsure"]
    if unsure:
        reason = unsure[0].reason or "not every way to it could be followed"
        return unproven(
            f"whether the call to the model is rescued is not certain: {reason}",
            *(app.at(guard.call.call.path, guard.call.call.node) for guard in unsure),
        )
    return passed(
        "every call to the model is inside a rescue",
        *_places(app, [guard.handlers[0] for guard in guards if guard.handlers]),
    )


@check("errors.typed")
def typed(app: App) -> Outcome:
    early = _guarded(app)
    if early:
        return early
    handlers = _handlers(app)
    if not handlers:
        return _none(app, "no rescue names the library's errors")
    named = [handler for handler in handlers if any(_is_library_error(app, error) for error in handler.errors)]
    if named:
        return passed("the rescue names the library's errors", *_places(app, named))
    wrapped = [handler for handler in handlers if _wraps(app, handler)]
    if wrapped:
        return passed("every error becomes an error of the application's own", *_places(app, wrapped))
    own = [error for handler in handlers for error in handler.errors if app.program.resolve(error)]
    if own and any(guard.state == "unsure" for guard in app.rescues.guards):
        return unproven(
            "the rescue names errors of the application's own, and where they come from is not certain",
            *_places(app, handlers),
        )
    return failed("the rescue around the call to the model names none of the library's errors", *_places(app, handlers))


def _is_library_error(app: App, name: str) -> bool:
    if name.startswith(f"{LIBRARY}::") or name == "RubyLLM":
        return True
    roads = {guard.call.road for guard in app.rescues.guards}
    foreign = name.split("::")[0] in (
        "Faraday",
        "Net",
        "HTTParty",
        "OpenAI",
        "Anthropic",
        "OpenRouter",
        "Timeout",
        "SocketError",
    )
    return foreign and "library" not in roads


def _wraps(app: App, handler: Handler) -> bool:
    for raised in app.rescues.raises(handler):
        for name, node in ruby.constants(raised):
            resolved = app.program.resolve(name, app.program.owner_of(node)) or app.program.resolve(name, handler.owner)
            if resolved or app.program.constant_value(name, handler.owner) is not None:
                return True
    return False


@check("errors.visible")
def visible(app: App) -> Outcome:
    early = _guarded(app)
    if early:
        return early
    handlers = _handlers(app)
    if not handlers:
        scripts = _script_signs(app)
        if scripts:
            return unproven("no rescue was found; a script looks at failed requests", *scripts)
        return _none(app, "a failing provider shows nothing but the error page")
    for handler in handlers:
        for path, body in app.rescues.bodies(handler):
            shown = _shows(body)
            if shown is not None:
                return passed("a failure leads to something on the page", app.at(path, shown))
    if any(guard.state == "unsure" for guard in app.rescues.guards) or any(
        any(app.rescues.raises(handler)) for handler in handlers
    ):
        return unproven("where the failure goes after the rescue could not be followed", *_places(app, handlers))
    scripts = _script_signs(app)
    if scripts:
        return unproven("the rescue shows nothing; a script looks at failed requests", *scripts)
    return failed("the rescue shows the user nothing", *_places(app, handlers))


def _none(app: App, summary: str) -> Outcome:
    unsure = [guard for guard in app.rescues.guards if guard.state == "unsure"]
    guards = unsure or [guard for guard in app.rescues.guards if guard.state == "open"] or app.rescues.guards
    places = [app.at(guard.call.call.path, guard.call.call.node) for guard in guards]
    if unsure:
        return unproven(
            f"{summary} where it could be followed: {unsure[0].reason or 'a way in is not certain'}", *places
        )
    return failed(summary, *places)


def _handlers(app: App) -> list[Handler]:
    found: dict[int, Handler] = {}
    for guard in app.rescues.guards:
        for handler in guard.handlers:
            found.setdefault(id(handler.node), handler)
    return list(found.values())


def _places(app: App, handlers: list[Handler]) -> list[Evidence]:
    return [app.at(handler.path, handler.node) for handler in handlers]


def _script_signs(app: App) -> list[Evidence]:
    found = []
    for path in app.paths("app/javascript/", suffix=(".js", ".mjs", ".ts")):
        for number, line in enumerate(app.text(path).split("\n"), 1):
            if any(sign in line for sign in SCRIPT_SIGNS) and not line.lstrip().startswith("//"):
                found.append(app.at(path, number))
    return found


def _shows(body: Node) -> Node | None:
    """The first thing in a rescue's code that reaches the page: a render, a flash, a stream, a value that is kept."""
    for node in body.walk():
        if _in_log_or_raise(node):
            continue
        if node.kind == "call":
            name = ruby.call_name(node)
            if name in SHOWING or name.startswith(("broadcast_", "render")):
                return node
            if name == "redirect_to" and {"alert", "notice", "flash"} & set(ruby.options(node)):
                return node
            source = ruby.receiver(node)
            if source is not None and source.text.startswith(
                ("turbo_stream", "flash", "Turbo::StreamsChannel", "response.stream")
            ):
                return node
            if name in ("message", "full_message") and source is not None:
                return node
        elif node.kind == "element_reference" and node.text.startswith("flash"):
            return node
        elif node.kind in ("assignment", "operator_assignment"):
            left, right = node.get("left"), node.get("right")
            if left and left.kind == "instance_variable" and right and right.kind != "nil":
                return node
        elif (
            node.kind == "string"
            and any(word for word in node.text.split() if word[:1].isalpha())
            and len(node.text.split()) > 1
        ):
            return node  # a sentence for the user, returned or kept as the answer
    return None


def _in_log_or_raise(node: Node) -> bool:
    for ancestor in [node, *node.ancestors()]:
        if ancestor.kind in ("rescue", "method", "singleton_method", "rescue_modifier"):
            return False
        if ancestor.kind == "call" and ruby.call_name(ancestor) in LOGGING | {"raise", "fail", "head"}:
            return True
    return False
