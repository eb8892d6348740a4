"""What a check says, and on what evidence."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["pass", "fail", "unproven", "not_applicable"]


class Evidence(BaseModel):
    """A place in the audited folder. `path` is relative to it; `line` is 1-based, None for a whole file.

    `text` is the line as found, or what was searched for and not found: hostile text, capped, to be escaped by
    whoever shows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    line: int | None = None
    text: str = ""


class Finding(BaseModel):
    """One check's verdict.

    `fail` needs evidence; `unproven` means that nobody could look (no browser, say); `not_applicable` means that there
    is nothing to which the check could apply, and it earns nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    verdict: Verdict
    summary: str
    evidence: list[Evidence] = []
