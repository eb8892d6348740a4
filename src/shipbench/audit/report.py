"""The published shape of an audit: what `shipbench audit --json` prints and an assessment file holds."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shipbench.audit.finding import Finding


class AuditReport(BaseModel):
    """`scorecard` is what the rubric room made of `findings` (rubric.scorecard.Scorecard as JSON)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    task: str
    findings: list[Finding]
    scorecard: dict[str, Any]
