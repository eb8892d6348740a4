"""Rules about which rows there are: counts, all, only, the most, the same set."""

from typing import Literal

from pydantic import Field

from shipbench.errors import InputError
from shipbench.standings.lint.claim import Claim, Verdict, shown
from shipbench.standings.lint.facts import Facts, Fields, key_of
from shipbench.standings.published import Scalar

Where = dict[str, Scalar]


class Count(Claim):
    """So many rows fit: `claimed`, or `at_least`. A model in several of the tables `of` counts once."""

    rule: Literal["count"]
    claimed: int | None = None
    at_least: int | None = None
    of: list[str] = Field(min_length=1)
    where: Where = Field(default={})
    containing: list[str] = Field(default=[])

    def judge(self, facts: Facts) -> Verdict:
        keys = {
            key_of(row)
            for table in self.of
            for row in facts.select(table, self.where)
            if all(part in key_of(row) for part in self.containing)
        }
        if self.at_least is not None:
            return Verdict(len(keys) >= self.at_least, f"{len(keys)}, claimed at least {self.at_least}")
        listed = f": {', '.join(sorted(keys))}" if len(keys) <= 16 else ""
        return Verdict(len(keys) == self.claimed, f"{len(keys)}, claimed {self.claimed}{listed}")


class Only(Claim):
    """`subject` alone fits."""

    rule: Literal["only"]
    subject: str
    of: str
    where: Where

    def judge(self, facts: Facts) -> Verdict:
        fitting = [key_of(row) for row in facts.select(self.of, self.where)]
        return Verdict(fitting == [self.subject], f"{len(fitting)} fit: {', '.join(fitting) or 'none'}")


class All(Claim):
    """Every selected row has the values of `must` (a field that a row does not have is unknown), but for `but`."""

    rule: Literal["all"]
    of: str
    where: Where = Field(default={})
    must: Where
    but: list[str] = Field(default=[])

    def judge(self, facts: Facts) -> Verdict:
        rows = facts.select(self.of, self.where)
        if not rows:
            raise InputError(f"claim {self.id}: no row of {self.of!r} fits its filter")
        bad = [text for row in rows if key_of(row) not in self.but and (text := self._exception(row))]
        return Verdict(not bad, f"{len(bad)} of {len(rows)} differ: {'; '.join(bad)}" if bad else f"all {len(rows)}")

    def _exception(self, row: Fields) -> str:
        wrong = [f"{name} {shown(row[name])}" for name, want in self.must.items() if row.get(name, want) != want]
        return f"{row.get('model') or key_of(row)} ({', '.join(wrong)})" if wrong else ""


class Recorded(Claim):
    """Every row of `of` has a field for each row of the table `fields_from`."""

    rule: Literal["recorded"]
    of: str
    fields_from: str

    def judge(self, facts: Facts) -> Verdict:
        fields = {key_of(row) for row in facts.select(self.fields_from, {})}
        rows = facts.select(self.of, {})
        whole = sum(fields <= row.keys() for row in rows)
        return Verdict(whole == len(rows), f"{whole} of {len(rows)} rows have {', '.join(sorted(fields))}")


class Extreme(Claim):
    """`subject` has the smallest or the largest `field` of the selected rows."""

    rule: Literal["extreme"]
    subject: str
    which: Literal["smallest", "largest"]
    of: str
    field: str
    where: Where = Field(default={})

    def judge(self, facts: Facts) -> Verdict:
        rows = [row for row in facts.select(self.of, self.where) if self.field in row]
        values = {key_of(row): facts.number(f"{self.of}/{key_of(row)}/{self.field}") for row in rows}
        if self.subject not in values:
            raise InputError(f"claim {self.id}: {self.subject!r} is not among its rows")
        best = (min if self.which == "smallest" else max)(values.values())
        holders = [key for key, value in values.items() if value == best]
        found = f"{self.which} {self.field}: {', '.join(holders)} ({shown(best)}); {self.subject} has "
        return Verdict(self.subject in holders, found + shown(values[self.subject]))


class SameSet(Claim):
    """Two selections hold the same rows."""

    rule: Literal["same_set"]
    left: str
    left_where: Where = Field(default={})
    right: str
    right_where: Where = Field(default={})

    def judge(self, facts: Facts) -> Verdict:
        left = {key_of(row) for row in facts.select(self.left, self.left_where)}
        right = {key_of(row) for row in facts.select(self.right, self.right_where)}
        apart = [
            f"only in {name}: {', '.join(sorted(rest))}"
            for name, rest in ((self.left, left - right), (self.right, right - left))
            if rest
        ]
        return Verdict(not apart, "; ".join(apart) or f"the same {len(left)}")


class Uniform(Claim):
    """`field` has one value in all selected rows."""

    rule: Literal["uniform"]
    of: str
    where: Where = Field(default={})
    field: str

    def judge(self, facts: Facts) -> Verdict:
        holders: dict[str, list[str]] = {}
        for row in facts.select(self.of, self.where):
            holders.setdefault(shown(row[self.field]), []).append(f"{key_of(row)}{_line(row)}")
        found = "; ".join(f"{value} ({_few(keys)})" for value, keys in holders.items())
        return Verdict(len(holders) == 1, f"{len(holders)} values: {found}")


class Disjoint(Claim):
    """Two lists of names have none in common."""

    rule: Literal["disjoint"]
    left: str
    right: str

    def judge(self, facts: Facts) -> Verdict:
        left, right = facts.value(self.left), facts.value(self.right)
        if not isinstance(left, list) or not isinstance(right, list):
            raise InputError(f"claim {self.id}: {self.left} and {self.right} must be lists")
        both = sorted(set(left) & set(right))
        return Verdict(not both, f"in both: {', '.join(both) or 'none'}")


def _line(row: Fields) -> str:
    return f", line {row['line']}" if "line" in row else ""


def _few(keys: list[str]) -> str:
    return ", ".join(keys) if len(keys) <= 4 else f"{len(keys)} rows"
