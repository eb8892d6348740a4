"""shipbench verify"""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--recompute", is_flag=True, help="Audit and score every bundle again, and compare.")
def command(run: Path, recompute: bool) -> None:
    """Hold RUN against its plan and every bundle against its seal: exit 1 where anything is missing or differs."""
    from shipbench.bundle.layout import RunFolder
    from shipbench.engine.verify import verify_run
    from shipbench.standings.text import printable

    folder = RunFolder(run)
    folder.require()
    problems = verify_run(folder, recompute=recompute)
    for problem in problems:
        click.echo(printable(problem))
    bundles = sum(len(folder.bundles(trial)) for trial in folder.trials())
    click.echo(f"{bundles} bundles, {len(problems)} problems")
    sys.exit(1 if problems else 0)
