"""Numbers as people read them. None is unknown and is never shown as 0."""

from datetime import UTC, datetime

UNKNOWN = "unknown"


def points(value: float | None) -> str:
    """`97`, `91.5`, at most one decimal."""
    return UNKNOWN if value is None else f"{value:.1f}".removesuffix(".0")


def signed(value: float) -> str:
    """Points with their sign, a real minus in front."""
    return f"{'−' if value < 0 else '+'}{points(abs(value))}"


def duration(seconds: float | None) -> str:
    """`0 s`, `4 ms`, `0.42 s`, `35 s`, `2 m 35 s`, `1 h 02 m`."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 0.0995:
        return f"{seconds * 1e3:.0f} ms" if seconds >= 0.0005 else "under 1 ms"
    if 0 < seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def minutes(value: float | None) -> str:
    return duration(None if value is None else value * 60)


def tokens(count: float | None) -> str:
    """`812`, `12.4k`, `1.25M`."""
    if count is None:
        return UNKNOWN
    if count < 1000:
        return f"{count:.0f}"
    return f"{count / 1e3:.1f}k" if count < 999_950 else f"{count / 1e6:.2f}M"


def usd(value: float | None) -> str:
    """Dollars with two decimals, or two significant digits below a cent."""
    if value is None:
        return UNKNOWN
    if value == 0 or value >= 0.0995:
        return f"${value:,.2f}"
    return f"${value:.3f}" if value >= 0.001 else f"${value:.2g}"


def size(count: int) -> str:
    """Bytes as `812 B`, `12.4 kB`, `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} kB" if count < 999_950 else f"{count / 1e6:.1f} MB"


def utc(moment: datetime) -> str:
    """`2026-05-06 14:03:59`, in UTC whatever the zone it was stored in."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
