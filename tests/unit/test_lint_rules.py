"""Each rule says yes where a claim follows and no where it does not."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipbench.errors import InputError
from shipbench.standings.lint.claim import Claim, rounds_to
from shipbench.standings.lint.facts import Facts
from shipbench.standings.lint.run import RULES, lint
from shipbench.standings.lint.values import edit_distance
from shipbench.standings.published import load_published

PUBLISHED = """
schema = 1
name = "toy"
title = "t"
file = "f"
updated = 2026-01-01
task = "toy"
rubric = "r"
library = "L"
trials_per_row = 1
scope = "s"
scope_line = 1
notes = []
tiers = [{name = "A", minimum = 80, meaning = "m", line = 1}, {name = "B", minimum = 0, meaning = "m", line = 2}]
dimensions = [
  {name = "One", weight = 60, measures = "m", line = 3}, {name = "Two / three", weight = 40, measures = "m", line = 4},
]
"""
FIXED = 'library = "yes", local = false, harness = "h", family = "F", run = "r"'
X, Y = (f'origin = "{origin}", {FIXED}' for origin in "xy")
RANKING = f"""
about = "a"
rows = [
  {{ line = 1, rank = "1", model = "Foo 2.10", score = 90, tier = "A", time = "2m 30s", cost = "~$3", {X} }},
  {{ line = 2, rank = "1", model = "Foo 2.9", score = 90, tier = "A", time = "9m", cost = "free", {Y} }},
  {{ line = 3, rank = "3", model = "Bar 1", score = 70, tier = "B", time = "failed", cost = "~$1", {Y} }},
]
"""
OTHER = """
about = "o"
source = "another"
rows = [
  { key = "Foo 2.10", score = 90, half = 44.9, names = ["a", "b"], same = "s", measurable = true, ok = true },
  { key = "Bar 1", score = 71, half = 35, names = ["b", "c"], same = "s", measurable = false },
]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tables").mkdir()
    (tmp_path / "published.toml").write_text(PUBLISHED)
    (tmp_path / "ranking.toml").write_text(RANKING)
    (tmp_path / "tables/other.toml").write_text(OTHER)
    (tmp_path / "tables/wanted.toml").write_text('about = "w"\nsource = "w"\nrows = [{key = "score", names = ["z"]}]')
    return tmp_path


def claim(rule: str, **parameters: Any) -> Claim:
    return RULES[rule].model_validate({"id": "c", "lines": [1], "text": "t", "rule": rule} | parameters)


SCORES = {"of": "ranking", "field": "score"}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # rule, what holds, what does not
    ("ratio", {"claimed": 3, "over": "ranking/Foo 2.10/cost", "under": 1}, {"claimed": 2, "over": 3, "under": 1}),
    ("ratio", {"claimed": 50, "over": 54, "under": 1, "decimals": -1}, {"claimed": 50, "over": 54, "under": 1}),
    ("percent", {"claimed": 25, "before": 4, "after": 3}, {"claimed": 25, "before": 3, "after": 4}),
    (
        "difference",
        {"claimed": 20, "more": "ranking/Foo 2.9/score", "less": 70},
        {"claimed": 20, "more": 70, "less": 90},
    ),
    (
        "span",
        SCORES | {"low": 5, "high": 25, "kind": "difference", "highs": [95], "where": {}},
        SCORES | {"low": 5, "high": 20, "kind": "difference", "highs": [95], "where": {}},
    ),
    ("between", {"value": 5, "ends": [9, 1]}, {"value": 10, "ends": [9, 1]}),
    ("product", {"claimed": 2, "factors": [1000, 2000], "unit": "MB"}, {"claimed": 2, "factors": [1000], "unit": "MB"}),
    ("lost_in_one_dimension", {"score": 60, "dimension": "Two / three"}, {"score": 59, "dimension": "Two / three"}),
    ("count", {"claimed": 2, "of": ["ranking"], "where": {"finished": True}}, {"claimed": 3, "of": ["other"]}),
    ("count", {"claimed": 3, "of": ["ranking", "other"]}, {"claimed": 5, "of": ["ranking", "other"]}),
    ("count", {"claimed": 2, "of": ["ranking"], "containing": ["Foo"]}, {"at_least": 4, "of": ["ranking"]}),
    (
        "only",
        {"subject": "Foo 2.10", "of": "ranking", "where": {"origin": "x"}},
        {"subject": "Bar 1", "of": "ranking", "where": {"origin": ["x", "y"]}},
    ),
    ("all", {"of": "other", "must": {"ok": True}}, {"of": "other", "must": {"measurable": True}}),
    (
        "all",
        {"of": "other", "must": {"measurable": True}, "but": ["Bar 1"]},
        {"of": "ranking", "must": {"origin": "y"}},
    ),
    ("recorded", {"of": "other", "fields_from": "wanted"}, {"of": "ranking", "fields_from": "dimensions"}),
    (
        "extreme",
        SCORES | {"subject": "Foo 2.9", "which": "largest"},
        SCORES | {"subject": "Foo 2.9", "which": "smallest"},
    ),
    (
        "same_set",
        {"left": "ranking", "left_where": {"key": ["Foo 2.10", "Bar 1"]}, "right": "other"},
        {"left": "ranking", "right": "other"},
    ),
    ("uniform", {"of": "other", "field": "same"}, {"of": "other", "field": "score"}),
    (
        "disjoint",
        {"left": "other/Foo 2.10/names", "right": "wanted/score/names"},
        {"left": "other/Foo 2.10/names", "right": "other/Bar 1/names"},
    ),
    (
        "is",
        {"claimed": 2.5, "reference": "ranking/Foo 2.10/minutes"},
        {"claimed": "x", "reference": "other/Bar 1/same"},
    ),
    (
        "agree",
        {"references": ["ranking/Foo 2.10/score", "other/Foo 2.10/half"], "scale": [1, 2], "decimals": 0},
        {"references": ["ranking/Bar 1/score", "other/Bar 1/score"]},
    ),
    (
        "columns",
        {"left": "other", "right": "other", "field": "same"},
        {"left": "other", "right": "ranking", "field": "score"},
    ),
    (
        "latest",
        {"claimed": "2.10", "family": "Foo", "of": ["ranking"]},
        {"claimed": "2.9", "family": "Foo", "of": ["ranking"]},
    ),
    ("edit_distance", {"claimed": 1, "wrong": "ab", "right": "b"}, {"claimed": 1, "wrong": "ab", "right": "ba"}),
    ("measurable", {"uses": ["other/Foo 2.10/score"]}, {"uses": ["other/Foo 2.10/score", "other/Bar 1/score"]}),
]


