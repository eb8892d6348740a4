"""Rubric files: which checks are worth how many points, what caps the total, and what a tier means."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from itertools import pairwise
from math import fsum, isclose
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shipbench.errors import InputError
from shipbench.files import parse, read_toml
from shipbench.task.load import Task

TOTAL = 100.0

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]+$")]
Checks = Annotated[tuple[Text, ...], Field(min_length=1)]
Points = Annotated[float, Field(gt=0, le=TOTAL, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tier(Strict):
    """Holds from `minimum` points up to the next better tier."""

    name: Text
    minimum: float = Field(ge=0, le=TOTAL, allow_inf_nan=False)
    meaning: Text


class DeductionRule(Strict):
    """`points` (positive) are lost when any of `checks` says so."""

    id: Id
    points: Points
    checks: Checks
    reason: Text


class Dimension(Strict):
    """A share of the total. Its deductions together take at least its whole weight."""

    id: Id
    name: Text
    weight: Points
    deductions: tuple[DeductionRule, ...]


class CapRule(Strict):
    """When any of `checks` fails, the total cannot be over `maximum`."""

    id: Id
    maximum: float = Field(ge=0, lt=TOTAL, allow_inf_nan=False)
    checks: Checks
    reason: Text


class Change(Strict):
    """What a version of the rubric changed, and when."""

    date: date
    text: Text


class Rubric(Strict):
    """One version of a task's rubric. Tiers are best first; the last one begins at 0."""

    version: Text
    task: Text
    canary: Text
    summary: Text
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    caps: tuple[CapRule, ...] = ()
    changelog: tuple[Change, ...] = ()

    def tier(self, points: float) -> str:
        """The name of the tier that `points` (0 to 100) reach."""
        return next(tier.name for tier in self.tiers if points >= tier.minimum)

    @property
    def checks(self) -> set[str]:
        """Every check that some deduction or cap looks at."""
        rules: list[DeductionRule | CapRule] = [rule for dimension in self.dimensions for rule in dimension.deductions]
        return {check for rule in [*rules, *self.caps] for check in rule.checks}


def load_rubric(path: Path) -> Rubric:
    """The rubric file at `path`. InputError where it cannot be read, does not fit, or does not add up."""
    rubric = parse(Rubric, read_toml(path), str(path))
    for problem in _problems(rubric):
        raise InputError(f"{path}: {problem}")
    return rubric


def task_rubric(task: Task, version: str | None = None) -> Rubric:
    """The rubric of a task: its own, or `version`. InputError also where it names an unknown check."""
    path = task.rubric_path(version)
    rubric = load_rubric(path)
    if rubric.task != task.name:
        raise InputError(f"{path}: is for task {rubric.task!r}, not {task.name!r}")
    _require_known(rubric.checks, task.checks, path)
    return rubric


def _require_known(checks: Iterable[str], known: Collection[str], path: Path) -> None:
    unknown = sorted(set(checks) - set(known))
    if unknown:
        raise InputError(f"{path}: checks that the task's catalogue does not have: {', '.join(unknown)}")


def _problems(rubric: Rubric) -> Iterable[str]:
    yield from _repeated("dimension", [dimension.id for dimension in rubric.dimensions])
    yield from _repeated("dimension name", [dimension.name for dimension in rubric.dimensions])
    yield from _repeated("deduction", [rule.id for dimension in rubric.dimensions for rule in dimension.deductions])
    yield from _repeated("cap", [cap.id for cap in rubric.caps])
    yield from _repeated("tier", [tier.name for tier in rubric.tiers])
    weights = fsum(dimension.weight for dimension in rubric.dimensions)
    if not isclose(weights, TOTAL):
        yield f"the dimensions' weights sum to {weights:g}, not {TOTAL:g}"
    for dimension in rubric.dimensions:
        points = fsum(rule.points for rule in dimension.deductions)
        if points < dimension.weight and not isclose(points, dimension.weight):
            yield (
                f"dimension {dimension.id}: its deductions sum to {points:g}, less than its weight "
                f"{dimension.weight:g}, so an application that fails everything would keep points"
            )
    minima = [tier.minimum for tier in rubric.tiers]
    if any(worse >= better for better, worse in pairwise(minima)):
        yield "the tiers are not in descending order of their minimum"
    if minima[-1] != 0:
        yield f"the last tier begins at {minima[-1]:g}, not 0, so some scores would have no tier"


def _repeated(what: str, values: list[str]) -> Iterable[str]:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        yield f"{what} {repeated[0]!r} stands there more than once"
