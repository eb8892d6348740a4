# ruff: noqa: E501 - programs in one list are easier to compare
"""The readers on anything: they return, or raise the one error that they declare."""

from contextlib import suppress

import pytest
from audit_apps import changed, golden
from hypothesis import given, settings
from hypothesis import strategies as st

from shipbench.audit.parse import dockerfile, erb, gemfile, ignore, modules, yaml
from shipbench.audit.parse.program import Program
from shipbench.audit.parse.tree import UnparsableError, parse
from shipbench.audit.provider import Provider
from shipbench.audit.registry import CHECKS
from shipbench.audit.rescue import Rescues
from shipbench.audit.run import decide
from shipbench.audit.static.llm import generation
from shipbench.audit.verdict import MAX_TEXT, capped

RUBY = st.lists(
    st.sampled_from(
        ["class A", "def ask(x)", "end", "@c = RubyLLM.chat", "@c.ask(x)", "rescue => e", "begin", "raise B", "x = x", "c.each { |m|", "}", "self.ask", "A.new.ask(1)", "<<~T", "T", "%w[", "\"#{", "::", "@@a ||= {}", "=", "def self.b = c", "c = b"]
    ),
    max_size=30,
).map("\n".join)  # fmt: skip
MARKUP = st.text(alphabet="<>%=-#!/\"' adivscript\n\x1a", max_size=300)


@given(RUBY | st.text(max_size=200))
@settings(deadline=None, max_examples=150)
def test_any_ruby_is_a_program(source: str) -> None:
    program = Program({"app/x.rb": parse("ruby", source.encode())})
    provider = Provider(program)
    assert len(Rescues(program, provider).guards) == len(provider.calls)


@given(MARKUP.map(str.encode) | st.binary(max_size=200))
@settings(deadline=None)
def test_any_template_is_read(source: bytes) -> None:
    with suppress(UnparsableError):
        assert all(tag.line >= 1 for tag in erb.read(source).tags)


def test_markup_on_which_the_html_parser_trips_is_unparsable() -> None:
    with pytest.raises(UnparsableError):
        erb.read(b"<![\0")


def test_lines_in_templates_are_those_of_the_file() -> None:
    template = erb.read(b"<p>\n<%= render 'a' %>\n<b id='x'>\n<%# render 'no' %><% if y %>\n<%== z %>\n<% end %>\n")
    assert [(tag.name, tag.line) for tag in template.tags] == [("p", 1), ("b", 3)]
    assert [node.line for node in template.unescaped] == [5]
    assert "no" not in template.ruby.text


@given(st.text(alphabet="ab: -[]{}&*!|>\n\"'#%?,", max_size=200))
@settings(deadline=None)
def test_any_yaml_is_a_value_or_broken(text: str) -> None:
    with suppress(yaml.BrokenError):
        yaml.load(text)


@given(st.text(alphabet='FROM AS base\nUSERCMD\\"[]#=<$', max_size=200).map(str.encode) | st.binary(max_size=200))
@settings(deadline=None)
def test_any_dockerfile_has_stages_or_is_broken(source: bytes) -> None:
    with suppress(dockerfile.BrokenError):
        assert dockerfile.read(source)


@given(st.text(max_size=300))
def test_any_ignore_file_is_read(text: str) -> None:
    ignore.read(text).match_file(".env")


GEMS = st.dictionaries(
    st.from_regex(r"[a-z][a-z_-]{0,10}", fullmatch=True), st.from_regex(r"\d\.\d{1,2}\.\d", fullmatch=True), max_size=8
)


@given(GEMS)
def test_a_lock_file_gives_back_its_versions(gems: dict[str, str]) -> None:
    specs = "".join(f"    {name} ({version}-x86_64-linux-gnu)\n      other (>= 1)\n" for name, version in gems.items())
    text = (
        f"GEM\n  remote: https://rubygems.org/\n  specs:\n{specs}\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rails (~> 8)\n"
    )
    assert gemfile.read_lock(text) == gems


def test_a_gem_named_twice_counts_where_it_reaches_production() -> None:
    tree = parse(
        "ruby", b"group(:test) { gem 'a' }\ngem 'a', platforms: :ruby\ngem 'b', group: [:development, :test]\n"
    )
    gems = gemfile.read(tree)
    assert gemfile.in_production(gems["a"])
    assert gems["b"].groups == {"development", "test"}


def test_an_import_map_leads_to_files() -> None:
    found = modules.Importmap(parse("ruby", golden()["config/importmap.rb"]))
    assert found.paths("application", golden()) == "app/javascript/application.js"
    assert found.paths("controllers", golden()) == "app/javascript/controllers/index.js"
    assert found.paths("controllers/application", golden()) == "app/javascript/controllers/application.js"
    assert found.paths("../../etc/passwd", golden()) is None
    assert modules.relative("app/javascript/a.js", "../../../../x", golden()) is None


@given(st.sampled_from(sorted(golden())), st.integers(0, 4000), st.binary(max_size=20))
@settings(deadline=None, max_examples=10)
def test_no_damaged_file_breaks_a_check(path: str, at: int, junk: bytes) -> None:
    content = golden()[path]
    subject = changed({path: content[:at] + junk})
    broken = {
        check: found.summary for check, known in CHECKS.items() if "broke" in (found := decide(known, subject)).summary
    }
    assert not broken


@given(st.text(max_size=600))
def test_hostile_text_becomes_one_capped_line(text: str) -> None:
    shown = capped(text)
    assert len(shown) <= MAX_TEXT
    assert shown.isprintable()


def test_generations() -> None:
    assert generation("anthropic/claude-3.7-sonnet") == (3, 7)
    assert generation("anthropic/claude-sonnet-4-20250514") == (4, 0)
    assert generation("anthropic/claude-sonnet-4.6") == (4, 6)
    assert generation("~anthropic/claude-sonnet-latest") is None
