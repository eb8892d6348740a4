"""The method's page: each task's brief and rubric, generated from the files that decide the scores."""

from dataclasses import dataclass

from shipbench.rubric.load import Rubric, task_rubric
from shipbench.site.render import render
from shipbench.site.text import short_digest, slug
from shipbench.task.load import Task, load_task, task_names


@dataclass(frozen=True)
class Method:
    """One task under one rubric version."""

    anchor: str
    task: Task
    rubric: Rubric


def methods(wanted: list[tuple[str, str]]) -> list[Method]:
    """The (task, rubric version) pairs that travel with shipbench. Without any pair, every task's own rubric."""
    known = task_names()
    pairs = wanted or [(name, load_task(name).file.rubric) for name in known]
    made = []
    for name, version in dict.fromkeys(pairs):
        if name in known:
            task = load_task(name)
            anchor = f"{slug(name)}-{slug(version)}-{short_digest(name, version)}"
            made.append(Method(anchor, task, task_rubric(task, version)))
    return made


def method_page(methods: list[Method], published: list[tuple[str, str]]) -> str:
    return render("method.html", root="", published=published, methods=methods)
