"""Reading a Dockerfile into stages, with what each stage inherits from the one that it is built on."""

from dataclasses import dataclass, field
from io import BytesIO

from dockerfile_parse import DockerfileParser

MAX_BYTES = 128 * 1024


class BrokenError(Exception):
    """Not a Dockerfile that can be read."""


@dataclass
class Step:
    instruction: str
    value: str
    line: int


@dataclass
class Stage:
    """A stage: its steps, and `base`, the earlier stage that it continues, if any."""

    image: str
    name: str
    line: int
    base: "Stage | None" = None
    steps: list[Step] = field(default_factory=list)

    def chain(self) -> list[Step]:
        """The steps of this stage and of those that it continues, in order."""
        return [*(self.base.chain() if self.base else []), *self.steps]

    def last(self, instruction: str) -> Step | None:
        return next((step for step in reversed(self.chain()) if step.instruction == instruction), None)


def read(source: bytes) -> list[Stage]:
    """The stages in order. BrokenError where there is no FROM."""
    if len(source) > MAX_BYTES:
        raise BrokenError(f"larger than {MAX_BYTES} bytes")
    readable = source.decode("utf-8", "replace").encode()  # the parser decodes strictly
    structure = DockerfileParser(fileobj=BytesIO(readable), env_replace=False).structure
    stages: list[Stage] = []
    for part in structure:
        step = Step(part["instruction"].upper(), part["value"], part["startline"] + 1)
        if step.instruction == "FROM":
            words = [word for word in step.value.split() if not word.startswith("--")]
            image = words[0] if words else ""
            name = words[2] if len(words) > 2 and words[1].upper() == "AS" else ""
            base = next(
                (stage for stage in reversed(stages) if stage.name and stage.name.lower() == image.lower()), None
            )
            if len(stages) > 100:
                raise BrokenError("more than 100 stages")
            stages.append(Stage(image, name, step.line, base))
        elif stages and step.instruction != "COMMENT":
            stages[-1].steps.append(step)
    if not stages:
        raise BrokenError("no FROM")
    return stages
