"""What bites in production: memory of one process, forged requests, unescaped output."""

from collections.abc import Iterator

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node
from shipbench.audit.parse.yaml import BrokenError, load
from shipbench.audit.registry import check
from shipbench.audit.stores import stores
from shipbench.audit.verdict import Outcome, failed, not_applicable, passed, unproven

FORGERY = ("allow_forgery_protection", "default_protect_from_forgery")
ESCAPING = {
    "h",
    "html_escape",
    "escape_html",
    "escapeHTML",
    "sanitize",
    "strip_tags",
    "strip_links",
    "safe_join",
    "json_escape",
    "escape_once",
    "simple_format",
    "to_json",
    "escape_javascript",
    "j",
    "render",
    "fragment",
    "clean",
    "image_tag",
    "content_tag",
    "link_to",
    "tag",
    "capture",
    "icon",
    "svg",
    "inline_svg",
}
ESCAPING_WORDS = ("sanitize", "escape", "loofah", "filter_html", "safe_join", "rails-html", "strip_tags", "purify")


@check("production.multi_worker", absence=True)
def multi_worker(app: App) -> Outcome:
    local = [store for store in stores(app.program) if not store.durable]
    if local:
        kinds = " and ".join(dict.fromkeys(store.kind for store in local))
        places = [app.at(store.path, store.node) for store in local]
        if any(store.talk for store in local):
            return failed(f"requests depend on {kinds}, which each process has for itself", *places)
        return unproven(f"{kinds} is state of one process; whether a request depends on it is not certain", *places)
    cable = _cable_of_one_process(app)
    if cable:
        return failed("broadcasts go through the async adapter, which ends at the process", *cable)
    if app.unread("app/"):
        return unproven("not all of the application's code could be read", *app.unread("app/"))
    if not app.program.files:
        return not_applicable("there is no Ruby code to look at")
    return passed(
        "no request depends on one process's memory",
        app.nothing("class variables, Singletons and constants that requests change", "app/"),
    )


def _cable_of_one_process(app: App) -> list[Evidence]:
    """Evidence where the page listens to broadcasts and production's cable adapter is `async`."""
    listens = any(
        node.text == "turbo_stream_from"
        for template in app.views.values()
        for node in template.ruby.walk()
        if node.kind == "identifier"
    )
    if not listens or not app.has("config/cable.yml"):
        return []
    try:
        settings = load(app.text("config/cable.yml"))
    except BrokenError:
        return []
    production = settings.get("production") if isinstance(settings, dict) else None
    if not isinstance(production, dict) or production.get("adapter") != "async":
        return []
    lines = app.text("config/cable.yml").split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith("production")), 0)
    line = next((number + 1 for number in range(start, len(lines)) if "adapter" in lines[number]), None)
    return [app.at("config/cable.yml", line)]


@check("production.csrf", absence=True)
def csrf(app: App) -> Outcome:
    controllers = [
        opened
        for places in app.program.classes.values()
        for opened in places
        if opened.path.startswith("app/controllers/")
    ]
    if not controllers:
        return app.missing("there is no controller", "a class in app/controllers/", reads=("app/controllers/",))
    off = list(_forgery_off(app))
    if off:
        return failed("forgery protection is switched off", *off)
    weak = [
        app.at(call.path, call.node)
        for call in app.program.named("protect_from_forgery")
        if call.node.kind == "call" and ruby.literal(ruby.options(call.node).get("with")) == "null_session"
    ]
    if weak:
        return failed("forgery protection is weakened: a forged request is let in, with an empty session", *weak)
    unsure = [
        app.at(call.path, call.node)
        for call in app.program.named("protect_from_forgery")
        if {"if", "unless", "except", "only"} & set(ruby.options(call.node))
    ]
    if unsure:
        return unproven("forgery protection depends on a condition", *unsure)
    if not any("ActionController::Base" in app.program.lineage(opened.name) for opened in controllers):
        return unproven(
            "no controller with ActionController::Base above it was found",
            *(app.at(opened.path, opened.node) for opened in controllers),
        )
    tree = app.ruby("config/application.rb")
    loaded = list(ruby.calls(tree, "load_defaults")) if tree else []
    named = list(app.program.named("protect_from_forgery"))
    if not loaded and not named:
        return unproven("neither load_defaults nor protect_from_forgery was found", app.at("config/application.rb"))
    places = [app.at(call.path, call.node) for call in named] or [app.at("config/application.rb", loaded[0])]
    return passed("forgery protection is on", *places)


