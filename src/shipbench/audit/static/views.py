"""What the user sees: the page of the root route, Tailwind, partials, Turbo Streams from the server."""

import re
from collections.abc import Iterator

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import gemfile, ruby
from shipbench.audit.parse.erb import DYNAMIC, Template
from shipbench.audit.parse.tree import Node
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, passed, unproven

VIEWS = ("app/views/", "app/components/")
THREAD = ("message", "thread", "conversation", "chat", "transcript", "history", "log", "dialog")
FIELDS = {"text_area", "textarea", "text_field", "rich_text_area", "text_area_tag", "textarea_tag", "text_field_tag"}
# A script or style of more lines than this in a template is a dump; fewer are a theme switch or a nonce'd snippet.
MAX_INLINE_LINES = 20


# The root page


@check("ui.chat_interface")
def chat_interface(app: App) -> Outcome:
    routes = app.ruby("config/routes.rb")
    if routes is None:
        return app.missing("there are no routes to look at", "config/routes.rb", reads=("config/",))
    root = next(iter(ruby.calls(routes, "root")), None) or next(
        (node for node in ruby.calls(routes, "get") if _first(node) == "/"), None
    )
    if root is None:
        return failed("there is no root route", app.nothing("root", "config/routes.rb"))
    target = _target(root)
    if target is None:
        return unproven("where the root route leads is not certain", app.at("config/routes.rb", root))
    controller, action = target
    start = f"app/views/{controller}/{action}"
    page = next((path for path in app.paths(f"{start}.") if path.endswith((".erb", ".haml", ".slim"))), None)
    if page is None:
        rendered = _renders_elsewhere(app, controller, action)
        page = next(
            (path for name in rendered for path in app.paths(f"app/views/{name}.", f"app/views/{controller}/{name}.")),
            None,
        )
    if page is None:
        if any(
            call.name in ("redirect_to", "render")
            for call in app.program.calls
            if call.path == f"app/controllers/{controller}_controller.rb"
        ):
            return unproven(f"the view of {controller}#{action} was not found", app.at("config/routes.rb", root))
        return app.missing(f"{controller}#{action} has no view", f"{start}.html.erb", "app/views/", reads=VIEWS)
    if not page.endswith(".erb"):
        return unproven("the page is not an ERB template", app.at(page))
    return _thread_and_composer(app, page, controller)


def _thread_and_composer(app: App, page: str, controller: str) -> Outcome:
    reached = reachable(app, page, controller)
    form = next((place for path in reached for place in _fields(app, path)), None)
    thread = next((place for path in reached for place in _threads(app, path)), None)
    if form and thread:
        return passed("the root route shows a thread and a composer", app.at(page), form, thread)
    certain = (
        not app.foreign_views
        and not app.unread(*VIEWS)
        and not app.paths("app/components/", "app/javascript/", suffix=(".jsx", ".tsx", ".vue"))
    )
    lacks = "composer (a form with a text field)" if not form else "thread of messages"
    if not certain or _renders_computed(app, reached):
        return unproven(f"no {lacks} was found in what could be read", app.at(page))
    return failed(f"the root page has no {lacks}", app.nothing(lacks, page))


def _first(call: Node) -> str | None:
    given = ruby.arguments(call)
    return ruby.literal(given[0]) if given else None


def _target(route: Node) -> tuple[str, str] | None:
    options = ruby.options(route)
    named = options.get("to") or options.get("controller")
    text = ruby.literal(named) if named is not None else _first(route)
    if text and "#" in text:
        controller, _, method = text.partition("#")
        return controller.strip("/"), method
    action = ruby.literal(options.get("action"))
    return (text, action) if text and action else None


def _renders_elsewhere(app: App, controller: str, action: str) -> list[str]:
    names = []
    for call in app.program.named("render"):
        if (
            call.path == f"app/controllers/{controller}_controller.rb"
            and call.method
            and call.method.name == action
            and call.node.kind == "call"
        ):
            names += [
                name
                for name in (
                    _first(call.node),
                    ruby.literal(ruby.options(call.node).get("template")),
                    ruby.literal(ruby.options(call.node).get("action")),
                )
                if name
            ]
    return names


