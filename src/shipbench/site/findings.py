"""The findings of an assessment as a page shows them: grouped by check, worst first, each evidence with its source."""

from collections.abc import Mapping
from dataclasses import dataclass

from shipbench.audit.finding import Finding, Verdict
from shipbench.site.source import Quote, Sources
from shipbench.site.text import slug
from shipbench.task.model import CheckEntry, Requirement

ORDER: tuple[Verdict, ...] = ("fail", "unproven", "not_applicable", "pass")
MAX_EVIDENCE = 40


@dataclass(frozen=True)
class ShownFinding:
    """`hidden` counts the pieces of evidence left out."""

    verdict: Verdict
    summary: str
    quotes: list[Quote]
    hidden: int


@dataclass(frozen=True)
class CheckGroup:
    """All findings of one check, with the worst of their verdicts. `title` is empty for a check that no task names."""

    anchor: str
    check: str
    title: str
    requirements: list[Requirement]
    verdict: Verdict
    findings: list[ShownFinding]


@dataclass(frozen=True)
class Catalogue:
    """What the task says about checks; empty where the task is not known here."""

    checks: Mapping[str, CheckEntry]
    requirements: Mapping[str, Requirement]


def group_findings(findings: list[Finding], catalogue: Catalogue, sources: Sources) -> list[CheckGroup]:
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    groups = [
        _group(number, check, listed, catalogue, sources) for number, (check, listed) in enumerate(by_check.items(), 1)
    ]
    return sorted(groups, key=lambda group: ORDER.index(group.verdict))


def _group(number: int, check: str, findings: list[Finding], catalogue: Catalogue, sources: Sources) -> CheckGroup:
    entry = catalogue.checks.get(check)
    plain = f"check-{slug(check)}"
    return CheckGroup(
        # A check of the catalogue has a permalink by its name; any other text could collide with one, so gets a number.
        anchor=plain if entry else f"{plain}-{number}",
        check=check,
        title=entry.title if entry else "",
        requirements=[catalogue.requirements[name] for name in entry.requirements] if entry else [],
        verdict=min((finding.verdict for finding in findings), key=ORDER.index),
        findings=[_shown(finding, sources) for finding in findings],
    )


def _shown(finding: Finding, sources: Sources) -> ShownFinding:
    shown = finding.evidence[:MAX_EVIDENCE]
    return ShownFinding(finding.verdict, finding.summary, sources.quotes(shown), len(finding.evidence) - len(shown))
