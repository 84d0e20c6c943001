"""Whole models as files, written by tf-keras and by Keras 3, with what they predict and how they learn.

The files lie in test/golden/models, a folder for each group, gzipped; index.json.gz there holds the inputs and the
outputs. TensorFlow computes eagerly: its graphs merge a convolution with a fused normalization along axis 1, and
compute something else (2.18).
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras as keras3
import numpy as np
import tensorflow as tf

import own_layer
from application_layers import application_layers
from packing import TOLERANCE, pack
from reference import generator
from reference import keras as tf_keras

BATCH = 3
# Pixels of one color, along each side.
PATCH = 8
# Files that the library cannot load which wrote them. tf-keras saves the axis of ghost batches one too high; Keras 3
# writes `x + 3.0` to HDF5 in a form that it does not take.
UNREADABLE = ("ghost", "keras3-mobilenet-v3-small.h5", "keras3-mobilenet-v3-large.h5")
LIBRARIES = {"tf-keras": tf_keras, "keras3": keras3}
TF = ("tf-keras",)
KERAS3 = ("keras3",)
# Of the training whose losses are written down.
LEARNING_RATE = 0.1


@dataclass(frozen=True)
class Model:
    """A model, and the files that are made of it."""

    name: str
    # Makes the model from the library: tf-keras or Keras 3.
    make: Callable
    # Shapes of the inputs, without the batch.
    inputs: tuple = ((6,),)
    # Inputs are whole numbers below this, or each below its own; None: they are no whole numbers.
    below: int | tuple | None = None
    # Inputs are images of one color every few pixels, drawn from these values; None: all values are distinct.
    colors: tuple | None = None
    # Draws the weights; None: all distinct.
    draw: Callable | None = None
    libraries: tuple = ("tf-keras", "keras3")
    formats: tuple = ("h5", "keras")
    # The number of training steps before the model is saved, with its optimizer.
    steps: int = 0
    # The number of training steps after it is saved, whose losses are written down, with the gradients of the inputs.
    learns: int = 0
    # What the model is called with; None: nothing. Keras 3 goes by it for all layers, and draws where nothing is said.
    training: bool | None = None
    # What `compile` gets, made from the library. The model is trained so some steps, saved, and trained on.
    compile: Callable | None = None
    # What it is trained towards: "numbers", "classes", "one-hot" or "yes-no", for each output.
    targets: tuple = ("numbers",)
    # The number of training steps after it is saved, by the optimizer that it was compiled with.
    resumes: int = 0
    # The libraries that evenkeel saves it for.
    saved_for: tuple = ("tf-keras", "keras3")


def chain(shape: tuple, *layers: Callable) -> Callable:
    """What makes a sequential model; each layer is made by a function of the library's `layers`."""

    def make(keras):
        return keras.Sequential([keras.layers.InputLayer(shape), *(layer(keras.layers) for layer in layers)])

    return make


