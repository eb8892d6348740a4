"""The image: does its Dockerfile build the application for production and start it, as a user of its own?"""

import re

from shipbench.audit.app import App
from shipbench.audit.parse import dockerfile, ignore
from shipbench.audit.parse.dockerfile import Stage, Step
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, listed, passed, unproven

NAMES = ("Dockerfile", "Containerfile", "docker/Dockerfile", "Dockerfile.prod", "Dockerfile.production")
STARTS = re.compile(
    r"rails[\"',\s]+(s|server)\b|\bpuma\b|\bthrust\b|\bunicorn\b|\bfalcon\b|\brackup\b|foreman|bin/server"
)
DEPLOYMENT = re.compile(r"\bBUNDLE_(DEPLOYMENT|FROZEN)[=\s]+[\"']?(1|true)\b")
FROZEN = re.compile(
    r"\bbundle\s+(install\b[^&|;]*--(deployment|frozen)\b|config\b[^&|;]*\b(deployment|frozen)\s+(true|1))"
)
SECRETS = {".env": "OPENROUTER_API_KEY=…", "config/master.key": "the key to the encrypted credentials"}


def _stages(app: App) -> tuple[str, list[Stage]] | Outcome:
    path = app.first(*NAMES)
    if path is None:
        return app.missing("there is no Dockerfile", "Dockerfile", reads=("Dockerfile", "Containerfile"))
    try:
        return path, dockerfile.read(app.files[path])
    except dockerfile.BrokenError as reason:
        return failed(f"the Dockerfile cannot be built: {reason}", app.at(path, 1))


@check("docker.dockerfile")
def production_image(app: App) -> Outcome:
    found = _stages(app)
    if isinstance(found, Outcome):
        return found
    path, stages = found
    final = stages[-1]
    everything = [step for stage in stages for step in stage.steps]
    lacks = []
    if not any(
        step.instruction == "RUN"
        and re.search(r"\bbundle\b[^&|;]*\binstall\b|bundle\s*(\\\n|&&|$)|bin/setup", step.value)
        for step in everything
    ):
        lacks.append("bundle install")
    if not any(step.instruction in ("COPY", "ADD") for step in everything):
        lacks.append("a COPY of the application")
    starts = [step for step in (final.last("CMD"), final.last("ENTRYPOINT")) if step]
    if not starts:
        lacks.append("a CMD or ENTRYPOINT")
    if lacks:
        return failed(f"the Dockerfile has no {listed(lacks)}", app.nothing(", ".join(lacks), path))
    unlocked = None if app.has("Gemfile.lock") else _needs_lock(everything)
    if unlocked:
        return app.missing(
            f"the image cannot be built: line {unlocked.line} of {path} needs Gemfile.lock, and there is none",
            "Gemfile.lock",
            reads=("Gemfile.lock",),
        )
    environment = _environment(final)
    if environment not in ("production", None):
        return failed(
            f"the image runs in {environment} mode",
            *(app.at(path, step.line) for step in final.chain() if step.instruction == "ENV" and "_ENV" in step.value),
        )
    if environment is None and not any("production" in step.value for step in starts):
        return app.missing("the image does not say that it runs in production", "RAILS_ENV=production", path)
    if not _precompiles(app, everything):
        return app.missing(
            "the image compiles no assets, so production has no style sheet", "assets:precompile", path, reads=("bin/",)
        )
    if not any(STARTS.search(step.value) for step in starts):
        scripts = [
            name
            for step in starts
            for name in re.findall(r"[\w./-]+", step.value)
            if app.has(name.removeprefix("/rails/").removeprefix("./").removeprefix("/app/"))
        ]
        if not any(
            STARTS.search(app.text(name.removeprefix("/rails/").removeprefix("./").removeprefix("/app/")))
            for name in scripts
        ):
            return unproven(
                "whether the image's command starts a server is not certain",
                *(app.at(path, step.line) for step in starts),
            )
    return passed(
        "the Dockerfile builds for production and starts a server",
        app.at(path, final.line),
        *(app.at(path, step.line) for step in starts),
    )


def _needs_lock(steps: list[Step]) -> Step | None:
    """The step that fails without a Gemfile.lock: a COPY that names it, or bundler's deployment mode."""
    for step in steps:
        if step.instruction in ("COPY", "ADD") and "--from=" not in step.value:
            sources = [word.strip("[]\"',") for word in step.value.split()][:-1]
            if any(source.removeprefix("./") == "Gemfile.lock" for source in sources):
                return step
        if step.instruction == "ENV" and DEPLOYMENT.search(step.value):
            return step
        if step.instruction == "RUN" and FROZEN.search(step.value):
            return step
    return None


def _environment(final: Stage) -> str | None:
    for step in reversed(final.chain()):
        if step.instruction == "ENV":
            match = re.search(r"\b(?:RAILS_ENV|RACK_ENV)[=\s]+[\"']?([\w${}:-]+)", step.value)
            if match:
                value = match[1]
                return "production" if "production" in value else _argument(final, value)
    return None


def _argument(final: Stage, value: str) -> str | None:
    """`$RAILS_ENV` of an ARG is its default."""
    name = value.strip("${}").split(":")[0]
    if not value.startswith("$"):
        return value
    for step in final.chain():
        if step.instruction == "ARG" and step.value.startswith(f"{name}="):
            return step.value.partition("=")[2].strip("\"'")
    return None


def _precompiles(app: App, steps: list[Step]) -> bool:
    if any(
        "assets:precompile" in step.value or "tailwindcss:build" in step.value or "vite build" in step.value
        for step in steps
    ):
        return True
    return any("assets:precompile" in app.text(path) for path in app.paths("bin/", "docker/", "script/"))


@check("docker.hardened")
def hardened(app: App) -> Outcome:
    found = _stages(app)
    if isinstance(found, Outcome):
        return found
    path, stages = found
    user = stages[-1].last("USER")
    if user is None or user.value.split(":")[0].strip() in ("root", "0"):
        place = [app.at(path, user.line)] if user else [app.nothing("USER", path)]
        return failed("the image runs as root", *place)
    holder = app.first(".dockerignore", f"{path}.dockerignore")
    if holder is None:
        return app.missing(
            "there is no .dockerignore, so secrets may enter the image", ".dockerignore", reads=(".dockerignore",)
        )
    spec = ignore.read("\n".join(line.removeprefix("./") for line in app.text(holder).splitlines()))
    wanted = [name for name in SECRETS if name == ".env" or app.has("config/credentials.yml.enc")]
    open_to = [name for name in wanted if not spec.match_file(name)]
    if open_to:
        return failed(f".dockerignore lets {listed(open_to)} into the image", app.nothing(", ".join(open_to), holder))
    return passed("the image has a user of its own, and secrets stay out", app.at(path, user.line), app.at(holder))