def _forgery_off(app: App) -> Iterator[Evidence]:
    for call in app.program.named("skip_forgery_protection"):
        yield app.at(call.path, call.node)
    for call in app.program.named("skip_before_action", "skip_action_callback"):
        if any(ruby.literal(argument) == "verify_authenticity_token" for argument in ruby.arguments(call.node)):
            yield app.at(call.path, call.node)
    for path, root in app.program.files.items():
        if path in ("config/environments/test.rb", "config/environments/development.rb"):
            continue
        for node in root.walk():
            left, right = (node.get("left"), node.get("right")) if node.kind == "assignment" else (None, None)
            off = right is not None and right.kind == "false"
            if off and left is not None and left.kind == "call" and ruby.call_name(left) in FORGERY:
                yield app.at(path, node)
    for name, places in app.program.classes.items():
        if "ActionController::API" in app.program.lineage(name):
            yield from (
                app.at(opened.path, opened.node)
                for opened in places
                if opened.superclass.endswith("ActionController::API")
            )


@check("production.no_unescaped_output", absence=True)
def no_unescaped_output(app: App) -> Outcome:
    wrong: list[Evidence] = []
    unsure: list[Evidence] = []
    for path, template in app.views.items():
        for node in template.unescaped:
            _sort(app, path, node, node, wrong, unsure)
        for call in ruby.calls(template.ruby):
            for node in _marked_safe(call):
                _sort(app, path, node, call, wrong, unsure)
    for found in app.program.calls:
        if found.node.kind == "call" and found.path.startswith("app/"):
            for node in _marked_safe(found.node):
                _sort(app, found.path, node, found.node, wrong, unsure)
    unsure += _script_markup(app)
    if wrong:
        return failed("text that is not constant goes into a page unescaped", *wrong)
    if unsure:
        return unproven("whether what is put into the page is escaped is not certain", *unsure)
    if app.foreign_views:
        return unproven(
            "these templates are not ERB and were not read", *(app.at(path, 1) for path in app.foreign_views)
        )
    if not app.views:
        return app.missing("there are no views", "ERB templates in app/views/", reads=("app/",))
    return passed(
        "nothing is marked as safe that is not constant or escaped",
        app.nothing("raw, html_safe and <%== on anything but constants", "app/views/"),
    )


def _marked_safe(call: Node) -> Iterator[Node]:
    """The expression that `call` declares to be safe HTML."""
    name, source = ruby.call_name(call), ruby.receiver(call)
    if name == "html_safe" and source is not None:
        yield source
    elif name == "raw" and source is None:
        yield from ruby.arguments(call)[:1]


def _sort(app: App, path: str, node: Node, place: Node, wrong: list[Evidence], unsure: list[Evidence]) -> None:
    if ruby.is_constant_value(node) or (node.kind == "heredoc_beginning" and "#{" not in node.text):
        return
    if any(ruby.call_name(call) in ESCAPING for call in ruby.calls(node)):
        return
    names = {inner.text for inner in node.walk() if inner.kind == "identifier"}
    if node.kind == "identifier" and node.text in ("yield", "csrf_meta_tags"):
        return
    constant = ruby.constant(node)
    if constant and ruby.literal(app.program.constant_value(constant, app.program.owner_of(node))) is not None:
        return
    scope = ruby.method_of(node)
    text = (scope or node).text.lower()
    if any(word in text for word in ESCAPING_WORDS):
        unsure.append(app.at(path, place))
    elif any(_from_outside(name) for name in names) or any(
        word in node.text for word in ("params", ".content", ".body", ".text", "message")
    ):
        wrong.append(app.at(path, place))
    else:
        unsure.append(app.at(path, place))


def _from_outside(name: str) -> bool:
    return any(
        word in name.lower()
        for word in ("content", "message", "params", "reply", "answer", "response", "body", "prompt")
    )


def _script_markup(app: App) -> list[Evidence]:
    """Scripts that turn a model's Markdown into markup without a sanitizer in sight."""
    found = []
    for path in app.paths("app/javascript/", suffix=(".js", ".mjs")):
        text = app.text(path)
        if "DOMPurify" in text or "sanitize" in text:
            continue
        root = app.javascript(path)
        for node in root.walk() if root else []:
            left, right = (
                (node.get("left"), node.get("right")) if node.kind == "assignment_expression" else (None, None)
            )
            if (
                left is not None
                and right is not None
                and left.text.endswith((".innerHTML", ".outerHTML"))
                and any(word in right.text for word in ("marked", "markdown", "parse("))
            ):
                found.append(app.at(path, node))
    return found
