"""The JavaScript that a page really loads: from the layout's tag through imports to Stimulus and its controllers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import modules, ruby
from shipbench.audit.parse.tree import Node

TAGS = (
    "javascript_importmap_tags",
    "javascript_include_tag",
    "vite_javascript_tag",
    "vite_typescript_tag",
    "javascript_pack_tag",
    "javascript_import_module_tag",
    "javascript_bun_tag",
)
LOADERS = {
    "eagerLoadControllersFrom",
    "lazyLoadControllersFrom",
    "registerControllers",
    "definitionsFromContext",
    "definitionsFrom",
    "load",
}
ENTRY_FOLDERS = (
    "app/javascript",
    "app/javascript/entrypoints",
    "app/frontend/entrypoints",
    "app/frontend",
    "app/javascript/packs",
    "app/assets/javascripts",
)
NAME = re.compile(r"[a-z@][\w@/-]*", re.IGNORECASE)


@dataclass
class FrontEnd:
    """`started` and `registered`: what the modules that the layout loads do; `doubts`: why less may be certain."""

    tag: tuple[str, Node] | None = None
    entry: str | None = None
    loaded: list[str] = field(default_factory=list)
    started: Evidence | None = None
    registered: set[str] = field(default_factory=set)
    dangling: list[Evidence] = field(default_factory=list)
    doubts: list[Evidence] = field(default_factory=list)
    entry_missing: str = ""


def read(app: App) -> FrontEnd:
    found = FrontEnd()
    importmap = modules.Importmap(app.ruby("config/importmap.rb"))
    for path, template in app.views.items():
        if "/layouts/" in path and "mailer" not in path:
            for call in template.ruby.walk():
                if (
                    call.kind in ("call", "identifier")
                    and (call.text if call.kind == "identifier" else ruby.call_name(call)) in TAGS
                    and call.field != "method"
                ):
                    _enter(app, found, importmap, path, call)
    return found


def _enter(app: App, found: FrontEnd, importmap: modules.Importmap, path: str, tag: Node) -> None:
    kind = tag.text if tag.kind == "identifier" else ruby.call_name(tag)
    names = [ruby.literal(argument) for argument in ruby.arguments(tag)] if tag.kind == "call" else []
    if kind == "javascript_importmap_tags":
        names = names or ["application"]
    for name in names:
        if name is None:
            found.doubts.append(app.at(path, tag))
            continue
        if name.startswith(("http:", "https:", "//")):
            continue
        entry = importmap.paths(name, app.files) if kind == "javascript_importmap_tags" else None
        entry = entry or next(
            (
                f"{folder}/{name}{ending}"
                for folder in ENTRY_FOLDERS
                for ending in modules.EXTENSIONS
                if f"{folder}/{name}{ending}" in app.files
            ),
            None,
        )
        found.tag = found.tag or (path, tag)
        if entry is None:
            found.entry_missing = name
            continue
        if kind == "javascript_importmap_tags" and not importmap.paths(name, app.files):
            found.dangling.append(app.at(path, tag))
            continue
        found.entry = found.entry or entry
        _follow(app, found, importmap, entry, mapped=kind == "javascript_importmap_tags")


def _follow(app: App, found: FrontEnd, importmap: modules.Importmap, entry: str, mapped: bool) -> None:
    pending = [entry]
    while pending and len(found.loaded) < 500:
        path = pending.pop(0)
        if path in found.loaded:
            continue
        found.loaded.append(path)
        if not path.endswith((".js", ".mjs")):
            found.doubts.append(app.at(path))
            continue
        root = app.javascript(path)
        if root is None:
            found.doubts.append(Evidence(path=app.shown(path), text=app.unparsed.get(path, "")))
            continue
        for imported in modules.imports(root):
            target = _resolve(app, importmap, path, imported.module, mapped)
            if target:
                pending.append(target)
            elif imported.module.startswith(".") or (
                mapped and not importmap.knows(imported.module) and not imported.module.startswith(("http", "/"))
            ):
                found.dangling.append(app.at(path, imported.line))
        _look(app, found, path, root, mapped, importmap)


def _resolve(app: App, importmap: modules.Importmap, path: str, module: str, mapped: bool) -> str | None:
    if module.startswith("."):
        return modules.relative(path, module, app.files)
    target = importmap.paths(module, app.files) if mapped else None
    if target or mapped:
        return target
    return next(
        (
            f"{folder}/{module}{ending}"
            for folder in ENTRY_FOLDERS
            for ending in modules.EXTENSIONS
            if f"{folder}/{module}{ending}" in app.files
        ),
        None,
    )


def _look(app: App, found: FrontEnd, path: str, root: Node, mapped: bool, importmap: modules.Importmap) -> None:
    if any(node.kind == "ERROR" for node in root.walk()):
        found.doubts.append(app.at(path, next(node for node in root.walk() if node.kind == "ERROR")))
    for node in root.walk():
        if node.kind != "call_expression":
            continue
        called = node.get("function")
        given = node.get("arguments")
        name = called.text if called is not None else ""
        arguments = (
            [child for child in given.children if child.named and child.kind != "comment"] if given is not None else []
        )
        if name.endswith("Application.start") or (name.endswith(".start") and _is_application(root, name)):
            found.started = found.started or app.at(path, node)
        elif name.rpartition(".")[2] == "register" and len(arguments) >= 2:
            identifier = modules.text_of(arguments[0])
            if identifier:
                found.registered.add(identifier)
            else:
                found.doubts.append(app.at(path, node))
        elif name.rpartition(".")[2] in LOADERS and (mapped or name.rpartition(".")[2] != "load"):
            under = modules.text_of(arguments[0]) if arguments else ""
            if name.startswith(("eagerLoad", "lazyLoad")) and under:
                found.registered |= set(_eager(app, importmap, under))
            else:
                found.registered |= set(_all_controllers(app))
        elif "import.meta.glob" in name or name == "require.context":
            found.registered |= set(_all_controllers(app))
    if "import.meta.glob" in app.text(path) or re.search(r"""from ["'][./\w-]*\*""", app.text(path)):
        found.registered |= set(_all_controllers(app))


