"""Functional models whose graphs hold bare operations: arithmetic, functions of TensorFlow, of keras.ops."""

import numpy as np
import tensorflow as tf

from model_files import KERAS3, TF, Model

SHIFT = np.array([0.5, -1.5, 2.0, 1.25], "float32")
MATRIX = np.array([[0.5, -1], [1, 0.25], [-0.75, 2], [1.5, 1]], "float32")


def pair(name, in_tf, in_keras3, shape=(5, 4), **settings):
    """Operations of TensorFlow and of keras.ops, on what a Dense gives. Bounded, so that training does not diverge."""

    def making(function):
        def make(keras):
            layers = keras.layers
            i = layers.Input(shape)
            x = layers.Dense(shape[-1])(i)
            flat = [layers.Flatten()(y) if len(y.shape) > 2 else y for y in function(x, keras)]
            return keras.Model(i, [layers.Dense(2, "tanh")(y) for y in flat])

        return make

    models = []
    if in_tf:
        models.append(Model(f"op-{name}", making(in_tf), (shape,), **{"libraries": TF, "learns": 3, **settings}))
    if in_keras3:
        # Keras 3 does not open its own HDF5 files with operations in them.
        own = {"libraries": KERAS3, "formats": ("keras",), "learns": 3, **settings}
        models.append(Model(f"ops-{name}", making(in_keras3), (shape,), **own))
    return models


def both(name, function, **settings):
    return pair(name, function, function, **settings)


def arithmetic(x, _):
    return [
        x / 127.5 - 1.0,
        1.0 - 2 * x,
        x * SHIFT + x,
        (3.0 - x) / (x * x + 1.5),
        1 / (abs(x) + 0.5),
        -(x**2) + 2.0**x,
        x % 1.5,
        (x * 3) // 2.0 + x,
    ]


def functions_of_tf(x, _):
    p = tf.abs(x) + 0.3
    return [
        tf.sqrt(p) + tf.math.rsqrt(p) + tf.square(x) + tf.math.reciprocal(p),
        tf.exp(-p) + tf.math.log(p) + tf.math.log1p(p) + tf.math.expm1(-p),
        tf.sin(x) + tf.cos(x) + tf.tan(tf.tanh(x)) + tf.sigmoid(x) + tf.math.erf(x),
        tf.floor(x) + tf.math.ceil(x) + tf.round(x) + tf.sign(x) + x,
        tf.clip_by_value(x, -0.5, 0.75) + tf.maximum(x, 0.1) + tf.minimum(0.2, x),
        tf.math.squared_difference(x, SHIFT) + tf.math.divide_no_nan(x, SHIFT),
        tf.add_n([x, x, p]) + tf.nn.bias_add(x, SHIFT) + tf.identity(x) * tf.stop_gradient(x),
        tf.math.sinh(x) + tf.math.cosh(x) + tf.atan(x) + tf.zeros_like(x) + tf.ones_like(x),
    ]


def functions_of_keras3(x, keras):
    ops = keras.ops
    p = ops.abs(x) + 0.3
    return [
        ops.sqrt(p) + ops.rsqrt(p) + ops.square(x) + ops.reciprocal(p),
        ops.exp(-p) + ops.log(p) + ops.log1p(p) + ops.expm1(-p) + ops.log2(p) + ops.log10(p),
        ops.sin(x) + ops.cos(x) + ops.tan(ops.tanh(x)) + ops.sigmoid(x) + ops.erf(x),
        ops.floor(x) + ops.ceil(x) + ops.round(x, 1) + ops.sign(x) + x,
        ops.clip(x, -0.5, 0.75) + ops.maximum(x, 0.1) + ops.minimum(0.2, x),
        ops.subtract(SHIFT, x) + ops.divide(x, SHIFT),
        ops.convert_to_tensor(x) * ops.stop_gradient(x) + ops.copy(x),
        ops.sinh(x) + ops.cosh(x) + ops.arctan(x) + ops.zeros_like(x) + ops.ones_like(x),
    ]


def logic_of_tf(x, _):
    positive, small = x > 0.1, tf.less(x, 0.8)
    return [
        tf.cast(positive, "float32") * x,
        tf.where(positive & small, x, -2.0),
        tf.where(positive | small, x * 2, tf.zeros_like(x)) + tf.where(tf.math.is_nan(x), 1.0, x),
        tf.cast(tf.logical_not(positive), tf.float32) + tf.cast(tf.equal(tf.round(x), 0.0), "float32") + x,
        tf.cast(tf.reduce_any(x >= 0.9, axis=-1, keepdims=True), "float32") + x,
        tf.cast(tf.reduce_all(tf.not_equal(x, 0.0), axis=1, keepdims=True), "float32") + x,
        tf.cast(tf.cast(x * 3, "int32"), "float32") + x,
    ]


