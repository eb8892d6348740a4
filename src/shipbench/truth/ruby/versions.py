"""The order of a gem's versions."""


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Sorts as RubyGems does, for the versions that are met: 1.9.2 < 1.14.0.rc1 < 1.14.0 < 1.14.1."""
    parts = version.replace("rc", ".rc.").replace("pre", ".pre.").replace("-", ".").split(".")
    return (*((int(part), "") if part.isdigit() else (-1, part) for part in parts if part), (0, ""))
