"""Layers that prepare data within a model."""

import numpy as np

from model_files import KERAS3, TF, Model

IMAGE = (7, 5, 2)


def each(name, make, **how) -> tuple[Model, Model]:
    """For both libraries; Keras 3 cannot save these layers as HDF5."""
    return Model(name, make, libraries=TF, **how), Model(name, make, libraries=KERAS3, formats=("keras",), **how)


def of_keras3(name, make, **how) -> Model:
    return Model(name, make, libraries=KERAS3, formats=("keras",), saved_for=KERAS3, **how)


def normalized(keras):
    """By weights, along one axis, several and none."""
    layers = keras.layers
    i = layers.Input((4, 3))
    h = [layers.Normalization(axis=axis)(i) for axis in (-1, 1, (1, 2), None)]
    h.append(layers.Normalization(invert=True)(i))
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()(h)))


def normalized_by_arguments(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    h = [
        layers.Normalization(mean=0.5, variance=2.0)(i),
        layers.Normalization(mean=[0.5, 1.0, -1.0], variance=[2.0, 0.0, 4.0], invert=True)(i),
        layers.Normalization(axis=None, mean=1.0, variance=9.0)(i),
        layers.Normalization(axis=1, mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 2.0, 3.0, 4.0])(i),
    ]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()(h)))


def before_normalization(keras):
    """What lies before learns through it."""
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer((4,)), layers.Dense(3), layers.Normalization(), layers.BatchNormalization(), layers.Dense(2)]
    )


def rescaled(keras):
    layers = keras.layers
    i = layers.Input(IMAGE)
    h = [layers.Rescaling(1 / 127.5, offset=-1)(i), layers.Rescaling([0.5, 2.0], offset=[1.0, -1.0])(i)]
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(layers.Concatenate()(h))))


def encoded(keras):
    layers = keras.layers
    i = layers.Input((3,), dtype="int32")
    h = [layers.CategoryEncoding(5, mode)(i) for mode in ("multi_hot", "count")]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()(h)))


def encoded_alone(keras):
    layers = keras.layers
    i = layers.Input((1,), dtype="int32")
    return keras.Model(i, layers.Dense(2)(layers.CategoryEncoding(5, "one_hot")(i)))


def encoded_rows(keras):
    """Of more dimensions, which only Keras 3 takes, and states right only where they are as many."""
    layers = keras.layers
    i = layers.Input((2, 2), dtype="int32")
    single = layers.Flatten()(layers.CategoryEncoding(5, "one_hot")(i))
    many = [layers.Flatten()(layers.CategoryEncoding(5, mode)(i)) for mode in ("multi_hot", "count")]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([single, *many])))


def weighted(keras):
    layers = keras.layers
    i, w = layers.Input((3,), name="numbers"), layers.Input((3,), name="weights")
    bins = layers.Discretization([-0.5, 0.0, 0.5])(i)
    return keras.Model([i, w], layers.Dense(2)(layers.CategoryEncoding(4, "count")(bins, count_weights=w)))


def binned(keras):
    layers = keras.layers
    i = layers.Input((3,))
    bounds = [-0.5, 0.0, 0.25, 1.0]
    h = [layers.Discretization(bounds, output_mode=mode)(i) for mode in ("multi_hot", "count")]
    h += [layers.Flatten()(layers.Embedding(5, 2)(layers.Discretization(bounds)(i))), i]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()(h)))


def binned_alone(keras):
    layers = keras.layers
    i = layers.Input((1,))
    return keras.Model(i, layers.Dense(2)(layers.Discretization([-0.5, 0.0, 0.5], output_mode="one_hot")(i)))


INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


def resized(height, width, interpolations=INTERPOLATIONS, **how):
    """By each interpolation; before it lies what learns."""

    def make(keras):
        layers = keras.layers
        i = layers.Input(IMAGE)
        d = layers.Dense(2)(i)
        h = [layers.Resizing(height, width, interpolation=name, **how)(d) for name in interpolations]
        return keras.Model(i, layers.Dense(2)(layers.Flatten()(layers.Concatenate()(h))))

    return make


def averaged(keras):
    """By an interpolation that has no gradient in TensorFlow."""
    layers = keras.layers
    i = layers.Input(IMAGE)
    h = [layers.Resizing(*size, interpolation="area")(i) for size in ((3, 4), (9, 11), (7, 2))]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([layers.Flatten()(one) for one in h])))


def padded(keras):
    layers = keras.layers
    i = layers.Input(IMAGE)
    h = [
        layers.Resizing(4, 8, pad_to_aspect_ratio=True, fill_value=0.5)(i),
        layers.Resizing(4, 8, crop_to_aspect_ratio=True)(i),
    ]
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(layers.Concatenate()(h))))


def resized_channels_first(keras):
    layers = keras.layers
    i = layers.Input((2, 7, 5))
    h = layers.Resizing(4, 8, data_format="channels_first")(i)
    h = layers.CenterCrop(3, 5, data_format="channels_first")(h)
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(h)))


