"""A use before it is reported, and why an accusation is one."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from shipbench.truth.model import Kind, Verdict


class Raw(NamedTuple):
    """A use before it is compared with other versions. `offset` tells two uses on one line apart; `evidence` is that
    of an accusation."""

    path: str
    offset: int
    line: int
    symbol: str
    verdict: Verdict
    kind: Kind
    reason: str
    at: str = ""
    evidence: "Evidence | None" = None


class Evidence(NamedTuple):
    """Why something is called invented: what is wrong, `searched` where the name was looked for (empty where it is
    there and only the arguments are wrong), the nearest real names, and the `effect` at run time."""

    what: str
    searched: str
    nearest: tuple[str, ...]
    effect: str

    @property
    def told(self) -> str:
        near = f"; near: {', '.join(self.nearest)}" if self.nearest else ""
        return f"{self.what}{near}; at run time: {self.effect}"


def near(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name, list(names), 3, 0.6))
