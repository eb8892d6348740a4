"""Numbers, diffs, timelines and sentences of the site."""

from pathlib import Path

import pytest
from site_runs import make_exchange

from shipbench.bundle.schema import Cost, Usage
from shipbench.errors import InputError
from shipbench.site import numbers
from shipbench.site.diff import MAX_LINES_OF_A_FILE, read_diff
from shipbench.site.sentences import headline
from shipbench.site.timeline import WIDTH, timeline
from shipbench.standings.row import Row


def row(contender: str, rank: int | None, score: float | None, **changes: object) -> Row:
    values: dict[str, object] = {
        "rank": rank, "tied": False, "contender": contender, "model": contender, "harness": "plain",
        "task": "rails-chat", "score": score, "possible": score, "low": None, "high": None,
        "tier": None if score is None else "A" if score >= 80 else "D", "trials": 3, "minutes": 1.0,
        "cost_usd": 1.0, "cost_basis": "book", "notes": [], "rubric": "v1", "planned": 3, "attempts": 3,
        "completed": 3, "outcomes": {}, "input_tokens": None, "output_tokens": None,
    }  # fmt: skip
    return Row.model_validate(values | changes)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.points(97.0), "97"),
        (numbers.points(86.66), "86.7"),
        (numbers.points(None), "unknown"),
        (numbers.signed(-2.5), "−2.5"),
        (numbers.duration(0), "0 s"),
        (numbers.duration(0.0001), "under 1 ms"),
        (numbers.duration(0.0042), "4 ms"),
        (numbers.duration(0.42), "0.42 s"),
        (numbers.duration(59.7), "1 m 00 s"),
        (numbers.duration(3725), "1 h 02 m"),
        (numbers.minutes(2.5), "2 m 30 s"),
        (numbers.tokens(999), "999"),
        (numbers.tokens(999_949), "999.9k"),
        (numbers.tokens(999_951), "1.00M"),
        (numbers.usd(0), "$0.00"),
        (numbers.usd(0.0996), "$0.10"),
        (numbers.usd(0.00042), "$0.00042"),
        (numbers.usd(1234.5), "$1,234.50"),
        (numbers.usd(None), "unknown"),
    ],
)
def test_numbers_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_diff_is_cut_into_files(tmp_path: Path) -> None:
    path = tmp_path / "changes.diff"
    path.write_text(
        "diff --git a/new name.rb b/new name.rb\nnew file mode 100644\n--- /dev/null\n+++ b/new name.rb\n"
        "@@ -0,0 +1,2 @@\n+diff --git a/x b/x\n++++ b/y\n"
        "diff --git a/gone b/gone\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n--- old\n"
        "diff --git a/big.bin b/big.bin\nnew mode 100755\n# content not shown: 5 bytes → 9 bytes\n"
        "# cut here: the rest of the diff is over 7 bytes\n"
    )
    diff = read_diff(tmp_path, path)
    assert [(file.path, file.status, file.added, file.removed) for file in diff.files] == [
        ("new name.rb", "new", 2, 0),
        ("gone", "deleted", 0, 1),
        ("big.bin", "mode", 0, 0),
    ]
    assert diff.files[0].lines[1] == ("add", "+diff --git a/x b/x")
    assert diff.files[2].note == "content not shown: 5 bytes → 9 bytes"
    assert diff.notes == ["cut here: the rest of the diff is over 7 bytes"]


def test_a_long_diff_is_capped_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "changes.diff"
    lines = MAX_LINES_OF_A_FILE + 25
    path.write_text("diff --git a/x b/x\n@@ -0,0 +1 @@\n" + f"+{'y' * 5000}\n" * lines)
    [file] = read_diff(tmp_path, path).files
    assert len(file.lines) == MAX_LINES_OF_A_FILE
    assert file.hidden == lines + 1 - MAX_LINES_OF_A_FILE
    assert file.added == lines
    assert all(len(text) < 400 for _, text in file.lines)


def test_a_diff_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "changes.diff").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError):
        read_diff(tmp_path, tmp_path / "changes.diff")


def test_a_timeline_fits_its_drawing_and_sums_what_is_known() -> None:
    exchanges = [
        make_exchange(2, phase="validate"),
        make_exchange(1),
        make_exchange(3, usage=Usage(), cost=Cost(), first_byte=None, last_byte=None, status=502, error="cut off"),
        make_exchange(4, refused="limit", status=402, error="limit", usage=Usage(), cost=Cost()),
    ]
    line = timeline(exchanges)
    assert [bar.exchange.id for bar in line.bars] == [1, 2, 3, 4]
    assert line.lanes == ["build", "validate"]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 1 and bar.waiting <= bar.width for bar in line.bars)
    assert line.bars[0].seconds == pytest.approx(10.0)
    assert line.bars[2].seconds is None
    # The unknown exchange is counted as unknown; the refused one never went out and is in no sum.
    assert (line.tokens.value, line.tokens.unknown) == (1600 + 307 + 2000 + 314, 1)
    assert (line.usd.value, line.usd.unknown) == (pytest.approx(0.02), 1)


def test_a_reroute_to_another_model_is_seen() -> None:
    [bar] = timeline([make_exchange(1, model_answered="model/other")]).bars
    assert bar.rerouted


def test_the_headline_is_computed() -> None:
    rows = [row("one", 1, 97.0, cost_usd=2.0), row("two", 2, 91.0, cost_usd=0.3), row("three", 3, 12.0)]
    assert headline(rows) == [
        "one leads with 97 of 100 points proven.",
        "2 of 3 contenders are in tier A.",
        "The cheapest of tier A is two at $0.30 a trial.",
    ]


def test_a_shared_lead_and_a_missing_score_are_said() -> None:
    rows = [row("one", 1, 97.0), row("two", 1, 97.0, cost_basis="provider"), row("none", None, None, tier=None)]
    assert headline(rows) == [
        "one and two share the lead with 97 of 100 points proven.",
        "2 of 3 contenders are in tier A.",
        "1 contender has no score.",
    ]


def test_without_scores_nobody_leads() -> None:
    assert headline([row("x", None, None, tier=None)]) == ["No contender has a score yet."]
