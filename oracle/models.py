"""Whole models as files, written by tf-keras and by Keras 3, with what they predict.

The files lie in test/golden/models, gzipped; index.json.gz there holds the inputs and the outputs. TensorFlow predicts
eagerly: its graphs merge a convolution with a fused normalization along axis 1, and compute something else (2.18).
"""

import gzip
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras as keras3
import numpy as np

from packing import TOLERANCE, pack
from reference import generator
from reference import keras as tf_keras

BATCH = 3
LIBRARIES = {"tf-keras": tf_keras, "keras3": keras3}


@dataclass(frozen=True)
class Model:
    """A model, and the files that are made of it."""

    name: str
    # Makes the model from the library: tf-keras or Keras 3.
    make: Callable
    # Shapes of the inputs, without the batch.
    inputs: tuple = ((6,),)
    # Inputs are whole numbers below this; None: they are no whole numbers.
    below: int | None = None
    libraries: tuple = ("tf-keras", "keras3")
    formats: tuple = ("h5", "keras")
    # The number of training steps before the model is saved, with its optimizer.
    steps: int = 0
    # The libraries that evenkeel saves it for.
    saved_for: tuple = ("tf-keras", "keras3")


TF = ("tf-keras",)


def mlp(**normalization):
    def make(keras):
        layers = keras.layers
        return keras.Sequential(
            [
                layers.InputLayer((6,)),
                layers.Dense(5, use_bias=False),
                layers.BatchNormalization(**normalization),
                layers.Activation("relu"),
                layers.Dense(3, activation="softmax"),
            ]
        )

    return make


def conv(**normalization):
    def make(keras):
        layers = keras.layers
        return keras.Sequential(
            [
                layers.InputLayer((6, 5, 2)),
                layers.Conv2D(4, 3, padding="same", use_bias=False),
                layers.BatchNormalization(**normalization),
                layers.ReLU(6.0),
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="softmax"),
            ]
        )

    return make


def volume(**normalization):
    def make(keras):
        layers = keras.layers
        return keras.Sequential(
            [
                layers.InputLayer((3, 4, 3, 2)),
                layers.Conv3D(3, 2),
                layers.BatchNormalization(**normalization),
                layers.MaxPooling3D((1, 2, 1)),
                layers.Flatten(),
                layers.Dense(2),
            ]
        )

    return make


def shared(keras):
    """One normalization at two places, of which one is in inference mode, and a frozen one."""
    layers = keras.layers
    i = layers.Input((5,))
    n = layers.BatchNormalization()
    s = layers.Add()([n(layers.Dense(5)(i)), n(i, training=False)])
    return keras.Model(i, layers.Dense(2)(layers.BatchNormalization(trainable=False)(s)))


def nested(keras):
    """Models in models; the inner one at two places in inference mode, with some of its layers frozen."""
    layers = keras.layers
    innermost = keras.Sequential(
        [layers.InputLayer((4,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(4)]
    )
    j = layers.Input((4,))
    inner = keras.Model(j, layers.BatchNormalization()(innermost(layers.BatchNormalization(trainable=False)(j))))
    i = layers.Input((4,))
    o = layers.Multiply()([inner(i, training=False), inner(layers.Dense(4)(i), training=False)])
    return keras.Model(i, layers.Dense(2)(o))


def frozen_nested(keras):
    layers = keras.layers
    base = keras.Sequential(
        [
            layers.InputLayer((4,)),
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.Dense(4),
            layers.BatchNormalization(),
        ]
    )
    base.trainable = False
    i = layers.Input((4,))
    return keras.Model(i, layers.Dense(2)(base(i)))


def nested_outputs(keras):
    """Models that are called several times; some calls are outputs, others go on."""
    layers = keras.layers
    j = layers.Input((3,))
    graph = keras.Model(j, layers.BatchNormalization()(layers.Dense(3)(j)))
    chain = keras.Sequential([layers.InputLayer((3,)), layers.Dense(3), layers.BatchNormalization()])
    i = layers.Input((6,))
    first, second, third = (graph(layers.Dense(3)(i)) for _ in range(3))
    fourth, fifth = chain(second), chain(third)
    return keras.Model(i, [first, third, layers.Dense(2)(second), fourth, layers.Dense(2)(fifth)])


def called_for_training(keras):
    """What is to train, and what not, as a number; a model too."""
    layers = keras.layers
    inner = keras.Sequential([layers.InputLayer((6,)), layers.Dense(4), layers.BatchNormalization()])
    i = layers.Input((6,))
    trains = layers.BatchNormalization()(i, training=1)
    infers = layers.BatchNormalization()(i, training=0)
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([trains, infers, inner(i, training=1)])))


