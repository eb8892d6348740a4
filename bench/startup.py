"""How long commands take to start, against bare Python."""

import subprocess
import sys
from functools import partial
from pathlib import Path

from bench.measure import Goal, Say, Section, against, in_milliseconds, seconds_of, take_turns

BARE = "python -c pass"
OURS = "shipbench --help"


def run(quick: bool, say: Say) -> Section:
    shipbench = str(Path(sys.executable).with_name("shipbench"))
    commands = {
        BARE: [sys.executable, "-c", "pass"],
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        OURS: [shipbench, "--help"],
        "python -c 'import aiohttp, pydantic'": [sys.executable, "-c", "import aiohttp, pydantic"],
        "shipbench gateway, until it listens": [sys.executable, "-c", _GATEWAY],
    }
    cases = {name: seconds_of(partial(_run, command)) for name, command in commands.items()}
    values = take_turns(cases, 1 if quick else 21, say)
    return Section("Start-up", against("wall time", in_milliseconds(values), BARE, "ms", {OURS: Goal("at most", 10)}))


# All that `shipbench gateway serve --provider ollama` does before its first request: start, listen, open a wire.
_GATEWAY = """
import asyncio, pathlib, tempfile
from shipbench.bundle.schema import Limits
from shipbench.gateway.providers import http_provider
from shipbench.gateway.server import Gateway, Ticket
from shipbench.gateway.totals import Totals

async def main(folder):
    gateway = Gateway()
    await gateway.start()
    gateway.open(Ticket("attempt-1", folder, http_provider("ollama"), Limits(), Totals()))

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(pathlib.Path(folder)))
"""


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
