#!/usr/bin/env bash
# Makes a virtual environment in out/ with pinned versions, unless it is there, and prints a program of it:
#   install.sh          Keras, and its Python
#   install.sh mpich    MPICH, and its mpiexec
#   install.sh spark    Spark, and its Python
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-keras} in
  keras) folder=out/keras requirements=oracle/requirements.txt program=python ;;
  mpich) folder=out/mpich requirements=test/mpi/requirements.txt program=mpiexec ;;
  spark) folder=out/spark requirements=test/examples/requirements.txt program=python ;;
  *) echo "There is no '$1' to install: keras, mpich or spark." >&2 && exit 2 ;;
esac

if ! cmp -s "$requirements" "$folder/requirements.txt"; then
  rm -rf "$folder"
  "$(command -v python3.11 || command -v python3)" -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2
  cp "$requirements" "$folder/requirements.txt"
fi
echo "$PWD/$folder/bin/$program"
