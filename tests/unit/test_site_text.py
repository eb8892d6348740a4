"""Hostile text: whatever goes in, nothing invisible comes out."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipbench.site.text import MAX_MARKS, short_digest, slug, visible

ANY = st.text(st.characters(), max_size=200)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred", "␛[31mred"),
        ("line\nbreak\r", "line␊break␍"),
        ("user\u202egpj.exe", "user⟨U+202E⟩gpj.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("del\x7f nul\x00", "del␡ nul␀"),
        ("lone\ud800", "lone⟨U+D800⟩"),
        ("naïve 日本 ✅", "naïve 日本 ✅"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY)
def test_nothing_invisible_is_left(text: str) -> None:
    assert all(character.isprintable() or character == "\t" for character in visible(text))


@given(st.text(st.characters(categories=["Mn", "Ll"]), max_size=100))
def test_marks_do_not_pile_up(text: str) -> None:
    run = 0
    for character in visible(text):
        run = run + 1 if unicodedata.category(character).startswith("M") else 0
        assert run <= MAX_MARKS


@given(ANY, st.integers(1, 50))
def test_long_text_is_cut_and_says_so(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert (f"({len(text) - limit} more characters)" in shown) == (len(text) > limit)


@given(ANY)
def test_a_slug_is_safe_as_a_file_name_and_in_a_link(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))
    assert len(slug(text)) <= 60


@given(st.lists(ANY, max_size=4), st.lists(ANY, max_size=4))
def test_other_parts_have_another_digest(one: list[str], other: list[str]) -> None:
    assert (short_digest(*one) == short_digest(*other)) == (one == other)
