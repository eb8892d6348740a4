"""What the README promises: the demo through the built-in agent, and the same through the real opencode."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shipbench.bundle.layout import RunFolder
from shipbench.bundle.schema import Outcome
from shipbench.bundle.seal import verify
from shipbench.errors import InputError
from shipbench.files import carried
from shipbench.gateway.totals import Totals
from shipbench.harness.registry import get_harness
from shipbench.sandbox.bubblewrap import Bubblewrap
from shipbench.task.load import load_task
from shipbench.task.mutants import load_mutant

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SHIPBENCH = [sys.executable, "-m", "shipbench.cli.main"]
SANDBOX = "bubblewrap" if Bubblewrap().missing() is None else "host"
TASK = load_task("rails-chat")


def shipbench(*arguments: object, cwd: Path | None = None) -> str:
    command = [*SHIPBENCH, *map(str, arguments)]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=500, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def opencode_missing() -> str:
    try:
        get_harness("opencode").version()
    except InputError as error:
        return str(error)
    return ""


def check_rows(rows: list[dict[str, object]], models: dict[str, str]) -> None:
    by_model = {models[str(row["contender"])]: row for row in rows}
    assert by_model["golden"]["tier"] == "A"
    assert by_model["null"]["tier"] == "D"
    assert by_model["null"]["score"] == 0
    golden = by_model["golden"]["score"]
    assert isinstance(golden, float)
    assert golden >= 88
    for name in by_model.keys() - {"golden", "null"}:
        score = by_model[name]["score"]
        assert isinstance(score, float)
        assert 0 < score < golden, name


def check_assessments(run: RunFolder, models: dict[str, str]) -> None:
    """Each mutant's build fails the checks meant for it, and no other that golden passes."""
    verdicts: dict[str, dict[str, str]] = {}
    for trial in run.trials():
        bundle = run.bundles(trial)[-1]
        report = json.loads(run.assessment_path(trial, bundle.number).read_text())
        model = bundle.spec().contender.model
        found = {finding["check"]: finding["verdict"] for finding in report["findings"]}
        assert verdicts.setdefault(model, found) == found, f"{model}: repeats differ"
        assert verify(bundle) == []
    for model in verdicts.keys() - {"golden", "null"}:
        flipped = {check for check, verdict in verdicts["golden"].items() if verdict != verdicts[model][check]}
        assert flipped == set(load_mutant(TASK, model).expects), model
    assert set(verdicts) == set(models.values())


def test_demo_from_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    # A relative folder, as `make demo` gives: agents are started elsewhere and must still find it.
    printed = shipbench("demo", "--out", "demo", cwd=tmp_path)
    assert "demo/site/index.html" in printed
    experiment = tomllib.loads((carried("experiments") / "demo.toml").read_text())
    models = {contender["name"]: contender["model"] for contender in experiment["contenders"]}
    standings = json.loads((out / "standings.json").read_text())
    check_rows(standings["rows"], models)
    check_assessments(RunFolder(out / "run"), models)
    assert (out / "site" / "index.html").is_file()
    assert json.loads(shipbench("standings", out / "run", "--json")) == standings
    assert "24 bundles, 0 problems" in shipbench("verify", out / "run", "--recompute")
    a_touched_run_does_not_verify(out / "run")
    before = (out / "standings.json").read_text()
    shipbench("rescore", out / "run")
    assert json.dumps(json.loads(shipbench("standings", out / "run", "--json"))) == json.dumps(json.loads(before))


def a_touched_run_does_not_verify(run: Path) -> None:
    """A trial moved away and a better score written in are both seen."""
    assessment = next((run / "assessments").glob("null--*/attempt-1.json"))
    before = assessment.read_text()
    report = json.loads(before)
    report["scorecard"]["proven"] = 99
    assessment.write_text(json.dumps(report))
    (run / "trials" / "golden--rails-chat--r1").rename(run / "away")
    command = [*SHIPBENCH, "verify", str(run), "--recompute"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "trials/golden--rails-chat--r1: in the plan, and not here" in result.stdout
    assert "not what the evidence gives" in result.stdout
    assert "2 problems" in result.stdout
    (run / "away").rename(run / "trials" / "golden--rails-chat--r1")
    assessment.write_text(before)


@pytest.mark.skipif(bool(opencode_missing()), reason=f"opencode cannot run here: {opencode_missing()}")
def test_the_same_through_the_real_opencode(tmp_path: Path) -> None:
    models = {"golden": "golden", "null": "null"}
    models |= {name: name for name in ("invented_client", "gem_only_in_test_group", "no_rescue", "committed_env")}
    tables = "".join(
        f'[[contenders]]\nname = "{name}"\nmodel = "{name}"\nharness = "opencode"\nprovider = "scripted"\n'
        for name in models
    )
    path = tmp_path / "experiment.toml"
    head = f'name = "opencode"\ntasks = ["rails-chat"]\nrepeats = 1\nsandbox = "{SANDBOX}"\n'
    path.write_text(head + tables)
    shipbench("run", path, "--out", tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    check_rows(json.loads(shipbench("standings", run.root, "--json"))["rows"], models)
    check_assessments(run, models)
    bundle = run.bundles("golden--rails-chat--r1")[-1]
    attempt = bundle.attempt()
    assert (attempt.outcome, attempt.phases) == (Outcome.COMPLETED, ["build", "validate"])
    totals = Totals.of(bundle.exchanges())
    claimed = [bundle.phase_record(name).claimed_usage for name in attempt.phases]
    # opencode's own count, summed over all its steps, agrees with the wire to the token.
    assert sum(usage.output or 0 for usage in claimed) == totals.usage.output
    assert sum(usage.input or 0 for usage in claimed) == totals.usage.input
