"""The harnesses by name."""

from collections.abc import Callable

from shipbench.errors import InputError
from shipbench.harness.base import Harness


def _plain() -> Harness:
    from shipbench.harness.plain import Plain

    return Plain()


_MAKERS: dict[str, Callable[[], Harness]] = {"plain": _plain}


def harness_names() -> list[str]:
    return sorted(_MAKERS)


def get_harness(name: str) -> Harness:
    """The harness `name`; InputError with the known names where there is none."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise InputError(f"no harness {name!r}; there is: {', '.join(harness_names())}")
    return maker()
