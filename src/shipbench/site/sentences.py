"""Sentences about a board. Every 'only', 'all' and 'share' in them is computed."""

from collections.abc import Sequence

from shipbench.site import numbers
from shipbench.standings.row import Row

MAX_NAMED = 3


def headline(rows: Sequence[Row]) -> list[str]:
    """Who leads, how many reach the best tier, and what the cheapest of those costs, where that can be compared."""
    scored = [row for row in rows if row.score is not None]
    if not scored:
        return ["No contender has a score yet."]
    sentences = [_lead(scored)]
    best_tier = min(row.tier for row in scored if row.tier) if any(row.tier for row in scored) else None
    if best_tier is not None:
        reached = [row for row in scored if row.tier == best_tier]
        sentences.append(_reach(len(reached), len(rows), best_tier))
        sentences += _cheapest(reached, best_tier)
    unscored = len(rows) - len(scored)
    if unscored:
        sentences.append(f"{_count(unscored, 'contender has', 'contenders have')} no score.")
    return sentences


def _lead(scored: list[Row]) -> str:
    best = scored[0]
    leaders = [row.contender for row in scored if row.rank == best.rank]
    # One number for all leaders: they share a rank because they show the same one.
    what = f"{numbers.points(best.score)} of 100 points{'' if best.published else ' proven'}"
    possible = {numbers.points(row.possible) for row in scored if row.rank == best.rank} - {numbers.UNKNOWN}
    if len(leaders) == 1:
        more = possible - {numbers.points(best.score)}
        return f"{leaders[0]} leads with {what}{f', {more.pop()} possible' if more else ''}."
    return f"{_named(leaders)} share the lead with {what}."


def _reach(reached: int, of: int, tier: str) -> str:
    if of == 1:
        return f"It is the only contender, in tier {tier}."
    if reached == of:
        return f"All {of} contenders are in tier {tier}."
    return f"{reached} of {of} contenders {'is' if reached == 1 else 'are'} in tier {tier}."


def _cheapest(reached: list[Row], tier: str) -> list[str]:
    """Only where all prices are known and on one basis. Published ones may each come from another meter."""
    priced = [(row.cost_usd, row.contender) for row in reached if row.cost_usd is not None]
    bases = {row.cost_basis for row in reached}
    if len(priced) < 2 or len(priced) < len(reached) or len(bases) > 1 or "published" in bases:
        return []
    least = min(price for price, _ in priced)
    names = [name for price, name in priced if price == least]
    if len(names) > 1:
        return []
    return [f"The cheapest of tier {tier} is {names[0]} at {numbers.usd(least)} a trial."]


def _named(names: list[str]) -> str:
    if len(names) > MAX_NAMED:
        return f"{len(names)} contenders"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
