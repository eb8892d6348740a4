"""Reading JavaScript modules: imports, and how names lead from one file to another (import maps, relative paths)."""

from collections.abc import Iterator
from typing import NamedTuple

from shipbench.audit.parse import ruby
from shipbench.audit.parse.tree import Node

EXTENSIONS = ("", ".js", ".mjs", ".ts", ".jsx", ".tsx", "/index.js", "/index.ts", "/index.mjs")


class Import(NamedTuple):
    """One import. `names` are the imported names as exported, `local` the names that they get."""

    module: str
    names: tuple[str, ...]
    local: tuple[str, ...]
    line: int


def imports(root: Node) -> Iterator[Import]:
    for node in root.walk():
        if node.kind in ("import_statement", "export_statement"):
            source = node.get("source")
            if source is None:
                continue
            names, local = [], []
            for inner in node.walk():
                if inner.kind == "import_specifier":
                    name, alias = inner.get("name"), inner.get("alias")
                    names.append(name.text if name else "")
                    local.append((alias or name or inner).text)
                elif inner.kind == "import_clause" or inner.kind == "namespace_import":
                    local += [child.text for child in inner.children if child.kind == "identifier"]
            yield Import(text_of(source), tuple(names), tuple(local), node.line)
        elif node.kind == "call_expression":
            called, given = node.get("function"), node.get("arguments")
            if called is not None and given is not None and called.text in ("import", "require") and given.children:
                yield Import(text_of(given.children[0]), (), (), node.line)


def text_of(node: Node) -> str:
    """The value of a string literal, else ""."""
    return (
        "".join(child.text for child in node.children if child.kind == "string_fragment")
        if node.kind == "string"
        else ""
    )


class Importmap:
    """config/importmap.rb: pinned names, and folders of which every file is pinned."""

    def __init__(self, root: Node | None) -> None:
        self.pins: dict[str, str] = {}
        self.folders: list[tuple[str, str]] = []  # folder, name below which its files are known
        for call in ruby.calls(root, "pin") if root else []:
            given = ruby.arguments(call)
            name = ruby.literal(given[0]) if given else None
            if name:
                self.pins[name] = ruby.literal(ruby.options(call).get("to")) or f"{name}.js"
        for call in ruby.calls(root, "pin_all_from") if root else []:
            given = ruby.arguments(call)
            folder = ruby.literal(given[0]) if given else None
            if folder:
                self.folders.append((folder.strip("/"), ruby.literal(ruby.options(call).get("under")) or ""))

    def knows(self, name: str) -> bool:
        return name in self.pins

    def paths(self, name: str, files: dict[str, bytes]) -> str | None:
        """The application's file that the bare name `name` loads."""
        for folder, under in self.folders:
            if under and name != under and not name.startswith(f"{under}/"):
                continue
            rest = name[len(under) :].strip("/") if under else name
            for ending in EXTENSIONS if rest else ("/index.js", "/index.mjs"):
                candidate = f"{folder}/{rest}{ending}" if rest else f"{folder}{ending}"
                if candidate in files:
                    return candidate
        target = self.pins.get(name)
        if target:
            for folder in ("app/javascript", "app/assets/javascripts", "vendor/javascript", "lib/assets/javascripts"):
                if f"{folder}/{target}" in files:
                    return f"{folder}/{target}"
        return None


def relative(importer: str, module: str, files: dict[str, bytes]) -> str | None:
    """The file that `./x` or `../x` in `importer` means."""
    parts = importer.split("/")[:-1]
    for part in module.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    base = "/".join(parts)
    return next((base + ending for ending in EXTENSIONS if base + ending in files), None)
