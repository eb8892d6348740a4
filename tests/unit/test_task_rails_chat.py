"""The rails-chat task hangs together: brief, catalogue, rubric, documents and the golden application's own files."""

import re
import tomllib
from pathlib import Path

import pytest
import tree_sitter_ruby
import yaml
from tree_sitter import Language, Parser

from shipbench.audit.finding import Finding, Verdict
from shipbench.rubric.load import task_rubric
from shipbench.rubric.score import score
from shipbench.rubric.scorecard import Scorecard
from shipbench.task.load import load_task

TASK = load_task("rails-chat")
RUBRIC = task_rubric(TASK)
REFERENCE = TASK.folder / "reference"
DOCS = Path(__file__).parents[2] / "docs"
STATIC = [check.id for check in TASK.file.checks if check.kind == "static"]
LIVE = [check.id for check in TASK.file.checks if check.kind == "live"]


def card(changed: dict[str, Verdict] | None = None, static: Verdict = "pass", live: Verdict = "unproven") -> Scorecard:
    verdicts = dict.fromkeys(STATIC, static) | dict.fromkeys(LIVE, live) | (changed or {})
    return score(RUBRIC, [Finding(check=check, verdict=verdict, summary="") for check, verdict in verdicts.items()])


class TestBrief:
    brief = (TASK.folder / "brief.md").read_text()

    def test_numbers_every_requirement_in_order(self) -> None:
        assert re.findall(r"\*\*(R\d+)\*\*", self.brief) == [requirement.id for requirement in TASK.file.requirements]
        assert len(TASK.file.requirements) == 15

    @pytest.mark.parametrize("prompt", ["brief.md", "phases/validate.md"])
    def test_says_nothing_of_scoring(self, prompt: str) -> None:
        text = (TASK.folder / prompt).read_text().lower().replace("bundle-audit", "")
        for word in ("canary", "shipbench", "score", "rubric", "points", "tier", "benchmark", "audit", "judge"):
            assert word not in text, word

    def test_phases_name_files_that_are_there(self) -> None:
        assert [phase.name for phase in TASK.file.phases] == ["build", "validate"]
        assert all(TASK.prompt(phase).strip() for phase in TASK.file.phases)


class TestCatalogue:
    def test_every_requirement_is_checked(self) -> None:
        checked = {requirement for check in TASK.file.checks for requirement in check.requirements}
        assert checked == {requirement.id for requirement in TASK.file.requirements}

    def test_every_check_counts_in_the_rubric(self) -> None:
        assert set(TASK.checks) == RUBRIC.checks

    def test_ids_are_unique(self) -> None:
        assert len(TASK.checks) == len(TASK.file.checks)


class TestCanary:
    def test_stands_where_contenders_must_not_look_and_nowhere_else(self) -> None:
        holders = {
            str(path.relative_to(TASK.folder))
            for path in TASK.folder.rglob("*")
            if path.is_file() and TASK.file.canary.encode() in path.read_bytes()
        }
        mutants = {f"mutants/{path.name}" for path in (TASK.folder / "mutants").glob("*.toml")}
        assert holders == {"task.toml", "rubric/v1.toml", "reference/.canary"} | mutants
        assert RUBRIC.canary == TASK.file.canary


class TestRubric:
    def test_has_the_articles_weights(self) -> None:
        assert [dimension.weight for dimension in RUBRIC.dimensions] == [25, 20, 15, 10, 10, 10, 5, 5]
        assert [(tier.name, tier.minimum) for tier in RUBRIC.tiers] == [("A", 80), ("B", 60), ("C", 40), ("D", 0)]

    def test_a_faultless_application_without_a_live_audit_keeps_89(self) -> None:
        faultless = card()
        assert (faultless.proven, faultless.possible, faultless.tier) == (89, 100, "A")
        assert card(live="pass").proven == 100

    @pytest.mark.parametrize("verdict", ["fail", "not_applicable"])
    def test_an_empty_folder_has_nothing(self, verdict: Verdict) -> None:
        empty = card(static=verdict, live=verdict)
        assert (empty.proven, empty.possible, empty.tier) == (0, 0, "D")

    @pytest.mark.parametrize(
        ("check", "tier"),
        [
            ("llm.api_real", "C"),
            ("llm.gem_in_production", "C"),
            ("llm.library_used", "C"),
            ("llm.no_bypass", "C"),
            ("live.boots", "C"),
            ("llm.model_slug", "B"),
            ("hotwire.stimulus_started", "B"),
            ("history.replayed", "B"),
            ("secrets.none_in_files", "B"),
            ("secrets.no_committed_env", "B"),
            ("live.front_end", "B"),
            ("llm.model_current", "A"),
            ("llm.system_prompt", "A"),
        ],
    )
    def test_one_defect_alone_lands_in_its_tier(self, check: str, tier: str) -> None:
        assert card({check: "fail"}, live="pass").tier == tier

    def test_caps_need_a_proven_failure(self) -> None:
        assert card({"llm.api_real": "unproven"}).caps == []
        assert card({"llm.api_real": "not_applicable"}).caps == []

    def test_the_four_gaps_of_one_article_entry_make_tier_b(self) -> None:
        """Lines 218-224: no test reaches the model, no rescue, a process-local singleton, no system prompt; 67, B."""
        gaps = ["tests.reach_provider_call", "tests.error_path", "errors.rescued", "errors.typed", "errors.visible"]
        gaps += ["history.durable", "production.multi_worker", "llm.system_prompt", "key.preflight"]
        assert card(dict.fromkeys(gaps, "fail"), live="pass").tier == "B"


