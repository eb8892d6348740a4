"""history.bounded: what is a limit, and what only looks like one."""

import pytest
from audit_apps import Changes, changed, golden, outcome, verdict

MODEL = "app/models/conversation.rb"
STORE = "app/models/conversation_store.rb"
BODY = golden()[MODEL].decode()
UNTIMED = golden()[STORE].decode().replace(", expires_in: TTL", "")


def model(statement: str) -> Changes:
    start, end = BODY.index("    kept = messages.last"), BODY.index("  end\nend\n")
    return {STORE: UNTIMED, MODEL: BODY[:start] + f"    {statement}\n" + BODY[end:]}


LIMITS = [
    "messages.last(20)", "messages.take(MAX_MESSAGES)", "messages[-20..]", "messages[-MAX_MESSAGES, MAX_MESSAGES]",
    "messages.drop(messages.size - 20)", "messages.shift while messages.size > 20",
    "messages = messages.drop(1) while messages.sum { |m| m.content.length } > 9_000",
    "raise 'too long' if messages.length > MAX_MESSAGES", "messages.slice!(0, messages.length - 30); messages",
]  # fmt: skip
NONE = [
    "messages", "messages.drop_while { |message| !message.from_user? }", "messages.drop(1)",
    "messages.size > 0 ? messages : []", "messages.map { |m| m.content.first(200) }", "messages[0]",
]  # fmt: skip


@pytest.mark.parametrize("statement", LIMITS)
def test_a_limit(statement: str) -> None:
    found = outcome("history.bounded", changed(model(statement)))
    assert found.verdict == "pass"
    assert "time only" not in found.summary


@pytest.mark.parametrize("statement", NONE)
def test_none(statement: str) -> None:
    assert verdict("history.bounded", changed(model(statement))) == "fail"


def test_a_time_to_live_is_named_as_such() -> None:
    found = outcome("history.bounded", changed({**model("messages"), STORE: golden()[STORE]}))
    assert (found.verdict, "limited by time only" in found.summary) == ("pass", True)


def test_what_is_trimmed_somehow_is_not_certain() -> None:
    assert verdict("history.bounded", changed(model("messages.prune"))) == "unproven"
