#!/bin/sh
# Make the virtual environment and install what requirements/ locks, by hash, and shipbench itself.
#   bootstrap.sh PYTHON VENV runtime|dev
set -eu
python=$1 venv=$2 kind=$3
cd "$(dirname "$0")/.."

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "shipbench needs Python 3.11 or newer as '$python'; name another one with: make PYTHON=python3.12 ..." >&2
  exit 1
fi
if ! [ -x "$venv/bin/python" ]; then
  echo "Making $venv with $("$python" --version) ..."
  if ! "$python" -m venv "$venv"; then
    rm -rf "$venv"
    echo "Python's venv module does not work here (on Debian and Ubuntu: apt-get install python3-venv)" >&2
    exit 1
  fi
fi
echo "Installing the locked $kind dependencies (a minute or two the first time) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
  -r "requirements/$kind.txt" -r requirements/build.txt
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch "$venv/bin/shipbench"
if [ "$kind" = dev ]; then touch "$venv/.dev"; fi
