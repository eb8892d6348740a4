"""shipbench run"""

from pathlib import Path

import click


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; default runs/NAME.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Trials at a time, in place of the file's.")
@click.option(
    "--sandbox", type=click.Choice(["bubblewrap", "host"]), help="In place of the file's; host isolates nothing."
)
def command(experiment: Path, out: Path | None, jobs: int | None, sandbox: str | None) -> None:
    """Run every trial of EXPERIMENT that is not finished yet, audit and score it, and print the standings.

    The same command goes on where it stopped.
    """
    from shipbench.cli.experiments import run_experiment
    from shipbench.cli.standings import print_standings
    from shipbench.experiment.plan import read_experiment

    file = read_experiment(experiment)
    if sandbox is not None:
        file = file.model_copy(update={"sandbox": sandbox})
    folder = out or Path("runs") / file.name
    run_experiment(file, folder, jobs or file.jobs)
    print_standings([folder])
    click.echo(f"\nEvidence: {folder}   Site: shipbench site {folder} --out {folder}/site")
