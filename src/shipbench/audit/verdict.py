"""How a check says what it found: one of four outcomes, each a summary and its evidence."""

from typing import NamedTuple

from shipbench.audit.finding import Evidence, Verdict

MAX_TEXT = 200
MAX_EVIDENCE = 12


class Outcome(NamedTuple):
    """A check's verdict before it has the check's name."""

    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()


def passed(summary: str, *evidence: Evidence) -> Outcome:
    return Outcome("pass", summary, evidence[:MAX_EVIDENCE])


def failed(summary: str, *evidence: Evidence) -> Outcome:
    """What is wrong; at least one place, or the place searched and what was not found there."""
    if not evidence:
        raise ValueError("a fail needs evidence")
    return Outcome("fail", summary, evidence[:MAX_EVIDENCE])


def unproven(summary: str, *evidence: Evidence) -> Outcome:
    return Outcome("unproven", summary, evidence[:MAX_EVIDENCE])


def not_applicable(summary: str, *evidence: Evidence) -> Outcome:
    return Outcome("not_applicable", summary, evidence[:MAX_EVIDENCE])


def capped(text: str, limit: int = MAX_TEXT) -> str:
    """Hostile text as one line of at most `limit` characters, without control characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= limit else f"{line[: max(limit - 1, 0)]}…"


def listed(names: list[str], limit: int = 5) -> str:
    """`a, b and c`, cut after `limit` names."""
    shown = [capped(name) for name in names[:limit]]
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
