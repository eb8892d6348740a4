"""The exchanges of an attempt as bars on a common time axis, and their sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum

from shipbench.bundle.schema import Exchange
from shipbench.gateway.totals import went_out

WIDTH = 1000.0  # of the drawing, in its own units
LANE = 30.0
MIN_BAR = 1.5  # a shorter bar could not be seen


@dataclass(frozen=True)
class Total:
    """A sum over the known values. `unknown` counts the others; `value` is None where there is no known one."""

    value: float | None
    unknown: int

    @property
    def at_least(self) -> bool:
        return self.value is not None and self.unknown > 0

    @classmethod
    def of(cls, parts: Iterable["Total"]) -> "Total":
        listed = list(parts)
        known = [part.value for part in listed if part.value is not None]
        return cls(fsum(known) if known else None, sum(part.unknown for part in listed))


def total(values: Iterable[float | None]) -> Total:
    """The sum of `values`; None where none of them is known."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return Total(fsum(known) if known else None, len(listed) - len(known))


def tokens_of(exchange: Exchange) -> int | None:
    """Prompt and completion tokens; None where either is unknown."""
    usage = exchange.usage
    return None if usage.input is None or usage.output is None else usage.input + usage.output


@dataclass(frozen=True)
class Bar:
    """One exchange as drawn and listed. `x`, `y`, `waiting` (to the first byte) and `width` are drawing units."""

    exchange: Exchange
    offset: float  # seconds since the attempt's first exchange began
    seconds: float | None  # None where it never ended
    tokens: int | None
    x: float
    y: float
    waiting: float
    width: float
    state: str  # ok, side, error

    @property
    def rerouted(self) -> bool:
        asked, answered = self.exchange.model_asked, self.exchange.model_answered
        return asked is not None and answered is not None and asked != answered


@dataclass(frozen=True)
class Timeline:
    """`lanes` are the phases in their order; `ticks` are seconds at equal distances from the left edge to the right."""

    bars: list[Bar] = field(default_factory=list)
    lanes: list[str] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    span: float = 0.0
    tokens: Total = Total(None, 0)
    usd: Total = Total(None, 0)
    bases: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        return LANE * len(self.lanes)


def timeline(exchanges: Sequence[Exchange]) -> Timeline:
    """The drawing of `exchanges`, ordered by their begin. An empty one for none."""
    if not exchanges:
        return Timeline()
    ordered = sorted(exchanges, key=lambda exchange: (exchange.started, exchange.id))
    begin = ordered[0].started
    end = max(max(exchange.started, exchange.last_byte or exchange.started) for exchange in ordered)
    span = max(end - begin, 1e-3)
    lanes = list(dict.fromkeys(exchange.phase for exchange in ordered))
    bars = [_bar(exchange, begin, WIDTH / span, LANE * lanes.index(exchange.phase)) for exchange in ordered]
    return Timeline(
        bars=bars,
        lanes=lanes,
        ticks=[span * quarter / 4 for quarter in range(5)],
        span=span,
        tokens=total(bar.tokens for bar in bars if went_out(bar.exchange)),
        usd=total(bar.exchange.cost.usd for bar in bars if went_out(bar.exchange)),
        bases=sorted({bar.exchange.cost.basis for bar in bars if went_out(bar.exchange)}),
    )


def _bar(exchange: Exchange, begin: float, scale: float, y: float) -> Bar:
    offset = exchange.started - begin
    ended = exchange.last_byte
    seconds = None if ended is None else max(0.0, ended - exchange.started)
    first = exchange.first_byte
    waited = min(seconds or 0.0, max(0.0, first - exchange.started)) if first is not None else seconds or 0.0
    width = max(MIN_BAR, (seconds or 0.0) * scale)
    return Bar(
        exchange=exchange,
        offset=offset,
        seconds=seconds,
        tokens=tokens_of(exchange),
        x=round(min(offset * scale, WIDTH - MIN_BAR), 2),
        y=y,
        waiting=round(min(width, waited * scale), 2),
        width=round(width, 2),
        state=_state(exchange),
    )


def _state(exchange: Exchange) -> str:
    if exchange.error is not None or not 200 <= exchange.status < 300:
        return "error"
    return "side" if exchange.side_call else "ok"
