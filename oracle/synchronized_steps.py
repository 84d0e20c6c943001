"""One step of synchronized layers by several workers, with the moments of distributed/keras_worker.py.

usage: synchronized_steps.py FOLDER RANK HOST:PORT,...

FOLDER/cases.json is a list of {arguments, weights, rows, x, dy, mask}: a layer's arguments, its weights by name (null:
as it makes them), how many rows each worker takes, and what goes in. FOLDER/results-RANK.json gets {y, dx, gradients,
weights} of each, as that worker has them.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "distributed"))

import keras_worker
import tensorflow as tf
import tf_keras as keras

from open_saved import unpack
from packing import pack


def take_step(layer, x, dy, mask) -> list:
    """y, dx, and the gradients of the layer's own weights, of sum(y·dy)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True, mask=mask)
        total = tf.reduce_sum(y * dy)
    return [y, *tape.gradient(total, [x, *layer.trainable_variables])]


def make_layer(case: dict):
    layer = keras.layers.BatchNormalization(synchronized=True, **case["arguments"])
    layer.build([None, *case["x"]["shape"][1:]])
    if case["weights"]:
        layer.set_weights([unpack(case["weights"][name_of(w)]) for w in layer.weights])
    return layer


def name_of(weight) -> str:
    return weight.name.split("/")[-1].split(":")[0]


def examine(strategy, rank: int, case: dict) -> dict:
    with strategy.scope():
        layer = make_layer(case)
    start = sum(case["rows"][:rank])
    rows = slice(start, start + case["rows"][rank])
    x, dy = (tf.constant(unpack(case[name])[rows]) for name in ("x", "dy"))
    mask = None if case["mask"] is None else tf.constant(unpack(case["mask"])[rows])
    y, dx, *gradients = strategy.run(take_step, (layer, x, dy, mask))
    return {
        "y": pack(y),
        "dx": pack(dx),
        "gradients": [pack(gradient) for gradient in gradients],
        "weights": {name_of(weight): pack(weight.numpy()) for weight in layer.weights},
    }


def main(folder: Path, rank: int, addresses: str):
    keras_worker.tell_who_works(addresses, rank)
    keras_worker.use_exact_moments()
    strategy = keras_worker.join(timeout=60)
    cases = json.loads((folder / "cases.json").read_text())
    results = [examine(strategy, rank, case) for case in cases]
    (folder / f"results-{rank}.json").write_text(json.dumps(results))
    keras_worker.leave(strategy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
