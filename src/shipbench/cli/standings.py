"""shipbench standings"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click


@click.command("standings")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def command(folders: tuple[Path, ...], as_json: bool) -> None:
    """Rank the contenders of run folders and of published results.

    DIR is the folder of a run, or one of published results; published/2026-05 is carried along.
    """
    print_standings(folders, as_json=as_json)


def print_standings(folders: Sequence[Path], *, as_json: bool = False) -> None:
    """The standings of `folders` on standard output."""
    from shipbench.standings.collect import standings

    result = standings(folders)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 gets ? for ✅, not a traceback
    if as_json:
        click.echo(result.model_dump_json(indent=1, by_alias=True))
        return
    from rich.console import Console

    from shipbench.standings.table import render

    terminal = Console()
    width = terminal.width if terminal.is_terminal else None
    click.echo(render(result, width, colour=terminal.is_terminal and not terminal.no_color), nl=False)
