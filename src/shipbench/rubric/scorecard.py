"""The scorecard: what findings are worth under one rubric version."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# An assessment may come from a stranger: no NaN, and nothing that no tier has room for.
Points = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Deduction(BaseModel):
    """Points lost (`points` is negative), and the checks whose findings say so.

    `proven` is False where no check failed but one is unproven: these points are possible, not proven.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    points: Annotated[float, Field(ge=-1e6, le=0, allow_inf_nan=False)]
    findings: list[str]
    reason: str = ""
    proven: bool = True


class DimensionScore(BaseModel):
    """0 <= proven <= possible <= weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weight: Points
    proven: Points
    possible: Points
    deductions: list[Deduction]


class Cap(BaseModel):
    """A hard cap that applied: the total cannot be over `maximum` because of `findings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    maximum: Points
    findings: list[str]
    reason: str


class Scorecard(BaseModel):
    """`proven` and `possible` are after caps, `uncapped` is proven before them. The tier is that of proven."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rubric: str
    proven: Points
    possible: Points
    tier: str
    uncapped: Points
    caps: list[Cap]
    dimensions: list[DimensionScore]
