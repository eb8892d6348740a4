"""Looking facts up in published tables."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from shipbench.errors import InputError
from shipbench.standings.published import Published, RankedRow, Scalar

ARTICLE = "the article"

Fields = Mapping[str, Scalar]


class Facts:
    """Every table of a published folder by name, the ranking, its tiers and its dimensions among them.

    A reference is `TABLE/KEY/FIELD`. A filter (`where`) gives fields the value, or the list of values, they must have.
    """

    def __init__(self, published: Published) -> None:
        self.published = published

    @cached_property
    def tables(self) -> dict[str, list[Fields]]:
        tables: dict[str, list[Fields]] = {name: list(table.rows) for name, table in self.published.tables.items()}
        publication = self.published.publication
        tables["ranking"] = [_ranked(row) for row in self.published.ranking.rows]
        tables["tiers"] = [{"key": tier.name} | tier.model_dump(exclude={"name"}) for tier in publication.tiers]
        tables["dimensions"] = [
            {"key": dimension.name} | dimension.model_dump(exclude={"name"}) for dimension in publication.dimensions
        ]
        return tables

    def source(self, tables: Iterable[str]) -> str:
        """Whose data `tables` are: the sources other than the article's own, else the article's."""
        known = self.published.tables
        others = {known[name].source for name in tables if name in known} - {ARTICLE}
        return "; ".join(sorted(others)) or ARTICLE

    def select(self, table: str, where: Mapping[str, Scalar]) -> list[Fields]:
        """The rows of `table` that fit the filter."""
        if table not in self.tables:
            raise InputError(f"{self.published.folder}: no table {table!r}; there is: {', '.join(sorted(self.tables))}")
        return [row for row in self.tables[table] if all(_fits(row.get(name), want) for name, want in where.items())]

    def row(self, table: str, key: str) -> Fields:
        for row in self.select(table, {"key": key}):
            return row
        raise InputError(f"{self.published.folder}: table {table!r} has no row {key!r}")

    def value(self, reference: str) -> Scalar:
        table, _, rest = reference.partition("/")
        key, _, field = rest.rpartition("/")
        row = self.row(table, key)
        if field not in row:
            raise InputError(f"{self.published.folder}: {table}/{key} has no field {field!r}")
        return row[field]

    def number(self, value: float | str) -> float:
        """A number as it is, or the number that a reference leads to."""
        found = self.value(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise InputError(f"{self.published.folder}: {value} is not a number")
        return float(found)


def key_of(row: Fields) -> str:
    return str(row["key"])


def _ranked(row: RankedRow) -> Fields:
    """The row with its cells read as numbers; a cell that is none (`failed`, `free`) leaves the field out."""
    fields: dict[str, Scalar] = {"key": row.model} | row.model_dump(exclude={"model", "time", "cost", "rank"})
    fields |= {"rank": row.rank_number, "finished": row.minutes is not None}
    if row.minutes is not None:
        fields["minutes"] = row.minutes
    if row.cost_usd is not None:
        fields["cost"] = row.cost_usd
    return fields


def _fits(value: Scalar | None, want: Scalar) -> bool:
    return value in want if isinstance(want, list) else value == want
