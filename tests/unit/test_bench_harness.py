"""The bench measures what it says, and runs from end to end on tiny sizes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _checkout_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))  # the bench is no part of the package


def test_cases_take_turns_and_the_first_round_does_not_count() -> None:
    from bench.measure import take_turns

    calls: list[str] = []

    def case(name: str) -> Callable[[], float]:
        def run() -> float:
            calls.append(name)
            return float(len(calls))

        return run

    values = take_turns({"a": case("a"), "b": case("b")}, 2, lambda _: None)
    assert calls == ["a", "b"] * 3
    assert values == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_a_ratio_is_formed_inside_each_round_and_held_against_its_goal() -> None:
    from bench.measure import Goal, against

    values = {"peer": [1.0, 10.0, 2.0], "ours": [2.0, 20.0, 8.0]}
    peer, ours = against("time", values, "peer", "s", {"ours": Goal("at most", 1.9)})
    assert (peer.ratio, list(ours.ratios), ours.ratio) == (None, [2.0, 2.0, 4.0], 2.0)
    assert ours.as_json()["met"] is False
    assert Goal("at least", 2).met(2.0)
    assert not Goal("at least", 2).met(1.9)


def quick(tmp_path: Path, *names: str) -> dict[str, Any]:
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", *names, "--quick", "--json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    assert found["quick"] is True
    for name in names:
        assert found["sections"][name]["title"] in done.stdout
    sections: dict[str, Any] = found["sections"]
    return sections


def test_the_gateways_bench_runs_every_way_and_compares_the_bytes(tmp_path: Path) -> None:
    rows = quick(tmp_path, "gateway")["gateway"]["rows"]
    throughput = {row["who"]: row for row in rows if row["what"].startswith("throughput")}
    assert throughput.keys() >= {"direct", "minimal pass-through", "our gateway, recording"}
    assert all(row["median"] > 0 for row in throughput.values())
    assert throughput["our gateway, recording"]["goal"] == "at least 0.8"


def test_the_other_benches_run(tmp_path: Path) -> None:
    sections = quick(tmp_path, "startup", "audit", "trial", "site")
    rows = [row for section in sections.values() for row in section["rows"]]
    assert all(row["median"] > 0 for row in rows)
    assert {"shipbench --help", "static audit, every check", "trial, sandbox host", "site"} <= {r["who"] for r in rows}
