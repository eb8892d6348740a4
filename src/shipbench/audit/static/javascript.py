"""The front end's life: does Stimulus start, does it know its controllers, and is Turbo not rebuilt by hand?"""

from collections.abc import Iterator

from shipbench.audit import frontend
from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import modules
from shipbench.audit.parse.tree import Node, UnparsableError, parse
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, listed, passed, unproven

# A bundle smaller than this cannot contain Stimulus.
MIN_BUNDLE_BYTES = 2_000
STIMULUS = "@hotwired/stimulus"


@check("hotwire.stimulus_started")
def stimulus_started(app: App) -> Outcome:
    found = frontend.read(app)
    if found.tag is None:
        if app.foreign_views or app.unread("app/views/"):
            return unproven("no layout that was read loads JavaScript")
        return app.missing(
            "the layout loads no JavaScript",
            "javascript_importmap_tags or javascript_include_tag",
            "app/views/layouts/",
            reads=("app/views/",),
        )
    tag = app.at(*found.tag)
    if found.entry is None:
        if found.doubts:
            return unproven("which script the layout loads is not certain", tag)
        return app.missing(
            f"the layout loads {found.entry_missing or 'a script'}, and there is no such entry",
            f"app/javascript/{found.entry_missing}.js",
            reads=("app/javascript/", "app/frontend/"),
        )
    empty = _empty_bundle(app, found)
    if empty:
        return failed("the built bundle is empty", tag, empty)
    if found.started is None:
        if found.doubts or any(not path.endswith((".js", ".mjs")) for path in found.loaded):
            return unproven("no start of Stimulus was found in what could be read", tag, *found.doubts)
        return failed(
            "Stimulus is never started from the script that the layout loads",
            tag,
            app.nothing("Application.start()", found.entry),
            *found.dangling,
        )
    uninstalled = _uninstalled(app, found)
    if uninstalled:
        return uninstalled
    return _controllers(app, found, tag)


def _controllers(app: App, found: frontend.FrontEnd, tag: Evidence) -> Outcome:
    used = frontend.used_controllers(app)
    assert found.started is not None
    if not used:
        if app.foreign_views or app.unread("app/views/", "app/components/"):
            return unproven("no view that was read names a Stimulus controller", found.started)
        return failed(
            "Stimulus is started, and no view uses a controller", app.nothing("data-controller", "app/views/")
        )
    unknown = [(name, place) for name, place in used if name not in found.registered]
    if unknown:
        names = sorted({name for name, _ in unknown})
        if found.doubts:
            return unproven(
                f"whether {listed(names)} is registered is not certain", *(place for _, place in unknown), *found.doubts
            )
        return failed(
            f"views name {listed(names)}, which Stimulus does not know",
            *(place for _, place in unknown),
            *found.dangling,
        )
    if found.doubts:
        return unproven("a script that the page loads could not be read for certain", *found.doubts)
    return passed(
        "Stimulus starts and knows every controller that the views use",
        tag,
        found.started,
        *(place for _, place in used),
    )


def _uninstalled(app: App, found: frontend.FrontEnd) -> Outcome | None:
    """The outcome where @hotwired/stimulus itself cannot be resolved."""
    if app.has("config/importmap.rb"):
        importmap = app.ruby("config/importmap.rb")
        if (
            importmap is None
            or modules.Importmap(importmap).knows(STIMULUS)
            or any(STIMULUS in app.text(path) for path in app.paths("config/importmap/"))
        ):
            return None
        if app.has("package.json") and STIMULUS in app.text("package.json"):
            return None
        return failed(
            "the import map does not pin @hotwired/stimulus", app.nothing(f'pin "{STIMULUS}"', "config/importmap.rb")
        )
    if (
        app.has("package.json")
        and f'"{STIMULUS}"' not in app.text("package.json")
        and '"stimulus"' not in app.text("package.json")
    ) and any(STIMULUS in app.text(path) for path in found.loaded):
        return failed("package.json does not name @hotwired/stimulus", app.nothing(STIMULUS, "package.json"))
    return None


