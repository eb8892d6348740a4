"""A claim: a published sentence, the lines it stands in, and the rule by which its numbers can be recomputed."""

from abc import abstractmethod
from typing import NamedTuple

from pydantic import Field

from shipbench.standings.lint.facts import Facts
from shipbench.standings.published import Scalar
from shipbench.standings.row import Strict


class Verdict(NamedTuple):
    """Whether the claim follows from the data, and what the data give. `slight`: off by no more than a tenth."""

    holds: bool
    found: str
    slight: bool = False


class Claim(Strict):
    """Base of the rules. A subclass adds what its rule needs to know."""

    id: str
    lines: list[int] = Field(min_length=1)
    text: str
    rule: str

    @abstractmethod
    def judge(self, facts: Facts) -> Verdict: ...


def rounds_to(value: float, claimed: float, decimals: int | None = None) -> bool:
    """Whether `value` rounds to `claimed`, with as many decimals as `claimed` is written with unless told otherwise.

    Half a unit off is forgiven both ways. Negative `decimals` are for round numbers: -1 is the nearest ten.
    """
    if decimals is None:
        decimals = len(f"{claimed:g}".partition(".")[2])
    return abs(value - claimed) <= 0.5 * 10.0**-decimals + 1e-9


def slightly_off(value: float, claimed: float) -> bool:
    """Whether a claim misses `value` by no more than a tenth of itself: often the writer's rounding."""
    return abs(value - claimed) <= abs(claimed) / 10


def shown(value: Scalar) -> str:
    """A value in a sentence; numbers to four significant digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return ", ".join(value) if isinstance(value, list) else str(value)


def tables_in(value: object) -> set[str]:
    """The tables that a claim's references and selections name."""
    if isinstance(value, str):
        return {value.partition("/")[0]}
    if isinstance(value, dict):
        return set().union(*(tables_in(part) for part in value.values())) if value else set()
    if isinstance(value, (list, tuple)):
        return set().union(*(tables_in(part) for part in value)) if value else set()
    return set()
