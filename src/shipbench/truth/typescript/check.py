"""Checks an application's TypeScript and JavaScript against the index of a package."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import zstandard

from shipbench.errors import InputError
from shipbench.truth.model import TruthReport, Use
from shipbench.truth.typescript.application import Application, Source, is_test
from shipbench.truth.typescript.evidence import Raw
from shipbench.truth.typescript.flow import Flow
from shipbench.truth.typescript.lockfile import locked, redirected, version_key
from shipbench.truth.typescript.mocks import Mocks, mocks
from shipbench.truth.typescript.parts import members_set
from shipbench.truth.typescript.symbols import Index, loads
from shipbench.truth.typescript.syntax import field, string_value, text
from shipbench.truth.typescript.verdicts import Verdicts
from shipbench.truth.typescript.world import World

MAX_INDEX_BYTES = 64 * 1024 * 1024
Place = tuple[str, int, str, str]
_INDEX = re.compile(r"^(.+)-(\d+\.\d+\.\d+[^-]*)\.json\.zst$")


def check_typescript(
    files: Mapping[str, bytes], library: str, version: str | None = None, index: Index | None = None
) -> TruthReport:
    """Check an application (relative posix path → content, already read safely) against the npm package `library`.

    Without `version` the application's lock files decide. `index` is used in place of the shipped ones. Where no
    index is of the version in use, only what the shipped versions around it agree on is said. InputError for a package
    that has neither shipped index nor `index`."""
    known = shipped_versions(library)
    if index is None and not known:
        raise InputError(f"no index of the package {library!r}; there is: {', '.join(shipped_libraries())}")
    application = Application(files)
    lock = locked(files, library)
    wanted = version or (index.version if index is not None else lock.version)
    notes = [lock.why] if lock.why and not version else []
    sources = application.relevant(library)
    suspended = lock.suspended or redirected(files, library) or _replaced(application, sources, library)
    if suspended:
        notes.append(suspended)
    if index is not None:
        raws = _run(application, sources, index, suspended)
    elif wanted in known:
        raws = _run(application, sources, shipped(library, str(wanted)), suspended)
        raws = _across(raws, application, sources, [each for each in known if each != wanted], library)
    else:
        around, certain = _around((wanted,) if wanted else lock.candidates, known)
        if wanted:
            notes.append(f"no index of {library} {wanted} is shipped; compared with {', '.join(around)}")
        runs = {each: _run(application, sources, shipped(library, each), suspended) for each in around}
        raws = _agreed(runs, wanted)
        raws = _across(raws, application, sources, [each for each in known if each not in around], library)
        raws = [each if certain else _doubted(each) for each in raws]
        raws = [_doubted(each) if _passing(each) else each for each in raws]
    return TruthReport(
        library=library, version=wanted, uses=[_use(each) for each in sorted(raws, key=lambda raw: raw[:4])],
        notes=list(dict.fromkeys([*notes, *application.notes])),
    )  # fmt: skip


def shipped_libraries() -> tuple[str, ...]:
    """The packages of which an index travels with shipbench."""
    return tuple(sorted({library for library, _ in _shipped()}))


def shipped_versions(library: str) -> tuple[str, ...]:
    """The versions of `library` of which an index travels with shipbench, oldest first."""
    return tuple(sorted((version for name, version in _shipped() if name == library), key=version_key))


@cache
def _shipped() -> dict[tuple[str, str], str]:
    folder = resources.files("shipbench.truth.typescript").joinpath("indexes")
    found = {}
    for each in folder.iterdir() if folder.is_dir() else ():
        matched = _INDEX.match(each.name)
        if matched:
            found[matched.group(1).replace("+", "/"), matched.group(2)] = each.name
    return found


@cache
def shipped(library: str, version: str) -> Index:
    """A shipped index. Not to be changed by the caller."""
    name = _shipped()[library, version]
    packed = resources.files("shipbench.truth.typescript").joinpath("indexes", name).read_bytes()
    content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_INDEX_BYTES)
    return loads(content.decode(), name)


def _run(application: Application, sources: list[Source], index: Index, suspended: str) -> list[Raw]:
    augmented = _augmented(application, sources, index.library)
    found: Mocks = mocks(sources, index.library)
    flow = Flow(application, World(index, augmented), found.files)
    added = frozenset(name for source in sources for name in members_set(source.names.found))
    verdicts = Verdicts(flow, suspended, added)
    for source in sources:
        verdicts.look(source)
    found.judge(verdicts)
    return list(verdicts.uses.values())


def _augmented(application: Application, sources: list[Source], library: str) -> frozenset[str]:
    """The interfaces that `declare module 'library'` blocks of the application add to."""
    names: set[str] = set()
    for source in _ambient(application, sources, library):
        for block in source.names.found.get("ambient", ()):
            body = field(block, "body")
            if _belongs(string_value(field(block, "name")), library) and body is not None:
                for each in body.named_children:
                    inner = field(each, "declaration") or each
                    names.add(text(field(inner, "name")))
    return frozenset(names)


def _ambient(application: Application, sources: list[Source], library: str) -> list[Source]:
    word = b"declare module"
    others = [
        each for each in application.sources.values() if word in each.content and library.encode() in each.content
    ]
    return [each for each in {source.path: source for source in (*others, *sources)}.values() if word in each.content]


def _belongs(name: str | None, library: str) -> bool:
    return name is not None and (name == library or name.startswith(f"{library}/"))


def _replaced(application: Application, sources: list[Source], library: str) -> str:
    """Why the module `library` may not be the package's own; '' where it is."""
    for source in _ambient(application, sources, library):
        script = not any(each.type in {"import_statement", "export_statement"} for each in source.root.children)
        for block in source.names.found.get("ambient", ()):
            if script and _belongs(string_value(field(block, "name")), library):
                return f"{source.path} declares the module {library} itself"
    return ""


