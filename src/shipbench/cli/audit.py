"""shipbench audit"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from shipbench.audit.finding import Finding
    from shipbench.rubric.load import Rubric
    from shipbench.rubric.scorecard import Scorecard

MARKS = {"pass": ("✓", "green"), "fail": ("✗", "red"), "unproven": ("?", "yellow"), "not_applicable": ("–", "dim")}


@click.command("audit")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--task", "task_name", required=True, metavar="NAME", help="The task that the application answers.")
@click.option("--static-only", is_flag=True, help="Boot nothing: the live checks stay unproven.")
@click.option("--rubric", "version", metavar="V", help="Score by this rubric version; the task's own otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print findings and scorecard as JSON.")
def command(folder: Path, task_name: str, static_only: bool, version: str | None, as_json: bool) -> None:
    """Check a folder with a built application, and score it."""
    del static_only  # every check that runs is static so far; the option says that it shall stay so
    from shipbench.audit.report import AuditReport
    from shipbench.audit.run import audit
    from shipbench.rubric.load import task_rubric
    from shipbench.rubric.score import score
    from shipbench.task.load import load_task

    task = load_task(task_name)
    rubric = task_rubric(task, version)
    findings = audit(folder, task)
    card = score(rubric, findings)
    if as_json:
        report = AuditReport(task=task.name, findings=findings, scorecard=card.model_dump(mode="json"))
        click.echo(report.model_dump_json(by_alias=True))
        return
    _print(rubric, findings, card)


def _print(rubric: "Rubric", findings: list["Finding"], card: "Scorecard") -> None:
    """Findings under the dimension that they cost points in, what no dimension uses last; then the score."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    by_check = {finding.check: finding for finding in findings}
    shown: set[str] = set()
    for dimension, scored in zip(rubric.dimensions, card.dimensions, strict=True):
        checks = dict.fromkeys(check for rule in dimension.deductions for check in rule.checks)
        _heading(console, f"{scored.name}: {_range(scored.proven, scored.possible)} of {scored.weight:g}")
        _findings(console, [by_check[check] for check in checks])
        shown |= set(checks)
    rest = [finding for finding in findings if finding.check not in shown]
    if rest:
        _heading(console, "without points")
        _findings(console, rest)
    console.print()
    for cap in card.caps:
        console.print(f"At most {cap.maximum:g}: {cap.reason}", markup=False)
    _heading(
        console, f"{rubric.task}, rubric {card.rubric}: {_range(card.proven, card.possible)} points, tier {card.tier}"
    )


def _heading(console: "Console", text: str) -> None:
    console.print()
    console.print(text, style="bold", markup=False)


def _range(proven: float, possible: float) -> str:
    return f"{proven:g}" if proven == possible else f"{proven:g} proven, {possible:g} possible"


def _findings(console: "Console", findings: list["Finding"]) -> None:
    """One line a finding; its evidence below where it is not a pass. All text from files is shown as text."""
    from rich.text import Text

    for finding in findings:
        mark, style = MARKS[finding.verdict]
        console.print(Text.assemble((f"  {mark} ", style), (finding.check, "bold"), f"  {finding.summary}"))
        for evidence in finding.evidence if finding.verdict in ("fail", "unproven") else []:
            place = f"{evidence.path}:{evidence.line}" if evidence.line else evidence.path
            console.print(Text(f"      {place}  {evidence.text}", style="dim"))
