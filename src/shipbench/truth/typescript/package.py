"""An npm package on disk: its entry points, and where an import inside it leads."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from shipbench.errors import InputError
from shipbench.files import read_text

# The order in which a manifest writes its conditions decides; these are the ones a type checker or a bundler asks for.
_CONDITIONS = ("types", "import", "node", "module", "default", "require", "browser")
_DECLARATIONS = {".js": (".d.ts",), ".mjs": (".d.mts", ".d.ts"), ".cjs": (".d.cts", ".d.ts"), ".jsx": (".d.ts",)}


class Package:
    """The package in the folder `root` (that of its package.json). InputError where that file is missing or no JSON
    object."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        path = self.root / "package.json"
        try:
            manifest = json.loads(read_text(path))
        except ValueError:
            raise InputError(f"{path}: not valid JSON") from None
        except RecursionError:
            raise InputError(f"{path}: nested too deeply") from None
        if not isinstance(manifest, dict):
            raise InputError(f"{path}: not a JSON object")
        self.manifest: dict[str, Any] = manifest
        self.name = str(manifest.get("name", ""))
        self.version = str(manifest.get("version", ""))

    @property
    def closed(self) -> bool:
        """True where an `exports` map says which subpaths there are; without it, any file can be imported."""
        return isinstance(self.manifest.get("exports"), (dict, str))

    def entries(self) -> dict[str, Path | None]:
        """Each subpath (`.`, `./test`) and its declarations; None where it has none."""
        exports = self.manifest.get("exports")
        if isinstance(exports, str) or (isinstance(exports, dict) and not any(key[:1] == "." for key in exports)):
            exports = {".": exports}
        if not isinstance(exports, dict):
            return {".": self._legacy_main(), **self._types_versions()}
        found: dict[str, Path | None] = {}
        for subpath, target in sorted(exports.items()):
            chosen = _choose(target)
            if chosen is None:
                continue
            if "*" in subpath:
                found.update(self._pattern(subpath, chosen))
            else:
                found[subpath] = self._declarations(chosen) or self._types_versions().get(subpath)
        return found

    def _legacy_main(self) -> Path | None:
        for key in ("types", "typings", "main"):
            target = self.manifest.get(key)
            if isinstance(target, str):
                return self._declarations(target)
        return self._declarations("index.d.ts")

    def _types_versions(self) -> dict[str, Path | None]:
        versions = self.manifest.get("typesVersions")
        table = next(iter(versions.values()), None) if isinstance(versions, dict) else None
        found: dict[str, Path | None] = {}
        for subpath, targets in sorted(table.items()) if isinstance(table, dict) else ():
            if "*" not in subpath and isinstance(targets, list) and targets and isinstance(targets[0], str):
                found[f"./{subpath}"] = self._declarations(targets[0])
        return found

    def _pattern(self, subpath: str, target: str) -> dict[str, Path | None]:
        before, _, after = target.removeprefix("./").partition("*")
        folder = self.root / PurePosixPath(before).parent if not before.endswith("/") else self.root / before
        found: dict[str, Path | None] = {}
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            relative = path.relative_to(self.root).as_posix()
            if relative.startswith(before) and relative.endswith(after) and path.is_file():
                middle = relative[len(before) : len(relative) - len(after)]
                found[subpath.replace("*", middle)] = self._declarations(f"./{relative}")
        return found

    def _declarations(self, target: str) -> Path | None:
        """The declaration file of `target`, a path inside the package."""
        return declarations(self.root / target.removeprefix("./"), self.root)


def declarations(path: Path, root: Path) -> Path | None:
    """The .d.ts file that describes the module `path` (written with or without its ending), if it lies in `root`."""
    candidates = [path] if path.name.endswith((".d.ts", ".d.mts", ".d.cts")) else []
    if path.suffix in _DECLARATIONS:
        candidates += [path.with_suffix(each) for each in _DECLARATIONS[path.suffix]]
    candidates += [path.with_name(f"{path.name}.d.ts"), path / "index.d.ts"]
    for each in candidates:
        if each.is_file() and each.resolve().is_relative_to(root):
            return each.resolve()
    return None


def _choose(target: object) -> str | None:
    """What a type checker takes from an `exports` target: a path, or None where it is excluded."""
    if isinstance(target, str):
        return target
    if isinstance(target, list):
        return next((found for each in target if (found := _choose(each))), None)
    if isinstance(target, dict):
        types = [key for key in target if key == "types" or key.startswith("types@")]
        for key in [*types, *(key for key in target if key in _CONDITIONS and key not in types)]:
            found = _choose(target[key])
            if found is not None:
                return found
        return next((found for each in target.values() if (found := _choose(each))), None)
    return None


class Packages:
    """The package being indexed and those that it depends on, as node_modules folders hold them."""

    def __init__(self, root: Path) -> None:
        self.main = Package(root)
        self._found: dict[Path, Package] = {self.main.root: self.main}
        self._located: dict[tuple[str, Path], tuple[Path | None, str]] = {}

    def owner(self, path: Path) -> Package:
        """The package that the file `path` belongs to."""
        for folder in path.parents:
            if folder in self._found:
                return self._found[folder]
        return self.main

    def locate(self, source: str, importer: Path) -> tuple[Path | None, str]:
        """Where `source`, imported by the file `importer`, is declared; or None and why not."""
        key = (source, importer)
        if key not in self._located:
            self._located[key] = self._locate(source, importer)
        return self._located[key]

    def _locate(self, source: str, importer: Path) -> tuple[Path | None, str]:
        owner = self.owner(importer)
        if source.startswith("."):
            path = declarations((importer.parent / source).resolve(), owner.root)
            return path, "" if path else f"{source} has no declarations"
        parts = source.split("/")
        name = "/".join(parts[:2]) if source.startswith("@") else parts[0]
        followed = {**owner.manifest.get("dependencies", {}), **_scope_peers(owner)}
        if name not in followed and name != owner.name:
            return None, f"declared in {name}, which is not in this index"
        package = owner if name == owner.name else self._dependency(name, owner)
        if package is None:
            return None, f"declared in {name}, which is not installed"
        path = package.entries().get("." + source[len(name) :])
        return path, "" if path else f"{source} has no declarations"

    def _dependency(self, name: str, owner: Package) -> Package | None:
        for folder in (owner.root, *owner.root.parents):
            root = folder / "node_modules" / name
            if (root / "package.json").is_file():
                return self._found.setdefault(root.resolve(), Package(root))
        return None

    def label(self, path: Path) -> str:
        """How an index names the file: inside the package, or under `node_modules/` of another."""
        package = self.owner(path)
        relative = path.relative_to(package.root).as_posix()
        return relative if package is self.main else f"node_modules/{package.name}/{relative}"


def _scope_peers(owner: Package) -> dict[str, Any]:
    """Peer dependencies of the package's own scope: they are parts of one library."""
    peers = owner.manifest.get("peerDependencies", {})
    scope = owner.name.split("/")[0] if owner.name.startswith("@") else ""
    return {name: each for name, each in peers.items() if scope and name.startswith(f"{scope}/")}