def cropped(keras):
    layers = keras.layers
    i = layers.Input(IMAGE)
    # The last three are higher or wider than the image.
    h = [layers.CenterCrop(*size)(i) for size in ((4, 2), (7, 5), (9, 4), (3, 8), (9, 9))]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([layers.Flatten()(one) for one in h])))


def embedded(keras, numbers, count=12):
    return keras.layers.Flatten()(keras.layers.Embedding(count, 2)(numbers))


def looked_up(keras):
    layers = keras.layers
    i = layers.Input((3,), dtype="int64")
    words = {"vocabulary": [2, 4, 5]}
    numbers = [
        layers.IntegerLookup(**words),
        layers.IntegerLookup(mask_token=1, **words),
        layers.IntegerLookup(num_oov_indices=3, mask_token=0, **words),
    ]
    vectors = [
        layers.IntegerLookup(output_mode="multi_hot", **words),
        layers.IntegerLookup(output_mode="count", mask_token=1, num_oov_indices=2, **words),
        layers.IntegerLookup(output_mode="count", max_tokens=7, pad_to_max_tokens=True, **words),
    ]
    h = [embedded(keras, layer(i)) for layer in numbers] + [layer(i) for layer in vectors]
    back = layers.IntegerLookup(invert=True, mask_token=0, oov_token=9, vocabulary=[3, 7, 8])(i)
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([*h, embedded(keras, back)])))


def looked_up_by_adapt(keras):
    """What adapt found lies in a file of its own."""
    layers = keras.layers
    i = layers.Input((3,), dtype="int64")
    table, inner_table = layers.IntegerLookup(), layers.IntegerLookup(mask_token=0, num_oov_indices=2)
    for one in (table, inner_table):
        one.adapt(np.array([[5, 2, 0], [2, 2, 6]]))
    j = layers.Input((3,), dtype="int64")
    inner = keras.Model(j, embedded(keras, inner_table(j)))
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([embedded(keras, table(i)), inner(i)])))


def hashed(keras):
    layers = keras.layers
    i = layers.Input((3,), dtype="int64")
    numbers = [layers.Hashing(5), layers.Hashing(5, salt=[3, 4]), layers.Hashing(4, mask_value=2, salt=7)]
    h = [embedded(keras, layer(i)) for layer in numbers] + [layers.Hashing(6, output_mode="multi_hot")(i)]
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()(h)))


def crossed(keras):
    layers = keras.layers
    i, j = layers.Input((1,), dtype="int64", name="one"), layers.Input((1,), dtype="int64", name="other")
    h = [embedded(keras, layers.HashedCrossing(9)((i, j))), layers.HashedCrossing(9, output_mode="one_hot")((i, j))]
    return keras.Model([i, j], layers.Dense(2)(layers.Concatenate()(h)))


NUMBERS = {"inputs": ((4, 3),), "learns": 3}

MODELS = [
    *each("normalized", normalized, **NUMBERS),
    *each("normalized-by-arguments", normalized_by_arguments, **NUMBERS),
    *each("before-normalization", before_normalization, inputs=((4,),), learns=3),
    *each("rescaled", rescaled, inputs=(IMAGE,), learns=2),
    *each("encoded", encoded, inputs=((3,),), below=5, learns=2),
    *each("encoded-alone", encoded_alone, inputs=((1,),), below=5, learns=2),
    of_keras3("encoded-rows", encoded_rows, inputs=((2, 2),), below=7, learns=2),
    *each("weighted", weighted, inputs=((3,), (3,))),
    *each("binned", binned, inputs=((3,),), learns=2),
    *each("binned-alone", binned_alone, inputs=((1,),)),
    *each("resized-smaller", resized(3, 4), inputs=(IMAGE,), learns=2, training=False),
    *each("resized-larger", resized(9, 11), inputs=(IMAGE,), learns=2, training=False),
    *each("resized-crop", resized(4, 8, crop_to_aspect_ratio=True), inputs=(IMAGE,), learns=2, training=False),
    Model(
        "resized-by-others",
        resized(3, 9, ("gaussian", "mitchellcubic")),
        (IMAGE,),
        libraries=TF,
        saved_for=TF,
        learns=2,
        training=False,
    ),
    Model("resized-area", averaged, (IMAGE,), libraries=TF, saved_for=TF, training=False),
    of_keras3("resized-antialias", resized(3, 4, antialias=True), inputs=(IMAGE,), training=False),
    of_keras3("resized-antialias-larger", resized(9, 4, antialias=True), inputs=(IMAGE,), training=False),
    of_keras3("resized-pad", padded, inputs=(IMAGE,), learns=2, training=False),
    of_keras3("resized-channels-first", resized_channels_first, inputs=((2, 7, 5),), learns=2, training=False),
    *each("looked-up", looked_up, inputs=((3,),), below=7, learns=2),
    Model("looked-up-by-adapt", looked_up_by_adapt, ((3,),), below=7, formats=("keras",), learns=2),
    *each("hashed", hashed, inputs=((3,),), below=7, learns=2),
    *each("crossed", crossed, inputs=((1,), (1,)), below=7, learns=2),
    *each("center-crop", cropped, inputs=(IMAGE,), learns=2, training=False),
]
