"""Which files of an application can hold a value of the library's types."""

import re
from collections.abc import Iterable

from shipbench.truth.python.syntax import Source, imports


def relevant(sources: Iterable[Source], packages: frozenset[str]) -> list[Source]:
    """Files that name the library, and files that import those, however far away."""
    left = list(sources)
    mentions = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(packages)).encode())
    names = {source.path: _imported(source) for source in left}
    found = {source.path for source in left if mentions.search(source.content)}
    stems = {_stem(path) for path in found}
    while True:
        more = {source.path for source in left if source.path not in found and names[source.path] & stems}
        if not more:
            return [source for source in left if source.path in found]
        found |= more
        stems |= {_stem(path) for path in more}


def _imported(source: Source) -> set[str]:
    """Every segment of every name that a file imports."""
    return {part for each in imports(source) for part in (*each.module.split("."), each.name) if part}


def _stem(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]
