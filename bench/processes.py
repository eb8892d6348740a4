"""Processes of the bench, and what the kernel says of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: its base URL and its process. `faithful` ones give the upstream's bytes as they were."""

    url: str
    pid: int
    faithful: bool = True

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """`python -m ARGUMENTS` from its first line, which is its URL, to the end of the block."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{arguments[0]} {arguments[1]} did not start")
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def output_of(*arguments: str) -> str:
    """What `python -m ARGUMENTS` prints."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=600
    ).stdout