def logic_of_keras3(x, keras):
    ops = keras.ops
    positive, small = x > 0.1, ops.less(x, 0.8)
    return [
        ops.cast(positive, "float32") * x,
        ops.where(positive & small, x, -2.0),
        ops.where(positive | small, x * 2, ops.zeros_like(x)) + ops.where(ops.isnan(x), 1.0, x),
        ops.cast(ops.logical_not(positive), "float32") + ops.cast(ops.equal(ops.round(x), 0.0), "float32") + x,
        ops.cast(ops.any(x >= 0.9, axis=-1, keepdims=True), "float32") + x,
        ops.cast(ops.all(ops.not_equal(x, 0.0), axis=1, keepdims=True), "float32") + x,
        ops.cast(ops.cast(x * 3, "int32"), "float32") + x,
    ]


def reductions_of_tf(x, _):
    return [
        tf.reduce_sum(x, axis=1),
        tf.reduce_mean(x, axis=[1, 2], keepdims=True),
        tf.reduce_max(tf.nn.relu(x), axis=-1, keepdims=True),
        tf.reduce_min(x, 1),
        tf.reduce_prod(x, axis=-2),
        tf.math.reduce_std(x, axis=1) + tf.math.reduce_variance(x, axis=1),
        tf.reduce_logsumexp(x, axis=1),
        tf.norm(x, axis=1),
        tf.math.l2_normalize(x, axis=-1),
        tf.cast(tf.argmax(x, axis=1), "float32") + tf.cast(tf.argmin(x, 1), "float32"),
    ]


def reductions_of_keras3(x, keras):
    ops = keras.ops
    return [
        ops.sum(x, axis=1),
        ops.mean(x, axis=[1, 2], keepdims=True),
        ops.max(ops.relu(x), axis=-1, keepdims=True),
        ops.min(x, 1),
        ops.prod(x, axis=-2),
        ops.std(x, axis=1) + ops.var(x, axis=1),
        ops.logsumexp(x, axis=1),
        ops.norm(x, axis=1),
        ops.normalize(x, axis=-1),
        ops.cast(ops.argmax(x, axis=1), "float32") + ops.cast(ops.argmin(x, 1), "float32"),
        ops.moments(x, [1])[0] * 2.0 + ops.moments(x, [1])[1],
    ]


def slices(x, _):
    return [
        x[:, 1:],
        x[:, -1],
        x[:, ::2, 1:4],
        x[:, 3:0:-1],
        x[:, None, 2:-1, ::-1],
        x[:, :, -3:],
    ]


def ellipsis(x, _):
    return [x[..., ::-1], x[..., 0, :], x[..., 1:3, None, ::3]]


def arrangement_of_tf(x, _):
    return [
        tf.reshape(x, [-1, 10, 2]),
        tf.reshape(x, [tf.shape(x)[0], 20]),
        tf.transpose(x, [0, 2, 1])[:, :, 1:5],
        tf.squeeze(tf.expand_dims(x, 1), axis=1),
        tf.tile(x, [1, 2, 1]),
        tf.repeat(x, 3, axis=1),
        tf.pad(x, [[0, 0], [1, 2], [0, 1]]) * 2.0,
        tf.pad(x, [[0, 0], [2, 1], [1, 0]], mode="REFLECT"),
        tf.pad(x, [[0, 0], [1, 0], [0, 1]], constant_values=1.5),
        tf.reverse(x, [1]) + tf.roll(x, 2, axis=1),
        tf.concat([x, x * 2], axis=-1),
        tf.stack([x, x + 1, x], axis=2),
    ]


def arrangement_of_keras3(x, keras):
    ops = keras.ops
    return [
        ops.reshape(x, (-1, 10, 2)),
        ops.transpose(x, (0, 2, 1))[:, :, 1:5],
        ops.squeeze(ops.expand_dims(x, 1), axis=1),
        ops.tile(x, (1, 2, 1)),
        ops.repeat(x, 3, axis=1),
        ops.pad(x, ((0, 0), (1, 2), (0, 1))) * 2.0,
        ops.pad(x, ((0, 0), (2, 1), (1, 0)), mode="reflect"),
        ops.pad(x, ((0, 0), (1, 0), (0, 1)), constant_values=1.5),
        ops.pad(x, ((0, 0), (2, 0), (0, 1)), mode="symmetric"),
        ops.flip(x, axis=1) + ops.roll(x, 2, axis=1),
        ops.concatenate([x, x * 2], axis=-1),
        ops.stack([x, x + 1, x], axis=2),
        ops.swapaxes(x, 1, 2)[:, 1:],
        ops.moveaxis(ops.expand_dims(x, 1), 1, 3),
    ]