def deferred(keras):
    layers = keras.layers
    m = keras.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)])
    m(np.zeros((1, 6), "float32"))
    return m


def regularized(keras):
    layers, regularizers, constraints = keras.layers, keras.regularizers, keras.constraints
    return keras.Sequential(
        [
            layers.InputLayer((6,)),
            layers.Dense(
                4,
                kernel_regularizer=regularizers.L1(0.01),
                bias_regularizer=regularizers.L2(0.02),
                kernel_constraint=constraints.MaxNorm(0.1, axis=0),
            ),
            layers.BatchNormalization(
                gamma_regularizer=regularizers.L1L2(0.01, 0.02),
                beta_regularizer="l2",
                gamma_constraint=constraints.NonNeg(),
                beta_constraint="unit_norm",
            ),
            layers.Dense(
                2,
                kernel_constraint=constraints.MinMaxNorm(0.1, 0.2),
                kernel_initializer="lecun_normal",
                bias_initializer=keras.initializers.Constant(0.5),
            ),
        ]
    )


def recurrent(keras):
    layers = keras.layers
    i = layers.Input((5, 3))
    sequences = layers.LSTM(4, return_sequences=True, dropout=0.2)(i)
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True, go_backwards=False))(sequences)
    summed = layers.Bidirectional(layers.SimpleRNN(3), merge_mode="sum")(both)
    cells = layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(2)])(sequences)
    gated = layers.GRU(3, reset_after=False, go_backwards=True)(layers.BatchNormalization()(both))
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([summed, cells, gated])))


def states(keras):
    layers = keras.layers
    i = layers.Input((5, 3))
    _, h, c = layers.LSTM(4, return_state=True, recurrent_activation="sigmoid")(i)
    return keras.Model(i, layers.LSTM(4)(i, initial_state=[h, c]))


def decoder(keras):
    """The states of one recurrent layer are the first ones of another, which does not read the same sequence."""
    layers = keras.layers
    i = layers.Input((5, 3))
    last, h, c = layers.LSTM(4, return_state=True)(i)
    normalized = layers.BatchNormalization()(layers.RepeatVector(2)(last))
    decoded = layers.LSTM(4, return_sequences=True)(normalized, initial_state=[h, c])
    return keras.Model(i, layers.TimeDistributed(layers.Dense(2))(decoded))


def distributed(keras):
    """A normalization, and a model with one, at each step."""
    layers = keras.layers
    j = layers.Input((3,))
    inner = keras.Model(j, layers.BatchNormalization()(layers.Dense(4)(j)))
    i = layers.Input((5, 3))
    steps = layers.TimeDistributed(inner)(layers.TimeDistributed(layers.BatchNormalization())(i))
    return keras.Model(i, layers.LSTM(2)(steps))


def convolutional_recurrent(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((3, 4, 4, 2)),
            layers.ConvLSTM2D(2, 2, return_sequences=True, recurrent_activation="sigmoid"),
            layers.TimeDistributed(layers.BatchNormalization()),
            layers.TimeDistributed(layers.Flatten()),
            layers.TimeDistributed(layers.Dense(2)),
            layers.LSTM(2),
        ]
    )


def hard(keras):
    """As Keras 1 and 2 had it by default."""
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer((4, 2)), layers.LSTM(3, recurrent_activation="hard_sigmoid"), layers.BatchNormalization()]
    )


