"""The small networks that runs.py trains. Pooling follows normalization directly, and so sees numbers of any sign."""

from reference import keras

CLASSES = 3

L = keras.layers


def classifier() -> list:
    return [L.Dense(CLASSES, activation="softmax")]


def dense(normalization: dict) -> list:
    return [
        L.InputLayer((6,)),
        L.Dense(8, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.Dense(8, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("sigmoid"),
        *classifier(),
    ]


def conv(normalization: dict) -> list:
    return [
        L.InputLayer((6, 6, 2)),
        L.Conv2D(4, 3, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.Conv2D(5, 3, strides=2, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.GlobalAveragePooling2D(),
        *classifier(),
    ]


def max_pooling(normalization: dict) -> list:
    return [
        L.InputLayer((9, 7, 2)),
        L.Conv2D(4, 3, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D(3, strides=2, padding="same"),
        L.Conv2D(5, 2, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D((3, 2), strides=1),
        L.Flatten(),
        *classifier(),
    ]


def max_pooling_1d(normalization: dict) -> list:
    return [
        L.InputLayer((13, 3)),
        L.Conv1D(4, 3, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling1D(3, strides=2, padding="same"),
        L.Conv1D(5, 2, strides=2),
        L.BatchNormalization(**normalization),
        L.MaxPooling1D(2, strides=1),
        L.Flatten(),
        *classifier(),
    ]


def average_pooling(normalization: dict) -> list:
    return [
        L.InputLayer((9, 7, 2)),
        L.Conv2D(4, (2, 3), padding="same"),
        L.BatchNormalization(**normalization),
        L.AveragePooling2D(3, strides=2, padding="same"),
        L.Conv2D(5, 2),
        L.BatchNormalization(**normalization),
        L.AveragePooling2D((3, 2), strides=1),
        L.Flatten(),
        *classifier(),
    ]


def strided(normalization: dict) -> list:
    return [
        L.InputLayer((11, 8, 2)),
        L.Conv2D(4, 3, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D(2, strides=1, padding="same"),
        L.Conv2D(5, (3, 2), strides=2),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def long_strided(normalization: dict) -> list:
    """Strides longer than the filter: TensorFlow pads nothing where padding is 'same'."""
    return [
        L.InputLayer((12, 11, 2)),
        L.Conv2D(4, 1, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.DepthwiseConv2D(1, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.Conv2D(5, (1, 2), strides=3, padding="same"),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def dilated(normalization: dict) -> list:
    return [
        L.InputLayer((9, 7, 2)),
        L.Conv2D(4, 3, dilation_rate=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D(2),
        L.Conv2D(5, 2, dilation_rate=(2, 1)),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def dilated_1d(normalization: dict) -> list:
    return [
        L.InputLayer((13, 3)),
        L.Conv1D(4, 3, dilation_rate=2, padding="causal", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling1D(3, strides=2, padding="same"),
        L.Conv1D(5, 2, dilation_rate=3, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling1D(2),
        L.Flatten(),
        *classifier(),
    ]


def depthwise(normalization: dict) -> list:
    return [
        L.InputLayer((9, 7, 2)),
        L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D(3, strides=2, padding="same"),
        L.DepthwiseConv2D(2, strides=2, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def separable(normalization: dict) -> list:
    return [
        L.InputLayer((9, 7, 2)),
        L.SeparableConv2D(5, 3, padding="same"),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D((2, 3), strides=2),
        L.SeparableConv2D(4, 2, strides=2, depth_multiplier=2),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def transposed(normalization: dict) -> list:
    return [
        L.InputLayer((4, 5, 2)),
        L.Conv2DTranspose(4, 3, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.MaxPooling2D(3, strides=2),
        L.Conv2DTranspose(3, 2, strides=(1, 2)),
        L.BatchNormalization(**normalization),
        L.AveragePooling2D(2),
        L.Flatten(),
        *classifier(),
    ]


def three_dimensions(normalization: dict) -> list:
    return [
        L.InputLayer((5, 4, 5, 1)),
        L.Conv3D(3, 2, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling3D((2, 3, 2), strides=(1, 2, 2), padding="same"),
        L.Conv3D(4, (2, 1, 2), strides=(2, 1, 1), padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.MaxPooling3D((2, 2, 1), strides=1),
        L.Flatten(),
        *classifier(),
    ]


def transposed_in_three_dimensions(normalization: dict) -> list:
    return [
        L.InputLayer((3, 4, 3, 1)),
        L.Conv3D(3, 2, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.Conv3DTranspose(3, (2, 3, 2), strides=(2, 2, 1), padding="same"),
        L.BatchNormalization(**normalization),
        L.AveragePooling3D((2, 2, 1), strides=1, padding="same"),
        L.Conv3D(2, 2),
        L.BatchNormalization(**normalization),
        L.MaxPooling3D((3, 1, 1), strides=1),
        L.Flatten(),
        *classifier(),
    ]


def long_strided_in_three_dimensions(normalization: dict) -> list:
    return [
        L.InputLayer((5, 6, 4, 1)),
        L.Conv3D(3, (2, 3, 2), padding="same"),
        L.BatchNormalization(**normalization),
        L.Conv3D(4, 1, strides=2, padding="same"),
        L.BatchNormalization(**normalization),
        L.Flatten(),
        *classifier(),
    ]


def residual(normalization: dict) -> keras.Model:
    inputs = L.Input((8, 7, 2))
    stem = L.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = L.BatchNormalization(**normalization)(stem)
    x = L.Activation("relu")(x)
    x = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = L.BatchNormalization(**normalization)(x)
    x = L.MaxPooling2D(3, strides=2, padding="same")(L.Add()([x, stem]))
    branch = L.BatchNormalization(**normalization)(L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(x))
    shortcut = L.BatchNormalization(**normalization)(L.Conv2D(6, 1, strides=2, use_bias=False)(x))
    x = L.GlobalAveragePooling2D()(L.Add()([branch, shortcut]))
    return keras.Model(inputs, L.Dense(CLASSES, activation="softmax")(x))
