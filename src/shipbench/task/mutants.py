"""The graded copies of a task's reference application: golden, null, and mutants with one seeded defect each.

A mutant is two files in the task's `mutants/`: NAME.toml says what is wrong and which checks must notice, NAME.patch
is a git diff against `reference/`. A mutant that moves the whole application names a `transform` instead of a patch.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from shipbench.errors import InputError
from shipbench.files import parse, read_toml
from shipbench.task.load import Task
from shipbench.task.model import Strict

GOLDEN = "golden"
NULL = "null"

# Marks the reference folder for contamination checks; a contender's workspace must not carry it.
CANARY_FILE = ".canary"


class MutantFile(Strict):
    """mutants/NAME.toml. `seed` names the lines of the article that the defect comes from."""

    canary: str
    title: str
    defect: str
    seed: str
    expects: list[str] = Field(min_length=1)
    transform: Literal["nest"] | None = None
    folder: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")

    @model_validator(mode="after")
    def _nest_names_its_folder(self) -> "MutantFile":
        if (self.transform == "nest") != (self.folder is not None):
            raise ValueError('folder and transform = "nest" go together')
        return self


@dataclass(frozen=True)
class Mutant:
    """One seeded defect. Exactly the checks in `expects` change from pass.

    `patch` is None where the application is put into the folder `nest_into` instead.
    """

    name: str
    title: str
    defect: str
    seed: str
    expects: tuple[str, ...]
    patch: Path | None
    nest_into: str | None


def mutant_names(task: Task) -> list[str]:
    """Names of the task's mutants, sorted; golden and null are not among them."""
    return sorted(path.stem for path in (task.folder / "mutants").glob("*.toml"))


def load_mutant(task: Task, name: str) -> Mutant:
    """InputError for a name that the task does not have, a file that does not fit, or a check outside the catalogue."""
    if name not in mutant_names(task):
        raise InputError(f"task {task.name}: no mutant {name!r}; there is: {_known(task)}")
    path = task.folder / "mutants" / f"{name}.toml"
    file = parse(MutantFile, read_toml(path), str(path))
    unknown = sorted(set(file.expects) - set(task.checks))
    if unknown:
        raise InputError(f"{path}: expects checks that the catalogue does not have: {', '.join(unknown)}")
    patch = path.with_suffix(".patch") if file.transform is None else None
    if patch is not None and not patch.is_file():
        raise InputError(f"{patch}: missing")
    return Mutant(name, file.title, file.defect, file.seed, tuple(file.expects), patch, file.folder)


def materialize(task: Task, name: str, destination: Path) -> None:
    """Write the application `name` (golden, null or a mutant) into `destination`, a folder that is new or empty.

    The same name gives the same files every time. InputError for an unknown name, a destination that holds something, a
    patch that does not apply, or where git is missing.
    """
    mutant = None if name in (GOLDEN, NULL) else load_mutant(task, name)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        occupied = any(destination.iterdir())
    except OSError as error:
        raise InputError(f"{destination}: {error.strerror or error}") from None
    if occupied:
        raise InputError(f"{destination}: not empty")
    if name == NULL:
        return
    root = destination / mutant.nest_into if mutant and mutant.nest_into else destination
    reference = task.folder / "reference"
    if not reference.is_dir():
        raise InputError(f"{reference}: missing; only {NULL!r} can be made without a reference application")
    shutil.copytree(reference, root, symlinks=True, ignore=shutil.ignore_patterns(CANARY_FILE), dirs_exist_ok=True)
    if mutant and mutant.patch:
        _apply(mutant.patch, root)


def _apply(patch: Path, root: Path) -> None:
    """`git apply` in `root`, which is no repository and must not be taken for a part of one around it."""
    root = root.resolve()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": str(root.parent),
    }
    command = ["git", "apply", "-p1", "--whitespace=nowarn", str(patch.resolve())]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        raise InputError("git is missing: it applies the mutants' patches") from None
    if done.returncode != 0:
        reason = (done.stderr.strip() or "git apply failed").splitlines()[0]
        raise InputError(f"{patch}: does not apply: {reason}")


def _known(task: Task) -> str:
    return ", ".join([GOLDEN, NULL, *mutant_names(task)])