def words(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((5,), dtype="int32"),
            layers.Embedding(7, 4, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.LSTM(3),
            layers.LayerNormalization(),
            layers.Dense(2),
        ]
    )


def branches(keras):
    """A mask that one branch keeps, and another loses in a convolution."""
    layers = keras.layers
    i = layers.Input((5,), dtype="int32")
    embedded = layers.Embedding(7, 4, mask_zero=True)(i)
    kept = layers.LSTM(3)(layers.BatchNormalization()(layers.Dense(3)(embedded)))
    lost = layers.LSTM(3)(layers.BatchNormalization()(layers.Conv1D(3, 2)(embedded)))
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([kept, lost])))


def masked_merge(keras):
    """Two branches with the same mask, added."""
    layers = keras.layers
    i = layers.Input((5,), dtype="int32")
    embedded = layers.Embedding(7, 4, mask_zero=True)(i)
    one = layers.LSTM(3, return_sequences=True)(embedded)
    two = layers.SimpleRNN(3, return_sequences=True)(embedded)
    return keras.Model(i, layers.LSTM(2)(layers.BatchNormalization()(layers.Add()([one, two]))))


def masked(keras):
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer((4, 3)), layers.Masking(0.0), layers.BatchNormalization(), layers.SimpleRNN(3)]
    )


