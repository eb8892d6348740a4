"""The table of static checks: check id → the function that decides it."""

from collections.abc import Callable
from typing import NamedTuple

from shipbench.audit.app import App
from shipbench.audit.verdict import Outcome

CheckFunction = Callable[[App], Outcome]


class StaticCheck(NamedTuple):
    """`absence` marks a check that passes when nothing bad is found: without an application it is not applicable.
    `textual` marks one that reads text and no syntax, so that a file with an error in it tells it as much as any."""

    function: CheckFunction
    absence: bool
    textual: bool = False


CHECKS: dict[str, StaticCheck] = {}


def check(identifier: str, *, absence: bool = False, textual: bool = False) -> Callable[[CheckFunction], CheckFunction]:
    """Register the function as the static check `identifier`."""

    def register(function: CheckFunction) -> CheckFunction:
        if identifier in CHECKS:
            raise ValueError(f"two functions decide {identifier}")
        CHECKS[identifier] = StaticCheck(function, absence, textual)
        return function

    return register
