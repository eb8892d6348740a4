"""The article's own contradictions, found by recomputing."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipbench.cli.lint import command
from shipbench.errors import InputError
from shipbench.files import carried
from shipbench.standings.lint.run import LintReport, lint
from shipbench.standings.published import load_published

FOLDER = carried("published") / "2026-05"


@pytest.fixture(scope="module")
def report() -> LintReport:
    return lint(load_published(FOLDER))


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("movement-scores", "4 of 7 differ"),
        ("completed-24", "22, claimed 24"),
        ("chinese-13", "15, claimed 13"),
        ("chinese-13-by-its-lists", "14, claimed 13"),
        ("chinese-list-tier-c", "only in ranking: Qwen 3.5 35B (local)"),
        ("only-non-western-in-a", "2 fit: DeepSeek V4 Pro (DeepClaude), Kimi K2.6"),
        ("all-tier-a-four-things", "Claude Opus 4.6 (rescue False)"),
        ("complete-is-real", "in both: chat.complete"),
        ("cache-read-meters", "last step only"),
        ("qwen-35b-time", "28, claimed 5"),
        ("local-nvidia", "2 of 5 differ"),
        ("grok-between", "72 is above both 69 and 71"),
        ("current-sonnet", "the highest Sonnet named is 4.6"),
        ("opencode-but-gpt-5-4", "2 of 24 differ"),
        ("cloud-models-two-phases", "4 of 19 differ"),
        ("v4-pro-opencode-completes", "failed, claimed completed"),
        ("zero-of-7-delegated", "6, claimed 7"),
        ("gpt-faster", "18.18% less"),
        ("gpt-cheaper", "37.5% less"),
        ("gpt-cheaper-at-list-prices", "19.01% more"),
        ("gpt-5-5-against-opus", "9.091"),
        ("chinese-b-gap", "5 to 19"),
        ("one-character-prefix", "takes 10 single-character edits"),
        ("three-bits", "5.333"),
        ("mac-memory", "LPDDR5X"),
        ("qwen3-32b-on-the-5090", "1, claimed 0"),
        ("kv-cache-at-128k", "42.95 GB (40 GiB)"),
        ("not-using-the-library", "bypass (Step 3.5 Flash"),
        ("scores-by-dimension", "0 of 24 rows"),
        ("bottom-of-the-list", "GPT OSS 20B (local) (11)"),
        ("one-cost-meter", "3 values"),
    ],
)
def test_a_contradiction_is_found_with_its_numbers(report: LintReport, identifier: str, found: str) -> None:
    (judged,) = [judged for judged in report.contradictions if judged.id == identifier]
    assert found in judged.found
    assert judged.lines


@pytest.mark.parametrize(
    "identifier",
    [
        "ranks",
        "tiers",
        "weights",
        "times",
        "requirements",
        "gpt-5-4-against-opus",
        "cheapest-tier-a",
        "grok-jump",
        "k2-6-gap",
    ],
)
def test_what_is_right_is_not_accused(report: LintReport, identifier: str) -> None:
    assert identifier not in {judged.id for judged in report.contradictions}
    assert report.checked > len(report.contradictions)


def test_mending_the_data_takes_the_contradiction_away(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(FOLDER, folder)
    movement = folder / "tables/movement.toml"
    for wrong, right in ((84, 87), (66, 69), (64, 67), (43, 46)):
        movement.write_text(movement.read_text().replace(f"score = {wrong}", f"score = {right}"))
    left = {judged.id for judged in lint(load_published(folder)).contradictions}
    assert "movement-scores" not in left
    ranking = folder / "ranking.toml"
    ranking.write_text(ranking.read_text().replace("score = 72", "score = 70"))
    found = {judged.id for judged in lint(load_published(folder)).contradictions}
    assert "grok-between" not in found
    assert {"ranks", "grok-jump"} <= found


def test_the_command_lists_and_only_strict_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = CliRunner().invoke(command, ["published/2026-05"])
    assert plain.exit_code == 0
    assert "claimed: Out of 13 Chinese models tested" in plain.output
    strict = CliRunner().invoke(command, ["published/2026-05", "--strict", "--json"])
    assert strict.exit_code == 1
    contradictions = json.loads(strict.output)["contradictions"]
    assert f"{len(contradictions)} of " in plain.output.splitlines()[-1]


def test_a_folder_without_published_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no published\.toml"):
        lint(load_published(tmp_path))