def images(keras):
    """What works on images, one after another."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((9, 8, 3)),
            layers.Rescaling(0.5, offset=-0.1),
            layers.ZeroPadding2D(((1, 0), (0, 2))),
            layers.SeparableConv2D(4, 3, depth_multiplier=2),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(2, depth_multiplier=2),
            layers.BatchNormalization(scale=False),
            layers.MaxPooling2D(2, padding="same"),
            layers.Conv2DTranspose(3, 3, strides=2),
            layers.BatchNormalization(center=False),
            layers.Cropping2D(((1, 0), (0, 1))),
            layers.AveragePooling2D(2),
            layers.UpSampling2D(2),
            layers.PReLU(shared_axes=[1, 2]),
            layers.Dropout(0.3),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2),
        ]
    )


def series(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((9, 3)),
            layers.Conv1D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.SpatialDropout1D(0.2),
            layers.MaxPooling1D(2),
            layers.Conv1D(4, 2, dilation_rate=1),
            layers.GaussianNoise(0.1),
            layers.AveragePooling1D(1),
            layers.Permute((2, 1)),
            layers.Reshape((2, 2)),
            layers.Flatten(),
            layers.RepeatVector(2),
            layers.GlobalMaxPooling1D(),
            layers.GaussianDropout(0.1),
            layers.AlphaDropout(0.1),
            layers.Dense(2),
        ]
    )


def volumes(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((3, 4, 3, 2)),
            layers.Conv3DTranspose(3, 2),
            layers.BatchNormalization(),
            layers.AveragePooling3D(2),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


ACTIVATIONS = [
    "elu",
    "selu",
    "relu",
    "relu6",
    "linear",
    "sigmoid",
    "softplus",
    "softsign",
    "tanh",
    "softmax",
    "swish",
    "mish",
    "gelu",
    "log_softmax",
]


def activations(keras):
    layers = keras.layers
    i = layers.Input((6,))
    h = [layers.Activation(a)(i) for a in ACTIVATIONS]
    h += [layers.LeakyReLU(0.2)(i), layers.ELU(1.0)(i), layers.Softmax()(i), layers.ReLU()(i), layers.PReLU()(i)]
    return keras.Model(i, layers.Concatenate()(h))


def thresholded(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((6,)),
            layers.ThresholdedReLU(0.3),
            layers.Activation("hard_sigmoid"),
            layers.BatchNormalization(),
        ]
    )


def merges(keras):
    """Two inputs, two outputs, each way to merge."""
    layers = keras.layers
    a, b = layers.Input((4,), name="first"), layers.Input((4,), name="second")
    h = [
        layer([a, b])
        for layer in (
            layers.Add(),
            layers.Multiply(),
            layers.Average(),
            layers.Maximum(),
            layers.Minimum(),
            layers.Concatenate(axis=1),
            layers.Dot(axes=1, normalize=True),
        )
    ]
    n = layers.BatchNormalization()(layers.Concatenate()(h))
    return keras.Model([a, b], [layers.Dense(2, name="one")(n), layers.Dense(3, name="two")(h[1])])


def named(keras):
    """Names that are no names of tensors in TF.js, or paths, or markup."""
    layers = keras.layers
    one, two = ("block/1/dense", "a>b") if keras is tf_keras else ("<b>bold<i>", "a b & 'c' \"d\"")
    i = layers.Input((6,))
    return keras.Model(
        i, layers.Dense(2, name="last")(layers.BatchNormalization(name=two)(layers.Dense(4, name=one)(i))), name="model"
    )


MODELS = [
    Model("mlp", mlp()),
    Model("mlp-trained", mlp(momentum=0.9), steps=3),
    Model("mlp-not-centered", mlp(center=False, scale=False, epsilon=0.01)),
    Model(
        "mlp-renorm",
        mlp(renorm=True, renorm_clipping={"rmax": 3.0, "rmin": 0.3, "dmax": 5.0}, renorm_momentum=0.9),
        steps=2,
    ),
    Model("mlp-ghost", mlp(virtual_batch_size=4), libraries=TF, saved_for=TF),
    Model("mlp-ghost-renorm", mlp(virtual_batch_size=4, renorm=True), libraries=TF, saved_for=TF),
    Model("conv", conv(), ((6, 5, 2),), steps=1),
    Model("conv-axis-1", conv(axis=1), ((6, 5, 2),)),
    Model("conv-axes-1-3", conv(axis=[1, 3]), ((6, 5, 2),), libraries=TF, saved_for=TF),
    Model("conv-ghost", conv(virtual_batch_size=2), ((6, 5, 2),), libraries=TF, saved_for=TF),
    Model("conv-ghost-axis-1", conv(virtual_batch_size=2, axis=1), ((6, 5, 2),), libraries=TF, saved_for=TF),
    Model("conv-ghost-axes-1-2", conv(virtual_batch_size=2, axis=[1, 2]), ((6, 5, 2),), libraries=TF, saved_for=TF),
    Model("conv-renorm-axis-2", conv(renorm=True, axis=2), ((6, 5, 2),)),
    Model("volume", volume(), ((3, 4, 3, 2),)),
    Model("volumes", volumes, ((3, 4, 3, 2),)),
    Model("shared", shared, ((5,),)),
    Model("nested", nested, ((4,),)),
    Model("nested-outputs", nested_outputs),
    Model("frozen-nested", frozen_nested, ((4,),)),
    Model("called-for-training", called_for_training),
    Model("deferred", deferred),
    Model("regularized", regularized),
    Model("recurrent", recurrent, ((5, 3),)),
    Model("states", states, ((5, 3),)),
    Model("decoder", decoder, ((5, 3),)),
    Model("distributed", distributed, ((5, 3),)),
    Model("convolutional-recurrent", convolutional_recurrent, ((3, 4, 4, 2),)),
    Model("hard", hard, ((4, 2),), libraries=TF, saved_for=TF),
    Model("words", words, ((5,),), below=7),
    Model("branches", branches, ((5,),), below=7),
    # Keras 3 writes how it joins masks into the graph.
    Model("masked-merge", masked_merge, ((5,),), below=7, libraries=TF, saved_for=TF),
    Model("masked", masked, ((4, 3),)),
    Model("images", images, ((9, 8, 3),)),
    Model("series", series, ((9, 3),)),
    Model("activations", activations),
    Model("thresholded", thresholded, libraries=TF, saved_for=TF),
    Model("merges", merges, ((4,), (4,))),
    # Keras 3 takes no slashes in names.
    Model("named", named, saved_for=TF),
]


def files(seed: int) -> list[tuple[str, bytes, dict]]:
    """Every file: its name, its bytes, and what it is to compute."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            for library in model.libraries:
                for ending in model.formats:
                    made.append(_file(model, library, ending, generator(seed, "models", model.name), Path(folder)))
    return made


