"""From what a contender names to what the gateway asks."""

from pathlib import Path

from shipbench.bundle.layout import Bundle
from shipbench.bundle.schema import ContenderSpec
from shipbench.errors import InputError
from shipbench.gateway.providers import Provider, http_provider
from shipbench.gateway.replay import ReplayProvider
from shipbench.gateway.scripted import ScriptedProvider
from shipbench.gateway.totals import Totals
from shipbench.task.load import Task
from shipbench.task.mutants import materialize


def provider_of(contender: ContenderSpec, task: Task, scratch: Path) -> Provider:
    """The provider of `contender`. A scripted one plays golden, null or a mutant of `task`, laid out in `scratch`."""
    if contender.provider == "scripted":
        scratch.mkdir(parents=True)
        materialize(task, contender.model.removeprefix("scripted/"), scratch)
        return ScriptedProvider(scratch, contender.model)
    if contender.provider.startswith("replay:"):
        cassette = Path(contender.provider.removeprefix("replay:"))
        if not (cassette / "exchanges.jsonl").is_file():
            raise InputError(f"contender {contender.name}: {cassette} is not a cassette: it has no exchanges.jsonl")
        return ReplayProvider(cassette)
    return http_provider(contender.provider)


def spent_before(bundles: list[Bundle]) -> Totals:
    """What earlier attempts of a trial spent: it counts against the trial's limits."""
    return Totals.of(exchange for bundle in bundles for exchange in bundle.exchanges())
