"""shipbench doctor"""

import click


@click.command()
def command() -> None:
    """Say which sandboxes, harnesses and tasks can be used here, and what is missing."""
    from shipbench import __version__
    from shipbench.errors import InputError
    from shipbench.harness.registry import get_harness, harness_names
    from shipbench.sandbox.bubblewrap import Bubblewrap
    from shipbench.task.load import task_names

    click.echo(f"shipbench {__version__}")
    reason = Bubblewrap().missing()
    click.echo(f"sandbox bubblewrap   {'ready' if reason is None else f'MISSING: {reason}'}")
    for name in harness_names():
        try:
            state = f"ready, version {get_harness(name).version()}"
        except InputError as error:
            state = f"MISSING: {error}"
        click.echo(f"harness {name:12} {state}")
    for name in task_names():
        click.echo(f"task    {name}")
