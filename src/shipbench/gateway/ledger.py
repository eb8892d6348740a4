"""What a trial has spent, and what it may still spend."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from shipbench.bundle.schema import Cost, CostBasis, Exchange, Limits, Usage

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
    def cost(self) -> Cost:
        """The sum, unknown as soon as one exchange's is; of several bases the weaker one (`book`)."""
        if self.unknown_cost:
            note = (
                f"{self.unknown_cost} of {self.requests} exchanges have no known cost; the rest: {self.known_usd:.6f}"
            )
            return Cost(usd=None, basis="unknown", note=note)
        return Cost(usd=self.known_usd, basis="book" if self.bases.get("book") else "provider")


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


class LimitReachedError(Exception):
    """The next request could overshoot a limit; the message says which."""


@dataclass(frozen=True)
class Reservation:
    """The most that one request can spend. `usd` is None where no price is known and no dollar limit asks for one."""

    tokens: int
    usd: float | None


class Ledger:
    """Keeps a trial's limits: the worst case is reserved before a request goes out, so parallel ones cannot overshoot.

    At any moment `spent + held` is within the limits, as long as no answer costs more than was reserved for it.
    """

    def __init__(self, limits: Limits, spent: Totals) -> None:
        self._limits = limits
        self.requests = spent.requests
        self.tokens = spent.tokens
        self.usd = spent.known_usd
        self.held_tokens = 0
        self.held_usd = 0.0

    def reserve(self, worst: Reservation) -> None:
        """Hold `worst`, or raise LimitReachedError and hold nothing."""
        limits = self._limits
        if limits.requests is not None and self.requests + 1 > limits.requests:
            raise LimitReachedError(f"the limit of {limits.requests} requests is reached")
        tokens = self.tokens + self.held_tokens + worst.tokens
        if limits.tokens is not None and tokens > limits.tokens:
            raise LimitReachedError(
                f"the limit of {limits.tokens} tokens could be passed: {self.tokens} are spent, {self.held_tokens} are "
                f"held for requests under way, and this one could take {worst.tokens}"
            )
        if limits.usd is not None:
            if worst.usd is None:
                raise LimitReachedError(
                    f"no price is known for this model, so the limit of {limits.usd} dollars cannot be kept"
                )
            if self.usd + self.held_usd + worst.usd > limits.usd + 1e-9:
                raise LimitReachedError(
                    f"the limit of {limits.usd} dollars could be passed: {self.usd:.4f} are spent, {self.held_usd:.4f} "
                    f"are held for requests under way, and this one could cost {worst.usd:.4f}"
                )
        self.requests += 1
        self.held_tokens += worst.tokens
        self.held_usd = math.fsum((self.held_usd, worst.usd or 0.0))

    def settle(self, worst: Reservation, usage: Usage, cost: Cost) -> None:
        """Put what was really spent in the place of `worst`; of what is unknown, the worst case counts as spent."""
        self.held_tokens -= worst.tokens
        self.held_usd = max(0.0, self.held_usd - (worst.usd or 0.0))
        known = usage.input is not None and usage.output is not None
        self.tokens += (usage.input or 0) + (usage.output or 0) if known else worst.tokens
        self.usd += cost.usd if cost.usd is not None else (worst.usd or 0.0)
