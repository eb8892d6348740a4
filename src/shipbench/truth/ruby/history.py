"""In which releases of a library a symbol exists: its first and its last, over all releases that were indexed."""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

from shipbench.truth.ruby.symbols import Index
from shipbench.truth.ruby.versions import version_key


class Span(NamedTuple):
    """Both ends are versions in which the symbol is."""

    first: str
    last: str

    def covers(self, version: str) -> bool:
        return version_key(self.first) <= version_key(version) <= version_key(self.last)


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
    """The history as JSON: a symbol a line, `"A#b": ["1.0.0", "1.16.0"]`."""
    ordered = sorted(indexes, key=lambda index: version_key(index.version))
    spans: dict[str, Span] = {}
    for index in ordered:
        for symbol in symbols(index):
            first = spans[symbol].first if symbol in spans else index.version
            spans[symbol] = Span(first, index.version)
    versions = [index.version for index in ordered]
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(spans[name])}" for name in sorted(spans))
    head = f' "schema": 1,\n "library": {json.dumps(library)},\n "versions": {json.dumps(versions)},\n'
    return "{\n" + head + ' "symbols": {\n' + lines + "\n }\n}\n"


@cache
def history(library: str) -> dict[str, Span]:
    """The shipped history of a library; empty where there is none."""
    file = resources.files("shipbench.truth.ruby").joinpath("indexes", f"{library}.history.json")
    if not file.is_file():
        return {}
    return {name: Span(*span) for name, span in json.loads(file.read_text("utf-8"))["symbols"].items()}
