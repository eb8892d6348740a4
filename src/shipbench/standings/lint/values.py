"""Rules about single values and whole columns."""

import re
from typing import Literal

from pydantic import Field

from shipbench.errors import InputError
from shipbench.standings.lint.claim import Claim, Verdict, rounds_to, shown
from shipbench.standings.lint.facts import Facts, key_of
from shipbench.standings.published import Scalar


class Is(Claim):
    """The value at `reference` is `claimed`."""

    rule: Literal["is"]
    claimed: Scalar
    reference: str

    def judge(self, facts: Facts) -> Verdict:
        value = facts.value(self.reference)
        return Verdict(value == self.claimed, f"{shown(value)}, claimed {shown(self.claimed)}")


class Agree(Claim):
    """All `references` lead to the same value (numbers: when rounded to `decimals`, each times its `scale`)."""

    rule: Literal["agree"]
    references: list[str] = Field(min_length=2)
    scale: list[float] | None = None
    decimals: int = 0

    def judge(self, facts: Facts) -> Verdict:
        values = [facts.value(reference) for reference in self.references]
        if all(isinstance(value, (int, float)) for value in values):
            scale = self.scale or [1.0] * len(values)
            numbers = [facts.number(ref) * by for ref, by in zip(self.references, scale, strict=True)]
            holds = all(rounds_to(number, numbers[0], self.decimals) for number in numbers)
            values = list(numbers)
        else:
            holds = all(value == values[0] for value in values)
        pairs = zip(self.references, values, strict=True)
        return Verdict(holds, "; ".join(f"{ref.replace('/', ': ')} = {shown(value)}" for ref, value in pairs))


class Columns(Claim):
    """Rows of two tables with one key agree in a field. `join` names the left field that holds the right key.

    Numbers agree when the right one, over `divide`, rounds to the left one.
    """

    rule: Literal["columns"]
    left: str
    right: str
    field: str
    right_field: str | None = None
    join: str = "key"
    divide: float = 1
    where: dict[str, Scalar] = Field(default={})

    def judge(self, facts: Facts) -> Verdict:
        apart: list[str] = []
        compared = 0
        for row in facts.select(self.left, self.where):
            others = facts.select(self.right, {"key": str(row.get(self.join, ""))})
            name = self.right_field or self.field
            if self.field in row and others and name in others[0]:
                compared += 1
                if not self._same(row[self.field], others[0][name]):
                    here, there = shown(row[self.field]), shown(others[0][name])
                    apart.append(f"{key_of(row)} {here} in {self.left}, {there} in {self.right}")
        if not compared:
            raise InputError(f"claim {self.id}: {self.left} and {self.right} have no {self.field!r} to compare")
        return Verdict(not apart, f"{len(apart)} of {compared} differ" + (f": {'; '.join(apart)}" if apart else ""))

    def _same(self, left: Scalar, right: Scalar) -> bool:
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            return rounds_to(right / self.divide, left, 0 if float(left).is_integer() else 2)
        return left == right


class Ranks(Claim):
    """Ranks are those of the scores, ties sharing one: 1, 1, 3."""

    rule: Literal["ranks"]

    def judge(self, facts: Facts) -> Verdict:
        rows = facts.published.ranking.rows
        right = {row.model: 1 + sum(other.score > row.score for other in rows) for row in rows}
        wrong = [f"{row.model} is {right[row.model]}" for row in rows if right[row.model] != row.rank_number]
        return Verdict(not wrong, "; ".join(wrong) or f"all {len(rows)} ranks are right")


class Tiers(Claim):
    """Tiers are those of the scores."""

    rule: Literal["tiers"]

    def judge(self, facts: Facts) -> Verdict:
        tiers = sorted(facts.published.publication.tiers, key=lambda tier: -tier.minimum)
        rows = facts.published.ranking.rows
        right = {row.model: next((tier.name for tier in tiers if row.score >= tier.minimum), "") for row in rows}
        wrong = [f"{row.model} ({row.score:g}) is {right[row.model]}" for row in rows if right[row.model] != row.tier]
        return Verdict(not wrong, "; ".join(wrong) or f"all {len(rows)} tiers are right")


class Weights(Claim):
    """The dimensions' weights sum to 100."""

    rule: Literal["weights"]

    def judge(self, facts: Facts) -> Verdict:
        total = sum(dimension.weight for dimension in facts.published.publication.dimensions)
        return Verdict(total == 100, f"the weights sum to {total:g}")


class Latest(Claim):
    """The highest version among the models whose name contains `family` is `claimed`."""

    rule: Literal["latest"]
    claimed: str
    family: str
    of: list[str] = Field(min_length=1)

    def judge(self, facts: Facts) -> Verdict:
        names = [key_of(row) for table in self.of for row in facts.select(table, {})]
        pattern = re.compile(rf"{re.escape(self.family)} ([0-9]+(?:\.[0-9]+)*)")
        versions = {match[1] for name in names if (match := pattern.search(name))}
        if not versions:
            raise InputError(f"claim {self.id}: no model is named {self.family}")
        highest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
        return Verdict(highest == self.claimed, f"the highest {self.family} named is {highest}, claimed {self.claimed}")


class EditDistance(Claim):
    """`wrong` becomes `right` by `claimed` single-character edits."""

    rule: Literal["edit_distance"]
    claimed: int
    wrong: str
    right: str

    def judge(self, facts: Facts) -> Verdict:  # noqa: ARG002 — both texts stand in the claim
        distance = edit_distance(self.wrong, self.right)
        return Verdict(
            distance == self.claimed,
            f"{self.wrong!r} to {self.right!r} takes {distance} single-character edits, claimed {self.claimed}",
        )


class Measurable(Claim):
    """A comparison uses no value of a row that the same article calls unmeasurable."""

    rule: Literal["measurable"]
    uses: list[str] = Field(min_length=1)

    def judge(self, facts: Facts) -> Verdict:
        rows = [reference.rpartition("/")[0].partition("/")[::2] for reference in self.uses]
        bad = [key for table, key in rows if facts.row(table, key).get("measurable") is False]
        return Verdict(not bad, f"uses {', '.join(bad)}, marked unmeasurable" if bad else "all rows are measurable")


def edit_distance(left: str, right: str) -> int:
    """Insertions, deletions and substitutions from `left` to `right` (Levenshtein)."""
    costs = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(right, 1):
            diagonal, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, diagonal + (one != other)),
            )
    return costs[-1]
