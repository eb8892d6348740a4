"""Where things lie in a run's folder and in a bundle.

RUN/plan.json                          the locked plan
RUN/trials/TRIAL/attempt-N/            a bundle (see bundle.schema)
RUN/assessments/TRIAL/attempt-N.json   audit and scorecard of a bundle: derived, recomputed at any time
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shipbench.bundle.schema import Attempt, Exchange, PhaseRecord, Snapshot, TrialSpec
from shipbench.errors import InputError
from shipbench.files import read_model

_ATTEMPT = re.compile(r"attempt-([1-9][0-9]{0,3})")


@dataclass(frozen=True)
class Bundle:
    """All evidence of one attempt, in the folder `root`."""

    root: Path

    @property
    def number(self) -> int:
        match = _ATTEMPT.fullmatch(self.root.name)
        if match is None:
            raise InputError(f"{self.root}: not a bundle: its name is not attempt-N")
        return int(match[1])

    @property
    def spec_path(self) -> Path:
        return self.root / "spec.json"

    @property
    def attempt_path(self) -> Path:
        return self.root / "attempt.json"

    @property
    def seal_path(self) -> Path:
        return self.root / "seal.json"

    @property
    def wire(self) -> Path:
        return self.root / "wire"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    def phase(self, name: str) -> Path:
        return self.root / "phases" / name

    def spec(self) -> TrialSpec:
        return read_model(TrialSpec, self.spec_path)

    def attempt(self) -> Attempt:
        return read_model(Attempt, self.attempt_path)

    def phase_record(self, name: str) -> PhaseRecord:
        return read_model(PhaseRecord, self.phase(name) / "phase.json")

    def snapshot(self, name: str) -> Snapshot:
        return read_model(Snapshot, self.phase(name) / "snapshot.json")

    def exchanges(self) -> Iterator[Exchange]:
        return read_exchanges(self.wire / "exchanges.jsonl")


@dataclass(frozen=True)
class RunFolder:
    """The folder of one experiment's run."""

    root: Path

    @property
    def plan_path(self) -> Path:
        return self.root / "plan.json"

    def trial(self, trial: str) -> Path:
        return self.root / "trials" / trial

    def bundles(self, trial: str) -> list[Bundle]:
        """The attempts of `trial`, oldest first."""
        folder = self.trial(trial)
        found = [Bundle(path) for path in folder.iterdir() if _ATTEMPT.fullmatch(path.name)] if folder.is_dir() else []
        return sorted(found, key=lambda bundle: bundle.number)

    def trials(self) -> list[str]:
        folder = self.root / "trials"
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def assessment_path(self, trial: str, attempt: int) -> Path:
        return self.root / "assessments" / trial / f"attempt-{attempt}.json"

    def require(self) -> None:
        """InputError where this is not the folder of a run."""
        if not self.root.exists():
            raise InputError(f"{self.root}: no such folder")
        if not self.plan_path.is_file():
            raise InputError(f"{self.root}: no plan.json here, so not the folder of a run")
        try:
            json.loads(self.plan_path.read_bytes())
        except ValueError as error:
            raise InputError(f"{self.plan_path}: {error}") from None


def read_exchanges(path: Path) -> Iterator[Exchange]:
    """Every exchange on the wire. A last line cut off by a crash is left out; any other bad line is an InputError."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield Exchange.model_validate_json(line)
            except ValidationError as error:
                if not line.endswith("\n"):
                    return
                raise InputError(f"{path}:{number}: {error.errors()[0]['msg']}") from None
