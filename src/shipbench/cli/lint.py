"""shipbench lint"""

import sys
from pathlib import Path

import click


@click.command("lint")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print the contradictions as JSON.")
@click.option("--strict", is_flag=True, help="Exit 1 when there is a contradiction.")
def command(folder: Path, as_json: bool, strict: bool) -> None:
    """List the claims of published results that their own data contradict.

    DIR is a folder of published results; published/2026-05 is carried along.
    """
    from shipbench.standings.lint.run import lint
    from shipbench.standings.published import find_published, load_published
    from shipbench.standings.text import printable

    report = lint(load_published(find_published(folder)))
    if as_json:
        click.echo(report.model_dump_json(indent=1))
    else:
        for number, found in enumerate(report.contradictions, 1):
            lines = ", ".join(map(str, found.lines))
            slight = "; slight" if found.slight else ""
            head = f"{found.id} (line {lines}; rule {found.rule}; against {found.against}{slight})"
            click.echo(f"{number:2}. {printable(head)}")
            click.echo(f"    claimed: {printable(found.claim)}")
            click.echo(f"    found:   {printable(found.found)}")
        slight_ones = sum(found.slight for found in report.contradictions)
        click.echo(
            f"{len(report.contradictions)} of {report.checked} claims contradict the data, "
            f"{slight_ones} of them by no more than a tenth."
        )
    if strict and report.contradictions:
        sys.exit(1)
