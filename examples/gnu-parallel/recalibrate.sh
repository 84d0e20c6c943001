#!/usr/bin/env bash
# Recalibrates a model on many shards of data by GNU parallel: on all cores, or on several machines by ssh.
#
# usage: recalibrate.sh MODEL OUTPUT SHARDS WORK [OPTION...]
#
#   MODEL   the model to repair, and OUTPUT, where the repaired one goes
#   SHARDS  a folder of .npy files
#   WORK    a folder for what each shard gives
#   OPTION  of `evenkeel moments`, such as --one-pass, --divide-by 255, --batch-size 128
#
# It needs Bash 4.4, GNU parallel, and `npm install --global evenkeel-cli`. For other machines, add `--sshloginfile
# nodes.txt --workdir .` to `parallel` below. All of them must see the files by the same paths.
set -euo pipefail
# Ctrl-C ends this, too, where it comes when a command has done its work and ends well.
trap 'exit 130' INT

[ $# -ge 4 ] || { grep '^# usage' "$0" >&2; exit 2; }
model=$1 output=$2 shards=$3 work=$4
shift 4

files=("$shards"/*.npy)
state=$work/state.jsonl
rm -f "$state"

# One round for each batch normalization, since what it gets depends on those before it; with --one-pass only one.
given=()
rounds=$(evenkeel moments "$model" --count "$@")
for round in $(seq "$rounds"); do
  # A shard whose process fails or is killed is tried again. Its file is there as a whole or not at all.
  parallel --quote --retries 3 \
    evenkeel moments "$model" --data {} "${given[@]}" --output "$work/round-$round/{/}.jsonl" "$@" \
    ::: "${files[@]}" > /dev/null
  evenkeel merge "$work/round-$round"/*.jsonl --shards "${#files[@]}" >> "$state"
  given=(--given "$state")
done

evenkeel recalibrate "$model" "$output" --moments "$state" --shards "${#files[@]}"
