"""Code that talks to the model and that nothing calls proves nothing."""

import pytest
from audit_apps import Changes, changed, golden, outcome, verdict

CHECKS = ("llm.library_used", "history.replayed", "tests.reach_provider_call", "architecture.provider_seam")
PATH = "app/controllers/messages_controller.rb"
CONTROLLER = golden()[PATH].decode()
CALL = "SendMessage.new(store: conversations).call(conversation_id:, content: @prompt.content)"
CONSTANT = CONTROLLER.replace(CALL, '[ Message.from_assistant("42") ]')


@pytest.mark.parametrize("check", CHECKS)
def test_a_controller_that_answers_a_constant(check: str) -> None:
    assert CALL in CONTROLLER
    found = outcome(check, changed({PATH: CONSTANT}))
    assert found.verdict == "unproven"
    assert "nothing was found that calls it" in found.summary


WAYS: dict[str, Changes] = {
    "as it is": {},
    "a before_action": {
        PATH: CONSTANT.replace(
            "  private\n", f"  before_action :answer\n\n  private\n\n  def answer\n    @x = {CALL}\n  end\n", 1
        )
    },
    "a concern": {
        PATH: CONSTANT.replace("  private\n", "  include Answering\n\n  private\n", 1),
        "app/controllers/concerns/answering.rb": f"module Answering\n  def answer = {CALL}\nend\n",
    },
    "a job": {PATH: CONSTANT, "app/jobs/answer_job.rb": f"class AnswerJob\n  def perform = {CALL}\nend\n"},
    "a channel": {PATH: CONSTANT, "app/channels/chat_channel.rb": f"class ChatChannel\n  def speak = {CALL}\nend\n"},
    "a rake task": {PATH: CONSTANT, "lib/tasks/ask.rake": f"task(:ask) {{ {CALL} }}\n"},
    "a view": {PATH: CONSTANT, "app/views/x.html.erb": f"<%= {CALL} %>"},
    "by send": {PATH: CONTROLLER.replace(CALL, "SendMessage.new.public_send(:call, content: 'x')")},
    "an object of unknown class": {PATH: CONTROLLER.replace(CALL, "Rails.configuration.sender.call(content: 'x')")},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_that_leads_there_counts(way: str) -> None:
    subject = changed(WAYS[way])
    assert {check: verdict(check, subject) for check in CHECKS} == dict.fromkeys(CHECKS, "pass")
