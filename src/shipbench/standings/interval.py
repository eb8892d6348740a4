"""How far a mean of few trials can be trusted."""

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import fmean

CONFIDENCE = 0.95


def intervals(groups: Sequence[Sequence[float]]) -> list[tuple[float, float] | None]:
    """For each group of scores (0 to 100) the 95% interval of its mean, None for groups of fewer than two.

    A t interval. Few repeats say little about their own spread, so the variance is pooled over all groups of a board:
    s² = Σ(n−1)·sᵢ² / Σ(n−1), with Σ(n−1) degrees of freedom. Bounds are clipped to 0 and 100.
    """
    freedom = sum(len(group) - 1 for group in groups if group)
    if freedom < 1:
        return [None] * len(groups)
    squares = fsum((score - fmean(group)) ** 2 for group in groups if group for score in group)
    reach = _t(freedom) * sqrt(squares / freedom)
    return [_around(group, reach) if len(group) > 1 else None for group in groups]


def _around(group: Sequence[float], reach: float) -> tuple[float, float]:
    mean, half = fmean(group), reach / sqrt(len(group))
    return max(0.0, mean - half), min(100.0, mean + half)


def _t(freedom: int) -> float:
    from scipy.special import stdtrit  # the quantile alone; scipy.stats takes a second to import

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
