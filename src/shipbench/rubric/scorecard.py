"""The scorecard: what findings are worth under one rubric version."""

from pydantic import BaseModel, ConfigDict


class Deduction(BaseModel):
    """Points lost (`points` is negative), and the checks whose findings say so.

    `proven` is False where no check failed but one is unproven: these points are possible, not proven.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    points: float
    findings: list[str]
    reason: str = ""
    proven: bool = True


class DimensionScore(BaseModel):
    """0 <= proven <= possible <= weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weight: float
    proven: float
    possible: float
    deductions: list[Deduction]


class Cap(BaseModel):
    """A hard cap that applied: the total cannot be over `maximum` because of `findings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    maximum: float
    findings: list[str]
    reason: str


class Scorecard(BaseModel):
    """`proven` and `possible` are after caps, `uncapped` is proven before them. The tier is that of proven."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rubric: str
    proven: float
    possible: float
    tier: str
    uncapped: float
    caps: list[Cap]
    dimensions: list[DimensionScore]