def reachable(app: App, page: str, controller: str) -> list[str]:
    """The page and the templates that it renders, as far as their names are written out."""
    found = [page]
    for path in found:
        template = app.views.get(path)
        if template is None or len(found) > 200:
            continue
        folder = path.removeprefix("app/views/").rpartition("/")[0]
        for name in partial_names(template):
            head, _, tail = name.rpartition("/")
            for base in [head] if head else [folder, controller, "application", "shared"]:
                for candidate in app.paths(f"app/views/{base}/_{tail}.", f"app/views/{base}/{tail}."):
                    if candidate not in found:
                        found.append(candidate)
        if _renders_records(template):  # `render @messages` finds its partial by the class of each record
            found += [
                path
                for path in app.views
                if path.rpartition("/")[2].startswith(("_message", "_turn", "_chat_message")) and path not in found
            ]
    return found


def partial_names(template: Template) -> Iterator[str]:
    for call in ruby.calls(template.ruby, "render"):
        first = _first(call)
        partial = ruby.literal(ruby.options(call).get("partial"))
        if first or partial:
            yield (first or partial or "").strip("/")


def _renders_records(template: Template) -> bool:
    for call in ruby.calls(template.ruby, "render"):
        given = ruby.arguments(call)
        if given and ruby.literal(given[0]) is None and given[0].kind in ("identifier", "instance_variable", "call"):
            return True
    return False


def _renders_computed(app: App, reached: list[str]) -> bool:
    """Whether a template renders something whose name is computed, messages apart: those are the thread."""
    return any(
        not any(word in call.text.lower() for word in THREAD)
        for path in reached
        if path in app.views
        for call in ruby.calls(app.views[path].ruby, "render")
        if _first(call) is None and ruby.arguments(call)
    )


def _fields(app: App, path: str) -> Iterator[Evidence]:
    template = app.views.get(path)
    if template is None:
        return
    for call in ruby.calls(template.ruby, *FIELDS):
        yield app.at(path, call)
    for tag in template.tags:
        if (
            tag.name == "textarea"
            or (tag.name == "input" and tag.attributes.get("type", "text") in ("text", "search"))
            or "contenteditable" in tag.attributes
        ):
            yield app.at(path, tag.line)


def _threads(app: App, path: str) -> Iterator[Evidence]:
    template = app.views.get(path)
    if template is None:
        return
    for call in ruby.calls(template.ruby, "each", "each_with_index", "render", "turbo_frame_tag", "turbo_stream_from"):
        if any(word in call.text.split("do |")[0].lower() for word in THREAD):
            yield app.at(path, call)
    for tag in template.tags:
        marks = " ".join(
            tag.attributes.get(name, "") for name in ("id", "data-chat-target", "role", "aria-label")
        ).lower()
        if any(word in marks for word in THREAD):
            yield app.at(path, tag.line)


# Tailwind


@check("ui.tailwind")
def tailwind(app: App) -> Outcome:
    cdn = [
        app.at(path, tag.line)
        for path, template in app.views.items()
        for tag in template.tags
        if tag.name in ("script", "link")
        and "tailwind" in f"{tag.attributes.get('src', '')}{tag.attributes.get('href', '')}"
        and "//" in f"{tag.attributes.get('src', '')}{tag.attributes.get('href', '')}"
    ]
    gem = next(
        (
            (app.gemfile or {})[name]
            for name in ("tailwindcss-rails", "tailwindcss-ruby")
            if name in (app.gemfile or {})
        ),
        None,
    )
    package = next(
        (
            number
            for number, line in enumerate(app.text("package.json").split("\n"), 1)
            if '"tailwindcss"' in line or '"@tailwindcss/' in line
        ),
        None,
    )
    if gem is None and package is None:
        if cdn:
            return failed("Tailwind comes from a CDN and is not installed", *cdn)
        return app.missing(
            "Tailwind is not installed",
            "tailwindcss-rails in the Gemfile, tailwindcss in package.json",
            reads=("Gemfile", "package.json"),
        )
    place = app.at("Gemfile", gem.line) if gem else app.at("package.json", package)
    if gem is not None and not gemfile.in_production(gem) and package is None and "assets" not in gem.groups:
        return failed("tailwindcss-rails is not in production's groups, so no style sheet is compiled there", place)
    entry = _tailwind_entry(app)
    if entry is None:
        return app.missing(
            "Tailwind is installed and has no entry file",
            '@import "tailwindcss" or @tailwind in a style sheet',
            "app/assets/",
            reads=("app/assets/", "app/javascript/"),
        )
    linked = [
        app.at(path, call)
        for path, template in app.views.items()
        if "/layouts/" in path
        for call in ruby.calls(
            template.ruby, "stylesheet_link_tag", "vite_stylesheet_tag", "vite_client_tag", "vite_javascript_tag"
        )
    ]
    if not linked:
        if app.foreign_views or app.unread("app/views/"):
            return unproven("no layout that was read links a style sheet", entry)
        return failed("no layout links the style sheet", app.nothing("stylesheet_link_tag", "app/views/layouts/"))
    return passed("Tailwind is installed, has an entry file, and the layout links it", place, entry, *linked)


