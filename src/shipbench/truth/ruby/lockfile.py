"""Which version of a library an application locks, and which other gems add to the library."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from shipbench.truth.ruby.libraries import Library

_GEM = re.compile(r"^ {4}([A-Za-z0-9_.-]+) \(([^)]+)\)\s*$")
_DEPENDENCY = re.compile(r"^ {6}([A-Za-z0-9_.-]+)(?: \(.*\))?\s*$")
_GEMFILE = re.compile(r"^\s*gem\s*\(?\s*['\"]([A-Za-z0-9_.-]+)['\"](.*)$", re.MULTILINE)
_GEMSPEC = re.compile(r"\.add_(?:runtime_|development_)?dependency\s*\(?\s*['\"]([A-Za-z0-9_.-]+)['\"]")
_PATCHED = re.compile(r"\b(git|github|path|branch)\s*(:|=>)|:(git|github|path)\s*=>")


class Locked(NamedTuple):
    """`version` is None where no single released version is locked; `why` then says so. `extensions` are gems that
    may add to the library's namespace, and `foreign` says why the library may be somebody's own: with either nothing
    can be called invented."""

    version: str | None
    why: str = ""
    extensions: tuple[str, ...] = ()
    foreign: str = ""


def locked(files: Mapping[str, bytes], about: Library) -> Locked:
    """What the Gemfile.lock files (those outside tests' fixtures too) and Gemfiles of an application say."""
    versions: set[str] = set()
    reasons: list[str] = []
    extensions: set[str] = set()
    named: list[bool] = []
    for path in sorted(files):
        name = path.rsplit("/", 1)[-1]
        lock = (name.endswith(".lock") and "Gemfile" in name) or name == "gems.locked"
        if not lock and name not in {"Gemfile", "gems.rb"} and not name.endswith(".gemspec"):
            continue
        content = files[path].decode("utf-8", "replace")
        mention = rf"^ +{about.name}(?: \(|!|$)" if lock else rf"^[^#\n]*['\"]{about.name}['\"]"
        named.append(re.search(mention, content, re.MULTILINE) is not None)
        if lock:
            _read_lock(content, about, versions, reasons, extensions)
        elif name.endswith(".gemspec"):
            extensions.update(gem for gem in _GEMSPEC.findall(content) if _extends(gem, about))
        else:
            _read_gemfile(path, content, about, reasons, extensions)
    added = tuple(sorted(extensions))
    if reasons:
        return Locked(None, reasons[0], added, f"{reasons[0]}: it may be a fork")
    if named and not any(named):
        return Locked(None, f"no lock file names {about.name}", added, f"another gem brings {about.name}'s namespace")
    if len(versions) == 1:
        return Locked(versions.pop(), "", added)
    several = f"several versions are locked: {', '.join(sorted(versions))}"
    return Locked(None, several if versions else f"no lock file names {about.name}", added)


def _read_lock(content: str, about: Library, versions: set[str], reasons: list[str], extensions: set[str]) -> None:
    section, gem = "", ""
    for row in content.splitlines():
        if row and not row.startswith(" "):
            section, gem = row.strip(), ""
            continue
        found = _GEM.match(row)
        if found:
            gem = found.group(1)
            if gem == about.name:
                versions.add(found.group(2))
                if section in {"GIT", "PATH"}:
                    reasons.append(f"{about.name} is locked from {section}, not from a release")
            elif _extends(gem, about):
                extensions.add(gem)
            continue
        needed = _DEPENDENCY.match(row)
        if (
            needed
            and needed.group(1) == about.name
            and gem
            and gem not in about.dependencies
            and section != "DEPENDENCIES"
        ):
            extensions.add(gem)


def _read_gemfile(path: str, content: str, about: Library, reasons: list[str], extensions: set[str]) -> None:
    for found in _GEMFILE.finditer(content):
        gem, rest = found.groups()
        if gem == about.name and _PATCHED.search(rest.split("#")[0]):
            reasons.append(f"{path} takes {about.name} from a repository, not from a release")
        elif _extends(gem, about):
            extensions.add(gem)


def _extends(gem: str, about: Library) -> bool:
    return gem not in about.dependencies and about.extensions.search(gem) is not None