def _file(case: Model, library: str, ending: str, random: np.random.Generator, folder: Path):
    keras = LIBRARIES[library]
    keras.backend.clear_session()
    model = case.make(keras)
    _draw(model, random)
    inputs = [_input(shape, case.below, random) for shape in case.inputs]
    if case.steps:
        model.compile("adam", "mse")
        target = [random.normal(0, 1, out.shape).astype("float32") for out in _predict(model, inputs)]
        for _ in range(case.steps):
            model.train_on_batch(_only(inputs), _only(target))
    name = f"{library}-{case.name}.{ending}"
    model.save(folder / name)
    # Before it predicts: what is called for training moves its statistics.
    weights = _weights(model)
    entry = {
        "file": name,
        "writtenBy": f"{library} {keras.__version__}",
        "savedFor": list(case.saved_for),
        "inputs": [pack(x) for x in inputs],
        "outputs": [pack(y) for y in _predict(model, inputs)],
        "weights": weights,
    }
    return name, (folder / name).read_bytes(), entry


def _draw(model, random: np.random.Generator):
    """All distinct, and far from what initializers give."""
    positive = ("moving_variance", "renorm_stddev", "moving_stddev", "gamma")
    values = []
    for w in model.weights:
        name = w.name.split("/")[-1].split(":")[0]
        drawn = random.uniform(0.6, 1.4, w.shape) if name in positive else random.normal(0, 0.4, w.shape)
        values.append(np.round(drawn, 4).astype("float32"))
    model.set_weights(values)


def _input(shape: tuple, below: int | None, random: np.random.Generator):
    if below is not None:
        return random.integers(0, below, (BATCH, *shape)).astype("int32")
    x = np.round(random.normal(0.3, 1, (BATCH, *shape)), 3).astype("float32")
    x[0, -1] = 0  # for those that mask
    return x


def _only(values: list):
    return values[0] if len(values) == 1 else values


def _predict(model, inputs: list) -> list:
    """Eagerly, see above; without a word of training, by which Keras 3 overrides what the model's own calls say."""
    out = model(_only(inputs))
    return [np.asarray(y) for y in (out if isinstance(out, (list, tuple)) else [out])]


def _weights(model) -> dict:
    """Of the layers that lie directly in the model."""
    return {
        layer.name: [pack(np.asarray(weight)) for weight in layer.get_weights()]
        for layer in model.layers
        if layer.get_weights() and not hasattr(layer, "layers")
    }


def write(folder: Path, seed: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    made = files(seed)
    for old in folder.glob("*.gz"):
        old.unlink()
    for name, content, _ in made:
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    index = json.dumps([entry for _, _, entry in made], separators=(",", ":"))
    (folder / "index.json.gz").write_bytes(gzip.compress(index.encode(), 9, mtime=0))
    return len(made)


def check(folder: Path) -> list[str]:
    """Opens every file there by the library that wrote it, and compares what it predicts."""
    index = json.loads(gzip.decompress((folder / "index.json.gz").read_bytes()))
    expected = {f"{library}-{m.name}.{e}" for m in MODELS for library in m.libraries for e in m.formats}
    if expected != {entry["file"] for entry in index}:
        return ["the names of the models differ"]
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for entry in index:
            path = Path(temporary) / entry["file"]
            path.write_bytes(gzip.decompress((folder / f"{entry['file']}.gz").read_bytes()))
            keras = LIBRARIES[entry["writtenBy"].split()[0]]
            keras.backend.clear_session()
            # tf-keras saves the axis of ghost batches one too high, and cannot load it.
            if "ghost" in entry["file"]:
                continue
            outputs = _predict(keras.models.load_model(path, compile=False), [_unpack(x) for x in entry["inputs"]])
            for want, got in zip(entry["outputs"], outputs, strict=True):
                error = np.abs(_unpack(want) - got).max()
                if not error <= TOLERANCE["float32"]:
                    found.append(f"{entry['file']}: differs by {error}")
    return found


def _unpack(packed: dict):
    return np.array(packed["data"], packed["dtype"]).reshape(packed["shape"])
