"""history.replayed follows the list of earlier turns to where it comes from."""

import pytest
from audit_apps import Changes, changed, golden, verdict

SEND = "app/services/send_message.rb"
ASSISTANT = "app/services/assistant.rb"
SENDER = golden()[SEND].decode()
CODE = golden()[ASSISTANT].decode()
GIVEN = "history: @store.find(conversation_id).messages"
LOOP = "history.each { |message| chat.add_message(role: message.role.to_sym, content: message.content) }"
POSITIONAL = CODE.replace("def reply_to(prompt, history: [])", "def reply_to(prompt, history = [])")
HELD = CODE.replace("    history.each", "    @history.each").replace(
    "instructions: INSTRUCTIONS)", "instructions: INSTRUCTIONS, history: [])\n    @history = history"
)


def sender(given: str) -> str:
    assert GIVEN in SENDER
    return SENDER.replace(f", {GIVEN}", given)


CASES: dict[str, tuple[str, Changes]] = {
    "an empty list": ("fail", {SEND: sender(", history: []")}),
    "nil": ("fail", {SEND: sender(", history: nil")}),
    "left out, empty by default": ("fail", {SEND: sender("")}),
    "positional, an empty list": ("fail", {SEND: sender(", []"), ASSISTANT: POSITIONAL}),
    "positional, left out": ("fail", {SEND: sender(""), ASSISTANT: POSITIONAL}),
    "positional, filled": ("pass", {SEND: sender(", @store.find(1).messages"), ASSISTANT: POSITIONAL}),
    "filled": ("pass", {}),
    "the last few": ("pass", {ASSISTANT: CODE.replace(LOOP, LOOP.replace("history.each", "history.last(9).each"))}),
    "the last few of nothing": (
        "fail",
        {SEND: sender(""), ASSISTANT: CODE.replace(LOOP, LOOP.replace("history.each", "history.last(9).each"))},
    ),
    "options that are spread": ("unproven", {SEND: sender(", **options")}),
    "by symbol, an empty list": (
        "fail",
        {SEND: sender(", history: []"), ASSISTANT: CODE.replace(LOOP, "history.each(&chat.method(:add_message))")},
    ),
    "a variable of the object, never given": ("fail", {ASSISTANT: HELD}),
    "a variable of the object, given": (
        "pass",
        {ASSISTANT: HELD, SEND: SENDER.replace("Assistant.new,", "Assistant.new(history: turns),")},
    ),
    "a receiver of unknown class": (
        "unproven",
        {SEND: sender(", history: []").replace("assistant: Assistant.new", "assistant:")},
    ),
    "one caller that fills it": (
        "pass",
        {
            SEND: sender(", history: []"),
            "app/jobs/a_job.rb": "class AJob\n  def perform(t) = Assistant.new.reply_to(1, history: t.turns)\nend\n",
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_replayed(name: str) -> None:
    expected, changes = CASES[name]
    assert verdict("history.replayed", changed(changes)) == expected
