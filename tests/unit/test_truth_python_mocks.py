# ruff: noqa: E501 (a case reads best on one line)
"""Stand-ins in tests: those for API that does not exist are found, honest ones and recorders are let be."""

from functools import cache

import pytest

pytest.importorskip("tree_sitter_python", reason="tree-sitter-python is not installed")

from shipbench.truth.model import Use
from shipbench.truth.python.api import check_application

LLM = """
from openai import OpenAI
client = OpenAI()
def ask(text):
    return client.chat.completions.create(model='m', messages=[]).choices[0].message.content
def other(thing):
    return thing.complete('x')
"""
HEAD = "import pytest\nfrom unittest.mock import MagicMock, Mock, create_autospec, patch\nfrom app import llm\nfrom openai import OpenAI\n"

WRONG = {
    "patched name of the package": ("def test(): \n    with patch('openai.ChatClient'): pass", "openai.ChatClient mock"),
    "patched name of a class": (
        "@patch('openai.resources.chat.completions.Completions.acreate')\ndef test(m): pass",
        "Completions.acreate mock",
    ),
    "patched chain in the application": (
        "def test():\n    with patch('app.llm.client.chat.completion.create'): pass",
        "Chat.completion mock",
    ),
    "patched object": ("def test():\n    with patch.object(llm.client.chat.completions, 'creat'): pass", "Completions.creat mock"),
    "patched class": ("def test():\n    with patch.object(OpenAI, 'complete'): pass", "OpenAI.complete mock"),
    "monkeypatch with a string": (
        "def test(monkeypatch):\n    monkeypatch.setattr('openai.OpenAI.complete', lambda: 1)",
        "OpenAI.complete mock",
    ),
    "monkeypatch with an object": (
        "def test(monkeypatch):\n    monkeypatch.setattr(llm.client.chat, 'complete', lambda: 1)",
        "Chat.complete mock",
    ),
    "spec": ("def test():\n    m = MagicMock(spec=OpenAI)\n    m.complete.return_value = 1", "OpenAI.complete mock"),
    "chain on a patched class": (
        "def test():\n    with patch('app.llm.OpenAI') as m:\n        m.return_value.complete.return_value = 1",
        "OpenAI.complete mock",
    ),
    "fake class": (
        "class Fake:\n    def complete(self, text): return 'x'\ndef test(monkeypatch):\n    monkeypatch.setattr(llm, 'client', Fake())",
        "OpenAI.complete fake",
    ),
    "fake in place of the class": (
        "class Fake:\n    def complete(self, text): return 'x'\n@patch('app.llm.OpenAI', Fake)\ndef test(): pass",
        "OpenAI.complete fake",
    ),
}  # fmt: skip

HONEST = {
    "patched class": "@patch('openai.OpenAI')\ndef test(m): pass",
    "patched method": "def test():\n    with patch('app.llm.client.chat.completions.create') as m:\n        m.return_value.choices = []",
    "patched object": "def test():\n    with patch.object(llm.client.chat.completions, 'create') as m:\n        m.assert_called_once()",
    "patched function": "def test():\n    with patch('app.llm.ask', return_value='x'): pass",
    "created": "def test():\n    with patch('openai.OpenAI.complete', create=True): pass",
    "not raising": "def test(monkeypatch):\n    monkeypatch.setattr(OpenAI, 'complete', 1, raising=False)",
    "spec": "def test():\n    m = MagicMock(spec=OpenAI)\n    m.chat.completions.create.return_value = 1\n    m.assert_not_called()",
    "free mock": "def test():\n    m = MagicMock()\n    m.anything.at.all()",
    "recorder": "class Fake:\n    def __init__(self): self.seen = []\n    def last_prompt(self): return self.seen[-1]\n"
    "def test(monkeypatch):\n    monkeypatch.setattr(llm, 'client', Fake())",
    "environment": "def test(monkeypatch):\n    monkeypatch.setattr('os.environ', {})\n    monkeypatch.setenv('OPENAI_API_KEY', 'x')",
}  # fmt: skip


@cache
def checked(name: str) -> dict[str, list[Use]]:
    """Each case of a table, as one test file of one application → what is accused in it."""
    table: dict[str, tuple[str, str] | str] = dict(globals()[name])
    tests = {f"tests/test_{number}.py": title for number, title in enumerate(table)}
    files = {"app/__init__.py": b"", "app/llm.py": LLM.encode()}
    for path, title in tests.items():
        case = table[title]
        files[path] = (HEAD + (case if isinstance(case, str) else case[0])).encode()
    found: dict[str, list[Use]] = {title: [] for title in table}
    for use in check_application(files, "openai", "3.54.0").uses:
        if use.verdict in {"invented", "version_mismatch"}:
            found[tests[use.path]].append(use)
    return found


@pytest.mark.parametrize("title", WRONG)
def test_stand_ins_for_nothing_are_found(title: str) -> None:
    (use,) = checked("WRONG")[title]
    assert f"{use.symbol} {use.kind}".endswith(WRONG[title][1])
    assert use.reason.startswith(f"{use.kind}: ")
    assert use.area == "test"


@pytest.mark.parametrize("title", HONEST)
def test_honest_stand_ins_are_let_be(title: str) -> None:
    assert checked("HONEST")[title] == []