def _empty_bundle(app: App, found: frontend.FrontEnd) -> Evidence | None:
    """The bundle that javascript_include_tag serves, where it is there and holds next to nothing."""
    if found.tag is None or "javascript_include_tag" not in found.tag[1].text or found.entry is None:
        return None
    path = f"app/assets/builds/{found.entry.rpartition('/')[2].rpartition('.')[0]}.js"
    content = app.files.get(path)
    if content is None or len(content) >= MIN_BUNDLE_BYTES:
        return None
    return Evidence(path=app.shown(path), line=1, text=f"{len(content)} bytes")


# Turbo by hand


@check("hotwire.no_fetch_innerhtml", absence=True)
def no_fetch_innerhtml(app: App) -> Outcome:
    wrong: list[Evidence] = []
    unsure: list[Evidence] = []
    scripts = list(_scripts(app))
    for path, root, first_line in scripts:
        written = [node for node in root.walk() if _writes_markup(node)]
        asked = [node for node in root.walk() if _asks(node)]
        if not written or not asked:
            continue
        places = [_place(app, path, node, first_line) for node in (*asked[:2], *written[:3])]
        turbo = any(word in root.text for word in ("renderStreamMessage", "turbo-stream", "Turbo."))
        (unsure if turbo else wrong).extend(places)
    if wrong:
        return failed("a script fetches and writes innerHTML in place of Turbo", *wrong)
    holes = app.unread("app/javascript/")
    if unsure or holes:
        return unproven(
            "a script fetches and writes markup; whether it stands in for Turbo is not certain"
            if unsure
            else "not every script could be read",
            *unsure,
            *holes,
        )
    if not scripts and not app.views:
        return app.missing("there is no page to look at", "scripts and views", "app/", reads=("app/",))
    return passed(
        "no script fetches and writes innerHTML",
        app.nothing("fetch, XMLHttpRequest or EventSource beside innerHTML", "app/javascript/"),
    )


def _scripts(app: App) -> Iterator[tuple[str, Node, int]]:
    for path in app.paths("app/javascript/", "app/frontend/", "app/assets/javascripts/", suffix=(".js", ".mjs")):
        root = app.javascript(path)
        if root is not None:
            yield path, root, 1
    for path, template in app.views.items():
        for tag in template.tags:
            if (
                tag.name == "script"
                and tag.content.strip()
                and tag.attributes.get("type", "module") in ("module", "text/javascript", "")
            ):
                try:
                    yield path, parse("javascript", tag.content.encode()), tag.line
                except UnparsableError:
                    continue


def _place(app: App, path: str, node: Node, first_line: int) -> Evidence:
    return app.at(path, node.line + first_line - 1)


def _writes_markup(node: Node) -> bool:
    """An assignment of something that is not constant to innerHTML, or insertAdjacentHTML of it."""
    if node.kind in ("assignment_expression", "augmented_assignment_expression"):
        left, right = node.get("left"), node.get("right")
        if left is None or right is None or left.kind != "member_expression":
            return False
        attribute = left.get("property")
        return attribute is not None and attribute.text in ("innerHTML", "outerHTML") and not _constant(right)
    if node.kind == "call_expression":
        called, given = node.get("function"), node.get("arguments")
        return (
            called is not None
            and given is not None
            and called.text.endswith(".insertAdjacentHTML")
            and not all(_constant(child) for child in given.children if child.named)
        )
    return False


def _constant(node: Node) -> bool:
    if node.kind == "template_string":
        return not any(child.kind == "template_substitution" for child in node.children)
    return node.kind in ("string", "null", "number")


def _asks(node: Node) -> bool:
    if node.kind == "call_expression":
        called = node.get("function")
        return called is not None and called.text in (
            "fetch",
            "window.fetch",
            "axios",
            "axios.post",
            "$.ajax",
            "$.post",
            "Rails.ajax",
        )
    if node.kind == "new_expression":
        made = node.get("constructor")
        return made is not None and made.text in ("EventSource", "XMLHttpRequest", "FetchRequest")
    return False
