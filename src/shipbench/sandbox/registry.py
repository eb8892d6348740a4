"""The sandboxes by name."""

from shipbench.errors import InputError
from shipbench.sandbox.base import Sandbox
from shipbench.sandbox.bubblewrap import Bubblewrap
from shipbench.sandbox.host import Host


def get_sandbox(name: str) -> Sandbox:
    """InputError where there is no such sandbox, or where it cannot be used on this machine."""
    sandboxes: dict[str, Sandbox] = {"bubblewrap": Bubblewrap(), "host": Host()}
    if name not in sandboxes:
        raise InputError(f"no sandbox {name!r}; there is: {', '.join(sandboxes)}")
    if reason := sandboxes[name].missing():
        raise InputError(f"sandbox {name}: {reason}; or ask for `--sandbox host`, which isolates nothing")
    return sandboxes[name]
