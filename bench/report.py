"""Sections as a table in the terminal and as JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.measure import Row, Section


def show(console: Console, section: Section) -> None:
    """One block of rows for each thing measured; medians, with the lowest and the highest round in brackets."""
    table = Table(title=section.title, title_justify="left", title_style="bold", box=SIMPLE)
    table.add_column("")
    table.add_column("median [lowest–highest]")
    table.add_column("ratio [lowest–highest]")
    table.add_column("goal")
    what = ""
    for row in section.rows:
        if row.what != what:
            table.add_section()
            table.add_row(f"[bold]{row.what}[/bold] ({row.unit})")
            what = row.what
        table.add_row(
            f"  {row.who}", _range(row.values), _range(row.ratios) if row.ratios else "1, the peer", _goal(row)
        )
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", markup=False)
    console.print()


def _range(values: Sequence[float]) -> str:
    middle = number(median(values))
    return middle if len(values) == 1 else f"{middle} [dim]\\[{number(min(values))}–{number(max(values))}][/dim]"


def _goal(row: Row) -> str:
    if row.goal is None or row.ratio is None:
        return ""
    return f"{row.goal.kind} {row.goal.bound:g}: {'met' if row.goal.met(row.ratio) else 'MISSED'}"


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_json(sections: Mapping[str, Section], *, quick: bool) -> str:
    document = {
        "schema": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
        },
        "quick": quick,
        "sections": {
            name: {"title": each.title, "rows": [row.as_json() for row in each.rows], "notes": each.notes}
            for name, each in sections.items()
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
