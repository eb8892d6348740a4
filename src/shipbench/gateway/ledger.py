"""What a trial may still spend."""

import math
from dataclasses import dataclass

from shipbench.bundle.schema import Cost, Limits, Usage
from shipbench.gateway.totals import Totals


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