class TestDocuments:
    text = (DOCS / "rubric.md").read_text()

    def rows(self, heading: str) -> list[list[str]]:
        section = self.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("|")][2:]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    def test_the_dimensions_are_those_of_the_file(self) -> None:
        live = {
            dimension.name: sum(rule.points for rule in dimension.deductions if set(rule.checks) <= set(LIVE))
            for dimension in RUBRIC.dimensions
        }
        expected = [[d.name, f"{d.weight:g}", f"{live[d.name]:g}"] for d in RUBRIC.dimensions]
        assert self.rows("The dimensions of v1") == expected

    def test_tiers_and_caps_are_those_of_the_file(self) -> None:
        assert self.rows("Tiers") == [[tier.name, f"{tier.minimum:g}", tier.meaning] for tier in RUBRIC.tiers]
        told = [(float(row[0]), row[1]) for row in self.rows("Caps of v1")]
        assert told == [(cap.maximum, RUBRIC.tier(cap.maximum)) for cap in RUBRIC.caps]

    def test_the_live_checks_are_named(self) -> None:
        assert all(f"`{check}`" in self.text for check in LIVE)


class TestReference:
    """What can be held of the golden application without Ruby. The audit holds the rest."""

    def read(self, path: str) -> str:
        return (REFERENCE / path).read_text()

    def test_names_one_ruby_everywhere(self) -> None:
        version = self.read(".ruby-version").strip()
        assert tomllib.loads(self.read("mise.toml"))["tools"]["ruby"] == version
        assert f'ruby "{version}"' in self.read("Gemfile")
        assert f"ARG RUBY_VERSION={version}" in self.read("Dockerfile")
        assert f"ruby {version}" in self.read("Gemfile.lock")

    def test_the_lock_is_closed(self) -> None:
        """Each gem of the Gemfile and each dependency of a locked gem is itself locked."""
        lock = self.read("Gemfile.lock")
        locked = set(re.findall(r"^    (\S+) \(", lock, re.MULTILINE))
        needed = set(re.findall(r"^      ([\w-]+)", lock, re.MULTILINE))
        asked = set(re.findall(r'^\s*gem "([^"]+)"', self.read("Gemfile"), re.MULTILINE))
        listed = set(re.findall(r"^  ([\w-]+)", lock.split("DEPENDENCIES")[1].split("RUBY VERSION")[0], re.MULTILINE))
        assert asked == listed
        assert asked <= locked
        assert needed - {"bundler"} <= locked

    def test_every_ruby_file_parses(self) -> None:
        parser = Parser(Language(tree_sitter_ruby.language()))
        sources = [*REFERENCE.rglob("*.rb"), *REFERENCE.rglob("*.rake"), REFERENCE / "Gemfile", REFERENCE / "config.ru"]
        assert len(sources) > 40
        assert [path.name for path in sources if parser.parse(path.read_bytes()).root_node.has_error] == []

    def test_every_yaml_file_parses(self) -> None:
        files = [*REFERENCE.rglob("*.yml"), *REFERENCE.rglob("*.yaml")]
        assert len(files) >= 5
        for path in files:
            assert isinstance(yaml.safe_load(path.read_text()), dict), path

    def test_scripts_can_be_executed(self) -> None:
        scripts = list((REFERENCE / "bin").iterdir())
        assert scripts
        assert [path.name for path in scripts if not path.stat().st_mode & 0o111] == []

    def test_every_partial_that_is_rendered_exists(self) -> None:
        views = REFERENCE / "app" / "views"
        rendered = {
            name
            for path in views.rglob("*.erb")
            for name in re.findall(r'(?:render |partial: )"(\w+/\w+)"', path.read_text())
        }
        assert len(rendered) >= 6
        for name in rendered:
            folder, partial = name.split("/")
            assert (views / folder / f"_{partial}.html.erb").is_file(), name
