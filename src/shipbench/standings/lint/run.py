"""Judges every claim of a published folder by its rule."""

from typing import Any

from pydantic import BaseModel

from shipbench.errors import InputError
from shipbench.files import parse, read_toml
from shipbench.standings.lint import numbers, selections, values
from shipbench.standings.lint.claim import Claim, tables_in
from shipbench.standings.lint.facts import Facts
from shipbench.standings.published import Published

RULES: dict[str, type[Claim]] = {
    "agree": values.Agree,
    "all": selections.All,
    "between": numbers.Between,
    "columns": values.Columns,
    "count": selections.Count,
    "difference": numbers.Difference,
    "disjoint": selections.Disjoint,
    "edit_distance": values.EditDistance,
    "extreme": selections.Extreme,
    "is": values.Is,
    "latest": values.Latest,
    "lost_in_one_dimension": numbers.Lost,
    "measurable": values.Measurable,
    "only": selections.Only,
    "percent": numbers.Percent,
    "product": numbers.Product,
    "ranks": values.Ranks,
    "ratio": numbers.Ratio,
    "recorded": selections.Recorded,
    "same_set": selections.SameSet,
    "span": numbers.Span,
    "tiers": values.Tiers,
    "uniform": selections.Uniform,
    "weights": values.Weights,
}


class Judged(BaseModel):
    """A claim and what the data give. `against` says whose data: the article's own, or another source's.

    `slight` marks a number that misses the data by no more than a tenth.
    """

    id: str
    lines: list[int]
    claim: str
    rule: str
    holds: bool
    found: str
    slight: bool
    against: str


class LintReport(BaseModel):
    """`contradictions` are the claims that do not follow; `checked` counts all that were judged."""

    published: str
    checked: int
    contradictions: list[Judged]


def lint(published: Published) -> LintReport:
    """InputError where claims.toml is missing, names an unknown rule, or refers to what is not in the tables."""
    facts = Facts(published)
    judged = [_judge(claim, facts) for claim in load_claims(published)]
    return LintReport(
        published=published.publication.name,
        checked=len(judged),
        contradictions=[verdict for verdict in judged if not verdict.holds],
    )


def load_claims(published: Published) -> list[Claim]:
    path = published.folder / "claims.toml"
    entries: Any = read_toml(path).get("claims", [])
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: no [[claims]]")
    claims: list[Claim] = []
    for number, entry in enumerate(entries, 1):
        rule = entry.get("rule") if isinstance(entry, dict) else None
        if rule not in RULES:
            raise InputError(f"{path}: claim {number}: no rule {rule!r}; there is: {', '.join(RULES)}")
        claims.append(parse(RULES[rule], entry, f"{path}: claim {number}"))
    repeated = {claim.id for claim in claims if [other.id for other in claims].count(claim.id) > 1}
    if repeated:
        raise InputError(f"{path}: more than one claim has the id {min(repeated)!r}")
    return claims


def _judge(claim: Claim, facts: Facts) -> Judged:
    try:
        verdict = claim.judge(facts)
    except (ArithmeticError, LookupError, ValueError) as error:
        where = facts.published.folder / "claims.toml"
        raise InputError(f"{where}: claim {claim.id}: the data do not suit its rule: {error}") from None
    parameters = claim.model_dump(exclude={"id", "lines", "text", "rule"})
    return Judged(
        id=claim.id,
        lines=claim.lines,
        claim=claim.text,
        rule=claim.rule,
        holds=verdict.holds,
        found=verdict.found,
        slight=verdict.slight and not verdict.holds,
        against=facts.source(tables_in(parameters)),
    )
