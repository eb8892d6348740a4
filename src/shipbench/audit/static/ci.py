"""The four tools: installed, set up, and run by something that guards a change."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shipbench.audit.app import App
from shipbench.audit.finding import Evidence
from shipbench.audit.parse import ruby
from shipbench.audit.parse.yaml import BrokenError, load
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, passed, unproven

WORKFLOWS = (".github/workflows/", ".gitea/workflows/", ".forgejo/workflows/")
OTHER_CI = (
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    ".drone.yml",
    ".woodpecker.yml",
    "bitbucket-pipelines.yml",
    ".buildkite/pipeline.yml",
    ".semaphore/semaphore.yml",
)
SCRIPTS = (
    "bin/ci",
    "Makefile",
    "Rakefile",
    "script/ci",
    "scripts/ci",
    "bin/check",
    "bin/lint",
    "bin/quality",
    "lefthook.yml",
    ".overcommit.yml",
    ".pre-commit-config.yaml",
    "scripts/ci.sh",
    "bin/ci.sh",
    "justfile",
)


class Command(NamedTuple):
    """One line of shell that CI runs."""

    path: str
    line: int
    text: str


def commands(app: App) -> list[Command]:
    """What the application's CI runs: workflow steps, bin/ci with config/ci.rb, rake tasks, check scripts."""
    found: list[Command] = []
    for path in [*app.paths(*WORKFLOWS, suffix=(".yml", ".yaml")), *(path for path in OTHER_CI if app.has(path))]:
        found += _of_workflow(app, path)
    for path in [*(path for path in SCRIPTS if app.has(path))]:
        if path != "Rakefile":
            found += _of_script(app, path)
    for path in ["config/ci.rb", "Rakefile", *app.paths("lib/tasks/", suffix=(".rake", ".rb")), "bin/ci"]:
        root = app.ruby(path) if app.has(path) else None
        for text, node in ruby.strings(root) if root else []:
            found.append(Command(path, node.line, text))
        for call in ruby.calls(root, "new") if root else []:
            found.append(Command(path, call.line, _task_class(call.text)))
    return found


def _task_class(text: str) -> str:
    """`RuboCop::RakeTask.new` and `Bundler::Audit::Task.new` run their tools."""
    for name, tool in (
        ("RuboCop::RakeTask", "rubocop"),
        ("Bundler::Audit::Task", "bundle-audit"),
        ("Brakeman", "brakeman"),
    ):
        if text.startswith(name):
            return tool
    return ""


def _of_workflow(app: App, path: str) -> Iterator[Command]:
    try:
        content = load(app.text(path))
    except BrokenError:
        return
    lines = app.text(path).split("\n")
    for text in _texts(content):
        for part in text.split("\n"):
            if part.strip() and not part.strip().startswith("#"):
                number = next(
                    (
                        number
                        for number, line in enumerate(lines, 1)
                        if part.strip() in line and not line.lstrip().startswith("#")
                    ),
                    1,
                )
                yield Command(path, number, part)


def _texts(value: object) -> Iterator[str]:
    """The commands in a CI file: under run, script and the like, and the actions that steps use."""
    stack: list[tuple[str, object]] = [("", value)]
    seen: set[tuple[str, int]] = set()  # aliases make one list stand in many places
    while stack:
        key, current = stack.pop()
        if isinstance(current, dict | list):
            if (key, id(current)) in seen:
                continue
            seen.add((key, id(current)))
        if isinstance(current, dict):
            if str(current.get("if", "")).strip().lower() in ("false", "${{ false }}"):
                continue
            stack += [(str(name), inner) for name, inner in current.items()]
        elif isinstance(current, list):
            stack += [(key, inner) for inner in current]
        elif isinstance(current, str) and key in (
            "run",
            "script",
            "before_script",
            "after_script",
            "command",
            "commands",
            "uses",
            "install",
        ):
            yield current


