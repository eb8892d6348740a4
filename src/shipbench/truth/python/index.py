"""Makes the index of a Python package from its source, without importing or running any of it."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path

import griffe  # type: ignore[import-not-found,unused-ignore]

from shipbench.errors import InputError
from shipbench.truth.python.dynamic import Facts, facts
from shipbench.truth.python.libraries import Library, about
from shipbench.truth.python.symbols import Index, Parameter, ParameterKind, Signature, Symbol
from shipbench.truth.python.values import kept_value

# Decorators that leave a function callable with the parameters that it is written with.
_PRESERVING = {
    "override", "deprecated", "final", "overload", "abstractmethod", "lru_cache", "cache", "runtime_checkable",
    "staticmethod", "classmethod", "property", "cached_property", "setter", "getter", "deleter", "contextmanager",
    "asynccontextmanager", "dataclass", "dataclass_transform", "total_ordering", "no_type_check", "validate_call",
    "wraps", "singledispatch", "singledispatchmethod", "coroutine",
}  # fmt: skip
_PROPERTIES = {"property", "cached_property"}
_LAYOUTS = ("", "src", "lib")


def build_index(source: Path, library: str, version: str) -> Index:
    """Index `library` from `source`: site-packages, an unpacked wheel, or an unpacked sdist (its packages at the root
    or under src/ or lib/). What its classes inherit from other packages is indexed where `source` has it."""
    known = about(library)
    root = _root(source, known)
    builder = _Builder(root, known)
    for package in known.packages:
        if package == known.packages[0] or _exists(root, package):
            builder.package(package)
    builder.inherited()
    return Index(library, version, _versions(root, known, version), dict(sorted(builder.symbols.items())))


def _exists(root: Path, package: str) -> bool:
    return (root / package).is_dir() or (root / f"{package}.py").is_file()


def _root(source: Path, known: Library) -> Path:
    for layout in _LAYOUTS:
        if _exists(source / layout, known.packages[0]):
            return (source / layout).resolve()
    raise InputError(f"{source}: no package {known.packages[0]} there, nor under src/ or lib/")


def _versions(root: Path, known: Library, version: str) -> dict[str, str]:
    """The version of each other distribution that was read, from the metadata beside it."""
    found = {known.name: version}
    for package in (*known.packages[1:], *known.bases):
        for metadata in sorted(root.glob(f"{package}-*.dist-info/METADATA")):
            header = HeaderParser().parsestr(metadata.read_text("utf-8", "replace"))
            found[package] = str(header["Version"])
    return found


@dataclass
class _Builder:
    root: Path
    known: Library
    symbols: dict[str, Symbol] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        logging.getLogger("griffe").setLevel(logging.CRITICAL)
        self.loader = griffe.GriffeLoader(search_paths=[self.root], allow_inspection=False)

    def package(self, name: str) -> None:
        self._module(self._load(name))

    def _load(self, name: str) -> griffe.Module:
        try:
            module = self.loader.load(name, try_relative_path=False)
        except (ImportError, griffe.GriffeError, SyntaxError, RecursionError) as error:
            raise InputError(f"{self.root}: {name} cannot be read: {error}") from None
        assert isinstance(module, griffe.Module)
        self.loader.expand_exports(module)
        self.loader.expand_wildcards(module, external=False)
        return module

    def _module(self, module: griffe.Module) -> None:
        found = self._facts(module)
        self._add_module(module, found.open)
        for name, line in found.lazy.items():
            if name not in module.members:
                self._add(Symbol(f"{module.path}.{name}", "attribute", f"{self._file(module)}:{line}"))
        for member in module.members.values():
            self._member(member, module, "")

    def _add_module(self, module: griffe.Module, reasons: tuple[str, ...]) -> None:
        exports = tuple(str(each) for each in module.exports) if module.exports is not None else None
        self._add(Symbol(module.path, "module", f"{self._file(module)}:1", exports=exports, open=reasons))

    def _facts(self, module: griffe.Module) -> Facts:
        if module.path not in self.facts:
            path = module.filepath
            assert isinstance(path, Path)
            text = path.read_text("utf-8", "replace") if path.is_file() else ""
            self.facts[module.path] = facts(text)
        return self.facts[module.path]

    def _file(self, module: griffe.Module) -> str:
        path = module.filepath
        assert isinstance(path, Path)
        return path.relative_to(self.root).as_posix()

    def _add(self, symbol: Symbol) -> None:
        self.symbols[symbol.path] = symbol

    def _member(self, member: griffe.Object | griffe.Alias, module: griffe.Module, inside: str) -> None:
        """Add what `module` defines (`inside` is the dotted name of the class it is in, with a dot at its end)."""
        file = self._file(module)
        path = f"{module.path}.{inside}{member.name}"
        if isinstance(member, griffe.Alias):
            self._add(Symbol(path, "alias", f"{file}:{member.alias_lineno or 1}", target=member.target_path))
        elif isinstance(member, griffe.Module):
            self._module(member)
        elif isinstance(member, griffe.Class):
            self._class(member, module, f"{inside}{member.name}", f"{file}:{member.lineno or 1}")
        elif isinstance(member, griffe.Function):
            line, generator = self._facts(module).functions.get(f"{inside}{member.name}", (member.lineno or 1, False))
            self._function(member, path, f"{file}:{line}", generator)
        elif isinstance(member, griffe.Attribute):
            self._add(_attribute(member, path, f"{file}:{member.lineno or 1}"))

    def _class(self, node: griffe.Class, module: griffe.Module, name: str, at: str) -> None:
        found = self._facts(module)
        path = f"{module.path}.{name}"
        keywords = tuple((key, str(value)) for key, value in node.keywords.items() if key != "metaclass")
        decorators = tuple(str(each.value).partition("(")[0] for each in node.decorators)
        reasons = found.classes.get(name, ())
        reasons += tuple(f"decorated by {each}" for each in decorators if _last(each) not in _PRESERVING)
        bases = tuple(str(base) for base in node.bases)
        self._add(Symbol(path, "class", at, bases=bases, keywords=keywords, decorators=decorators, open=reasons))
        for member in node.members.values():
            self._member(member, module, f"{name}.")
        for attribute, (line, annotation) in found.attributes.get(name, {}).items():
            known = self.symbols.get(f"{path}.{attribute}")
            if known is None or (annotation and not known.annotation and known.kind == "attribute"):
                place = f"{self._file(module)}:{line}"
                self._add(Symbol(f"{path}.{attribute}", "attribute", place, annotation=annotation, has_value=True))

    def _function(self, node: griffe.Function, path: str, at: str, generator: bool) -> None:
        decorators = tuple(str(each.value).partition("(")[0] for each in node.decorators)
        signature = _signature(node)
        if _PROPERTIES.intersection(_last(each) for each in decorators):
            self._add(Symbol(path, "attribute", at, decorators=("property",), annotation=signature.returns))
            return
        odd = [each for each in decorators if _last(each) not in _PRESERVING | self.known.preserving]
        self._add(
            Symbol(
                path,
                "function",
                at,
                decorators=decorators,
                signature=signature,
                overloads=tuple(_signature(each) for each in node.overloads or ()),
                is_async="async" in node.labels and not generator,
                open=tuple(f"decorated by {each}" for each in odd),
            )
        )

    def inherited(self) -> None:
        """Add the classes of other packages that indexed ones inherit, and the ones that those inherit."""
        for package in self.known.bases:
            if not _exists(self.root, package):
                continue
            self._load(package)
            wanted = self._targets(package)
            while wanted:
                path = wanted.pop()
                wanted |= {each for each in self._borrow(path) if each not in self.symbols}

    def _targets(self, package: str) -> set[str]:
        """What of `package` is named as a base class: `pydantic.BaseModel`, or a name imported from there."""
        found = set()
        for symbol in list(self.symbols.values()):
            for base in symbol.bases if symbol.kind == "class" else ():
                head, _, rest = re.sub(r"\[.*", "", base).partition(".")
                module = symbol.path.rpartition(".")[0]
                alias = self.symbols.get(f"{module}.{head}")
                if alias is not None and alias.kind == "alias" and alias.target.split(".")[0] == package:
                    found.add(f"{alias.target}.{rest}" if rest else alias.target)
        return found

    def _borrow(self, path: str) -> Iterator[str]:
        """Add one class of another package and the names on the way to it; yields the classes that it inherits."""
        parts = path.split(".")
        place: griffe.Object | griffe.Alias = self.loader.modules_collection[parts[0]]
        for part in parts[1:]:
            try:
                member = place.members[part]
                if isinstance(member, griffe.Alias):
                    self._open_module(place)
                    line = member.alias_lineno or 1
                    module = place if isinstance(place, griffe.Module) else place.module
                    at = f"{self._file(module)}:{line}"
                    target = member.final_target
                    self._add(Symbol(member.path, "alias", at, target=target.path))
                    place = target
                else:
                    place = member
            except (KeyError, griffe.AliasResolutionError, griffe.CyclicAliasError):
                return
        if not isinstance(place, griffe.Class) or place.path in self.symbols:
            return
        self._open_module(place.module)
        self._member(place, place.module, "")
        for base in place.bases:
            if not isinstance(base, str) and base.canonical_path.split(".")[0] == parts[0]:
                yield base.canonical_path

    def _open_module(self, module: griffe.Object | griffe.Alias) -> None:
        assert isinstance(module, griffe.Module)
        while module.path not in self.symbols:
            self._add_module(module, ("only what the library's classes inherit is indexed",))
            for member in module.members.values():
                if isinstance(member, griffe.Alias) and _is_typing(member.target_path):
                    self._member(member, module, "")
            if not isinstance(module.parent, griffe.Module):
                return
            module = module.parent


def _is_typing(path: str) -> bool:
    return path.split(".")[0] in {"typing", "typing_extensions", "collections", "types", "enum", "abc", "pathlib"}


def _last(decorator: str) -> str:
    return decorator.partition("(")[0].rpartition(".")[2]


def _text(expression: griffe.Expr | str | None) -> str:
    return "" if expression is None else str(expression)


def _attribute(node: griffe.Attribute, path: str, at: str) -> Symbol:
    is_property = "property" in node.labels or "cached" in node.labels
    return Symbol(
        path,
        "attribute",
        at,
        decorators=("property",) if is_property else (),
        annotation=_text(node.annotation),
        value=kept_value(_text(node.value)),
        has_value=node.value is not None,
    )


def _signature(node: griffe.Function) -> Signature:
    kinds: dict[griffe.ParameterKind | None, ParameterKind] = {
        griffe.ParameterKind.positional_only: "positional",
        griffe.ParameterKind.positional_or_keyword: "either",
        griffe.ParameterKind.var_positional: "var",
        griffe.ParameterKind.keyword_only: "keyword",
        griffe.ParameterKind.var_keyword: "varkw",
    }
    parameters = tuple(
        Parameter(each.name.lstrip("*"), kinds[each.kind], bool(each.required), _text(each.annotation))
        for each in node.parameters
    )
    return Signature(parameters, _text(node.returns))
