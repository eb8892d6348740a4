"""The table of static checks: check id → the function that decides it."""

from collections.abc import Callable
from typing import NamedTuple

from shipbench.audit.app import App
from shipbench.audit.verdict import Outcome

CheckFunction = Callable[[App], Outcome]


class StaticCheck(NamedTuple):
    """`absence` marks a check that passes when nothing bad is found: without an application it is not applicable."""

    function: CheckFunction
    absence: bool


CHECKS: dict[str, StaticCheck] = {}


def check(identifier: str, *, absence: bool = False) -> Callable[[CheckFunction], CheckFunction]:
    """Register the function as the static check `identifier`."""

    def register(function: CheckFunction) -> CheckFunction:
        if identifier in CHECKS:
            raise ValueError(f"two functions decide {identifier}")
        CHECKS[identifier] = StaticCheck(function, absence)
        return function

    return register