def files(group: str, models: Sequence[Model], seed: int) -> list[tuple[str, bytes, dict]]:
    """Every file: its name, its bytes, and what it is to compute."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            for library in model.libraries:
                for ending in model.formats:
                    made.append(_file(model, library, ending, generator(seed, group, model.name), Path(folder)))
    return made


def _file(case: Model, library: str, ending: str, random: np.random.Generator, folder: Path):
    keras = LIBRARIES[library]
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = case.make(keras)
    (case.draw or draw_weights)(model, random)
    bounds = case.below if isinstance(case.below, tuple) else (case.below,) * len(case.inputs)
    inputs = [_input(shape, below, case.colors, random) for shape, below in zip(case.inputs, bounds, strict=True)]
    if case.steps:
        arguments = case.compile(keras) if case.compile else {"optimizer": "adam", "loss": "mse"}
        model.compile(**arguments, run_eagerly=case.compile is not None)
        outputs = _predict(model, inputs, case.training)
        kinds = case.targets if case.compile else ["numbers"] * len(outputs)
        target = [_target(kind, out, random) for kind, out in zip(kinds, outputs, strict=True)]
        for _ in range(case.steps):
            model.train_on_batch(_only(inputs), _only(target))
    name = f"{library}-{case.name}.{ending}"
    model.save(folder / name)
    # Before it predicts: what is called for training moves its statistics.
    weights = {} if case.draw else _weights(model)
    entry = {
        "file": name,
        "writtenBy": f"{library} {keras.__version__}",
        "savedFor": list(case.saved_for),
        **({} if case.training is None else {"training": case.training}),
        "inputs": [pack(x) for x in inputs],
        "outputs": [pack(y) for y in _predict(model, inputs, case.training)],
        "weights": weights,
    }
    if case.resumes:
        entry["targets"] = [pack(t) for t in target]
        entry["resumed"] = [_train(model, inputs, target) for _ in range(case.resumes)]
    if case.learns:
        entry |= _learn(model, inputs, case, random)
    return name, (folder / name).read_bytes(), entry


def _target(kind: str, out: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if kind == "numbers":
        return random.normal(0, 1, out.shape).astype("float32")
    if kind == "yes-no":
        return random.integers(0, 2, out.shape).astype("float32")
    classes = random.integers(0, out.shape[-1], out.shape[:-1])
    chosen = classes[..., None] if kind == "classes" else np.eye(out.shape[-1])[classes]
    return chosen.astype("float32")


def _train(model, inputs: list, target: list) -> float:
    """One step; its loss."""
    # Keras 3 gives the mean of all steps since.
    model.reset_metrics()
    return float(np.atleast_1d(model.train_on_batch(_only(inputs), _only(target)))[0])


def draw_weights(model, random: np.random.Generator):
    """All distinct, and far from what initializers give."""
    positive = ("variance", "moving_variance", "renorm_stddev", "moving_stddev", "gamma")
    for w in model.weights:
        # Tables of words are no variables.
        if not hasattr(w, "assign"):
            continue
        name = w.name.split("/")[-1].split(":")[0]
        drawn = random.uniform(0.6, 1.4, w.shape) if name in positive else random.normal(0, 0.4, w.shape)
        # Counts are whole numbers.
        is_whole = "int" in str(w.dtype)
        w.assign(np.round(np.abs(drawn) * 100).astype("int64") if is_whole else np.round(drawn, 4).astype("float32"))
    finalize(model)


def finalize(model):
    """To be called where weights have been set: Keras 3's Normalization keeps what it made of those that it had."""
    for layer in model._flatten_layers():
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()


def leaves(model):
    """The layers of a model, and of the models in it."""
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else (layer,)


def _input(shape: tuple, below: int | None, colors: tuple | None, random: np.random.Generator):
    if below is not None:
        return random.integers(0, below, (BATCH, *shape)).astype("int32")
    if colors is not None:
        return images(BATCH, shape, colors, random)
    x = np.round(random.normal(0.3, 1, (BATCH, *shape)), 3).astype("float32")
    x[(0, -1)[: x.ndim]] = 0  # for those that mask
    return x


