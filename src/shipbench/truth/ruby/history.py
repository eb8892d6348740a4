"""In which releases of a library a symbol exists, over all releases that were indexed."""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

from shipbench.truth.ruby.symbols import Index
from shipbench.truth.ruby.versions import version_key


class Span(NamedTuple):
    """The runs of releases that have a symbol, oldest first: the first and the last release of each run."""

    runs: tuple[tuple[str, str], ...]

    @property
    def first(self) -> str:
        return self.runs[0][0]

    @property
    def last(self) -> str:
        return self.runs[-1][1]

    def covers(self, version: str) -> bool:
        key = version_key(version)
        return any(version_key(first) <= key <= version_key(last) for first, last in self.runs)


class History(NamedTuple):
    """`versions` are all releases that were indexed, oldest first; `spans` the symbols of any of them."""

    versions: tuple[str, ...]
    spans: dict[str, Span]

    def span(self, symbol: str) -> Span | None:
        """The span of a symbol as uses name it; `A.new` stands for `A#initialize`."""
        found = self.spans.get(symbol)
        if found is None and symbol.endswith(".new"):
            found = self.spans.get(f"{symbol.removesuffix('.new')}#initialize")
        return found

    def said(self, symbol: str) -> str:
        """`real since 1.13.0`, `real from 1.0.0 to 1.14.1, gone in 1.15.0`, `in none of 35 releases …`."""
        if not self.versions:
            return "no history of releases"
        whole = f"from {self.versions[0]} to {self.versions[-1]}"
        span = self.span(symbol)
        if span is None:
            return f"in none of {len(self.versions)} releases {whole}"
        if span.runs == ((self.versions[0], self.versions[-1]),):
            return f"real in all {len(self.versions)} releases {whole}"
        parts = []
        for first, last in span.runs:
            if last == self.versions[-1]:
                parts.append(f"since {first}")
            else:
                gone = self.versions[self.versions.index(last) + 1]
                parts.append(f"from {first} to {last}, gone in {gone}" if first != last else f"in {first} only")
        return f"real {', again '.join(parts)}"


def symbols(index: Index) -> set[str]:
    """The names of all constants and methods: `A::B`, `A::B#c`, `A::B.c`."""
    found = set()
    for name, module in index.modules.items():
        if name:
            found.add(name)
        found.update(f"{name}::{constant}" if name else constant for constant in module.constants)
        found.update(f"{name}#{method}" for method in module.instance)
        found.update(f"{name}.{method}" for method in module.singleton)
    return found


def dump(library: str, indexes: Iterable[Index]) -> str:
    """The history as JSON: a symbol a line, `"A#b": ["1.0.0", "1.16.0"]`; one pair of releases for each run."""
    ordered = sorted(indexes, key=lambda index: version_key(index.version))
    runs: dict[str, list[str]] = {}
    before = ""
    for index in ordered:
        for symbol in symbols(index):
            known = runs.setdefault(symbol, [])
            if known and known[-1] == before:
                known[-1] = index.version
            else:
                known += [index.version, index.version]
        before = index.version
    versions = [index.version for index in ordered]
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(runs[name])}" for name in sorted(runs))
    head = f' "schema": 1,\n "library": {json.dumps(library)},\n "versions": {json.dumps(versions)},\n'
    return "{\n" + head + ' "symbols": {\n' + lines + "\n }\n}\n"


@cache
def history(library: str) -> History:
    """The shipped history of a library; an empty one where there is none."""
    file = resources.files("shipbench.truth.ruby").joinpath("indexes", f"{library}.history.json")
    if not file.is_file():
        return History((), {})
    data = json.loads(file.read_text("utf-8"))
    spans = {name: Span(tuple(zip(ends[::2], ends[1::2], strict=True))) for name, ends in data["symbols"].items()}
    return History(tuple(data["versions"]), spans)
