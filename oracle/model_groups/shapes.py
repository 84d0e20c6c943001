"""Layers that move, pad, merge, pool, drop or scale, and compute no more than that."""

from application_layers import application_layers
from model_files import KERAS3, TF, Model


def flattened(keras, outputs):
    """TF.js adds up the losses of several outputs by sample, before it takes their mean."""
    return [keras.layers.Flatten()(output) for output in outputs]


def subtracted(keras):
    layers = keras.layers
    a, b = layers.Input((4, 3)), layers.Input((3,))
    return keras.Model([a, b], layers.Dense(2)(layers.Subtract()([layers.Dense(3)(a), b])))


def subtracted_under_masks(keras):
    """Where the masks are the same: elsewhere the two Keras join them otherwise."""
    layers = keras.layers
    i = layers.Input((4, 3))
    masked = layers.Masking()(i)
    difference = layers.Subtract()([layers.Dense(3)(masked), masked])
    return keras.Model(i, layers.LSTM(2)(difference))


def padded_1d(keras):
    layers = keras.layers
    i = layers.Input((5, 2))
    p = layers.ZeroPadding1D()(layers.ZeroPadding1D((2, 0))(i))
    return keras.Model(i, layers.Conv1D(3, 3)(layers.Cropping1D((1, 2))(layers.Cropping1D(1)(p))))


def padded_1d_channels_first(keras):
    layers = keras.layers
    i = layers.Input((2, 5))
    return keras.Model(i, layers.Dense(2)(layers.ZeroPadding1D((2, 1), data_format="channels_first")(i)))


def padded_3d(keras):
    layers = keras.layers
    i = layers.Input((3, 2, 4, 2))
    p = layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1)))(layers.ZeroPadding3D((0, 1, 2))(i))
    c = layers.Cropping3D(((0, 1), (2, 0), (1, 2)))(layers.Cropping3D((1, 0, 1))(p))
    return keras.Model(i, layers.Dense(2)(c))


def padded_channels_first(keras):
    layers = keras.layers
    i = layers.Input((2, 3, 2, 4))
    p = layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1)), data_format="channels_first")(i)
    c = layers.Cropping3D(((0, 1), (1, 0), (1, 2)), data_format="channels_first")(p)
    return keras.Model(i, layers.Dense(2)(layers.UpSampling3D((1, 2, 3), data_format="channels_first")(c)))


def upsampled(keras):
    layers = keras.layers
    i, j, k = layers.Input((3, 2)), layers.Input((2, 3, 2)), layers.Input((2, 1, 2, 2))
    outputs = [
        layers.UpSampling1D(3)(layers.Dense(2)(i)),
        layers.UpSampling2D((2, 3))(layers.Dense(2)(j)),
        layers.UpSampling2D(3, data_format="channels_first")(j),
        layers.UpSampling3D()(layers.Dense(2)(k)),
        layers.UpSampling3D((1, 3, 2))(k),
    ]
    return keras.Model([i, j, k], flattened(keras, outputs))


def interpolated(*methods):
    def make(keras):
        layers = keras.layers
        i = layers.Input((4, 3, 2))
        x = layers.Dense(2)(i)
        outputs = []
        for method in methods:
            outputs.append(layers.UpSampling2D(interpolation=method)(x))
            first = layers.UpSampling2D((3, 5), data_format="channels_first", interpolation=method)
            outputs.append(layers.Dense(2)(first(i)))
        return keras.Model(i, flattened(keras, outputs))

    return make


def of_areas(keras):
    """TensorFlow has no gradient for it, so nothing stands before it that learns."""
    layers = keras.layers
    i = layers.Input((4, 3, 2))
    first = layers.UpSampling2D((3, 5), data_format="channels_first", interpolation="area")(i)
    last = layers.UpSampling2D((3, 2), interpolation="area")(i)
    return keras.Model(i, flattened(keras, [layers.Dense(2)(first), layers.Dense(2)(last)]))


