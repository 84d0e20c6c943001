#!/usr/bin/env bash
# Recalibrates a model on many shards of data by Slurm: submits an array of tasks for each round, and after each array a
# job that merges what the tasks gave. The last one writes the repaired model.
#
# usage: submit.sh MODEL OUTPUT SHARDS WORK TASKS [OPTION...]
#
#   MODEL   the model to repair, and OUTPUT, where the repaired one goes
#   SHARDS  a folder of .npy files
#   WORK    a new folder for what the tasks give
#   TASKS   how many tasks share the shards in a round, such as 100
#   OPTION  of `evenkeel moments`, such as --one-pass, --divide-by 255, --batch-size 128
#
# It needs Bash 4.4, `npm install --global evenkeel-cli`, and folders that all nodes see. If a job fails, those after it
# are cancelled: `sacct` names it, and its output says why.
set -euo pipefail

[ $# -ge 5 ] || { grep '^# usage' "$0" >&2; exit 2; }
model=$1 output=$2 shards=$3 work=$4 tasks=$5
shift 5

here=$(dirname "$0")
files=("$shards"/*.npy)
mkdir "$work"

# One round for each batch normalization, since what it gets depends on those before it; with --one-pass only one.
rounds=$(evenkeel moments "$model" --count "$@")
after=()
for round in $(seq "$rounds"); do
  array=$(sbatch --parsable --kill-on-invalid-dep=yes "${after[@]}" --array="0-$((tasks - 1))" --output="$work/%x-%A-%a.txt" \
    "$here/moments.sbatch" "$model" "$shards" "$work" "$round" "$@")
  merge=$(sbatch --parsable --kill-on-invalid-dep=yes --dependency="afterok:${array%;*}" --output="$work/%x-%j.txt" \
    "$here/merge.sbatch" "$model" "$output" "$work" "$round" "$rounds" "${#files[@]}")
  after=(--dependency="afterok:${merge%;*}")
done
echo "The last job is ${merge%;*}: squeue --job ${merge%;*}"
