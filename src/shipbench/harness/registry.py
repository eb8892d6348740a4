"""The harnesses by name."""

from collections.abc import Callable

from shipbench.errors import InputError
from shipbench.harness.base import Harness


def _plain() -> Harness:
    from shipbench.harness.plain import Plain

    return Plain()


def _opencode() -> Harness:
    from shipbench.harness.opencode import OpenCode

    return OpenCode()


_MAKERS: dict[str, Callable[[], Harness]] = {"opencode": _opencode, "plain": _plain}


def harness_names() -> list[str]:
    return sorted(_MAKERS)


def get_harness(name: str) -> Harness:
    """The harness `name`; InputError with the known names where there is none."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise InputError(f"no harness {name!r}; there is: {', '.join(harness_names())}")
    return maker()
