#!/usr/bin/env bash
# Makes the virtual environment out/keras with the pinned versions, unless it is there; prints its Python.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$PWD/out/keras/bin/python
stamp=out/keras/requirements.txt
if ! cmp -s oracle/requirements.txt "$stamp"; then
  rm -rf out/keras
  "$(command -v python3.11 || command -v python3)" -m venv out/keras >&2
  out/keras/bin/pip install --quiet --disable-pip-version-check -r oracle/requirements.txt >&2
  cp oracle/requirements.txt "$stamp"
fi
echo "$python"
