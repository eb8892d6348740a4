"""Ranks and ties."""

from hypothesis import given
from hypothesis import strategies as st

from shipbench.standings.rank import ranked
from shipbench.standings.row import Row


def row(name: str, score: float | None, possible: float | None = None, **changed: object) -> Row:
    values: dict[str, object] = {
        "rank": None,
        "tied": False,
        "contender": name,
        "model": "m",
        "harness": "h",
        "task": "t",
        "score": score,
        "possible": possible,
        "low": None,
        "high": None,
        "tier": None,
        "trials": 1,
        "minutes": None,
        "cost_usd": None,
        "cost_basis": "unknown",
        "notes": [],
        "rubric": "v1",
        "planned": 1,
        "attempts": 1,
        "completed": 1,
        "outcomes": {},
        "input_tokens": None,
        "output_tokens": None,
    }
    return Row.model_validate(values | changed)


def shown(rows: list[Row]) -> list[tuple[str, int | None, bool]]:
    return [(found.contender, found.rank, found.tied) for found in rows]


def test_ties_share_a_rank_and_the_next_one_is_skipped() -> None:
    rows = ranked([row("c", 90), row("b", 97.04), row("a", 97.01), row("d", None)])
    assert shown(rows) == [("a", 1, True), ("b", 1, True), ("c", 3, False), ("d", None, False)]


def test_what_shows_as_another_number_is_no_tie() -> None:
    assert [found.tied for found in ranked([row("a", 97.04), row("b", 97.06)])] == [False, False]


def test_ranks_never_cross_sources_tasks_or_rubrics() -> None:
    rows = ranked(
        [row("a", 50), row("b", 60, source="published/x"), row("c", 70, task="other"), row("d", 80, rubric="v2")]
    )
    assert [found.rank for found in rows] == [1, 1, 1, 1]


def test_unscored_rows_do_not_tie() -> None:
    assert [found.tied for found in ranked([row("a", None), row("b", None)])] == [False, False]


@given(st.lists(st.one_of(st.none(), st.floats(0, 100))), st.randoms())
def test_order_in_is_irrelevant_and_ranks_fall_with_scores(scores: list[float | None], random: object) -> None:
    rows = [row(f"n{number}", score) for number, score in enumerate(scores)]
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranked(rows) == ranked(shuffled)
    found = [(r.rank, round(r.score, 1)) for r in ranked(rows) if r.rank is not None and r.score is not None]
    assert [rank for rank, _ in found] == [1 + sum(other > score for _, other in found) for _, score in found]
