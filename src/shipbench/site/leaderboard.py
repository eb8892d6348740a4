"""Standings as boards: one a source, task and rubric, with footnotes and links to the trials' pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipbench.site.sentences import headline
from shipbench.site.text import short_digest, slug
from shipbench.site.trials import Trial
from shipbench.standings.row import Row

MEASURED = "measured"


@dataclass(frozen=True)
class Line:
    """A row of a board. `anchor` is its permalink, `marks` number its footnotes from 1."""

    row: Row
    anchor: str
    trials: list[Trial]
    marks: list[int]

    @property
    def tokens(self) -> float | None:
        """Mean tokens of a trial, prompt and completion; None where either is unknown."""
        if self.row.input_tokens is None or self.row.output_tokens is None:
            return None
        return self.row.input_tokens + self.row.output_tokens


@dataclass(frozen=True)
class Board:
    """Rows that may be ranked against each other, best first."""

    source: str
    task: str
    rubric: str | None
    anchor: str
    headline: list[str]
    lines: list[Line]
    footnotes: list[str]

    @property
    def measured(self) -> bool:
        return self.source == MEASURED

    @property
    def tiers(self) -> list[str]:
        return sorted({line.row.tier for line in self.lines if line.row.tier})

    @property
    def harnesses(self) -> list[str]:
        return sorted({line.row.harness for line in self.lines})


def boards(rows: Sequence[Row], trials: Sequence[Trial]) -> list[Board]:
    """The boards of `rows`, in the order in which they first come up."""
    by_contender: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        by_contender.setdefault((trial.spec.task, trial.spec.contender.name), []).append(trial)
    grouped: dict[tuple[str, str, str | None], list[Row]] = {}
    for row in rows:
        grouped.setdefault((row.source, row.task, row.rubric), []).append(row)
    # The first board of a task has the short permalink; a further rubric version adds its name.
    anchors: set[str] = set()
    made = []
    for (source, task, rubric), listed in grouped.items():
        anchor = f"task-{slug(task)}"
        if anchor in anchors:
            anchor += f"-{slug(rubric or 'none')}-{short_digest(source, task, rubric or '')}"
        anchors.add(anchor)
        made.append(_board(source, task, rubric, anchor, listed, by_contender))
    return made


def _board(
    source: str,
    task: str,
    rubric: str | None,
    anchor: str,
    rows: list[Row],
    trials: dict[tuple[str, str], list[Trial]],
) -> Board:
    footnotes = list(dict.fromkeys(note for row in rows for note in row.notes))
    lines = [
        Line(
            row=row,
            anchor=f"{anchor}-{slug(row.contender)}-{short_digest(row.contender, str(_before(rows[:number], row)))}",
            trials=_of_row(row, trials) if source == MEASURED else [],
            marks=[footnotes.index(note) + 1 for note in row.notes],
        )
        for number, row in enumerate(rows)
    ]
    return Board(source, task, rubric, anchor, headline(rows), lines, footnotes)


def _before(rows: list[Row], row: Row) -> int:
    """How many of `rows` have the same contender, so that two settings of one name have two permalinks."""
    return sum(other.contender == row.contender for other in rows)


def _of_row(row: Row, trials: dict[tuple[str, str], list[Trial]]) -> list[Trial]:
    """The contender's trials under the row's rubric version, and those that have no score."""
    found = trials.get((row.task, row.contender), [])
    return [trial for trial in found if trial.scorecard is None or trial.scorecard.rubric == row.rubric]
