"""Reads a package's declarations, from its entry points along every reference, into an index."""

from pathlib import Path

from tree_sitter import Node

from shipbench.files import read_text
from shipbench.truth.typescript.declarations import File, Origin, read_file
from shipbench.truth.typescript.package import Packages
from shipbench.truth.typescript.symbols import Index, Module, Symbol, encode_symbol
from shipbench.truth.typescript.syntax import broken_within, line, string_value, text
from shipbench.truth.typescript.syntax import field as child
from shipbench.truth.typescript.typenodes import TypeReader
from shipbench.truth.typescript.types import Member, Shape, Signature, Type, function, prim, unknown

# Where a name is declared: the file and the name in it; or why that is not known.
Place = tuple[Path, str] | str
Exports = dict[str, Place]


class Builder:
    """Collects the symbols that the exports of a package lead to."""

    def __init__(self, root: Path) -> None:
        self.packages = Packages(root)
        self._files: dict[Path, File] = {}
        self._exported: dict[Path, tuple[Exports, str]] = {}
        self._places: dict[tuple[Path, str], Place] = {}
        self._numbers: dict[Path, int] = {}
        self._paths: list[Path] = []
        self._wanted: list[tuple[Path, str]] = []
        self._seen: set[tuple[Path, str]] = set()

    def build(self) -> Index:
        """The index of the package."""
        modules: dict[str, Module] = {}
        for subpath, path in self.packages.main.entries().items():
            if path is None:
                modules[subpath] = Module({}, "it has no type declarations")
                continue
            exports, why = self._exports(path)
            modules[subpath] = Module({name: self._id(origin) for name, origin in exports.items()}, why)
        coded = {}
        while self._wanted:
            path, name = self._wanted.pop()
            coded[self._key(path, name)] = encode_symbol(self._symbol(path, name))
        main = self.packages.main
        labels = [self.packages.label(path) for path in self._paths]
        return Index(main.name, main.version, main.closed, labels, modules, coded)

    # -- names across files ---------------------------------------------------------------------------------------

    def _file(self, path: Path) -> File:
        if path not in self._files:
            self._files[path] = read_file(read_text(path).encode(), path.name)
        return self._files[path]

    def _key(self, path: Path, name: str) -> str:
        if path not in self._numbers:
            self._numbers[path] = len(self._paths)
            self._paths.append(path)
        return f"{self._numbers[path]}#{name}"

    def _id(self, origin: tuple[Path, str] | str) -> str:
        """The id of a symbol, which will be read too; '' for one that is declared elsewhere."""
        if isinstance(origin, str):
            return ""
        if origin not in self._seen:
            self._seen.add(origin)
            self._wanted.append(origin)
        return self._key(*origin)

    def _exports(self, path: Path) -> tuple[Exports, str]:
        """Every name that the module exports and where it is declared (or why that is not known), and why there may
        be more names."""
        if path not in self._exported:
            names, why = self._names(path, set())
            self._exported[path] = {name: self._find(path, name) for name in sorted(names)}, why
        return self._exported[path]

    def _names(self, path: Path, seen: set[Path]) -> tuple[set[str], str]:
        """The names that a module exports, through every `export *`, and why there may be more."""
        seen.add(path)
        file = self._file(path)
        names, why = set(file.exports), file.open
        for source in file.stars:
            target, reason = self.packages.locate(source, path)
            if target is None:
                why = why or f"it exports all of {source}: {reason}"
            elif target not in seen:
                inner, inner_why = self._names(target, seen)
                names |= inner - {"default"}
                why = why or inner_why
        return names, why

    def _find(self, path: Path, name: str) -> Place:
        """Where a name that the module exports is declared, or why that is not known."""
        key = (path, name)
        if key not in self._places:
            self._places[key] = f"{name} is exported in a circle"
            self._places[key] = self._search(path, name)
        return self._places[key]

    def _search(self, path: Path, name: str) -> Place:
        file = self._file(path)
        if name in file.exports:
            return self._follow(path, file.exports[name])
        for source in file.stars:
            target, _ = self.packages.locate(source, path)
            found = self._find(target, name) if target is not None else ""
            if not isinstance(found, str):
                return found
        return f"{self.packages.label(path)} does not declare {name}"

    def _follow(self, path: Path, origin: Origin) -> Place:
        """Where a name is declared in the end, or why that is not known. The symbol `*` is a whole module."""
        file = self._file(path)
        if not origin.source and origin.name in file.nodes:
            return path, origin.name
        if not origin.source and origin.name not in file.imports:
            return f"{origin.name} is not declared"
        origin = origin if origin.source else file.imports[origin.name]
        target, why = self.packages.locate(origin.source, path)
        if target is None:
            return why
        return (target, "*") if origin.name == "*" else self._find(target, origin.name)

    def _resolve(self, path: Path, prefix: str, name: str) -> Type:
        """What a name that is written in a file means."""
        file = self._file(path)
        outer = prefix
        while True:
            if outer + name in file.nodes:
                return Type("ref", self._id((path, outer + name)))
            if not outer:
                break
            outer = outer[: outer.rstrip(".").rfind(".") + 1]
        head, _, rest = name.partition(".")
        if head in file.imports:
            found = self._follow(path, file.imports[head])
            if isinstance(found, str):
                return unknown(found)
            if rest:
                return self._inside(found, rest)
            return Type("ref", self._id(found))
        if rest and head in file.nodes:
            return self._inside((path, head), rest)
        return Type("global", name)

    def _is_symbol(self, path: Path, name: str) -> bool:
        """True where a constant is declared as a symbol, here or in the module that it is imported from."""
        found = self._follow(path, Origin("", name))
        nodes = self._file(found[0]).nodes.get(found[1], []) if not isinstance(found, str) else []
        return any(text(child(node, "type")).lstrip(": ") in {"symbol", "unique symbol"} for node in nodes)

    def _inside(self, found: tuple[Path, str], rest: str) -> Type:
        path, name = found
        if name == "*":
            exports, _ = self._exports(path)
            inner = exports.get(rest, f"{rest} is not declared")
            return unknown(inner) if isinstance(inner, str) else Type("ref", self._id(inner))
        table = self._file(path).namespaces.get(name, {})
        return self._resolve(path, f"{name}.", table[rest]) if rest in table else unknown(f"{rest} is not declared")

    # -- symbols --------------------------------------------------------------------------------------------------

    def _symbol(self, path: Path, name: str) -> Symbol:
        if name == "*":
            return self._module(path)
        prefix = name[: name.rfind(".") + 1]
        reader = TypeReader(
            lambda written, _: self._resolve(path, prefix, written), lambda key: self._is_symbol(path, key)
        )
        nodes = self._file(path).nodes[name]
        number = self._numbers[path]
        found = Symbol("", number, line(nodes[0]))
        for node in nodes:
            found = self._merge(found, node, reader, (path, name))
        return found

    def _module(self, path: Path) -> Symbol:
        exports, why = self._exports(path)
        members = [
            Member(each, Type("query", self._id(origin)) if not isinstance(origin, str) else unknown(origin), False, 1)
            for each, origin in sorted(exports.items())
        ]
        value = Type("obj", shape=Shape(tuple(members), open=why))
        return Symbol("namespace", self._numbers[path], 1, value=value)

    def _merge(self, found: Symbol, node: Node, reader: TypeReader, where: tuple[Path, str]) -> Symbol:
        """`found` with one more declaration of the same name."""
        kind = node.type
        if kind in {"function_signature", "function_declaration"}:
            earlier = found.value.shape.calls if found.value is not None and found.value.shape is not None else ()
            return found._replace(kind=_kind(found, "function"), value=function([*earlier, reader.signature(node)]))
        if kind == "variable_declarator":
            declared = child(node, "type")
            value = reader.read(declared) if declared is not None else _initial(child(node, "value"))
            return found._replace(kind=_kind(found, "const"), value=value)
        if kind == "type_alias_declaration":
            generics = reader.enter(node)
            alias = reader.read(child(node, "value"))
            reader.leave()
            return found._replace(kind=_kind(found, "type"), generics=generics, type=alias)
        if kind == "interface_declaration":
            return self._interface(found, node, reader)
        if kind in {"class_declaration", "abstract_class_declaration"}:
            return self._class(found, node, reader, where)
        if kind == "enum_declaration":
            return found._replace(kind="enum", type=prim("string"), value=_enum(node))
        return self._namespace(found, where)

    def _interface(self, found: Symbol, node: Node, reader: TypeReader) -> Symbol:
        generics = reader.enter(node)
        body = child(node, "body")
        shape = reader.shape(body) if body is not None and not broken_within(body, deep=False) else Shape(open="broken")
        clause = next((each for each in node.named_children if each.type == "extends_type_clause"), None)
        bases = tuple(reader.read(each) for each in clause.named_children) if clause is not None else ()
        reader.leave()
        if found.type is not None and found.type.shape is not None:
            shape = _joined(found.type.shape, shape)
        return found._replace(
            kind=_kind(found, "interface"), generics=generics, type=Type("obj", shape=shape), bases=found.bases + bases
        )

    def _class(self, found: Symbol, node: Node, reader: TypeReader, where: tuple[Path, str]) -> Symbol:
        generics = reader.enter(node)
        body = child(node, "body")
        whole = body is not None and not broken_within(body, deep=False)
        own = reader.shape(body) if body is not None and whole else Shape(open="broken")
        static = reader.shape(body, static=True) if body is not None and whole else Shape(open="broken")
        heritage = next((each for each in node.named_children if each.type == "class_heritage"), None)
        base = _superclass(heritage, reader)
        reader.leave()
        itself = Type("ref", self._id(where), tuple(Type("param", each.name) for each in generics))
        news = tuple(each._replace(returns=itself, generics=generics) for each in own.news)
        if not news and base is None:
            news = (Signature(generics, (), itself, line(node)),)
        value = Type("obj", shape=static._replace(news=news))
        if base is not None:
            above = Type("query", base.name) if base.kind == "ref" else _constructor(base)
            value = Type("and", "", (value, above))
        return found._replace(
            kind="class", generics=generics, type=Type("obj", shape=own._replace(news=())),
            bases=(base,) if base is not None else (), value=value,
        )  # fmt: skip

    def _namespace(self, found: Symbol, where: tuple[Path, str]) -> Symbol:
        path, name = where
        table = self._file(path).namespaces.get(name, {})
        members = []
        for short, written in sorted(table.items()):
            target = self._resolve(path, f"{name}.", written)
            members.append(Member(short, Type("query", target.name) if target.kind == "ref" else target, False, 0))
        value = Type("obj", shape=Shape(tuple(members)))
        if found.value is not None:
            value = Type("and", "", (found.value, value))
        return found._replace(kind=_kind(found, "namespace"), value=value)


