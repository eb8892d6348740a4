"""The kill matrix: which checks notice which seeded defect. The grader is graded by it."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shipbench.audit.finding import Verdict
from shipbench.audit.run import audit
from shipbench.task.load import Task
from shipbench.task.mutants import GOLDEN, load_mutant, materialize, mutant_names

Verdicts = Mapping[str, Verdict]


class Row(NamedTuple):
    """One mutant: the checks that must notice it, and those whose verdict is not the golden application's."""

    name: str
    title: str
    expected: tuple[str, ...]
    flipped: tuple[str, ...]
    verdicts: dict[str, Verdict]  # of the flipped checks

    @property
    def killed(self) -> bool:
        return set(self.expected) == set(self.flipped)


def verdicts(task: Task, name: str) -> dict[str, Verdict]:
    """Check → verdict of the task's application `name` (golden, null or a mutant), made in a folder that is removed."""
    with tempfile.TemporaryDirectory(prefix="shipbench-matrix-") as folder:
        materialize(task, name, Path(folder) / name)
        return {finding.check: finding.verdict for finding in audit(Path(folder) / name, task)}


def rows(task: Task) -> list[Row]:
    """Every mutant of the task against its golden application, by name."""
    golden = verdicts(task, GOLDEN)
    found = []
    for name in mutant_names(task):
        mutant = load_mutant(task, name)
        mine = verdicts(task, name)
        flipped = tuple(check for check in mine if mine[check] != golden[check])
        found.append(Row(name, mutant.title, mutant.expects, flipped, {check: mine[check] for check in flipped}))
    return found


def markdown(task: Task, found: Sequence[Row]) -> str:
    """The matrix as a Markdown document; the same rows give the same bytes."""
    lines = [
        f"# Kill matrix: {task.name}",
        "",
        "Each mutant is the golden application with one seeded defect. A mutant is killed when exactly the checks that",
        "must notice it change their verdict, and no other does. Written by `python scripts/kill_matrix.py`.",
        "",
        f"{sum(row.killed for row in found)} of {len(found)} mutants are killed.",
        "",
        "| Mutant | Defect | Checks that changed | Killed |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{row.name}` | {row.title} | {_changed(row)} | {'yes' if row.killed else _short(row)} |" for row in found
    ]
    proven = {check for row in found for check in row.flipped}
    unproven = [entry.id for entry in task.file.checks if entry.kind == "static" and entry.id not in proven]
    lines += [
        "",
        "Static checks that no mutant tests yet: " + (", ".join(f"`{check}`" for check in unproven) or "none") + ".",
    ]
    return "\n".join(lines) + "\n"


def _changed(row: Row) -> str:
    return ", ".join(f"`{check}` ({row.verdicts[check].replace('_', ' ')})" for check in row.flipped) or "none"


def _short(row: Row) -> str:
    missed = sorted(set(row.expected) - set(row.flipped))
    extra = sorted(set(row.flipped) - set(row.expected))
    parts = [f"missed by {', '.join(missed)}"] if missed else []
    parts += [f"also noticed by {', '.join(extra)}"] if extra else []
    return f"no: {'; '.join(parts)}"
