"""Where the files that travel with shipbench are, and how small files are read and written safely."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shipbench.errors import InputError

MAX_INPUT_BYTES = 16 * 1024 * 1024

Model = TypeVar("Model", bound=BaseModel)


def carried(name: str) -> Path:
    """The folder `name` (tasks, published, experiments): inside an installed package, or at a checkout's root."""
    package = Path(__file__).resolve().parent
    installed = package / "carried" / name
    return installed if installed.is_dir() else package.parents[1] / name


def read_text(path: Path, limit: int = MAX_INPUT_BYTES) -> str:
    """A user's own UTF-8 file. InputError where it is missing, not a regular file, over `limit` bytes or not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{path}: not a regular file")
            content = handle.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise InputError(f"{path}: larger than {limit} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from None


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; InputError with path and line where it cannot be parsed."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: not valid TOML: nested too deeply") from None


def parse(model: type[Model], data: object, where: str) -> Model:
    """`data` as `model`; InputError that names `where` and the first field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{where}: {_first(error)}") from None


def read_model(model: type[Model], path: Path) -> Model:
    """A JSON file as `model`; InputError where it is missing or does not fit."""
    text = read_text(path)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, after the field where it stands."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else first["msg"]


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` so that a reader, or a crash, sees the old content or the new and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
