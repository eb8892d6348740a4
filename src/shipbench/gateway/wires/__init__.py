"""One module a wire protocol. The gateway asks a wire to read requests and answers, never to rewrite them."""

from shipbench.gateway.wires.base import Wire
from shipbench.gateway.wires.chat import ChatWire

# By path below the trial's prefix.
WIRES: dict[str, Wire] = {"/v1/chat/completions": ChatWire()}


def wire_for(path: str) -> Wire:
    """The wire that speaks on `path`; for a path of none, the one whose error shape most clients read."""
    return WIRES.get(path) or WIRES["/v1/chat/completions"]