def _of_script(app: App, path: str) -> Iterator[Command]:
    for number, line in enumerate(app.text(path).split("\n"), 1):
        if line.strip() and not line.strip().startswith(("#", "//")):
            yield Command(path, number, line)


def _runs(app: App, pattern: str) -> list[Evidence]:
    word = re.compile(rf"(^|[\s\"'/;&|(:@]){pattern}($|[\s\"';&|),:@])")
    return [app.at(command.path, command.line) for command in commands(app) if word.search(command.text)]


def _broken_workflow(app: App) -> Evidence | None:
    for path in app.paths(*WORKFLOWS, suffix=(".yml", ".yaml")):
        try:
            load(app.text(path))
        except BrokenError as reason:
            return Evidence(path=app.shown(path), line=reason.line, text=str(reason))
    return None


def _tool(app: App, title: str, gems: tuple[str, ...], pattern: str) -> Outcome:
    if app.gemfile is None:
        return app.missing("there is no Gemfile to look at", "Gemfile", reads=("Gemfile",))
    gem = next((app.gemfile[name] for name in gems if name in app.gemfile), None)
    if gem is None:
        return failed(
            f"{title} is not in the Gemfile", app.nothing(" or ".join(f'gem "{name}"' for name in gems), "Gemfile")
        )
    runs = _runs(app, pattern)
    if runs:
        return passed(f"{title} is installed and runs in CI", app.at("Gemfile", gem.line), *runs)
    broken = _broken_workflow(app)
    if broken:
        return unproven("a workflow cannot be read", broken)
    return app.missing(
        f"{title} is installed and nothing runs it",
        f"{title} in {', '.join(WORKFLOWS[:1])}, bin/ci, config/ci.rb or a rake task",
        reads=(".github/", "bin/ci", "config/ci.rb"),
    )


@check("ci.brakeman")
def brakeman(app: App) -> Outcome:
    return _tool(app, "Brakeman", ("brakeman",), r"brakeman[\w./-]*")


@check("ci.bundle_audit")
def bundle_audit(app: App) -> Outcome:
    return _tool(
        app,
        "bundler-audit",
        ("bundler-audit", "bundle-audit"),
        r"(bundler-audit|bundle-audit|bundle[:\s]+audit|bundler[:\s]+audit|bundle_audit|audit:bundle)",
    )


@check("ci.rubocop")
def rubocop(app: App) -> Outcome:
    outcome = _tool(
        app,
        "RuboCop",
        (
            "rubocop",
            "rubocop-rails-omakase",
            "rubocop-rails",
            "rubocop-performance",
            "rubocop-minitest",
            "standard",
            "standard-rails",
        ),
        r"(rubocop|standardrb)[\w./-]*",
    )
    if outcome.verdict != "pass":
        return outcome
    if app.first(
        ".rubocop.yml", ".standard.yml", ".config/rubocop/config.yml", ".config/.rubocop.yml"
    ) or "standard" in (app.gemfile or {}):
        return outcome
    return app.missing("RuboCop is installed and has no configuration", ".rubocop.yml", reads=(".rubocop.yml",))


@check("ci.simplecov")
def simplecov(app: App) -> Outcome:
    if app.gemfile is None:
        return app.missing("there is no Gemfile to look at", "Gemfile", reads=("Gemfile",))
    gem = app.gemfile.get("simplecov")
    if gem is None:
        return failed("SimpleCov is not in the Gemfile", app.nothing('gem "simplecov"', "Gemfile"))
    for path in [*app.paths("test/", suffix=".rb"), ".simplecov", *app.paths("spec/", suffix="_helper.rb")]:
        root = app.ruby(path)
        for call in ruby.calls(root, "start") if root else []:
            if ruby.constant(ruby.receiver(call)) == "SimpleCov":
                return passed("SimpleCov is installed and started", app.at("Gemfile", gem.line), app.at(path, call))
    return app.missing(
        "SimpleCov is installed and never started", "SimpleCov.start", "test/", reads=("test/", ".simplecov")
    )
