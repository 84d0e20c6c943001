"""Whole models as files, written by tf-keras and by Keras 3, with what they predict.

The files lie in test/golden/models, gzipped; index.json.gz there holds the inputs and the outputs. TensorFlow predicts
eagerly: its graphs merge a convolution with a fused normalization along axis 1, and compute something else (2.18).
"""

import gzip
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras as keras3
import numpy as np

from packing import pack, TOLERANCE
from reference import generator, keras as tf_keras

BATCH = 3
LIBRARIES = {"tf-keras": tf_keras, "keras3": keras3}


@dataclass(frozen=True)
class Model:
    name: str
    """Makes the model from the library (tf-keras or Keras 3)."""
    make: Callable
    """Shapes of the inputs, without the batch."""
    inputs: tuple = ((6,),)
    """Inputs are whole numbers below this."""
    below: int | None = None
    libraries: tuple = ("tf-keras", "keras3")
    formats: tuple = ("h5", "keras")
    """The number of training steps before the model is saved, with its optimizer."""
    steps: int = 0
    """Does evenkeel save it for Keras 3, too?"""
    saved_for: tuple = field(default=("tf-keras", "keras3"))


TF = ("tf-keras",)
K3 = ("keras3",)


def mlp(**normalization):
    def make(k):
        L = k.layers
        return k.Sequential([
            L.InputLayer((6,)), L.Dense(5, use_bias=False), L.BatchNormalization(**normalization), L.Activation("relu"),
            L.Dense(3, activation="softmax"),
        ])
    return make


def conv(**normalization):
    def make(k):
        L = k.layers
        return k.Sequential([
            L.InputLayer((6, 5, 2)), L.Conv2D(4, 3, padding="same", use_bias=False), L.BatchNormalization(**normalization),
            L.ReLU(6.0), L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax"),
        ])
    return make


def volume(**normalization):
    def make(k):
        L = k.layers
        return k.Sequential([
            L.InputLayer((3, 4, 3, 2)), L.Conv3D(3, 2), L.BatchNormalization(**normalization), L.MaxPooling3D((1, 2, 1)),
            L.Flatten(), L.Dense(2),
        ])
    return make


def shared(k):
    """One normalization at two places, of which one is in inference mode, and a frozen one."""
    L = k.layers
    i = L.Input((5,))
    n = L.BatchNormalization()
    s = L.Add()([n(L.Dense(5)(i)), n(i, training=False)])
    return k.Model(i, L.Dense(2)(L.BatchNormalization(trainable=False)(s)))


def nested(k):
    """Models in models; the inner one at two places in inference mode, with some of its layers frozen."""
    L = k.layers
    innermost = k.Sequential([L.InputLayer((4,)), L.Dense(4), L.BatchNormalization(), L.Dense(4)])
    j = L.Input((4,))
    inner = k.Model(j, L.BatchNormalization()(innermost(L.BatchNormalization(trainable=False)(j))))
    i = L.Input((4,))
    o = L.Multiply()([inner(i, training=False), inner(L.Dense(4)(i), training=False)])
    return k.Model(i, L.Dense(2)(o))


def frozen_nested(k):
    L = k.layers
    base = k.Sequential([L.InputLayer((4,)), L.Dense(4), L.BatchNormalization(), L.Dense(4), L.BatchNormalization()])
    base.trainable = False
    i = L.Input((4,))
    return k.Model(i, L.Dense(2)(base(i)))


def deferred(k):
    L = k.layers
    m = k.Sequential([L.Dense(4), L.BatchNormalization(), L.Dense(2)])
    m(np.zeros((1, 6), "float32"))
    return m


def regularized(k):
    L, r, c = k.layers, k.regularizers, k.constraints
    return k.Sequential([
        L.InputLayer((6,)),
        L.Dense(4, kernel_regularizer=r.L1(0.01), bias_regularizer=r.L2(0.02), kernel_constraint=c.MaxNorm(0.1, axis=0)),
        L.BatchNormalization(
            gamma_regularizer=r.L1L2(0.01, 0.02), beta_regularizer="l2", gamma_constraint=c.NonNeg(), beta_constraint="unit_norm"
        ),
        L.Dense(2, kernel_constraint=c.MinMaxNorm(0.1, 0.2), kernel_initializer="lecun_normal", bias_initializer=k.initializers.Constant(0.5)),
    ])


