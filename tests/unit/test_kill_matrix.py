"""The grader is graded: every mutant flips exactly the checks meant for it."""

import pytest
from audit_apps import task

from shipbench.audit.matrix import Row, markdown, rows
from shipbench.files import carried

ROWS: list[Row] = []


@pytest.fixture(scope="module")
def matrix() -> list[Row]:
    if not ROWS:
        ROWS.extend(rows(task()))
    return ROWS


def test_every_mutant_flips_its_checks_and_no_other(matrix: list[Row]) -> None:
    print(markdown(task(), matrix))
    wrong = {row.name: (row.expected, row.flipped) for row in matrix if not row.killed}
    assert not wrong
    assert len(matrix) >= 12


def test_a_flip_is_never_towards_a_pass(matrix: list[Row]) -> None:
    assert all(verdict != "pass" for row in matrix for verdict in row.verdicts.values())


def test_the_document_is_current(matrix: list[Row]) -> None:
    document = carried("tasks").parent / "docs" / "kill-matrix.md"
    assert document.read_text(encoding="utf-8") == markdown(task(), matrix), "run: python scripts/kill_matrix.py"


def test_an_unkilled_mutant_is_shown_as_such() -> None:
    row = Row(
        "soft",
        "A defect",
        ("llm.configured", "ui.tailwind"),
        ("ui.tailwind", "ui.partials"),
        {"ui.tailwind": "fail", "ui.partials": "unproven"},
    )
    text = markdown(task(), [row])
    assert "0 of 1 mutants" in text
    assert "no: missed by llm.configured; also noticed by ui.partials" in text
