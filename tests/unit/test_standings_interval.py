"""Intervals of means: against the textbook, and what holds for any scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipbench.standings.interval import intervals

scores = st.floats(0, 100)


def test_one_group_is_the_ordinary_t_interval() -> None:
    # mean 80, s² = 25, n = 3: half = 4.302653 * 5 / sqrt(3)
    (span,) = intervals([[75, 80, 85]])
    assert span == pytest.approx((80 - 12.420689, 80 + 12.420689))


def test_variance_is_pooled_over_groups() -> None:
    # Σ(n−1)s² = 50 + 0, 4 degrees of freedom: s² = 12.5, t = 2.776445
    wide, narrow = intervals([[75, 80, 85], [40, 40, 40]])
    half = 2.776445 * (12.5 / 3) ** 0.5
    assert wide == pytest.approx((80 - half, 80 + half), abs=1e-5)
    assert narrow == pytest.approx((40 - half, 40 + half), abs=1e-5)


def test_single_trials_have_no_interval_and_tell_nothing_of_the_variance() -> None:
    assert intervals([[50], [60]]) == [None, None]
    alone, pair = intervals([[50], [60, 62]])
    assert alone is None
    assert pair == intervals([[60, 62]])[0]
    assert intervals([[], [50]]) == [None, None]


@given(st.lists(st.lists(scores, max_size=6), max_size=6))
def test_an_interval_holds_its_mean_and_stays_within_the_scale(groups: list[list[float]]) -> None:
    for group, span in zip(groups, intervals(groups), strict=True):
        if span is not None:
            mean = sum(group) / len(group)
            assert 0 <= span[0] <= mean + 1e-9
            assert mean - 1e-9 <= span[1] <= 100