def recurrent(k):
    L = k.layers
    i = L.Input((5, 3))
    sequences = L.LSTM(4, return_sequences=True, dropout=0.2)(i)
    both = L.Bidirectional(L.LSTM(3, return_sequences=True, go_backwards=False))(sequences)
    summed = L.Bidirectional(L.SimpleRNN(3), merge_mode="sum")(both)
    cells = L.RNN([L.LSTMCell(3), L.SimpleRNNCell(2)])(sequences)
    gated = L.GRU(3, reset_after=False, go_backwards=True)(L.BatchNormalization()(both))
    return k.Model(i, L.Dense(2)(L.Concatenate()([summed, cells, gated])))


def states(k):
    L = k.layers
    i = L.Input((5, 3))
    _, h, c = L.LSTM(4, return_state=True, recurrent_activation="sigmoid")(i)
    return k.Model(i, L.LSTM(4)(i, initial_state=[h, c]))


def convolutional_recurrent(k):
    L = k.layers
    return k.Sequential([
        L.InputLayer((3, 4, 4, 2)), L.ConvLSTM2D(2, 2, return_sequences=True, recurrent_activation="sigmoid"),
        L.TimeDistributed(L.BatchNormalization()), L.TimeDistributed(L.Flatten()), L.TimeDistributed(L.Dense(2)), L.LSTM(2),
    ])


def hard(k):
    """As Keras 1 and 2 had it by default."""
    L = k.layers
    return k.Sequential([L.InputLayer((4, 2)), L.LSTM(3, recurrent_activation="hard_sigmoid"), L.BatchNormalization()])


def words(k):
    L = k.layers
    return k.Sequential([
        L.InputLayer((5,), dtype="int32"), L.Embedding(7, 4, mask_zero=True), L.LSTM(3, return_sequences=True),
        L.LSTM(3), L.LayerNormalization(), L.Dense(2),
    ])


def masked(k):
    L = k.layers
    return k.Sequential([L.InputLayer((4, 3)), L.Masking(0.0), L.BatchNormalization(), L.SimpleRNN(3)])


def images(k):
    """What works on images, one after another."""
    L = k.layers
    return k.Sequential([
        L.InputLayer((9, 8, 3)), L.Rescaling(0.5, offset=-0.1), L.ZeroPadding2D(((1, 0), (0, 2))), L.SeparableConv2D(4, 3, depth_multiplier=2),
        L.BatchNormalization(), L.DepthwiseConv2D(2, depth_multiplier=2), L.BatchNormalization(scale=False), L.MaxPooling2D(2, padding="same"),
        L.Conv2DTranspose(3, 3, strides=2), L.BatchNormalization(center=False), L.Cropping2D(((1, 0), (0, 1))), L.AveragePooling2D(2),
        L.UpSampling2D(2), L.PReLU(shared_axes=[1, 2]), L.Dropout(0.3),
        L.GlobalMaxPooling2D(), L.Dense(2),
    ])


def series(k):
    L = k.layers
    return k.Sequential([
        L.InputLayer((9, 3)), L.Conv1D(4, 3, strides=2, padding="same"), L.BatchNormalization(), L.SpatialDropout1D(0.2), L.MaxPooling1D(2),
        L.Conv1D(4, 2, dilation_rate=1), L.GaussianNoise(0.1), L.AveragePooling1D(1), L.Permute((2, 1)), L.Reshape((2, 2)), L.Flatten(),
        L.RepeatVector(2), L.GlobalMaxPooling1D(), L.GaussianDropout(0.1), L.AlphaDropout(0.1), L.Dense(2),
    ])


def volumes(k):
    L = k.layers
    return k.Sequential([
        L.InputLayer((3, 4, 3, 2)), L.Conv3DTranspose(3, 2), L.BatchNormalization(), L.AveragePooling3D(2), L.Flatten(), L.Dense(2),
    ])


ACTIVATIONS = "elu selu relu relu6 linear sigmoid softplus softsign tanh softmax swish mish gelu log_softmax".split()


