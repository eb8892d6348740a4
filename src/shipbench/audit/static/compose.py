"""Docker Compose."""

from typing import Any

from shipbench.audit.app import App
from shipbench.audit.parse.yaml import BrokenError, load
from shipbench.audit.registry import check
from shipbench.audit.verdict import Outcome, failed, passed, unproven

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
KEY = "OPENROUTER_API_KEY"


@check("docker.compose")
def compose(app: App) -> Outcome:
    path = app.first(*NAMES)
    if path is None:
        return app.missing("there is no compose file", ", ".join(NAMES), reads=NAMES)
    try:
        content = load(app.text(path))
    except BrokenError as reason:
        if "more than" in str(reason) or "deeper" in str(reason) or "larger" in str(reason):
            return unproven(f"{path} was not read: {reason}", app.at(path))
        return failed(f"{path} is {reason}", app.at(path, reason.line or 1))
    services = content.get("services") if isinstance(content, dict) else None
    if not isinstance(services, dict) or not services:
        return failed(f"{path} has no services", app.nothing("services", path))
    built = {name: service for name, service in services.items() if isinstance(service, dict) and service.get("build")}
    if not built:
        if (
            any(
                isinstance(service, dict) and ("extends" in service or "image" in service)
                for service in services.values()
            )
            and "include" in content
        ):
            return unproven("the services are defined in another file", app.at(path))
        return failed("no service is built from this application", app.nothing("build:", path))
    if not any(service.get("ports") or service.get("network_mode") == "host" for service in built.values()) and not any(
        isinstance(service, dict) and service.get("ports") for service in services.values()
    ):
        return failed("no port is published, so the application cannot be reached", app.nothing("ports:", path))
    return _key(app, path, built)


def _key(app: App, path: str, built: dict[Any, dict[str, Any]]) -> Outcome:
    line = next(
        (
            number
            for number, text in enumerate(app.text(path).split("\n"), 1)
            if KEY in text and not text.lstrip().startswith("#")
        ),
        None,
    )
    for service in built.values():
        if service.get("env_file"):
            return passed(
                "the application is built and run, with its environment from a file",
                app.at(path, _line(app, path, "env_file")),
            )
        environment = service.get("environment")
        values = _variables(environment)
        if KEY not in values:
            continue
        value = values[KEY]
        if value and "$" not in value:
            return failed("the key's value is written into the compose file", app.nothing(f"{KEY}: ${{{KEY}}}", path))
        return passed("the application is built and run, with the key from the environment", app.at(path, line))
    if any(service.get("secrets") or service.get("extends") for service in built.values()):
        return unproven("the key may come from a secret or another file", app.at(path))
    return failed("the application is run without its key", app.nothing(KEY, path))


def _line(app: App, path: str, word: str) -> int | None:
    return next((number for number, text in enumerate(app.text(path).split("\n"), 1) if word in text), None)


def _variables(environment: object) -> dict[str, str]:
    """Variable → value as text, "" where it is taken from the caller's environment."""
    if isinstance(environment, dict):
        return {str(name): "" if value is None else str(value) for name, value in environment.items()}
    if isinstance(environment, list):
        pairs = [str(item).partition("=") for item in environment]
        return {name.strip(): value.strip() for name, _, value in pairs}
    return {}
