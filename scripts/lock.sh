#!/bin/sh
# Compile requirements/*.txt from pyproject.toml: versions and hashes, no download addresses.
set -eu
cd "$(dirname "$0")/.."
compile() {
  "${UV:-.venv/bin/uv}" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" "$@"
}
compile pyproject.toml --output-file requirements/runtime.txt
compile pyproject.toml --group dev --output-file requirements/dev.txt
printf 'hatchling>=1.27,<2\neditables>=0.5,<1\n' | compile - --output-file requirements/build.txt
