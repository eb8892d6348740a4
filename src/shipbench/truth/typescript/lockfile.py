"""Which version of a package an application locks."""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

_EXACT = re.compile(r"^[=v]?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$")
_LOWEST = re.compile(r"^[=v^~]?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$")
_VERSION = re.compile(r"^(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")
_ELSEWHERE = re.compile(r"^(workspace:|file:|link:|portal:|git|github:|https?:|npm:|patch:|[\w.-]+/[\w.-]+(#|$))")
_KINDS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
_CONFIGURATION = re.compile(
    r"^((tsconfig|jsconfig).*\.json|deno\.jsonc?|import_map\.json|(vite|vitest|next|webpack|rollup|jest).*\.config\..*)$"
)
MAX_CONFIGURATION_BYTES = 200_000
MAX_LOCK_BYTES = 20_000_000


class Locked(NamedTuple):
    """`version` is None where no single released version is locked; `why` then says so, and `candidates` are the
    versions that may be in use: several locked ones, or the lowest that package.json asks for (a later one of the same
    first number may be installed). `suspended` says why the package in use may not be the released one at all."""

    version: str | None
    candidates: tuple[str, ...] = ()
    why: str = ""
    suspended: str = ""


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Sorts as npm does, for the versions that are met: 5.0.0-beta.1 < 5.0.0 < 5.0.10."""
    release, _, before = version.partition("-")
    numbers = tuple((int(part), "") if part.isdigit() else (0, part) for part in release.split("."))
    if not before:
        return (*numbers, (1, ""))
    return (*numbers, (0, ""), *((int(part), "") if part.isdigit() else (0, part) for part in before.split(".")))


def locked(files: Mapping[str, bytes], library: str) -> Locked:
    """What the lock files, or else an exact version in package.json, say about `library`."""
    ranges, overrides = _manifests(files, library)
    suspended = next((f"{path} takes {library} from {found}" for path, found in ranges if _ELSEWHERE.match(found)), "")
    suspended = suspended or _patched(files, library) or overrides
    versions: set[str] = set()
    readers = {
        "package-lock.json": _npm, "npm-shrinkwrap.json": _npm, "pnpm-lock.yaml": _pnpm, "bun.lock": _bun,
    }  # fmt: skip
    wanted = {found for _, found in ranges}
    for path in sorted(files):
        name = posixpath.basename(path)
        if "node_modules" in path.split("/") or len(files[path]) > MAX_LOCK_BYTES:
            continue
        if name in readers:
            versions.update(readers[name](files[path].decode("utf-8", "replace"), library))
        elif name == "yarn.lock":
            versions.update(_yarn(files[path].decode("utf-8", "replace"), library, wanted))
    if not versions and wanted:
        exact = [found.group(1) for each in wanted if (found := _EXACT.match(each))]
        if len(exact) == len(wanted) == 1:
            return Locked(exact[0], (), "", suspended)
        lowest = [found.group(1) for each in wanted if (found := _LOWEST.match(each))]
        asked = f"no lock file names a version of {library}; package.json asks for {', '.join(sorted(wanted))}"
        return Locked(None, tuple(sorted(lowest)) if len(lowest) == len(wanted) else (), asked, suspended)
    if len(versions) == 1:
        return Locked(versions.pop(), (), "", suspended)
    several = f"several versions are locked: {', '.join(sorted(versions, key=version_key))}"
    why = several if versions else f"no lock file names a version of {library}"
    return Locked(None, tuple(sorted(versions)), why, suspended)


def redirected(files: Mapping[str, bytes], library: str) -> str:
    """Why a configuration may lead an import of `library` to something else; '' where none does."""
    quoted = rf"""['"]{re.escape(library)}(?:/\*)?['"]"""
    for path in sorted(files):
        name = posixpath.basename(path)
        if "node_modules" in path.split("/") or not _CONFIGURATION.match(name):
            continue
        content = files[path][:MAX_CONFIGURATION_BYTES].decode("utf-8", "replace")
        if not name.startswith(("tsconfig", "jsconfig", "deno", "import_map")):
            if "alias" in content and re.search(quoted, content):
                return f"{path} may lead {library} elsewhere"
            continue
        mapped = re.search(rf"{quoted}\s*:\s*(\[|['\"](?!npm:{re.escape(library)}@))", content)
        if mapped:
            return f"{path} leads {library} elsewhere"
        base = re.search(r'"baseUrl"\s*:\s*"([^"]*)"', content)
        if base:
            local = posixpath.normpath(posixpath.join(posixpath.dirname(path), base.group(1), library))
            if any(posixpath.splitext(each)[0] == local or each.startswith(f"{local}/") for each in files):
                return f"{path} may lead {library} to {local}"
    return ""


def _json(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(data: object, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _manifests(files: Mapping[str, bytes], library: str) -> tuple[list[tuple[str, str]], str]:
    """The ranges that package.json files ask for, and why an override may change the package."""
    ranges: list[tuple[str, str]] = []
    overrides = ""
    for path in sorted(files):
        if posixpath.basename(path) != "package.json" or "node_modules" in path.split("/"):
            continue
        data = _json(files[path].decode("utf-8", "replace"))
        for kind in _KINDS:
            found = _table(data, kind).get(library)
            if isinstance(found, str):
                ranges.append((path, found))
        for table in (_table(data, "overrides"), _table(data, "resolutions"), _table(data, "pnpm", "overrides")):
            found = table.get(library)
            if isinstance(found, str) and _ELSEWHERE.match(found):
                overrides = f"{path} overrides {library} with {found}"
        patched = (*_table(data, "pnpm", "patchedDependencies"), *_table(data, "patchedDependencies"))
        if any(_patches(each, library) for each in patched):
            overrides = f"{path} patches {library}"
        if data.get("name") == library:
            overrides = f"{path} is {library} itself"
    return ranges, overrides


def _patches(written: str, library: str) -> bool:
    return written == library or written.startswith(f"{library}@")


def _patched(files: Mapping[str, bytes], library: str) -> str:
    stem = library.replace("/", "+")
    for path in files:
        name = posixpath.basename(path)
        if name.endswith(".patch") and name.startswith((f"{stem}+", f"{stem}@", f"{stem.replace('+', '__')}@")):
            return f"{path} patches {library}"
    return ""


def _npm(content: str, library: str) -> Iterable[str]:
    data = _json(content)
    packages = _table(data, "packages")
    for path, each in packages.items():
        if not path.endswith(f"node_modules/{library}") or not isinstance(each, dict):
            continue
        holder = path[: -len(f"node_modules/{library}")].rstrip("/")
        if "node_modules" not in holder.split("/") and isinstance(each.get("version"), str):
            yield each["version"]
    if not packages:
        version = _table(data, "dependencies", library).get("version")
        if isinstance(version, str):
            yield version


def _pnpm(content: str, library: str) -> Iterable[str]:
    starts = [found.start() for found in re.finditer(r"^importers:", content, re.MULTILINE)]
    if starts:  # the rest, a hundred times longer, says nothing about what is asked for
        section = content[starts[0] :]
        after = re.search(r"\n(?=[^\s#])", section)
        content = section[: after.start()] if after else section
    try:
        data = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    importers = _table(data, "importers") or {".": data}
    for importer in importers.values():
        for kind in _KINDS:
            found = _table(importer, kind).get(library)
            version = found.get("version") if isinstance(found, dict) else found
            matched = _VERSION.match(version) if isinstance(version, str) else None
            if matched:
                yield matched.group(1)


def _yarn(content: str, library: str, wanted: set[str]) -> Iterable[str]:
    current = False
    for row in content.splitlines():
        if row and not row[0].isspace() and not row.startswith("#"):
            heads = [each.strip().strip('"') for each in row.rstrip(":").strip('"').split(",")]
            names = {(each.rpartition("@")[0], each.rpartition("@")[2]) for each in heads}
            plain = {(name.removesuffix("@npm"), found.removeprefix("npm:")) for name, found in names}
            current = any(name == library and found in wanted for name, found in plain)
        elif current:
            matched = re.match(r"""^\s+version:?\s+"?([^"\s]+)"?""", row)
            if matched:
                yield matched.group(1)
                current = False


def _bun(content: str, library: str) -> Iterable[str]:
    data = _json(re.sub(r",(\s*[}\]])", r"\1", content))
    found = _table(data, "packages").get(library)
    if isinstance(found, list) and found and isinstance(found[0], str):
        matched = _VERSION.match(found[0].rpartition("@")[2])
        if matched:
            yield matched.group(1)