def parts_of_tf(x, _):
    first, second = tf.split(x, 2, axis=-1)
    a, _, c = tf.split(x, [1, 2, 2], axis=1)
    rows = tf.unstack(x, axis=1)
    values, indices = tf.math.top_k(x, 2)
    return [
        first * second,
        a + c,
        rows[0] - rows[3],
        values + tf.cast(indices, "float32"),
        tf.sort(x, axis=1) + tf.sort(x, direction="DESCENDING"),
        tf.gather(x, [0, 2, 2], axis=1),
        tf.cumsum(x, axis=1) + tf.cumsum(x, axis=2, exclusive=True, reverse=True),
        tf.one_hot(tf.argmax(x, axis=-1), 4) + x,
        tf.broadcast_to(tf.reduce_sum(x, axis=-1, keepdims=True), tf.shape(x)) + x,
    ]


def parts_of_keras3(x, keras):
    ops = keras.ops
    first, second = ops.split(x, 2, axis=-1)
    a, _, c = ops.split(x, [1, 3], axis=1)
    rows = ops.unstack(x, axis=1)
    values, indices = ops.top_k(x, 2)
    return [
        first * second,
        ops.sum(a, axis=1) + ops.sum(c, axis=1),
        rows[0] - rows[3],
        values + ops.cast(indices, "float32"),
        ops.sort(x, axis=1) + ops.sort(x),
        ops.take(x, [0, 2, -1], axis=1),
        ops.cumsum(x, axis=1),
        ops.one_hot(ops.argmax(x, axis=-1), 4) + x,
        ops.ravel(x[0]) * 2.0 + ops.expand_dims(ops.sum(x, axis=(1, 2)), -1),
    ]


def products_of_tf(x, _):
    return [
        tf.matmul(x, x, transpose_b=True)[:, :, :2],
        tf.matmul(x, x, transpose_a=True),
        x @ MATRIX,
        tf.tensordot(x, MATRIX, axes=[[2], [0]]) + tf.tensordot(x, MATRIX, 1),
        tf.matmul(tf.expand_dims(x, 1), x[:, None, :4] + 0.0),
    ]


def products_of_keras3(x, keras):
    ops = keras.ops
    return [
        ops.matmul(x, ops.transpose(x, (0, 2, 1)))[:, :, :2],
        x @ MATRIX,
        ops.tensordot(x, MATRIX, axes=[[2], [0]]) + ops.dot(x, MATRIX),
        ops.einsum("bij,bkj->bik", x, x)[:, :, :3],
        ops.einsum("...ij,jk->...ki", x, MATRIX)[:, :, :2],
        ops.einsum("bij,bik,bil->bjl", x, x, x),
        ops.matmul(MATRIX.T, ops.transpose(x, (0, 2, 1))),
    ]


def activations_of_tf(x, keras):
    nn, act = tf.nn, keras.activations
    return [
        nn.relu(x) + nn.relu6(x * 9) + nn.leaky_relu(x) + nn.leaky_relu(x, 0.3),
        nn.elu(x) + nn.selu(x) + nn.gelu(x) + nn.gelu(x, approximate=True),
        nn.softmax(x) + nn.softmax(x, axis=1) + nn.log_softmax(x),
        nn.softplus(x) + nn.softsign(x) + nn.silu(x) + tf.math.log_sigmoid(x),
        act.hard_sigmoid(x) + act.mish(x) + act.exponential(x) + act.relu(x, 0.2, 3.0, 0.1) + act.elu(x, 0.5),
    ]


def activations_of_keras3(x, keras):
    ops, act = keras.ops, keras.activations
    return [
        ops.relu(x) + ops.relu6(x * 9) + ops.leaky_relu(x) + ops.leaky_relu(x, 0.3),
        ops.elu(x) + ops.elu(x, 0.5) + ops.selu(x) + ops.gelu(x) + ops.gelu(x, approximate=False),
        ops.softmax(x) + ops.softmax(x, axis=1) + ops.log_softmax(x, axis=1),
        ops.softplus(x) + ops.softsign(x) + ops.silu(x) + ops.log_sigmoid(x),
        ops.hard_sigmoid(x) + ops.hard_silu(x) + ops.celu(x, 0.7) + ops.hard_tanh(x),
        act.relu(x, negative_slope=0.2, max_value=3.0, threshold=0.1) + act.relu(x, max_value=0.5),
        ops.tanh_shrink(x) + ops.soft_shrink(x) + ops.hard_shrink(x) + ops.squareplus(x),
    ]