def _around(candidates: tuple[str, ...], known: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The shipped versions that say something about the ones that may be in use: for each, the nearest before and
    after it with the same first number. All of them, and False, where one is not between two of them; all and True
    where nothing is known of the version."""
    chosen: set[str] = set()
    for each in candidates:
        key = version_key(each)
        same = [other for other in known if version_key(other)[0] == key[0]]
        before = [other for other in same if version_key(other) <= key]
        after = [other for other in same if version_key(other) >= key]
        if not before or not after:
            return known, False
        chosen.update((before[-1], after[0], same[-1] if len(candidates) > 1 else after[0]))
    return (tuple(each for each in known if each in chosen), True) if chosen else (known, True)


def _doubted(raw: Raw) -> Raw:
    """An accusation that only indexes of other versions support."""
    if raw.verdict not in {"invented", "version_mismatch"}:
        return raw
    return raw._replace(verdict="unknown", reason=f"no index of the version in use; {raw.reason}")


def _passing(raw: Raw) -> bool:
    """True for what may have existed between two versions and in neither: experiments come and go."""
    return _name(raw).lower().lstrip("({").startswith(("experimental", "unstable", "_internal"))


def _agreed(runs: Mapping[str, list[Raw]], wanted: str | None) -> list[Raw]:
    """What the runs have in common; `unknown` where they differ."""
    keyed = {version: {_place(raw): raw for raw in raws} for version, raws in runs.items()}
    merged = []
    for key in sorted({key for table in keyed.values() for key in table}):
        found = [table.get(key) for table in keyed.values()]
        said = [raw for raw in found if raw is not None]
        if len(said) == len(found) and len({raw.verdict for raw in said}) == 1:
            merged.append(said[-1])
            continue
        told = ", ".join(
            f"{raw.verdict if raw else 'not seen'} in {version}" for raw, version in zip(found, keyed, strict=True)
        )
        why = f"no index of {wanted or 'the version in use'}, and it is {told}"
        merged.append(said[-1]._replace(verdict="unknown", reason=why))
    return merged


def _across(
    raws: list[Raw], application: Application, sources: list[Source], others: list[str], library: str
) -> list[Raw]:
    """An invention that another version has is none: the application was written for that version."""
    accused = {raw.path for raw in raws if raw.verdict == "invented" and raw.kind != "mock"}
    if not accused:
        return raws
    elsewhere: dict[Place, list[str]] = {}
    suspects = [source for source in sources if source.path in accused]
    for version in others:
        for raw in _run(application, suspects, shipped(library, version), ""):
            if raw.verdict == "real":
                elsewhere.setdefault(_place(raw), []).append(version)
    merged = []
    for raw in raws:
        versions = elsewhere.get(_place(raw), [])
        if raw.verdict == "invented" and versions:
            raw = raw._replace(verdict="version_mismatch", reason=f"real in {', '.join(versions)}; {raw.reason}")
        merged.append(raw)
    return merged


def _place(raw: Raw) -> Place:
    """What tells two uses apart: a type may be called otherwise in another version, a member may not."""
    return raw.path, raw.offset, raw.kind, _name(raw)


def _name(raw: Raw) -> str:
    """The name of a member without its owner."""
    return raw.symbol.rpartition(".")[2]


def _error(effect: str) -> str:
    """The error that an effect names: `TypeError` of `TypeError: x is not a function`; '' where none is raised."""
    found = re.match(r"\w*Error|ERR_\w+", effect)
    return found.group() if found else ""


def _use(raw: Raw) -> Use:
    evidence = raw.evidence if raw.verdict in {"invented", "version_mismatch"} else None
    return Use(
        path=raw.path,
        line=raw.line,
        symbol=raw.symbol,
        verdict=raw.verdict,
        reason=raw.reason,
        defined_at=raw.at,
        kind=raw.kind,
        area="test" if is_test(raw.path) else "application",
        searched=(evidence.searched,) if evidence and evidence.searched else (),
        nearest=evidence.nearest if evidence else (),
        raises=_error(evidence.effect) if evidence else "",
    )
