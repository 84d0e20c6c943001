"""Every activation, near 0 and far from it, by its name and as the layers that Keras takes for one."""

import keras as keras3

from model_files import KERAS3, TF, Model, chain

BOTH = [
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
    "silu",
    "swish",
    "mish",
    "gelu",
    "log_softmax",
    "leaky_relu",
    "exponential",
]
IN_KERAS3 = [
    "celu",
    "hard_shrink",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "log_sigmoid",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh_shrink",
]


def near(names):
    """Of numbers about 1, side by side, in training too."""

    def make(keras):
        layers = keras.layers
        i = layers.Input((6,))
        h = layers.Dense(4)(i)
        all_of_them = layers.Concatenate()([layers.Activation(name)(h) for name in names])
        # So many gradients of one layer would let it diverge.
        return keras.Model(i, layers.Rescaling(0.3)(all_of_them))

    return make


def far(names):
    """Of numbers up to about a hundred, side by side."""

    def make(keras):
        layers = keras.layers
        i = layers.Input((6,))
        h = layers.Rescaling(30.0)(i)
        # What grows without bounds is not looked at here. The last has something to learn.
        bounded = [layers.Activation(name)(h) for name in names if name != "exponential"]
        return keras.Model(i, layers.Concatenate()([*bounded, layers.Dense(2)(i)]))

    return make


def hard_sigmoid(keras):
    """Each Keras' own."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((4, 3)),
            layers.Rescaling(2.0),
            layers.GRU(3, reset_after=False, recurrent_activation="sigmoid", return_sequences=True),
            layers.LSTM(3, activation="hard_sigmoid"),
            layers.Dense(3, activation="hard_sigmoid"),
        ]
    )


def within(keras):
    """In the layers that have one."""
    layers = keras.layers
    last = "hard_silu" if keras is keras3 else "leaky_relu"
    return keras.Sequential(
        [
            layers.InputLayer((6, 5, 2)),
            layers.Conv2D(3, 2, activation="leaky_relu"),
            layers.DepthwiseConv2D(2, activation="silu"),
            layers.SeparableConv2D(4, 2, activation="exponential"),
            layers.Reshape((3, 8)),
            layers.LSTM(3, activation="softsign", recurrent_activation="sigmoid", return_sequences=True),
            layers.SimpleRNN(3, activation=last),
            layers.Dense(4, activation="gelu"),
            layers.Dense(2, activation=last),
        ]
    )


def layers_as_activations(keras):
    layers = keras.layers
    i = layers.Input((6,))
    given = [layers.LeakyReLU(), layers.LeakyReLU(0.1), layers.ReLU(2.0, 0.1, 0.2), layers.ELU(0.7), layers.Softmax()]
    h = [layers.Dense(3, activation=activation)(i) for activation in given]
    rows = layers.Dense(4, activation=layers.Softmax(axis=1))(layers.Reshape((2, 3))(i))
    return keras.Model(i, layers.Concatenate()([*h, layers.Flatten()(rows)]))


def thresholded_as_activation(keras):
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer((6,)), layers.Dense(4, activation=layers.ThresholdedReLU(0.3)), layers.Dense(2)]
    )


def rectified(keras):
    layers = keras.layers
    i = layers.Input((6,))
    d = layers.Dense(4)(i)
    h = [
        layer(d)
        for layer in (
            layers.ReLU(),
            layers.ReLU(1.0),
            layers.ReLU(negative_slope=0.2),
            layers.ReLU(threshold=0.4),
            layers.ReLU(1.5, negative_slope=0.1),
            layers.ReLU(1.5, threshold=0.3),
            layers.ReLU(negative_slope=0.2, threshold=0.3),
            layers.ReLU(max_value=1.2, negative_slope=0.2, threshold=0.3),
            layers.ReLU(6.0),
            layers.LeakyReLU(),
            layers.LeakyReLU(0.2),
            layers.ELU(),
            layers.ELU(0.3),
        )
    ]
    return keras.Model(i, layers.Concatenate()(h))


def parametric(keras):
    """Slopes of its own for each unit, each channel, or each row."""
    layers = keras.layers
    i = layers.Input((4, 3, 2))
    h = [layer(i) for layer in (layers.PReLU(), layers.PReLU(shared_axes=[1, 2]), layers.PReLU(shared_axes=[2, 3]))]
    h.append(layers.Dense(2)(layers.PReLU(alpha_regularizer="l2", alpha_constraint="non_neg")(layers.Dense(2)(i))))
    return keras.Model(i, layers.Concatenate()(h))


def masked(keras):
    layers = keras.layers
    activations = [layers.ReLU(negative_slope=0.1), layers.ELU(0.5), layers.LeakyReLU(), layers.PReLU()]
    return keras.Sequential(
        [
            layers.InputLayer((4,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            *activations,
            layers.SimpleRNN(2),
        ]
    )


MODELS = [
    Model("near", near(BOTH), learns=3),
    Model("near-in-keras3", near(IN_KERAS3), learns=3, libraries=KERAS3, saved_for=KERAS3),
    Model("far", far(BOTH), learns=1),
    Model("far-in-keras3", far(IN_KERAS3), learns=1, libraries=KERAS3, saved_for=KERAS3),
    # Keras states as many outputs as inputs, and gives half of them, so that nothing can train to it here.
    Model("glu", chain((6,), lambda layers: layers.Dense(4, activation="glu")), libraries=KERAS3, saved_for=KERAS3),
    Model("hard-sigmoid", hard_sigmoid, ((4, 3),), learns=3, libraries=TF, saved_for=TF),
    Model("hard-sigmoid", hard_sigmoid, ((4, 3),), learns=3, libraries=KERAS3, saved_for=KERAS3),
    Model("within", within, ((6, 5, 2),), learns=3, libraries=TF),
    Model("within", within, ((6, 5, 2),), learns=3, libraries=KERAS3, saved_for=KERAS3),
    Model("layers-as-activations", layers_as_activations, learns=3),
    Model("thresholded-as-activation", thresholded_as_activation, learns=3, libraries=TF, saved_for=TF),
    Model("rectified", rectified, learns=3),
    Model("parametric", parametric, ((4, 3, 2),), learns=3),
    Model("masked-activations", masked, ((4,),), below=7, learns=3),
]