def images(count: int, shape: tuple, colors: tuple, random: np.random.Generator) -> np.ndarray:
    """Images that compress well, and that differ even where a network averages them."""
    height, width, channels = shape
    coarse = random.choice(colors, (count, -(-height // PATCH), -(-width // PATCH), channels))
    return coarse.repeat(PATCH, 1).repeat(PATCH, 2)[:, :height, :width].astype("float32")


def _only(values: list):
    return values[0] if len(values) == 1 else values


def _call(model, inputs: list, training: bool | None):
    return model(_only(inputs)) if training is None else model(_only(inputs), training=training)


def _predict(model, inputs: list, training: bool | None = None) -> list:
    """Eagerly, see above; a word of training overrides in Keras 3 what the model's own calls say."""
    return [np.asarray(y) for y in _outputs(_call(model, inputs, training))]


def _learn(model, inputs: list, case: Model, random: np.random.Generator) -> dict:
    """The gradients of sum(y·dy) with regard to the inputs, and the losses of a training by plain gradient descent."""
    outputs = _predict(model, inputs, case.training)
    dy, targets = ([np.round(random.normal(0, 1, y.shape), 3).astype("float32") for y in outputs] for _ in range(2))
    given = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        for x in given:
            tape.watch(x)
        total = sum(tf.reduce_sum(y * d) for y, d in zip(_outputs(_call(model, given, case.training)), dy, strict=True))
    # Whole numbers have none.
    found = tape.gradient(total, given) if inputs[0].dtype == "float32" else []
    gradients = [
        np.zeros(x.shape, "float32") if g is None else g for g, x in zip(found, inputs[: len(found)], strict=True)
    ]
    losses = []
    for _ in range(case.learns):
        with tf.GradientTape() as tape:
            trained = _outputs(model(_only(given), training=True))
            loss = sum(tf.reduce_mean((y - t) ** 2) for y, t in zip(trained, targets, strict=True))
            loss += sum(tf.cast(penalty, "float32") for penalty in model.losses)
        losses.append(float(loss))
        weights = model.trainable_weights
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            if gradient is not None:
                moved = weight - LEARNING_RATE * tf.convert_to_tensor(gradient)
                # As Keras' optimizers do.
                constraint = getattr(weight, "constraint", None)
                weight.assign(constraint(moved) if constraint else moved)
    return {
        "dy": [pack(d) for d in dy],
        "inputGradients": [pack(gradient) for gradient in gradients],
        "targets": [pack(t) for t in targets],
        "losses": losses,
    }


def _outputs(out) -> list:
    return list(out) if isinstance(out, (list, tuple)) else [out]


def _weights(model) -> dict:
    """Of the layers that lie directly in the model."""
    return {
        layer.name: [pack(np.asarray(weight)) for weight in layer.get_weights()]
        for layer in model.layers
        if layer.get_weights() and not hasattr(layer, "layers") and not hasattr(layer, "lookup_table")
    }


def write(folder: Path, group: str, models: Sequence[Model], seed: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    made = files(group, models, seed)
    for old in folder.glob("*.gz"):
        old.unlink()
    for name, content, _ in made:
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    index = json.dumps([entry for _, _, entry in made], separators=(",", ":"))
    (folder / "index.json.gz").write_bytes(gzip.compress(index.encode(), 9, mtime=0))
    return len(made)


def check(folder: Path, models: Sequence[Model]) -> list[str]:
    """Opens every file there by the library that wrote it, and compares what it predicts."""
    index = json.loads(gzip.decompress((folder / "index.json.gz").read_bytes()))
    expected = {f"{library}-{m.name}.{e}" for m in models for library in m.libraries for e in m.formats}
    if expected != {entry["file"] for entry in index}:
        return ["the names of the models differ"]
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for entry in index:
            path = Path(temporary) / entry["file"]
            path.write_bytes(gzip.decompress((folder / f"{entry['file']}.gz").read_bytes()))
            keras = LIBRARIES[entry["writtenBy"].split()[0]]
            keras.backend.clear_session()
            own_layer.register(keras)
            if any(name in entry["file"] for name in UNREADABLE):
                continue
            model = keras.models.load_model(path, compile=False, custom_objects=application_layers(keras))
            outputs = _predict(model, [_unpack(x) for x in entry["inputs"]], entry.get("training"))
            for want, got in zip(entry["outputs"], outputs, strict=True):
                error = np.abs(_unpack(want) - got).max()
                if not error <= TOLERANCE["float32"]:
                    found.append(f"{entry['file']}: differs by {error}")
    return found


def _unpack(packed: dict):
    return np.array(packed["data"], packed["dtype"]).reshape(packed["shape"])
