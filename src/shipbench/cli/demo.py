"""shipbench demo"""

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--out", default="demo-output", show_default=True, type=click.Path(path_type=Path), help="Where to write."
)
def command(out: Path) -> None:
    """Let scripted contenders build an application for real, audit and rank them, and write the site.

    A golden application, several with one seeded defect each, and one that does nothing go through the built-in agent,
    the gateway and the sandbox. No key and no network are needed.
    """
    from shipbench.bundle.layout import RunFolder
    from shipbench.cli.experiments import run_experiment
    from shipbench.cli.standings import print_standings
    from shipbench.experiment.plan import is_locked_with, make_plan, read_experiment
    from shipbench.files import carried, write_atomically
    from shipbench.sandbox.bubblewrap import Bubblewrap
    from shipbench.site.build import build_site
    from shipbench.standings.collect import standings
    from shipbench.trial.home import remove_tree

    file = read_experiment(carried("experiments") / "demo.toml")
    if reason := Bubblewrap().missing():
        click.echo(f"No sandbox here: {reason}.\nThe demo's contenders are its own, so they run on the host instead.\n")
        file = file.model_copy(update={"sandbox": "host"})
    run = out / "run"
    if not is_locked_with(make_plan(file), RunFolder(run)):
        click.echo(f"{run} is of another version of the demo and is made anew.")
        remove_tree(run)
    run_experiment(file, run, file.jobs)
    click.echo()
    print_standings([run])
    rows = standings([run])
    write_atomically(out / "standings.json", rows.model_dump_json(indent=1, by_alias=True) + "\n")
    build_site([run, Path("published/2026-05")], out / "site")
    click.echo(f"\nEvidence  {run}\nNumbers   {out / 'standings.json'}\nSite      {out / 'site' / 'index.html'}")
    tiers = {row.model: row.tier for row in rows.rows}
    if (tiers["golden"], tiers["null"]) != ("A", "D"):
        click.echo("\nThe demo did not end as it should: golden belongs in tier A, null in tier D.", err=True)
        sys.exit(1)
