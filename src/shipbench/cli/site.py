"""shipbench site"""

from pathlib import Path

import click


@click.command()
@click.argument("folders", metavar="DIR…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write the site to.")
def command(folders: tuple[Path, ...], out: Path) -> None:
    """Write the static site of run folders and published folders DIR… It needs no server: open its index.html."""
    from shipbench.site.build import build_site

    click.echo(build_site(folders, out))