def _tailwind_entry(app: App) -> Evidence | None:
    for path in app.paths("app/", suffix=(".css", ".scss", ".pcss", ".postcss")):
        if path.startswith("app/assets/builds/"):
            continue
        for number, line in enumerate(app.text(path).split("\n"), 1):
            if re.match(r"""\s*@(tailwind\s+\w|import\s+(url\()?["']tailwindcss)""", line):
                return app.at(path, number)
    return None


# Partials


@check("ui.partials")
def partials(app: App) -> Outcome:
    if not app.views:
        if app.foreign_views:
            return unproven(
                "the templates are not ERB and were not read", *(app.at(path, 1) for path in app.foreign_views)
            )
        return app.missing("there are no views", "ERB templates in app/views/", reads=VIEWS)
    dumps = []
    for path, template in app.views.items():
        for tag in template.tags:
            inline = (
                tag.name in ("style", "script")
                and not tag.attributes.get("src")
                and tag.attributes.get("type") not in ("importmap", "application/json", "application/ld+json")
            )
            if (
                inline
                and sum(1 for line in tag.content.split("\n") if line.strip() and DYNAMIC not in line)
                > MAX_INLINE_LINES
            ):
                dumps.append(app.at(path, tag.line))
    if dumps:
        return failed("a template holds a dump of script or style", *dumps)
    rendered = [
        app.at(path, call)
        for path, template in app.views.items()
        for call in ruby.calls(template.ruby, "render")
        if "/layouts/" not in path or _first(call)
    ]
    rendered += [
        app.at(path, call)
        for path, template in app.views.items()
        for call in ruby.calls(template.ruby, "append", "replace", "prepend", "update")
        if "partial" in ruby.options(call)
    ]
    files = [
        path for path in app.views if path.rpartition("/")[2].startswith("_") or path.startswith("app/components/")
    ]
    if files and rendered:
        return passed(f"the page is made of {len(files)} partials", *rendered)
    if app.foreign_views or app.unread(*VIEWS):
        return unproven("no partial was found in what could be read")
    return failed(
        "no view renders a partial", app.nothing("render of a template whose name starts with _", "app/views/")
    )


# Turbo Streams


@check("hotwire.turbo_streams")
def turbo_streams(app: App) -> Outcome:
    gems = app.gemfile
    installed = gems is not None and any(name in gems for name in ("turbo-rails", "hotwire-rails"))
    if gems is not None and not installed and '"@hotwired/turbo' not in app.text("package.json"):
        return failed("Turbo is not installed", app.nothing('gem "turbo-rails"', "Gemfile"))
    found = list(_streams(app))
    if found:
        return passed("answers reach the page as Turbo Streams", *found)
    return app.missing(
        "nothing answers with a Turbo Stream",
        "*.turbo_stream.erb, format.turbo_stream, turbo_stream.append, turbo_stream_from",
        "app/",
        reads=("app/",),
    )


def _streams(app: App) -> Iterator[Evidence]:
    for path in app.paths(
        "app/views/", suffix=(".turbo_stream.erb", ".turbo_stream.haml", ".turbo_stream.slim", ".turbo_stream.rb")
    ):
        yield app.at(path, 1)
    for call in app.program.calls:
        if not call.path.startswith("app/") or call.node.kind != "call":
            continue
        source = ruby.receiver(call.node)
        text = source.text if source is not None else ""
        if (
            (call.name == "turbo_stream" and source is not None and source.kind == "identifier")
            or (
                text == "turbo_stream"
                or text.endswith("Turbo::StreamsChannel")
                or (call.name.startswith("broadcast_") and call.name.endswith(("_to", "_later", "_later_to")))
            )
            or call.name in ("broadcasts_to", "broadcasts", "turbo_stream_action_tag", "broadcasts_refreshes")
            or (call.name == "render" and "turbo_stream" in ruby.options(call.node))
        ):
            yield app.at(call.path, call.node)
    for path, template in app.views.items():
        for listening in ruby.calls(template.ruby, "turbo_stream_from"):
            yield app.at(path, listening)
        for tag in template.tags:
            if tag.name == "turbo-stream":
                yield app.at(path, tag.line)