def pooled(keras):
    layers = keras.layers
    outputs = []
    inputs = [layers.Input(shape) for shape in ((4, 3), (2, 3, 4), (2, 3, 2, 3))]
    for d, i in zip("123", inputs, strict=True):
        for kind in ("Average", "Max"):
            layer = getattr(layers, f"Global{kind}Pooling{d}D")
            outputs += [
                layers.Dense(2)(layer()(i)),
                layer(keepdims=True)(i),
                layer(data_format="channels_first")(i),
                layer(data_format="channels_first", keepdims=True)(i),
            ]
    return keras.Model(inputs, flattened(keras, outputs))


def pooled_under_a_mask(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    masked = layers.Masking()(i)
    averaged = layers.GlobalAveragePooling1D()(layers.Dense(3)(masked))
    return keras.Model(i, flattened(keras, [averaged, layers.GlobalAveragePooling1D(keepdims=True)(masked)]))


def squeeze_and_excite(keras):
    layers = keras.layers
    i = layers.Input((4, 4, 2))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(i))
    s = layers.Conv2D(4, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(i, layers.Dense(2)(layers.Multiply()([x, s])))


def passed_on(keras):
    """Layers that give what they get in inference, and pass masks on."""
    layers = keras.layers
    i, j, k = layers.Input((4, 3)), layers.Input((3, 2, 2)), layers.Input((2, 2, 1, 2))
    masked = layers.UnitNormalization()(layers.Masking()(i))
    # There masks end at Identity.
    x = masked if keras.__name__ == "tf_keras" else layers.Identity()(masked)
    outputs = [
        layers.LSTM(2)(x),
        layers.SpatialDropout2D(0.3)(j),
        layers.SpatialDropout2D(0.3, data_format="channels_first")(j),
        layers.SpatialDropout3D(0.4)(k),
    ]
    return keras.Model([i, j, k], flattened(keras, outputs))


def mask_ends(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    return keras.Model(i, layers.LSTM(2)(layers.Identity()(layers.Masking()(i))))


def unit_normalized(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    x = layers.Dense(3)(layers.Identity()(i))
    axes = (-1, 1, [1, 2])
    return keras.Model(i, flattened(keras, [layers.Dense(2)(layers.UnitNormalization(axis=axis)(x)) for axis in axes]))


def softmaxed(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    x = layers.Dense(3)(i)
    axes = (1, -2, 2, [1], [1, 2], [-1, 1])
    return keras.Model(i, flattened(keras, [layers.Softmax(axis=axis)(x) for axis in axes]))


def pooled_by_windows(keras):
    layers = keras.layers
    i, j = layers.Input((7, 3)), layers.Input((5, 4, 6, 2))
    x, y = layers.Dense(3)(i), layers.Dense(2)(j)
    outputs = []
    for kind in ("Average", "Max"):
        flat, deep = (getattr(layers, f"{kind}Pooling{d}D") for d in "13")
        outputs += [
            flat(2)(x),
            flat(3, strides=2, padding="same")(x),
            flat(2, strides=1, data_format="channels_first")(x),
            flat(2, strides=3, padding="same", data_format="channels_first")(x),
            deep((1, 2, 3))(y),
            deep(2, strides=(1, 2, 3), padding="same")(y),
            deep((2, 1, 2), strides=(3, 3, 4), padding="same")(y),
            deep((2, 1, 2), strides=(2, 1, 1), padding="same", data_format="channels_first")(y),
        ]
    return keras.Model([i, j], flattened(keras, outputs))


def pooled_pictures(keras):
    layers = keras.layers
    i = layers.Input((5, 4, 2))
    x = layers.Dense(2)(i)
    average = layers.AveragePooling2D
    outputs = [
        average(2)(x),
        average(3, strides=2, padding="same")(x),
        average((1, 2), strides=3, padding="same")(x),
        average((2, 3), strides=(1, 2), padding="same")(x),
    ]
    return keras.Model(i, flattened(keras, outputs))


def pooled_adaptively(keras):
    layers = keras.layers
    inputs = [layers.Input(shape) for shape in ((7, 3), (5, 4, 3), (3, 4, 2, 3))]
    outputs = []
    for d, i in enumerate(inputs, 1):
        for kind in ("Average", "Max"):
            layer = getattr(layers, f"Adaptive{kind}Pooling{d}D")
            x = layers.Dense(3)(i)
            outputs += [layer(2)(x), layer((3, 2, 1)[:d])(x), layer((2, 4, 3)[-d:], data_format="channels_first")(x)]
    return keras.Model(inputs, flattened(keras, outputs))


def layer_normalized(keras):
    layers = keras.layers
    i = layers.Input((4, 3, 2))
    x = layers.Dense(3)(i)
    settings = [
        {"beta_regularizer": "l2", "gamma_regularizer": "l1"},
        {"axis": 1, "epsilon": 0.01},
        {"axis": [1, -1], "center": False},
        {"axis": [2, 3], "scale": False, "epsilon": 1e-6},
    ]
    return keras.Model(i, flattened(keras, [layers.LayerNormalization(**one)(x) for one in settings]))


def layer_normalized_by_deviations(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    x = layers.Dense(3)(i)
    outputs = [layers.LayerNormalization(axis=axis, rms_scaling=True, scale=False)(x) for axis in (-1, [1, 2])]
    return keras.Model(i, flattened(keras, outputs))


def group_normalized(keras):
    layers = keras.layers
    i = layers.Input((3, 4, 6))
    x = layers.Dense(6)(i)
    settings = [
        {"groups": 2},
        {"groups": -1, "gamma_regularizer": "l2"},
        {"groups": 2, "axis": 2, "center": False, "epsilon": 0.01},
        {"groups": 1, "axis": 1, "scale": False},
    ]
    outputs = [layers.GroupNormalization(**one)(x) for one in settings]
    return keras.Model(i, [*flattened(keras, outputs), layers.GroupNormalization(3)(layers.Flatten()(x))])


def constrained(keras):
    layers = keras.layers
    i = layers.Input((3, 4))
    constraints = {"gamma_constraint": "non_neg", "beta_constraint": keras.constraints.MaxNorm(0.4)}
    return keras.Model(i, layers.GroupNormalization(2, **constraints)(layers.LayerNormalization(**constraints)(i)))


def rms_normalized(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    x = layers.Dense(3)(i)
    outputs = [layers.RMSNormalization(**one)(x) for one in ({}, {"axis": [1, 2], "epsilon": 0.1})]
    return keras.Model(i, flattened(keras, outputs))


def regularized(keras):
    """Penalties on activity, of a layer that is called twice too."""
    layers = keras.layers
    i = layers.Input((4, 3))
    shared = layers.ActivityRegularization(l1=0.02)
    x = shared(layers.Dense(3)(i))
    y = layers.ActivityRegularization(l1=0.01, l2=0.05)(layers.Dense(3)(shared(layers.Dense(3)(x))))
    return keras.Model(i, y)


def flattened_from_any_rank(keras):
    layers = keras.layers
    i, j, k = layers.Input((3, 2, 4)), layers.Input((3,)), layers.Input((None, 2))
    x = layers.Flatten(data_format="channels_first")(i)
    step = layers.LSTM(2)(layers.Masking()(layers.Dense(2)(k)))
    outputs = [layers.Dense(2)(x), layers.Flatten()(layers.Flatten()(j)), layers.Flatten()(step)]
    # How much it is stays open.
    return keras.Model([i, j, k], [*outputs, layers.Flatten()(k)])


def of_applications(keras):
    own = application_layers(keras)
    layers = keras.layers
    i = layers.Input((3, 2, 4))
    x = own["CustomScaleLayer"](0.3)([i, layers.Dense(4)(i)])
    # Never drops, so that what it learns is known.
    return keras.Model(i, own["StochasticDepth"](0.0)(own["LayerScale"](0.1, 4)(x)))


IMAGES = ((4, 3, 2),)
# Keras 3 does not open its own HDF5 of graphs with masks, and opens some others with other numbers.
ARCHIVE = ("keras",)

MODELS = [
    Model("subtract", subtracted, ((4, 3), (3,)), learns=3),
    Model("subtract-masked", subtracted_under_masks, ((4, 3),), libraries=TF, saved_for=TF, learns=3),
    Model("padding-1d", padded_1d, ((5, 2),), learns=3),
    Model("padding-1d-first", padded_1d_channels_first, ((2, 5),), libraries=KERAS3, saved_for=KERAS3, learns=3),
    Model("padding-3d", padded_3d, ((3, 2, 4, 2),), learns=3),
    Model("padding-first", padded_channels_first, ((2, 3, 2, 4),), learns=3),
    Model("upsampling", upsampled, ((3, 2), (2, 3, 2), (2, 1, 2, 2)), learns=3),
    Model("bilinear", interpolated("bilinear"), IMAGES, learns=3),
    Model("bicubic", interpolated("bicubic"), IMAGES, learns=3),
    Model("lanczos", interpolated("lanczos3", "lanczos5"), IMAGES, learns=3),
    Model("gaussian", interpolated("gaussian", "mitchellcubic"), IMAGES, libraries=TF, saved_for=TF, learns=3),
    Model("area", of_areas, IMAGES, libraries=TF, saved_for=TF),
    Model("global-pooling", pooled, ((4, 3), (2, 3, 4), (2, 3, 2, 3)), learns=3),
    Model("global-pooling-masked", pooled_under_a_mask, ((4, 3),), formats=ARCHIVE, learns=3),
    Model("squeeze-and-excite", squeeze_and_excite, ((4, 4, 2),), learns=3),
    Model("passed-on", passed_on, ((4, 3), (3, 2, 2), (2, 2, 1, 2)), formats=ARCHIVE),
    Model("mask-ends", mask_ends, ((4, 3),), libraries=TF, saved_for=TF, learns=3),
    Model("unit-normalization", unit_normalized, ((4, 3),), formats=ARCHIVE, learns=3),
    Model("softmax", softmaxed, ((4, 3),), formats=ARCHIVE, learns=3),
    Model("pooling", pooled_by_windows, ((7, 3), (5, 4, 6, 2)), learns=3),
    Model("pooling-2d", pooled_pictures, ((5, 4, 2),), learns=3),
    Model(
        "adaptive-pooling",
        pooled_adaptively,
        ((7, 3), (5, 4, 3), (3, 4, 2, 3)),
        libraries=KERAS3,
        saved_for=KERAS3,
        formats=ARCHIVE,
        learns=3,
    ),
    Model("layer-normalization", layer_normalized, ((4, 3, 2),), formats=ARCHIVE, learns=3),
    Model(
        "layer-normalization-rms",
        layer_normalized_by_deviations,
        ((4, 3),),
        libraries=KERAS3,
        saved_for=KERAS3,
        formats=ARCHIVE,
        learns=3,
    ),
    Model("group-normalization", group_normalized, ((3, 4, 6),), learns=3),
    # Keras constrains what an optimizer makes, and the training here has none.
    Model("normalizations-constrained", constrained, ((3, 4),)),
    Model("rms", rms_normalized, ((4, 3),), libraries=KERAS3, saved_for=KERAS3, formats=ARCHIVE, learns=3),
    Model("activity-regularization", regularized, ((4, 3),), learns=3),
    Model("flatten", flattened_from_any_rank, ((3, 2, 4), (3,), (3, 2)), formats=ARCHIVE, learns=3),
    Model("of-applications", of_applications, ((3, 2, 4),), learns=3),
]
