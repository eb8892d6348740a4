"""Writes docs/kill-matrix.md: every mutant of rails-chat against every check."""

from pathlib import Path

from shipbench.audit.matrix import markdown, rows
from shipbench.task.load import load_task

TARGET = Path(__file__).resolve().parents[1] / "docs" / "kill-matrix.md"

if __name__ == "__main__":
    task = load_task("rails-chat")
    TARGET.write_text(markdown(task, rows(task)), encoding="utf-8")
    print(f"wrote {TARGET}")