def _is_application(root: Node, name: str) -> bool:
    """`app.start()` after `const app = new Application()`."""
    variable = name.rpartition(".")[0]
    for node in root.walk():
        if node.kind == "variable_declarator":
            named, value = node.get("name"), node.get("value")
            if named is not None and value is not None and named.text == variable and "Application" in value.text:
                return True
    return False


def _eager(app: App, importmap: modules.Importmap, under: str) -> Iterator[str]:
    """Identifiers of the controllers that the import map knows below `under`."""
    for folder, name in importmap.folders:
        if name == under or under.startswith(f"{name}/") or (not name and under):
            base = f"{folder}/{under[len(name) :].strip('/')}".rstrip("/") if name else f"{folder}/{under}"
            for path in app.paths(f"{base}/"):
                identifier = _identifier(path.removeprefix(f"{base}/"))
                if identifier:
                    yield identifier
    for pinned in importmap.pins:
        if pinned.startswith(f"{under}/") and (identifier := _identifier(f"{pinned.removeprefix(f'{under}/')}.js")):
            yield identifier


def _all_controllers(app: App) -> Iterator[str]:
    for folder in (
        "app/javascript/controllers/",
        "app/frontend/controllers/",
        "app/assets/javascripts/controllers/",
        "app/components/",
    ):
        for path in app.paths(folder):
            identifier = _identifier(path.removeprefix(folder))
            if identifier:
                yield identifier


def _identifier(path: str) -> str | None:
    """users/list_item_controller.js → users--list-item"""
    match = re.fullmatch(r"(.+?)[_-]controller\.(js|mjs|ts|jsx|tsx)", path)
    return match[1].replace("/", "--").replace("_", "-") if match else None


def used_controllers(app: App) -> list[tuple[str, Evidence]]:
    """Every controller name that a view gives, with its place. Names that are computed are left out."""
    found = []
    for path, template in app.views.items():
        for tag in template.tags:
            names = tag.attributes.get("data-controller", "").split()
            found += [(name, app.at(path, tag.line)) for name in names if NAME.fullmatch(name)]
        found += [(name, app.at(path, node)) for name, node in _in_ruby(template.ruby)]
    for path, root in app.program.files.items():
        if path.startswith(("app/helpers/", "app/components/", "app/views/")):
            found += [(name, app.at(path, node)) for name, node in _in_ruby(root)]
    return found


def _in_ruby(root: Node) -> Iterator[tuple[str, Node]]:
    """`data: { controller: "chat" }` and `"data-controller": "chat"`."""
    for node in root.walk():
        if node.kind != "pair":
            continue
        key, value = node.get("key"), node.get("value")
        name = ruby.literal(key)
        text = ruby.literal(value)
        if name is None or text is None:
            continue
        inside_data = any(
            ancestor.kind == "pair" and ruby.literal(ancestor.get("key")) == "data" for ancestor in node.ancestors()
        )
        if name in ("data-controller", "data_controller") or (name == "controller" and inside_data):
            for part in text.split():
                if NAME.fullmatch(part):
                    yield part, node
