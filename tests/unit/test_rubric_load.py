"""Rubric files: what is accepted, and how clearly the rest is refused."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipbench.errors import InputError
from shipbench.files import carried
from shipbench.rubric.load import load_rubric, task_rubric
from shipbench.task.load import load_task

GOOD: dict[str, Any] = {
    "version": "v1",
    "task": "toy",
    "canary": "c",
    "summary": "s",
    "tiers": [("A", 80), ("B", 0)],
    "dimensions": [("one", 60, [("d1", 60, "x.a")]), ("two", 40, [("d2", 30, "x.b"), ("d3", 10, "x.c")])],
    "caps": [("k", 59, "x.a")],
}


def write(folder: Path, data: dict[str, Any]) -> Path:
    lines = [f'{key} = "{data[key]}"' for key in ("version", "task", "canary", "summary")]
    for name, minimum in data["tiers"]:
        lines += ["[[tiers]]", f'name = "{name}"', f"minimum = {minimum}", 'meaning = "m"']
    for identifier, weight, deductions in data["dimensions"]:
        lines += [
            "[[dimensions]]",
            f'id = "{identifier}"',
            f'name = "The {identifier}"',
            f"weight = {weight}",
        ]
        for rule, points, check in deductions:
            lines += ["[[dimensions.deductions]]", f'id = "{rule}"', f"points = {points}"]
            lines += [f'checks = ["{check}"]', 'reason = "r"']
    for identifier, maximum, check in data["caps"]:
        lines += [
            "[[caps]]",
            f'id = "{identifier}"',
            f"maximum = {maximum}",
            f'checks = ["{check}"]',
            'reason = "r"',
        ]
    path = folder / "v1.toml"
    path.write_text("\n".join([*lines, "[[changelog]]", "date = 2026-05-06", 'text = "first"']))
    return path


def test_a_good_file_loads(tmp_path: Path) -> None:
    rubric = load_rubric(write(tmp_path, GOOD))
    assert [dimension.weight for dimension in rubric.dimensions] == [60, 40]
    assert rubric.checks == {"x.a", "x.b", "x.c"}
    assert [rubric.tier(points) for points in (100, 80, 79.99, 0)] == ["A", "A", "B", "B"]


def _weights(data: dict[str, Any]) -> None:
    data["dimensions"][0] = ("one", 50, [("d1", 60, "x.a")])


def _short(data: dict[str, Any]) -> None:
    data["dimensions"][0] = ("one", 60, [("d1", 59, "x.a")])


def _same_deduction(data: dict[str, Any]) -> None:
    data["dimensions"][1] = ("two", 40, [("d1", 40, "x.b")])


def _same_dimension(data: dict[str, Any]) -> None:
    data["dimensions"][1] = ("one", 40, [("d2", 40, "x.b")])


def _tier_order(data: dict[str, Any]) -> None:
    data["tiers"] = [("B", 60), ("A", 80), ("C", 0)]


def _no_floor(data: dict[str, Any]) -> None:
    data["tiers"] = [("A", 80), ("B", 10)]


def _negative(data: dict[str, Any]) -> None:
    data["dimensions"][0] = ("one", 60, [("d1", -60, "x.a")])


def _not_a_number(data: dict[str, Any]) -> None:
    data["dimensions"][0] = ("one", "nan", [("d1", 60, "x.a")])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_weights, "weights sum to 90, not 100"),
        (_short, "dimension one: its deductions sum to 59"),
        (_same_deduction, "deduction 'd1' stands there more than once"),
        (_same_dimension, "dimension 'one' stands there more than once"),
        (_tier_order, "not in descending order"),
        (_no_floor, "last tier begins at 10"),
        (_negative, "points"),
        (_not_a_number, "weight"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    data = copy.deepcopy(GOOD)
    spoil(data)
    with pytest.raises(InputError, match=message) as caught:
        load_rubric(write(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_or_broken_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_rubric(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("version = ")
    with pytest.raises(InputError, match="not valid TOML"):
        load_rubric(tmp_path / "broken.toml")


def test_a_check_that_the_task_does_not_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rubric").mkdir()
    write(tmp_path / "rubric", GOOD)
    (tmp_path / "task.toml").write_text(
        'name = "toy"\ntitle = "t"\necosystem = "ruby"\nlibrary = "l"\nrubric = "v1"\ncanary = "c"\n'
        "phases = []\n"
        'requirements = []\n[[checks]]\nid = "x.a"\ntitle = "t"\nkind = "static"\n'
    )
    with pytest.raises(InputError, match=r"catalogue does not have: x\.b, x\.c"):
        task_rubric(load_task(str(tmp_path)))


@pytest.mark.skipif(
    not (carried("tasks") / "rails-chat/rubric/v1.toml").is_file(), reason="rails-chat has no rubric yet"
)
def test_the_carried_rubric_fits_its_task_and_names_every_check() -> None:
    task = load_task("rails-chat")
    rubric = task_rubric(task)
    assert rubric.canary == task.file.canary
    assert set(task.checks) - rubric.checks == set()
