"""Opens models that evenkeel saved, by real Keras: are the predictions the same? Trains a step there, and saves again.

usage: open_saved.py FOLDER

FOLDER/cases.json is a list of {file, library, inputs, outputs}. Next to each file, `trained-` and its name is written,
and to FOLDER/results.json, for each, {error, synchronized, trained: {file, outputs, moved} | null} or {failed}, where
`synchronized` names the layers that are so.
"""

import json
import os
import sys
import traceback
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import numpy as np

import own_layer
from application_layers import application_layers


def library(name: str):
    if name == "tf-keras":
        import tf_keras

        return tf_keras
    import keras

    return keras


def unpack(packed: dict) -> np.ndarray:
    return np.array(packed["data"], packed["dtype"]).reshape(packed["shape"])


def pack(array) -> dict:
    array = np.asarray(array, "float32")
    return {"shape": list(array.shape), "dtype": "float32", "data": [float(str(v)) for v in array.ravel()]}


def only(values: list):
    return values[0] if len(values) == 1 else values


def predict(model, inputs: list, training: bool | None) -> list:
    # Keras 3 would take training=False for a word on every call in the model.
    out = model(only(inputs)) if training is None else model(only(inputs), training=training)
    return [np.asarray(y) for y in (out if isinstance(out, (list, tuple)) else [out])]


def examine(case: dict, folder: Path) -> dict:
    keras = library(case["library"])
    keras.backend.clear_session()
    own_layer.register(keras)
    model = keras.models.load_model(folder / case["file"], custom_objects=application_layers(keras))
    inputs = [unpack(x) for x in case["inputs"]]
    training = case.get("training")
    outputs = predict(model, inputs, training)
    want = [unpack(y) for y in case["outputs"]]
    error = max(float(np.abs(a - b).max()) for a, b in zip(want, outputs, strict=True))
    # Four of everything: ghost batches must divide the batch.
    batch = [np.concatenate([x, x[:1]]) for x in inputs]
    target = [np.zeros((4, *y.shape[1:]), "float32") for y in outputs]
    before = [np.array(w) for w in model.get_weights()]
    model.compile("sgd", "mse", run_eagerly=True)
    model.train_on_batch(only(batch), only(target))
    moved = sum(not np.array_equal(a, np.array(b)) for a, b in zip(before, model.get_weights(), strict=True))
    trained = f"trained-{case['file']}"
    model.save(folder / trained)
    return {
        "error": error,
        "synchronized": [layer.name for layer in model._flatten_layers() if getattr(layer, "synchronized", False)],
        "trained": {"file": trained, "moved": moved, "outputs": [pack(y) for y in predict(model, inputs, training)]},
    }


def main(folder: Path):
    results = []
    for case in json.loads((folder / "cases.json").read_text()):
        try:
            results.append(examine(case, folder))
        except Exception:  # whatever it is, the test shows it beside the file's name
            results.append({"failed": traceback.format_exc()[-1500:]})
    (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
