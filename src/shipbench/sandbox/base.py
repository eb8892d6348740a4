"""What a sandbox is: it turns a command into one that sees a workspace, a home, its tools and the gateway."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Cell:
    """What one process may see. `workspace` and `home` are folders of the host that it may write; `mounts` it may read.

    `gateway_socket` is the gateway's Unix socket, `gateway_port` its TCP port on the host's loopback.
    """

    workspace: Path
    home: Path
    mounts: tuple[Path, ...]
    gateway_socket: Path
    gateway_port: int
    network: Literal["gateway", "host"]


class Sandbox(Protocol):
    """`inside` tells how the process sees things; `command` wraps argv and leaves the environment alone."""

    name: Literal["bubblewrap", "host"]

    def missing(self) -> str | None:
        """Why this sandbox cannot be used here, in one line; None where it can."""
        ...

    def inside(self, cell: Cell) -> "Inside": ...

    def own_failure(self, stderr: str) -> bool:
        """Whether this standard error, of a process that sent no request, says that the sandbox did not start."""
        ...

    def command(self, cell: Cell, argv: list[str]) -> list[str]: ...


@dataclass(frozen=True)
class Inside:
    """Absolute paths and the gateway's base URL (without a trailing slash) as the process sees them."""

    workspace: str
    home: str
    gateway_url: str