def activations(k):
    L = k.layers
    i = L.Input((6,))
    h = [L.Activation(a)(i) for a in ACTIVATIONS]
    h += [L.LeakyReLU(0.2)(i), L.ELU(1.0)(i), L.Softmax()(i), L.ReLU()(i), L.PReLU()(i)]
    return k.Model(i, L.Concatenate()(h))


def thresholded(k):
    L = k.layers
    return k.Sequential([L.InputLayer((6,)), L.ThresholdedReLU(0.3), L.Activation("hard_sigmoid"), L.BatchNormalization()])


def merges(k):
    """Two inputs, two outputs, each way to merge."""
    L = k.layers
    a, b = L.Input((4,), name="first"), L.Input((4,), name="second")
    h = [layer([a, b]) for layer in (L.Add(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum(), L.Concatenate(axis=1), L.Dot(axes=1, normalize=True))]
    n = L.BatchNormalization()(L.Concatenate()(h))
    return k.Model([a, b], [L.Dense(2, name="one")(n), L.Dense(3, name="two")(h[1])])


def named(k):
    """Names that are no names of tensors in TF.js, or paths, or markup."""
    L = k.layers
    one, two = ("block/1/dense", "a>b") if k is tf_keras else ("<b>bold<i>", "a b & 'c' \"d\"")
    i = L.Input((6,))
    return k.Model(i, L.Dense(2, name="last")(L.BatchNormalization(name=two)(L.Dense(4, name=one)(i))), name="model")


MODELS = [
    Model("mlp", mlp()),
    Model("mlp-trained", mlp(momentum=0.9), steps=3),
    Model("mlp-not-centered", mlp(center=False, scale=False, epsilon=0.01)),
    Model("mlp-renorm", mlp(renorm=True, renorm_clipping={"rmax": 3.0, "rmin": 0.3, "dmax": 5.0}, renorm_momentum=0.9), steps=2),
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
    Model("frozen-nested", frozen_nested, ((4,),)),
    Model("deferred", deferred),
    Model("regularized", regularized),
    Model("recurrent", recurrent, ((5, 3),)),
    Model("states", states, ((5, 3),)),
    Model("convolutional-recurrent", convolutional_recurrent, ((3, 4, 4, 2),)),
    Model("hard", hard, ((4, 2),), libraries=TF, saved_for=TF),
    Model("words", words, ((5,),), below=7),
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
    k = LIBRARIES[library]
    k.backend.clear_session()
    model = case.make(k)
    _draw(model, random)
    inputs = [_input(shape, case.below, random) for shape in case.inputs]
    if case.steps:
        model.compile("adam", "mse")
        target = [random.normal(0, 1, out.shape).astype("float32") for out in _predict(model, inputs)]
        for _ in range(case.steps):
            model.train_on_batch(_only(inputs), _only(target))
    name = f"{library}-{case.name}.{ending}"
    model.save(folder / name)
    entry = {
        "file": name,
        "writtenBy": f"{library} {k.__version__}",
        "savedFor": list(case.saved_for),
        "inputs": [pack(x) for x in inputs],
        "outputs": [pack(y) for y in _predict(model, inputs)],
        "weights": _weights(model),
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
    """Eagerly, see above."""
    out = model(_only(inputs), training=False)
    return [np.asarray(y) for y in (out if isinstance(out, (list, tuple)) else [out])]


def _weights(model) -> dict:
    """Of the layers that lie directly in the model."""
    return {l.name: [pack(np.asarray(w)) for w in l.get_weights()] for l in model.layers if l.get_weights() and not hasattr(l, "layers")}


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
            k = LIBRARIES[entry["writtenBy"].split()[0]]
            k.backend.clear_session()
            # tf-keras saves the axis of ghost batches one too high, and cannot load it.
            if "ghost" in entry["file"]:
                continue
            outputs = _predict(k.models.load_model(path, compile=False), [_unpack(x) for x in entry["inputs"]])
            for want, got in zip(entry["outputs"], outputs, strict=True):
                error = np.abs(_unpack(want) - got).max()
                if not error <= TOLERANCE["float32"]:
                    found.append(f"{entry['file']}: differs by {error}")
    return found


def _unpack(packed: dict):
    return np.array(packed["data"], packed["dtype"]).reshape(packed["shape"])
