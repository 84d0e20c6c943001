#!/usr/bin/env bash
# Recalibrates a model on many shards of data by xargs, which every system has: on all cores of this machine. Run it
# again after it was stopped, and it computes only what is missing.
#
# usage: recalibrate.sh MODEL OUTPUT SHARDS WORK [OPTION...]
#
#   MODEL   the model to repair, and OUTPUT, where the repaired one goes
#   SHARDS  a folder of .npy files
#   WORK    a folder for what each shard gives; another one for another model, other data or other options
#   OPTION  of `evenkeel moments`, such as --one-pass, --divide-by 255, --batch-size 128
#
# It needs Bash 4.4, and `npm install --global evenkeel-cli`.
set -euo pipefail
# Ctrl-C ends this, too, where it comes when a command has done its work and ends well.
trap 'exit 130' INT

[ $# -ge 4 ] || { grep '^# usage' "$0" >&2; exit 2; }
model=$1 output=$2 shards=$3 work=$4
shift 4

files=("$shards"/*.npy)
state=$work/state.jsonl
rm -f "$state"
cores=$(getconf _NPROCESSORS_ONLN)

# The names of the shards that have not given their file. It is there as a whole or not at all.
missing() {
  for file in "${files[@]}"; do
    [ -e "$1/${file##*/}.jsonl" ] || printf '%s\0' "${file##*/}"
  done
}

# One round for each batch normalization, since what it gets depends on those before it; with --one-pass only one.
given=()
rounds=$(evenkeel moments "$model" --count "$@")
for round in $(seq "$rounds"); do
  folder=$work/round-$round
  for _ in 1 2 3; do
    # What fails here is missing in the next try, and in the end `merge` says so.
    missing "$folder" | xargs -0 -P "$cores" -I {} \
      evenkeel moments "$model" --data "$shards/{}" "${given[@]}" --output "$folder/{}.jsonl" "$@" > /dev/null || true
  done
  evenkeel merge "$folder"/*.jsonl --shards "${#files[@]}" >> "$state"
  given=(--given "$state")
done

evenkeel recalibrate "$model" "$output" --moments "$state" --shards "${#files[@]}"
