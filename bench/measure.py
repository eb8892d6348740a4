"""Timing that a noisy machine cannot spoil: cases take turns, and ratios are formed inside each round."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

Say = Callable[[str], None]


@dataclass(frozen=True)
class Goal:
    """What the median ratio should be: at most, or at least, `bound`."""

    kind: Literal["at most", "at least"]
    bound: float

    def met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.kind == "at most" else ratio >= self.bound


@dataclass(frozen=True)
class Row:
    """`what` was measured of `who`: a value in `unit` for each round, and its ratio to the peer's in that round.

    The peer's own row has no ratios.
    """

    what: str
    who: str
    unit: str
    values: Sequence[float]
    ratios: Sequence[float] = ()
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None

    def as_json(self) -> dict[str, Any]:
        ratio = self.ratio
        return {
            "what": self.what,
            "who": self.who,
            "unit": self.unit,
            "median": median(self.values),
            "values": list(self.values),
            "ratio": ratio,
            "ratios": list(self.ratios),
            "goal": f"{self.goal.kind} {self.goal.bound:g}" if self.goal else None,
            "met": self.goal.met(ratio) if self.goal and ratio is not None else None,
        }


@dataclass(frozen=True)
class Section:
    """What one module measured. `notes` say what a reader must know, above all what was not measured and why."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def take_turns(cases: Mapping[str, Callable[[], float]], rounds: int, say: Say) -> dict[str, list[float]]:
    """Each case's values, one for each round, after one round that warms up and counts for nothing."""
    values: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            say(f"round {number} of {rounds}: {name}" if number else f"warming up: {name}")
            value = case()
            if number:
                values[name].append(value)
    return values


def seconds_of(work: Callable[[], object]) -> Callable[[], float]:
    """A case that says how many seconds `work` takes."""

    def case() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return case


def against(
    what: str, values: Mapping[str, Sequence[float]], peer: str, unit: str, goals: Mapping[str, Goal] | None = None
) -> list[Row]:
    """A row for each of `values` (who → one value a round), with its ratio to `peer` round by round."""
    rows = []
    for who, own in values.items():
        ratios = [] if who == peer else [value / base for value, base in zip(own, values[peer], strict=True)]
        rows.append(Row(what, who, unit, own, ratios, (goals or {}).get(who)))
    return rows


def in_milliseconds(values: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {who: [value * 1_000 for value in each] for who, each in values.items()}
