"""The words that pages use for stored values."""

from shipbench.audit.finding import Verdict
from shipbench.bundle.schema import Cause, Outcome

OUTCOME = {
    Outcome.COMPLETED: "completed",
    Outcome.GAVE_UP: "gave up: the agent ended and left no application",
    Outcome.TIMEOUT: "timed out",
    Outcome.STALLED: "stalled",
    Outcome.LOOPED: "looped",
    Outcome.LIMIT: "reached a spending limit",
    Outcome.CRASHED: "the harness crashed",
    Outcome.INTERRUPTED: "interrupted: nobody lived to record the end",
}

CAUSE = {
    None: "no cause recorded",
    Cause.CONTENDER: "the contender's doing",
    Cause.HARNESS: "the harness's doing",
    Cause.PROVIDER: "the provider's doing",
    Cause.INFRASTRUCTURE: "an infrastructure failure, not held against the contender",
}

VERDICT: dict[Verdict, str] = {
    "fail": "failed",
    "unproven": "unproven",
    "pass": "passed",
    "not_applicable": "not applicable",
}

BASIS = {
    "provider": "as the provider billed it",
    "book": "from the price book",
    "harness": "as the harness claims",
    "published": "as published",
    "unknown": "no price known",
}

# A published ranking's marks, as words that every font and screen reader has.
LIBRARY = {"✅": "yes", "⚠️ bypass": "bypass", "❌": "no"}
