"""A verdict says what was seen, no more: not in a table is not stale, a wrong keyword is no missing method."""

import pytest
from audit_apps import changed, golden, outcome

from shipbench.audit.static.api import _accused, _sides
from shipbench.audit.verdict import MAX_TEXT
from shipbench.truth.model import Kind, Use

ASSISTANT = "app/services/assistant.rb"
CODE = golden()[ASSISTANT].decode()
SECRET = "sk-or-v1-" + "9f3a7c51e8b24d60" * 4


@pytest.mark.parametrize(
    ("slug", "current", "shape"),
    [
        ("anthropic/claude-sonnet-4.6", "pass", False),
        ("anthropic/claude-sonnet-4.5", "pass", False),
        ("anthropic/claude-sonnet-9.9", "unproven", True),
        ("anthropic/claude-sonnet-4.2", "unproven", True),
        ("anthropic/claude-3.7-sonnet", "fail", False),
        ("anthropic/claude-3-sonnet", "fail", True),
    ],
)
def test_models(slug: str, current: str, shape: bool) -> None:
    subject = changed({ASSISTANT: CODE.replace("anthropic/claude-sonnet-4.6", slug)})
    found = outcome("llm.model_current", subject)
    assert found.verdict == current
    assert ("not in the table of 2026-05" in found.summary) == (current == "unproven")
    named = outcome("llm.model_slug", subject)
    assert (named.verdict, "has the shape of" in named.summary) == ("pass", shape)


def use(kind: Kind, defined_at: str = "lib/ruby_llm/chat.rb:30", reason: str = "") -> Use:
    return Use(
        path=ASSISTANT, line=1, symbol="RubyLLM::Chat#ask", verdict="invented", kind=kind, reason=reason,
        defined_at=defined_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("keyword", "is given keywords that do not fit its parameters in RubyLLM 1.14.1"),
        ("arity", "is called with the wrong number of arguments for RubyLLM 1.14.1"),
        ("private", "is private in RubyLLM 1.14.1"),
        ("block", "is given a block that it never calls in RubyLLM 1.14.1"),
    ],
)
def test_a_method_that_is_there_is_not_said_to_be_missing(kind: Kind, says: str) -> None:
    assert _accused([use(kind)], "RubyLLM 1.14.1") == f"RubyLLM::Chat#ask {says}"


def test_one_that_is_not_there_is() -> None:
    assert _accused([use("method", "")], "RubyLLM 1.14.1") == "RubyLLM::Chat#ask is not in RubyLLM 1.14.1"
    both = _accused([use("method", ""), use("arity")], "RubyLLM 1.14.1")
    assert both.count("RubyLLM::Chat#ask is ") == 2


def test_the_librarys_place_is_never_cut() -> None:
    text = _sides(changed({}), [use("keyword", reason="long " * 100)])[1].text
    assert text.endswith("… [ruby_llm lib/ruby_llm/chat.rb:30]")
    assert len(text) <= MAX_TEXT


def test_a_null_session_weakens() -> None:
    base = "class ApplicationController < ActionController::Base\n  protect_from_forgery with: :null_session\nend"
    found = outcome("production.csrf", changed({"app/controllers/application_controller.rb": base}))
    assert (found.verdict, "weakened" in found.summary, "switched off" in found.summary) == ("fail", True, False)


def test_an_ignored_env_file_is_told_of() -> None:
    subject = changed({".env": f"OPENROUTER_API_KEY={SECRET}\n", ".gitignore": ".env*\n"})
    env, files = outcome("secrets.no_committed_env", subject), outcome("secrets.none_in_files", subject)
    assert (env.verdict, files.verdict) == ("pass", "pass")
    assert "would be committed" in env.summary
    assert "would be committed" in files.summary
    assert [place.path for place in files.evidence] == [".env"]
    assert SECRET not in files.evidence[0].text
    open_to = changed({".env": f"OPENROUTER_API_KEY={SECRET}\n", ".gitignore": "tmp\n"})
    assert outcome("secrets.no_committed_env", open_to).verdict == "fail"
    assert outcome("secrets.none_in_files", open_to).verdict == "fail"
