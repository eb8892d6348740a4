"""The table in a terminal: narrow, wide, hostile."""

import pytest
from rich.cells import cell_len
from test_standings_rank import row

from shipbench.standings.rank import ranked
from shipbench.standings.row import Row, Standings
from shipbench.standings.table import render


def text(rows: list[Row], width: int | None = None, *, colour: bool = False) -> str:
    return render(Standings(scope=["Only here."], rows=ranked(rows)), width, colour=colour)


def full(name: str, score: float) -> Row:
    return row(name, score, 99, low=1, high=2, tier="B", minutes=2.575, cost_usd=0.0123, cost_basis="book", notes=["n"])


def test_a_wide_table_has_every_column() -> None:
    lines = text([full("some contender", 78)]).splitlines()
    assert lines[1].split() == [
        "Rank",
        "Contender",
        "Score",
        "95%",
        "Possible",
        "Tier",
        "Trials",
        "Time",
        "Cost",
        "Notes",
    ]
    assert lines[2].split() == [
        "1",
        "some",
        "contender",
        "78.0",
        "1.0–2.0",
        "99.0",
        "B",
        "1/1",
        "2m",
        "34s",
        "$0.012",
        "(book)",
        "[1]",
    ]
    assert "[1] n" in lines
    assert lines[-1] == "Only here."


@pytest.mark.parametrize("width", [100, 80, 60, 40, 24])
def test_a_narrow_table_drops_columns_and_says_so(width: int) -> None:
    printed = text([full("some contender", 78), full("another", 50)], width)
    assert all(cell_len(line) <= width for line in printed.splitlines())
    assert "78.0" in printed
    if width < 80:
        assert "Left out for want of width" in " ".join(printed.split())


def test_unknown_is_said_and_never_shown_as_zero() -> None:
    line = text([row("a", None)]).splitlines()[2]
    assert line.split() == ["–", "a", "–", "–", "–", "–", "1/1", "unknown", "unknown"]


def test_names_cannot_steer_the_terminal_or_the_markup() -> None:
    printed = text([row("\x1b[31mred\x07\u202e[bold]x[/bold]", 50)])
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "[bold]x[/bold]" in printed


def test_colour_only_when_asked_for() -> None:
    assert "\x1b[" in text([full("a", 90)], 120, colour=True)
    assert "\x1b[" not in text([full("a", 90)], 120)
