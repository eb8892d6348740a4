"""Which files can use the library at all: evaluating the others would cost time and find nothing."""

import re
from collections.abc import Iterable

from shipbench.truth.ruby.indexer import Indexer
from shipbench.truth.ruby.symbols import Index
from shipbench.truth.ruby.syntax import Source

_WORD = re.compile(rb"@{0,2}[A-Za-z_]\w*")


def relevant_sources(
    sources: list[Source], everything: Iterable[Source], library: Index, indexers: Iterable[Indexer]
) -> list[Source]:
    """The files of `sources` that name the library, or a class or variable of a file that does, and so on."""
    every = list(everything)
    roots = {name.encode() for name in library.modules if name and "::" not in name}
    words = {source.path: set(_WORD.findall(source.content)) for source in every}
    offers = _offers(words, indexers)
    wanted = set(roots)
    chosen: set[str] = set()
    while True:
        more = {path for path, found in words.items() if path not in chosen and not wanted.isdisjoint(found)}
        if not more:
            return [source for source in sources if source.path in chosen]
        chosen |= more
        for path in more:
            wanted |= offers.get(path, set())


def _offers(words: dict[str, set[bytes]], indexers: Iterable[Indexer]) -> dict[str, set[bytes]]:
    """The names through which a file's objects reach other files: its classes and modules, constants and variables."""
    offers = {path: {word for word in found if word.startswith(b"@")} for path, found in words.items()}
    for indexer in indexers:
        for (path, _), place in indexer.places.items():
            if place.method is None and path in offers:
                offers[path].add(place.module.rsplit("::", 1)[-1].encode())
        for name, (_, path, _) in indexer.values.items():
            if path in offers:
                offers[path].add(name.rsplit("::", 1)[-1].encode())
    return offers
