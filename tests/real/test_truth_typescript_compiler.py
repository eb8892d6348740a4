"""A second opinion: the TypeScript compiler reads the labelled cases against the packages themselves."""

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from test_truth_typescript_cases import labels_of
from truth_typescript_labelled import INVENTED, VALID, Case

pytestmark = pytest.mark.real

COMPILER = "typescript@5.9.3"
BESIDE = {
    "ai": ["zod@3.25.76", "@types/node@22", "react@19", "@types/react@19"],
    "hono": ["@types/node@22"],
    "@ai-sdk/openai-compatible": ["zod@3.25.76", "@types/node@22"],
    "@openrouter/ai-sdk-provider": ["zod@3.25.76", "@types/node@22", "ai@7.0.173"],
}
OPTIONS = {
    "noEmit": True, "skipLibCheck": True, "strict": True, "noImplicitAny": False, "target": "es2022",
    "module": "preserve", "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"], "types": ["node"],
    "useUnknownInCatchVariables": False,
}  # fmt: skip
# A name, a module, a property, an option or an argument that does not exist, or one that is missing.
ABSENT = frozenset(
    [
        "2305",
        "2307",
        "2322",
        "2339",
        "2344",
        "2345",
        "2353",
        "2551",
        "2554",
        "2561",
        "2614",
        "2694",
        "2724",
        "2741",
        "2769",
    ]
)
_ERROR = re.compile(r"^(case\d+\.tsx?)\((\d+),\d+\): error TS(\d+)", re.MULTILINE)


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def installed(folder: Path, library: str, version: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here: the compiler's second opinion was not asked")
    (folder / "package.json").write_text('{"name": "cases", "version": "1.0.0", "type": "module"}')
    wanted = [COMPILER, f"{library}@{version}", *BESIDE[library]]
    done = run([npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", *wanted], folder)
    if done.returncode:
        pytest.skip(f"npm could not install {library} {version}: {done.stderr.strip()[-300:]}")


def errors_of(cases: list[Case], folder: Path) -> dict[tuple[int, int], set[str]]:
    """The compiler's error codes by case and line."""
    for number, case in enumerate(cases):
        (folder / f"case{number}.ts").write_text(case.code.replace("export default app;", "") + "\nexport {};\n")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "include": ["case*.ts"]}))
    done = run(["node", "node_modules/typescript/bin/tsc", "--pretty", "false", "-p", "."], folder)
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    for name, line, code in _ERROR.findall(done.stdout):
        found[int(name[4:].split(".")[0]), int(line)].add(code)
    assert done.stdout or not done.returncode, done.stderr
    return found


GROUPS: dict[tuple[str, str], list[Case]] = defaultdict(list)
for each in VALID + INVENTED:
    if each.path.endswith(".ts"):
        GROUPS[each.library, each.version].append(each)


@pytest.mark.parametrize(("library", "version"), list(GROUPS), ids=lambda name: name)
def test_the_compiler_agrees_with_the_labels(library: str, version: str, tmp_path: Path) -> None:
    cases = GROUPS[library, version]
    installed(tmp_path, library, version)
    errors = errors_of(cases, tmp_path)
    missed, false, lines = [], [], 0
    for number, case in enumerate(cases):
        by_line: dict[int, set[str]] = defaultdict(set)
        for line, verdict, _ in labels_of(case):
            by_line[line].add(verdict)
        for line, verdicts in by_line.items():
            lines += 1
            wrong = errors[number, line] & ABSENT
            if verdicts & {"invented", "version_mismatch"} and not wrong:
                missed.append((case.title, line, case.code.split("\n")[line - 1]))
            if verdicts == {"real"} and wrong:
                false.append((case.title, line, case.code.split("\n")[line - 1], wrong))
    assert lines
    assert not missed, "the compiler accepts what is labelled as absent"
    assert not false, "the compiler refuses what is labelled as real"
