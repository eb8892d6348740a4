"""Sums over exchanges."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shipbench.bundle.schema import Cost, CostBasis, Exchange, Usage

_FIELDS = ("input", "output", "cache_read", "cache_write", "reasoning")


@dataclass
class Totals:
    """Sums over exchanges. What an exchange did not tell is in no sum and stays visible in the `unknown_` counts.

    `requests` are those that went to the provider; `tokens` is input plus output; dollars are US dollars.
    """

    requests: int = 0
    usage: Usage = field(default_factory=lambda: Usage(input=0, output=0))
    unknown_usage: int = 0
    known_usd: float = 0.0
    unknown_cost: int = 0
    bases: dict[CostBasis, int] = field(default_factory=dict)

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> "Totals":
        totals = cls()
        for exchange in exchanges:
            totals.add(exchange)
        return totals

    def add(self, exchange: Exchange) -> None:
        if not went_out(exchange):
            return
        self.requests += 1
        self.usage = add_usage(self.usage, exchange.usage)
        self.unknown_usage += exchange.usage.input is None or exchange.usage.output is None
        if exchange.cost.usd is None:
            self.unknown_cost += 1
        else:
            self.known_usd += exchange.cost.usd
        self.bases[exchange.cost.basis] = self.bases.get(exchange.cost.basis, 0) + 1

    def plus(self, other: "Totals") -> "Totals":
        return Totals(
            requests=self.requests + other.requests,
            usage=add_usage(self.usage, other.usage),
            unknown_usage=self.unknown_usage + other.unknown_usage,
            known_usd=self.known_usd + other.known_usd,
            unknown_cost=self.unknown_cost + other.unknown_cost,
            bases={basis: self.bases.get(basis, 0) + other.bases.get(basis, 0) for basis in self.bases | other.bases},
        )

    @property
    def tokens(self) -> int:
        return (self.usage.input or 0) + (self.usage.output or 0)

    @property
    def usd(self) -> float | None:
        """US dollars, None as soon as one exchange's cost is unknown."""
        return None if self.unknown_cost else self.known_usd

    @property
    def cost(self) -> Cost:
        """The sum, unknown as soon as one exchange's is; of several bases the weaker one (`book`)."""
        if self.unknown_cost:
            note = (
                f"{self.unknown_cost} of {self.requests} exchanges have no known cost; the rest: {self.known_usd:.6f}"
            )
            return Cost(usd=None, basis="unknown", note=note)
        return Cost(usd=self.usd, basis="book" if self.bases.get("book") else "provider")


def add_usage(one: Usage, other: Usage) -> Usage:
    """Field by field; what only one side knows is taken from it, what neither knows stays unknown."""
    sums = {}
    for name in _FIELDS:
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        sums[name] = sum(known) if known else None
    return Usage(**sums)


def went_out(exchange: Exchange) -> bool:
    """Whether it was a request for tokens that was sent on: no refusal of the gateway, no model list."""
    return exchange.wire != "other" and exchange.refused is None
