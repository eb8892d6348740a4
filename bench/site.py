"""Standings and site over many bundles, against reading the same ledgers: does the time grow with their number?

One golden trial is run for real; its bundle is laid out again under many names.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from bench.measure import Goal, Row, Say, Section, against, seconds_of, take_turns
from shipbench.bundle.layout import Bundle, RunFolder
from shipbench.bundle.seal import seal
from shipbench.engine.local import run_plan
from shipbench.experiment.model import Contender, ExperimentFile
from shipbench.experiment.plan import Plan, PlannedTrial, lock_plan, make_plan
from shipbench.files import write_atomically
from shipbench.site.build import build_site
from shipbench.standings.collect import standings
from shipbench.task.mutants import GOLDEN, NULL

REPEATS = 3


def run(quick: bool, say: Say) -> Section:
    few, many, rounds = (2, 4, 1) if quick else (100, 400, 3)
    with tempfile.TemporaryDirectory(prefix="shipbench-bench-") as place:
        folder = Path(place)
        say("one real trial")
        original = _real_run(folder / "original", NULL if quick else GOLDEN)
        runs = {}
        for number in (few, many):
            say(f"laying out {number} bundles")
            runs[number] = _multiplied(original, folder / f"run-{number}", number)
        rows = _rows(runs, folder, rounds, say)
        files, exchanges = len(list(runs[few].root.rglob("*"))) // few, _read_ledgers(runs[few]) // few
    return Section(
        "Standings and site", rows, [f"A bundle has {exchanges} exchanges; {files} files and folders a trial."]
    )


def _rows(runs: dict[int, RunFolder], folder: Path, rounds: int, say: Say) -> list[Row]:
    few, many = runs
    numbers = count()
    jobs: dict[str, Callable[[RunFolder], object]] = {
        "read the ledgers as JSON": _read_ledgers,
        "standings": lambda run: standings([run.root]),
        "site": lambda run: build_site([run.root], folder / f"site-{next(numbers)}"),
    }
    cases = {
        (name, number): seconds_of(partial(job, run)) for name, job in jobs.items() for number, run in runs.items()
    }
    values = take_turns({f"{name}, {number} bundles": case for (name, number), case in cases.items()}, rounds, say)
    peer = next(iter(jobs))
    rows = against(
        f"wall time, {many} bundles",
        {name: values[f"{name}, {many} bundles"] for name in jobs},
        peer,
        "s",
    )
    for name in jobs:
        each = {
            f"with {number}": [1_000 * value / number for value in values[f"{name}, {number} bundles"]]
            for number in (few, many)
        }
        goals = {f"with {many}": Goal("at most", 1.2)}
        rows += against(f"{name}: time a bundle", each, f"with {few}", "ms", goals)
    return rows


def _read_ledgers(run: RunFolder) -> int:
    """Parse every line of every ledger with `json` alone; how many there were."""
    return sum(
        1
        for path in sorted(run.root.glob("trials/*/attempt-*/wire/exchanges.jsonl"))
        for line in path.open()
        if json.loads(line)
    )


def _real_run(folder: Path, model: str) -> RunFolder:
    contender = Contender(name=model, model=model, harness="plain", provider="scripted")
    file = ExperimentFile(name="bench", tasks=["rails-chat"], repeats=1, sandbox="host", contenders=[contender])
    plan, run = make_plan(file), RunFolder(folder)
    folder.mkdir()
    lock_plan(plan, run)
    asyncio.run(run_plan(plan, run, 1, lambda _: None))
    return run


def _multiplied(original: RunFolder, folder: Path, number: int) -> RunFolder:
    """A run of `number` trials, each with the evidence of the original's one and a contender of its own name."""
    name = original.trials()[0]
    source, assessment = original.bundles(name)[0], original.assessment_path(name, 1).read_text()
    run, planned = RunFolder(folder), []
    for position in range(number):
        contender, repeat = position // REPEATS, position % REPEATS + 1
        spec = source.spec()
        named = spec.contender.model_copy(update={"name": f"golden {contender}"})
        spec = spec.model_copy(update={"contender": named, "repeat": repeat})
        trial = PlannedTrial(id=f"golden-{contender}--{spec.task}--r{repeat}", spec=spec)
        bundle = Bundle(run.trial(trial.id) / "attempt-1")
        # Linked, since evidence is never written to; what differs is put in the place of its link.
        shutil.copytree(source.root, bundle.root, copy_function=os.link, ignore=shutil.ignore_patterns("seal.json"))
        write_atomically(bundle.spec_path, spec.model_dump_json())
        write_atomically(bundle.attempt_path, source.attempt().model_copy(update={"trial": trial.id}).model_dump_json())
        seal(bundle)
        write_atomically(run.assessment_path(trial.id, 1), assessment)
        planned.append(trial)
    write_atomically(run.plan_path, Plan(experiment="bench", trials=planned).model_dump_json())
    return run
