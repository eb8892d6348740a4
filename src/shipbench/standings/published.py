"""Published results: an article's own numbers, kept as data with their lines, never mixed with measured ones.

FOLDER/published.toml   Publication: source, scope, rubric
FOLDER/ranking.toml     the ranked rows, cells word for word
FOLDER/tables/NAME.toml every other table, list and fact, one file each
FOLDER/claims.toml      sentences whose numbers can be recomputed (see standings.lint)
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from shipbench.errors import InputError
from shipbench.files import carried, parse, read_toml
from shipbench.standings.row import PublishedCells, Row, Strict

Scalar = str | bool | int | float | list[str]
Library = Literal["yes", "bypass", "no"]
LIBRARY_MARKS: dict[Library, str] = {"yes": "✅", "bypass": "⚠️ bypass", "no": "❌"}


class PublishedTier(Strict):
    name: str
    minimum: float
    meaning: str
    line: int


class PublishedDimension(Strict):
    name: str
    weight: float
    measures: str
    line: int


class Publication(Strict):
    """published.toml. `file` names the text that line numbers count in; `library` heads the column of that name."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str
    title: str
    file: str
    updated: date
    task: str
    rubric: str
    library: str
    trials_per_row: int
    scope: str
    scope_line: int
    notes: list[str]
    tiers: Annotated[list[PublishedTier], Field(min_length=1)]
    dimensions: Annotated[list[PublishedDimension], Field(min_length=1)]


class RankedRow(Strict):
    """A row of the ranking. `rank`, `time` and `cost` are the cells' own words; `run` names the run behind it."""

    line: int
    rank: str = Field(pattern=r"^[1-9][0-9]*\*?$")
    model: str
    score: float
    tier: str
    library: Library
    time: str
    cost: str
    harness: str
    family: str
    origin: str
    local: bool
    run: str
    footnote: str = ""

    @property
    def rank_number(self) -> int:
        return int(self.rank.rstrip("*"))

    @property
    def minutes(self) -> float | None:
        """None where the cell is no duration ('failed')."""
        match = re.fullmatch(r"(?:([0-9]+)m)? ?(?:([0-9]+)s)?", self.time.strip())
        if not match or not any(match.groups()):
            return None
        return int(match[1] or 0) + int(match[2] or 0) / 60

    @property
    def cost_usd(self) -> float | None:
        """None where the cell is no sum ('free', 'subscription')."""
        match = re.fullmatch(r"~?\$([0-9]+(?:\.[0-9]+)?)", self.cost.strip())
        return float(match[1]) if match else None


class Ranking(Strict):
    about: str
    rows: Annotated[list[RankedRow], Field(min_length=1)]


class Table(Strict):
    """Anything else that was published: each row has a `key`, mostly a `line`, and scalars; `source` says whose."""

    about: str
    source: str
    rows: Annotated[list[dict[str, Scalar]], Field(min_length=1)]


@dataclass(frozen=True)
class Published:
    """A published folder, read."""

    folder: Path
    publication: Publication
    ranking: Ranking

    @cached_property
    def tables(self) -> dict[str, Table]:
        paths = sorted((self.folder / "tables").glob("*.toml"))
        tables = {path.stem: parse(Table, read_toml(path), str(path)) for path in paths}
        for name, table in tables.items():
            keys = [row.get("key") for row in table.rows]
            if not all(isinstance(key, str) for key in keys) or len(set(map(str, keys))) < len(keys):
                raise InputError(f"{self.folder}/tables/{name}.toml: every row needs a `key` of its own")
        return tables


def is_published(folder: Path) -> bool:
    return (folder / "published.toml").is_file()


def find_published(folder: Path) -> Path:
    """`folder`, or where it does not exist here and is named published/NAME, the copy that travels with shipbench."""
    if not folder.exists() and len(folder.parts) == 2 and folder.parts[0] == "published":
        return carried("published") / folder.name
    return folder


def load_published(folder: Path) -> Published:
    """InputError where a file is missing or does not fit."""
    if not is_published(folder):
        raise InputError(f"{folder}: no published.toml here, so not a folder of published results")
    return Published(
        folder,
        parse(Publication, read_toml(folder / "published.toml"), str(folder / "published.toml")),
        parse(Ranking, read_toml(folder / "ranking.toml"), str(folder / "ranking.toml")),
    )


def published_rows(published: Published) -> list[Row]:
    """Unranked rows. What the article does not tell (possible points, intervals, tokens) is None."""
    return [_row(published.publication, row) for row in published.ranking.rows]


def _row(publication: Publication, row: RankedRow) -> Row:
    minutes, cost = row.minutes, row.cost_usd
    ended = minutes is not None
    return Row(
        rank=None,
        tied=False,
        contender=row.model,
        model=row.model,
        harness=row.harness,
        task=publication.task,
        score=row.score,
        possible=None,
        low=None,
        high=None,
        tier=row.tier,
        trials=publication.trials_per_row,
        minutes=minutes,
        cost_usd=cost,
        cost_basis="published",
        notes=[
            *([row.footnote] if row.footnote else []),
            *([] if ended else [f"time as published: {row.time}"]),
            *([] if cost is not None else [f"cost as published: {row.cost}"]),
        ],
        source=f"published/{publication.name}",
        rubric=publication.rubric,
        planned=publication.trials_per_row,
        attempts=publication.trials_per_row,
        completed=publication.trials_per_row if ended else 0,
        outcomes={},
        input_tokens=None,
        output_tokens=None,
        published=PublishedCells(
            rank=row.rank,
            library=LIBRARY_MARKS[row.library],
            time=row.time,
            cost=row.cost,
            footnote=row.footnote,
            line=row.line,
        ),
    )
