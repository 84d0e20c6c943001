"""Models of many kinds, each with this library's layer in it."""

import numpy as np

from model_files import TF, Model
from reference import keras as tf_keras


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