def _kind(found: Symbol, kind: str) -> str:
    return found.kind or kind


def _joined(one: Shape, other: Shape) -> Shape:
    members = {each.name: each for each in (*one.members, *other.members)}
    return Shape(
        tuple(members.values()), one.calls + other.calls, one.news + other.news, one.open or other.open,
        one.indexed or other.indexed,
    )  # fmt: skip


def _initial(node: Node | None) -> Type:
    """The type of a constant that is declared by its value."""
    if node is not None and node.type in {"string", "number", "true", "false"}:
        value = string_value(node)
        return Type("lit", text(node) if value is None else f"'{value}")
    return unknown("no type is declared")


def _enum(node: Node) -> Type:
    body = child(node, "body")
    members = []
    for each in body.named_children if body is not None else ():
        name = child(each, "name") if each.type == "enum_assignment" else each
        if name is not None and name.type != "comment":
            members.append(Member(string_value(name) or text(name), prim("string"), False, line(each)))
    return Type("obj", shape=Shape(tuple(members)))


def _superclass(heritage: Node | None, reader: TypeReader) -> Type | None:
    clause = (
        next((each for each in heritage.named_children if each.type == "extends_clause"), None) if heritage else None
    )
    value = child(clause, "value") if clause is not None else None
    if clause is None or value is None:
        return None
    if value.type not in {"identifier", "member_expression"}:
        return unknown("its superclass is an expression")
    arguments = child(clause, "type_arguments")
    given = tuple(reader.read(each) for each in arguments.named_children) if arguments is not None else ()
    found = reader.resolve("".join(text(value).split()), True)
    return found._replace(of=given) if found.kind in {"ref", "global"} else found


def _constructor(base: Type) -> Type:
    return Type("global", f"{base.name}Constructor") if base.kind == "global" else base


def build(root: Path) -> Index:
    """The index of the package in the folder `root`, with its dependencies in the node_modules folders beside it.

    InputError where package.json is missing or a declaration file cannot be read."""
    return Builder(root).build()
