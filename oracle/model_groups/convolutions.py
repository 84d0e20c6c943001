"""Convolutions of every kind: causal, dilated, grouped, transposed, separable, and with the channels first."""

from model_files import KERAS3, TF, Model

ROW, IMAGE, VOLUME = (7, 4), (6, 5, 4), (4, 5, 3, 2)


def side_by_side(shape, *layers_of):
    """Several layers on one input, and what they give behind each other."""

    def make(keras):
        layers = keras.layers
        i = layers.Input(shape)
        given = [layers.Flatten()(layer(layers)(i)) for layer in layers_of]
        return keras.Model(i, layers.Concatenate()(given) if len(given) > 1 else given)

    return make


def of(shape, keras_layer, *settings):
    """One layer, with these settings each."""
    return side_by_side(shape, *(lambda layers, s=s: getattr(layers, keras_layer)(**s) for s in settings))


def channels_first(shape, *named):
    first = (shape[-1], *shape[:-1])
    given = [(lambda layers, n=n, s=s: getattr(layers, n)(data_format="channels_first", **s)) for n, s in named]
    return side_by_side(first, *given)


def three(**settings):
    return {"filters": 3, "kernel_size": 3, **settings}


MODELS = [
    Model(
        "conv1d",
        of(
            ROW,
            "Conv1D",
            three(padding="causal", activation="relu"),
            three(padding="causal", dilation_rate=2),
            three(padding="causal", strides=2),
            three(padding="same", dilation_rate=2, use_bias=False),
            three(dilation_rate=3),
            {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"},
        ),
        (ROW,),
        learns=3,
    ),
    Model(
        "conv1d-groups",
        of(
            ROW,
            "Conv1D",
            {"filters": 4, "kernel_size": 3, "groups": 2},
            {"filters": 8, "kernel_size": 2, "groups": 4, "padding": "same"},
            {"filters": 4, "kernel_size": 2, "groups": 2, "padding": "causal"},
        ),
        (ROW,),
        learns=3,
    ),
    Model(
        "conv2d",
        of(
            IMAGE,
            "Conv2D",
            three(padding="same", strides=(2, 1), activation="relu"),
            three(padding="same", dilation_rate=(2, 1)),
            {"filters": 2, "kernel_size": 2, "dilation_rate": (3, 2), "activation": "tanh"},
            {"filters": 2, "kernel_size": (1, 2), "strides": 3, "padding": "same"},
            {"filters": 2, "kernel_size": 1, "strides": 2, "padding": "same"},
        ),
        (IMAGE,),
        learns=3,
    ),
    Model(
        "conv2d-groups",
        of(
            IMAGE,
            "Conv2D",
            {"filters": 4, "kernel_size": 3, "groups": 2, "padding": "same", "strides": 2},
            {"filters": 8, "kernel_size": 2, "groups": 4, "activation": "softplus"},
            {"filters": 4, "kernel_size": 2, "groups": 2, "dilation_rate": 2},
            {"filters": 4, "kernel_size": 2, "groups": 4, "dilation_rate": 2},
        ),
        (IMAGE,),
        learns=3,
    ),
    Model(
        "conv3d",
        of(
            VOLUME,
            "Conv3D",
            {"filters": 2, "kernel_size": 2, "padding": "same", "activation": "relu"},
            {"filters": 2, "kernel_size": (1, 2, 1), "strides": (2, 3, 2), "padding": "same"},
            {"filters": 2, "kernel_size": 1, "strides": 2, "padding": "same"},
            {"filters": 2, "kernel_size": (3, 2, 2), "strides": (1, 2, 1)},
        ),
        (VOLUME,),
        learns=3,
    ),
    Model(
        "conv3d-groups",
        of(
            VOLUME,
            "Conv3D",
            {"filters": 4, "kernel_size": 2, "groups": 2},
            {"filters": 2, "kernel_size": (1, 2, 1), "groups": 2, "padding": "same"},
        ),
        (VOLUME,),
        learns=3,
    ),
    Model(
        "depthwise-conv1d",
        of(
            ROW,
            "DepthwiseConv1D",
            {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same", "activation": "relu"},
            {"kernel_size": 2, "dilation_rate": 3, "use_bias": False},
            {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
        ),
        (ROW,),
        learns=3,
    ),
    Model(
        "depthwise-conv2d",
        of(
            IMAGE,
            "DepthwiseConv2D",
            {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same", "activation": "relu"},
            {"kernel_size": (2, 1), "dilation_rate": 2},
            {"kernel_size": (3, 2), "dilation_rate": 2, "padding": "same", "depth_multiplier": 2},
            {"kernel_size": 1, "strides": 2, "padding": "same"},
        ),
        (IMAGE,),
        learns=3,
    ),
    Model(
        "separable-conv1d",
        of(
            ROW,
            "SeparableConv1D",
            three(strides=2, padding="same", depth_multiplier=2, activation="relu"),
            {"filters": 2, "kernel_size": 2, "dilation_rate": 3, "use_bias": False},
            three(dilation_rate=2, padding="same"),
        ),
        (ROW,),
        learns=3,
    ),
    Model(
        "separable-conv2d",
        of(
            IMAGE,
            "SeparableConv2D",
            three(strides=2, padding="same", depth_multiplier=2, activation="relu"),
            {"filters": 2, "kernel_size": (2, 1), "dilation_rate": 2},
            three(dilation_rate=2, padding="same"),
        ),
        (IMAGE,),
        learns=3,
    ),
    # Of one Keras alone.
    Model(
        "causal-separable",
        of(ROW, "SeparableConv1D", three(padding="causal")),
        (ROW,),
        learns=3,
        libraries=TF,
        saved_for=TF,
    ),
    Model(
        "dilated-strides",
        side_by_side(
            IMAGE,
            lambda layers: layers.DepthwiseConv2D(2, strides=2, dilation_rate=2, padding="same"),
            lambda layers: layers.SeparableConv2D(2, 2, strides=2, dilation_rate=3),
        ),
        (IMAGE,),
        learns=3,
        libraries=KERAS3,
        saved_for=KERAS3,
    ),
    Model(
        "conv1d-transpose",
        of(
            ROW,
            "Conv1DTranspose",
            three(strides=2, padding="same", activation="relu"),
            three(strides=2),
            {"filters": 2, "kernel_size": 2, "strides": 3, "output_padding": 2},
            three(strides=2, padding="same", output_padding=1),
            three(strides=3, padding="same", output_padding=0, use_bias=False),
            {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"},
        ),
        (ROW,),
        learns=3,
    ),
    Model(
        "conv2d-transpose",
        of(
            IMAGE,
            "Conv2DTranspose",
            three(strides=2, padding="same", activation="relu"),
            three(strides=(1, 2)),
            {"filters": 2, "kernel_size": (2, 3), "strides": (3, 2), "output_padding": (2, 1)},
            three(strides=2, padding="same", output_padding=1),
            {"filters": 2, "kernel_size": 1, "strides": 2, "padding": "same"},
        ),
        (IMAGE,),
        learns=3,
    ),
    # TensorFlow has no more of it than this on a CPU.
    Model(
        "dilated-transpose",
        of(IMAGE, "Conv2DTranspose", three(dilation_rate=2), three(dilation_rate=3, padding="same")),
        (IMAGE,),
        learns=3,
        libraries=TF,
        saved_for=TF,
    ),
    Model(
        "conv3d-transpose",
        of(
            VOLUME,
            "Conv3DTranspose",
            {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same", "activation": "relu"},
            {"filters": 2, "kernel_size": (1, 2, 3), "strides": (1, 2, 1)},
            {"filters": 2, "kernel_size": 1, "strides": 2, "output_padding": 1},
        ),
        (VOLUME,),
        learns=3,
    ),
    # Without oneDNN, TensorFlow has no more of it than this on a CPU. Where there are as many filters as columns,
    # Keras 3 adds the bias along the columns (`add` of its TensorFlow backend): here there are not.
    Model(
        "channels-first-row",
        channels_first(
            ROW,
            ("DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 2, "activation": "softmax"}),
            ("SeparableConv1D", three(padding="same")),
        ),
        ((4, 7),),
        learns=3,
        libraries=KERAS3,
        saved_for=KERAS3,
    ),
    Model(
        "channels-first-image",
        channels_first(
            IMAGE,
            ("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 2}),
            ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}),
            ("SeparableConv2D", {"filters": 2, "kernel_size": 3, "padding": "same", "strides": 2}),
        ),
        ((4, 6, 5),),
        learns=3,
        libraries=KERAS3,
        saved_for=KERAS3,
    ),
    Model(
        "channels-first-volume",
        channels_first(VOLUME, ("Conv3D", {"filters": 2, "kernel_size": 2, "padding": "same"})),
        ((2, 4, 5, 3),),
        learns=3,
        libraries=KERAS3,
        saved_for=KERAS3,
    ),
]
