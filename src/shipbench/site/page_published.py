"""The page of a published ranking: another author's numbers as printed, apart from everything measured."""

from shipbench.site.leaderboard import Board
from shipbench.site.render import render
from shipbench.site.text import short_digest, slug
from shipbench.standings.published import Published


def page_name(published: Published) -> str:
    """`published-2026-05`: the short name where it says all, else with a digest that keeps pages apart."""
    name = published.publication.name
    plain = slug(name)
    return f"published-{plain}" if plain == name else f"published-{plain}-{short_digest(name)}"


def published_page(published: Published, board: Board | None, links: list[tuple[str, str]]) -> str:
    """`board` holds the ranked rows of this publication."""
    columns = {
        name: list(dict.fromkeys(key for row in table.rows for key in ("key", *row)))
        for name, table in published.tables.items()
    }
    return render(
        "published.html",
        root="",
        here=page_name(published),
        published=links,
        publication=published.publication,
        board=board,
        tables=published.tables,
        columns=columns,
    )