@pytest.mark.parametrize(("rule", "holds", "fails"), CASES)
def test_a_rule_tells_what_follows_from_what_does_not(
    folder: Path, rule: str, holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    facts = Facts(load_published(folder))
    assert claim(rule, **holds).judge(facts).holds
    verdict = claim(rule, **fails).judge(facts)
    assert not verdict.holds
    assert verdict.found


@pytest.mark.parametrize(
    ("rule", "before", "after", "found"),
    [
        ("ranks", 'rank = "3"', 'rank = "2"', "Bar 1 is 3"),
        ("tiers", 'tier = "B"', 'tier = "A"', "Bar 1 (70) is B"),
        ("weights", "weight = 60", "weight = 61", "the weights sum to 101"),
    ],
)
def test_whole_ranking_rules(folder: Path, rule: str, before: str, after: str, found: str) -> None:
    assert claim(rule).judge(Facts(load_published(folder))).holds
    for name in ("ranking.toml", "published.toml"):
        (folder / name).write_text((folder / name).read_text().replace(before, after))
    verdict = claim(rule).judge(Facts(load_published(folder)))
    assert (verdict.holds, verdict.found) == (False, found)


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} | {"ranks", "tiers", "weights"} == set(RULES)


@pytest.mark.parametrize(
    ("value", "claimed", "decimals", "holds"),
    [
        (14.545, 15, None, True),
        (9.09, 10, None, False),
        (3.667, 3.6, None, False),
        (3.64, 3.6, None, True),
        (53.3, 50, -1, True),
        (18.18, 20, None, False),
        (2.5, 3, None, True),
    ],
)
def test_rounding_follows_the_precision_of_the_claim(
    value: float, claimed: float, decimals: int | None, holds: bool
) -> None:
    assert rounds_to(value, claimed, decimals) is holds


def test_a_slight_miss_is_marked(folder: Path) -> None:
    facts = Facts(load_published(folder))
    assert claim("ratio", claimed=10, over=10, under=1.1).judge(facts).slight
    assert not claim("ratio", claimed=5, over=1.74, under=0.1).judge(facts).slight


words = st.text(alphabet="abc", max_size=8)


@given(words, words, words)
def test_edit_distance_is_a_metric(one: str, two: str, three: str) -> None:
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, two) == edit_distance(two, one)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)
    assert abs(len(one) - len(two)) <= edit_distance(one, two) <= max(len(one), len(two))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no \[\[claims\]\]"),
        ('[[claims]]\nrule = "nonsense"', "claim 1: no rule 'nonsense'"),
        ('[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "ratio"\nclaimed = 1', "claim 1: over"),
        ('[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "tiers"\n' * 2, "more than one claim has the id 'a'"),
        ('[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "count"\nclaimed = 1\nof = ["no"]', "no table 'no'"),
        (
            '[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "is"\nclaimed = 1\nreference = "ranking/Bar 1/nope"',
            "ranking/Bar 1 has no field 'nope'",
        ),
        (
            '[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "is"\nclaimed = 1\nreference = "ranking/Who/score"',
            "has no row 'Who'",
        ),
        (
            '[[claims]]\nid = "a"\nlines = [1]\ntext = "t"\nrule = "ratio"\nclaimed = 1\nover = 1\nunder = 0',
            "claim a: .*zero",
        ),
    ],
)
def test_bad_claims_are_one_clear_line(folder: Path, text: str, message: str) -> None:
    (folder / "claims.toml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        lint(load_published(folder))
    assert "\n" not in str(caught.value)
