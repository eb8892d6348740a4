"""No sandbox: the process runs as this user on this machine. Only when asked for by name."""

from typing import Literal

from shipbench.sandbox.base import Cell, Inside


class Host:
    """The command as it is; only environment and working directory are ours."""

    name: Literal["bubblewrap", "host"] = "host"

    def missing(self) -> str | None:
        return None

    def inside(self, cell: Cell) -> Inside:
        return Inside(str(cell.workspace), str(cell.home), f"http://127.0.0.1:{cell.gateway_port}")

    def own_failure(self, stderr: str) -> bool:  # noqa: ARG002
        return False

    def command(self, cell: Cell, argv: list[str]) -> list[str]:  # noqa: ARG002
        return argv