def images_of_tf(x, _):
    sizes = [tf.image.resize(x, (6, 3)), tf.image.resize(x, [3, 3], method="nearest")]
    return [tf.nn.space_to_depth(x, 2), tf.nn.depth_to_space(x, 2), *sizes]


def images_of_keras3(x, keras):
    ops = keras.ops
    sizes = [ops.image.resize(x, (6, 3)), ops.image.resize(x, (3, 3), interpolation="nearest")]
    return [ops.space_to_depth(x, 2), ops.depth_to_space(x, 2), *sizes]


def preprocessing(module):
    """What `preprocess_input` of an application puts into a graph."""

    def make(keras):
        i = keras.layers.Input((4, 5, 3))
        x = getattr(keras.applications, module).preprocess_input(i * 90.0 + 120.0)
        return keras.Model(i, keras.layers.Conv2D(2, 3)(x / 64.0))

    return make


def graphs(keras):
    """Operations on inputs, as outputs, within a nested model that is called twice, on one tensor twice."""
    layers = keras.layers
    j = layers.Input((3,))
    inner = keras.Model(j, [layers.Dense(3)(j * 2.0) + j, j - 1.0])
    a, b = layers.Input((3,)), layers.Input((3,))
    first, second = inner(a), inner(a + b)
    product = first[0] * second[0] / 16.0
    return keras.Model([a, b], [product, b * b, first[1] / 2.0, layers.Dense(2)(second[1])])


def masked(keras):
    """Operations pass no mask on."""
    layers = keras.layers
    i = layers.Input((6,))
    x = layers.Embedding(5, 3, mask_zero=True)(i)
    return keras.Model(i, layers.LSTM(2)(x * 2.0))


def infinite(keras):
    """Attention, masked by minus infinity."""
    i = keras.layers.Input((4, 3))
    x = keras.layers.Dense(3)(i)
    where = tf.where if hasattr(keras, "__internal__") else keras.ops.where
    softmax = keras.activations.softmax
    return keras.Model(i, softmax(where(x > -1.0, x, -np.inf)))


IMAGES = ((4, 5, 3),)
# Of each of the three kinds of preprocessing, and of those that do nothing.
CAFFE, SCALED, TORCH = "vgg16", "mobilenet_v2", "densenet"

MODELS = [
    *both("arithmetic", arithmetic),
    *pair("functions", functions_of_tf, None, saved_for=TF),
    *pair("functions", None, functions_of_keras3, saved_for=KERAS3),
    *pair("logic", logic_of_tf, logic_of_keras3),
    *pair("reductions", reductions_of_tf, reductions_of_keras3),
    *both("slices", slices),
    *pair("ellipsis", ellipsis, None, formats=("h5",)),
    *pair("ellipsis", None, ellipsis),
    *pair("arrangement", arrangement_of_tf, None, saved_for=TF),
    *pair("arrangement", None, arrangement_of_keras3, saved_for=KERAS3),
    *pair("parts", parts_of_tf, None, saved_for=TF),
    *pair("parts", None, parts_of_keras3, saved_for=KERAS3),
    *pair("products", products_of_tf, None, saved_for=TF),
    *pair("products", None, products_of_keras3, saved_for=KERAS3),
    *pair("activations", activations_of_tf, None),
    *pair("activations", None, activations_of_keras3, saved_for=KERAS3),
    *pair("images", images_of_tf, images_of_keras3, shape=(4, 2, 8)),
    Model("op-caffe", preprocessing(CAFFE), IMAGES, libraries=TF, formats=("h5",), learns=3),
    Model("ops-caffe", preprocessing(CAFFE), IMAGES, libraries=KERAS3, formats=("keras",), learns=3),
    *[
        Model(f"op-{name}", preprocessing(module), IMAGES, libraries=library, formats=formats, learns=3)
        for name, module in (("scaled", SCALED), ("torch", TORCH))
        for library, formats in ((TF, ("h5", "keras")),)
    ],
    *[
        Model(f"ops-{name}", preprocessing(module), IMAGES, libraries=KERAS3, formats=("keras",), learns=3)
        for name, module in (("scaled", SCALED), ("torch", TORCH))
    ],
    Model("op-graphs", graphs, ((3,), (3,)), libraries=TF, learns=3),
    Model("ops-graphs", graphs, ((3,), (3,)), libraries=KERAS3, formats=("keras",), learns=3),
    Model("op-masked", masked, ((6,),), below=5, libraries=TF, learns=3),
    Model("ops-masked", masked, ((6,),), below=5, libraries=KERAS3, formats=("keras",), learns=3),
    Model("op-infinite", infinite, ((4, 3),), libraries=TF, learns=3),
    Model("ops-infinite", infinite, ((4, 3),), libraries=KERAS3, formats=("keras",), learns=3),
]
