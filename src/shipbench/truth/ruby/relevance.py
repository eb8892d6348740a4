"""Which files can use the library at all: evaluating the others would cost time and find nothing."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shipbench.truth.ruby.indexer import Indexer
from shipbench.truth.ruby.symbols import Index
from shipbench.truth.ruby.syntax import Source

_WORD = re.compile(rb"@{0,2}[A-Za-z_]\w*[?!]?")

_NEW_OF_A_VALUE = re.compile(
    rb"(?:(?<![\w:])(?<!self\.)[a-z_@]\w*[?!]?|[)\]}])\s*&?\.\s*new\b"  # kind.new, but not Kind.new or self.class.new
    rb"|\b(?:send|method)\b.{0,40}:new\b"
)


class Relevant(NamedTuple):
    """`sources` are evaluated. `called_elsewhere` are the words of all other files: a method of such a name may be
    given anything there."""

    sources: list[Source]
    called_elsewhere: set[str]


def relevant_sources(
    sources: list[Source], everything: Sequence[Source], library: Index, indexers: Iterable[Indexer]
) -> Relevant:
    """The files of `sources` that name the library, or a class of a file that does, and so on; a view also where it
    has an instance variable of such a file."""
    words = {source.path: set(_WORD.findall(source.content)) for source in everything}
    offers = _offers(words, indexers)
    wanted = {name.encode() for name in library.modules if name and "::" not in name}
    lent: set[bytes] = set()
    chosen: set[str] = set()
    while True:
        more = {
            path
            for path, found in words.items()
            if path not in chosen
            and (not wanted.isdisjoint(found) or (not path.endswith(".rb") and not lent.isdisjoint(found)))
        }
        if not more:
            break
        chosen |= more
        for path in more:
            wanted |= offers.get(path, set())
            lent |= {word for word in words[path] if word.startswith(b"@")}
    rest = {word for path, found in words.items() if path not in chosen for word in found}
    # Every class has its own initialize, and a file that names the class of one is chosen. Only a class held in a
    # variable could be instantiated elsewhere.
    if not any(_NEW_OF_A_VALUE.search(source.content) for source in everything if source.path not in chosen):
        rest.discard(b"initialize")
    return Relevant(
        [source for source in sources if source.path in chosen], {word.decode("ascii", "replace") for word in rest}
    )


def _offers(words: dict[str, set[bytes]], indexers: Iterable[Indexer]) -> dict[str, set[bytes]]:
    """The names through which a file's objects reach other files: its classes, modules and constants."""
    offers: dict[str, set[bytes]] = {path: set() for path in words}
    for indexer in indexers:
        for (path, _), place in indexer.places.items():
            if place.method is None and path in offers:
                offers[path].add(place.module.rsplit("::", 1)[-1].encode())
        for name, (_, path, _) in indexer.values.items():
            if path in offers:
                offers[path].add(name.rsplit("::", 1)[-1].encode())
    return offers
