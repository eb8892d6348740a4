"""Rules about numbers: ratios, percentages, gaps, products."""

from math import prod
from typing import Literal

from pydantic import Field

from shipbench.standings.lint.claim import Claim, Verdict, rounds_to, shown, slightly_off
from shipbench.standings.lint.facts import Facts, key_of
from shipbench.standings.published import Scalar

Number = float | str


class Ratio(Claim):
    """`over` is `claimed` times `under`."""

    rule: Literal["ratio"]
    claimed: float
    over: Number
    under: Number
    decimals: int | None = None

    def judge(self, facts: Facts) -> Verdict:
        over, under = facts.number(self.over), facts.number(self.under)
        ratio = over / under
        found = f"{shown(over)} / {shown(under)} = {shown(ratio)}, claimed {shown(self.claimed)}"
        return Verdict(rounds_to(ratio, self.claimed, self.decimals), found, slightly_off(ratio, self.claimed))


class Percent(Claim):
    """From `before` to `after` something fell by `claimed` percent."""

    rule: Literal["percent"]
    claimed: float
    before: Number
    after: Number

    def judge(self, facts: Facts) -> Verdict:
        before, after = facts.number(self.before), facts.number(self.after)
        fall = (before - after) / before * 100
        change = f"{shown(abs(fall))}% {'less' if fall >= 0 else 'more'}"
        found = f"from {shown(before)} to {shown(after)} is {change}, claimed {shown(self.claimed)}% less"
        return Verdict(rounds_to(fall, self.claimed), found, slightly_off(fall, self.claimed))


class Difference(Claim):
    """`more` is `claimed` above `less`."""

    rule: Literal["difference"]
    claimed: float
    more: Number
    less: Number

    def judge(self, facts: Facts) -> Verdict:
        more, less = facts.number(self.more), facts.number(self.less)
        return Verdict(
            rounds_to(more - less, self.claimed),
            f"{shown(more)} − {shown(less)} = {shown(more - less)}, claimed {shown(self.claimed)}",
            slightly_off(more - less, self.claimed),
        )


class Span(Claim):
    """Gaps (or ratios) between each of `highs` and each selected row reach from `low` to `high`."""

    rule: Literal["span"]
    low: float
    high: float
    kind: Literal["difference", "ratio"]
    highs: list[Number] = Field(min_length=1)
    of: str
    field: str
    where: dict[str, Scalar]
    decimals: int | None = None

    def judge(self, facts: Facts) -> Verdict:
        lows = [facts.number(f"{self.of}/{key_of(row)}/{self.field}") for row in facts.select(self.of, self.where)]
        pairs = [(facts.number(high), low) for high in self.highs for low in lows]
        values = [high - low if self.kind == "difference" else high / low for high, low in pairs]
        least, most = min(values), max(values)
        holds = rounds_to(least, self.low, self.decimals) and rounds_to(most, self.high, self.decimals)
        found = (
            f"{shown(least)} to {shown(most)} over {len(values)} pairs, claimed {shown(self.low)} to {shown(self.high)}"
        )
        return Verdict(holds, found, slightly_off(least, self.low) and slightly_off(most, self.high))


class Between(Claim):
    """`value` lies between the two `ends`."""

    rule: Literal["between"]
    value: Number
    ends: tuple[Number, Number]

    def judge(self, facts: Facts) -> Verdict:
        value = facts.number(self.value)
        low, high = sorted(facts.number(end) for end in self.ends)
        where = "between" if low <= value <= high else "above both" if value > high else "below both"
        return Verdict(low <= value <= high, f"{shown(value)} is {where} {shown(low)} and {shown(high)}")


class Product(Claim):
    """The product of `factors`, in bytes, is `claimed` in `unit`; what it is in the binary unit is said too."""

    rule: Literal["product"]
    claimed: float
    factors: list[Number] = Field(min_length=1)
    unit: Literal["MB", "GB"]
    decimals: int | None = None

    def judge(self, facts: Facts) -> Verdict:
        factors = [facts.number(factor) for factor in self.factors]
        power = {"MB": 2, "GB": 3}[self.unit]
        size, value = prod(factors), prod(factors) / 1000**power
        binary = f"{shown(size / 1024**power)} {self.unit[0]}iB"
        found = (
            f"{' × '.join(map(shown, factors))} = {shown(value)} {self.unit} ({binary}), claimed {shown(self.claimed)}"
        )
        return Verdict(rounds_to(value, self.claimed, self.decimals), found, slightly_off(value, self.claimed))


class Lost(Claim):
    """All that a score lacks to 100 is lost in one dimension, so it cannot be more than that dimension's weight."""

    rule: Literal["lost_in_one_dimension"]
    score: Number
    dimension: str

    def judge(self, facts: Facts) -> Verdict:
        lost, weight = 100 - facts.number(self.score), facts.number(f"dimensions/{self.dimension}/weight")
        return Verdict(lost <= weight, f"{shown(lost)} points are missing, {self.dimension} is worth {shown(weight)}")
