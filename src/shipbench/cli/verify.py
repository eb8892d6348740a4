"""shipbench verify"""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Hold every bundle of RUN against its seal: exit 1 where a byte differs."""
    from shipbench.bundle.layout import RunFolder
    from shipbench.bundle.seal import verify
    from shipbench.standings.text import printable

    folder = RunFolder(run)
    folder.require()
    bundles = [bundle for trial in folder.trials() for bundle in folder.bundles(trial)]
    problems = [f"{bundle.root}: {problem}" for bundle in bundles for problem in verify(bundle)]
    for problem in problems:
        click.echo(printable(problem))
    click.echo(f"{len(bundles)} bundles, {len(problems)} problems")
    sys.exit(1 if problems else 0)
