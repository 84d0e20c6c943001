"""Recalibrates a model on many shards of data by Spark, which pipes the shards' names through the command.

    spark-submit recalibrate.py MODEL OUTPUT SHARDS WORK [OPTION...]

SHARDS is a folder of .npy files; WORK is a folder for what they give; OPTION is one of `evenkeel moments`, such as
--one-pass, --divide-by 255, --batch-size 128. All machines must see the files by the same paths, and have the command:
npm install --global evenkeel-cli.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from pyspark import SparkContext


def evenkeel(*args: str) -> str:
    """What the command prints."""
    return subprocess.run(["evenkeel", *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def recalibrate(spark: SparkContext, model: str, output: str, shards: str, work: str, *options: str) -> None:
    names = sorted(str(path) for path in Path(shards).glob("*.npy"))
    state = Path(work, "state.jsonl")
    state.parent.mkdir(parents=True, exist_ok=True)
    state.unlink(missing_ok=True)
    collect = ["evenkeel", "moments", model, *options]
    # Spark gives it no other.
    environment = {"PATH": os.environ["PATH"]}
    # One process for each slice: most of the cost of a small shard is the start of one.
    slices = min(len(names), 4 * spark.defaultParallelism)
    given: list[str] = []
    # One round for each batch normalization, since what it gets depends on those before it; with --one-pass only one.
    for index in range(int(evenkeel("moments", model, "--count", *options))):
        command = shlex.join(collect + given)
        # With checkCode, Spark drops what a process gave that failed or was killed, and tries its slice again.
        lines = spark.parallelize(names, slices).pipe(command, env=environment, checkCode=True).collect()
        gathered = Path(work, f"round-{index + 1}.jsonl")
        gathered.write_text("".join(f"{line}\n" for line in lines))
        with state.open("a") as known:
            known.write(evenkeel("merge", str(gathered), "--shards", str(len(names))))
        given = ["--given", str(state)]
    evenkeel("recalibrate", model, output, "--moments", str(state), "--shards", str(len(names)))


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit("usage: recalibrate.py MODEL OUTPUT SHARDS WORK [OPTION...]")
    recalibrate(SparkContext(appName="evenkeel"), *sys.argv[1:])
