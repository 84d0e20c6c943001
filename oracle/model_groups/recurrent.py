"""Recurrent layers: their cells, masks, directions and states."""

from model_files import KERAS3, TF, Model


def joined(layers, *outputs):
    """All in one, since TF.js sums the losses of outputs sample by sample."""
    return layers.Concatenate()([layers.Flatten()(y) if len(y.shape) > 2 else y for y in outputs])


def gru(keras):
    """Keras' defaults, and each setting that changes what is computed."""
    layers = keras.layers
    i = layers.Input((5, 3))
    sequences = layers.GRU(4, return_sequences=True)(i)
    backwards = layers.GRU(3, go_backwards=True, return_sequences=True, unroll=True)(sequences)
    plain = layers.GRU(2, use_bias=False)(backwards)
    before = layers.GRU(2, reset_after=False, use_bias=False)(backwards)
    other = layers.GRU(
        3,
        activation="relu",
        recurrent_activation="tanh",
        kernel_regularizer="l2",
        recurrent_regularizer=keras.regularizers.L1(0.02),
        bias_regularizer="l2",
    )(sequences)
    return keras.Model(i, layers.Dense(2)(layers.Concatenate()([plain, before, other])))


def masked(layer, **arguments):
    """Whole sequences under a mask, ahead and back, with 0 at masked steps and without, and the last output."""

    def make(keras):
        layers = keras.layers
        cls = getattr(layers, layer)
        i = layers.Input((5, 3))
        m = layers.Masking(0.0)(i)
        ahead = cls(3, return_sequences=True, **arguments)(m)
        back = cls(3, return_sequences=True, go_backwards=True, zero_output_for_mask=True, **arguments)(m)
        last = cls(2, zero_output_for_mask=True, **arguments)(m)
        return keras.Model(i, joined(layers, ahead, back, last, cls(2, **arguments)(ahead)))

    return make


def cells(keras):
    """Stacked cells, whose states are the first ones of another stack."""
    layers = keras.layers

    def stack():
        return [layers.GRUCell(3), layers.LSTMCell(2), layers.SimpleRNNCell(4), layers.GRUCell(2, reset_after=False)]

    i = layers.Input((5, 3))
    m = layers.Masking(0.0)(i)
    sequences = layers.RNN(stack(), return_sequences=True)(m)
    one = layers.RNN(layers.LSTMCell(3, unit_forget_bias=False), go_backwards=True)(sequences)
    two = layers.RNN(layers.GRUCell(3))(i)
    return keras.Model(i, joined(layers, layers.Dense(2)(one), two))


def initial_states(keras):
    """First states that are not 0, where the first steps are masked."""
    layers = keras.layers
    i = layers.Input((5, 3))
    h, c = layers.Input((4,)), layers.Input((4,))
    m = layers.Masking(0.0)(i)
    gru, state = layers.GRU(4, return_sequences=True, return_state=True)(m, initial_state=h)
    back = layers.GRU(4, return_sequences=True, go_backwards=True)(m, initial_state=h)
    lstm = layers.LSTM(4, return_sequences=True, return_state=True)(m, initial_state=[h, c])
    simple = layers.SimpleRNN(4)(layers.Dense(2)(i), initial_state=state)
    return keras.Model([i, h, c], joined(layers, gru, back, *lstm, simple))


def merge_modes(keras):
    layers = keras.layers
    i = layers.Input((5, 3))
    m = layers.Masking(0.0)(i)
    outputs = [
        layers.Bidirectional(layers.GRU(2, return_sequences=sequences), merge_mode=mode)(m)
        for mode, sequences in [("concat", True), ("sum", False), ("mul", True), ("ave", True), ("ave", False)]
    ]
    apart = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode=None)(m)
    return keras.Model(i, joined(layers, *outputs, *apart))


def two_directions(keras):
    """Other settings backwards; states of both directions, used again."""
    layers = keras.layers
    i = layers.Input((5, 3))
    both = layers.Bidirectional(
        layers.LSTM(3, return_sequences=True), backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True)
    )(i)
    y, *states = layers.Bidirectional(layers.LSTM(2, return_state=True, return_sequences=True))(both)
    again = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(layers.Dense(2)(y), initial_state=states)
    apart = layers.Bidirectional(layers.GRU(2, return_state=True), merge_mode=None)(again)
    return keras.Model(i, joined(layers, layers.BatchNormalization()(again), *apart))


def stateful(keras):
    layers = keras.layers
    i = layers.Input(batch_shape=(3, 5, 3))
    sequences = layers.GRU(3, stateful=True, return_sequences=True)(i)
    return keras.Model(i, layers.Bidirectional(layers.LSTM(2, stateful=True))(sequences))


def time_major(keras):
    """Steps come first: the batch of three is taken for three steps."""
    layers = keras.layers
    i = layers.Input((4, 3))
    sequences = layers.LSTM(3, time_major=True, return_sequences=True)(i)
    both = layers.Bidirectional(layers.GRU(2, time_major=True, return_sequences=True))(sequences)
    return keras.Model(i, layers.SimpleRNN(2, time_major=True, return_sequences=True)(both))


def dropped(keras):
    """Dropout, which is nothing in inference."""
    layers = keras.layers
    i = layers.Input((5, 3))
    sequences = layers.GRU(4, dropout=0.3, recurrent_dropout=0.2, return_sequences=True)(i)
    both = layers.Bidirectional(layers.LSTM(3, dropout=0.3, return_sequences=True))(sequences)
    return keras.Model(i, layers.RNN([layers.GRUCell(3, dropout=0.3), layers.SimpleRNNCell(2)])(both))


def convolutional(rank):
    """Images of each rank, under a mask of steps, with their channels last; states, and strides."""

    def make(keras):
        layers = keras.layers
        cls = getattr(layers, f"ConvLSTM{rank}D")
        i = layers.Input((3, *[4] * rank, 2))
        y, h, c = cls(2, 2, return_sequences=True, return_state=True, padding="same")(i)
        again = cls(2, 3, strides=2, return_sequences=True, unit_forget_bias=False)(y)
        last = cls(2, 2, go_backwards=True, recurrent_activation="tanh")(y)
        return keras.Model(i, joined(layers, layers.BatchNormalization()(again), last, h, c))

    return make


MODELS = [
    Model("gru", gru, ((5, 3),), learns=3),
    Model("gru-masked", masked("GRU"), ((5, 3),), learns=3),
    Model("gru-reset-before-masked", masked("GRU", reset_after=False), ((5, 3),), learns=3),
    Model("lstm-masked", masked("LSTM"), ((5, 3),), learns=3),
    Model("simple-masked", masked("SimpleRNN"), ((5, 3),), learns=3),
    Model("cells", cells, ((5, 3),), learns=3),
    # Keras 3 does not pass on a mask beside them.
    *(
        Model("initial-states", initial_states, ((5, 3), (4,), (4,)), libraries=one, saved_for=one, learns=3)
        for one in (TF, KERAS3)
    ),
    Model("merge-modes", merge_modes, ((5, 3),), learns=3),
    Model("two-directions", two_directions, ((5, 3),), learns=3),
    # Not opened in Keras, which would train it on batches of another size.
    Model("stateful", stateful, ((5, 3),), saved_for=()),
    Model("time-major", time_major, ((4, 3),), libraries=TF, saved_for=TF, learns=3),
    Model("dropped", dropped, ((5, 3),)),
    # tf-keras has a hard sigmoid by default, which is another in Keras 3.
    *(
        Model(
            f"convolutional-{rank}d",
            convolutional(rank),
            ((3, *[4] * rank, 2),),
            libraries=one,
            saved_for=to,
            learns=learns,
        )
        for rank, learns in ((1, 3), (2, 3), (3, 0))
        for one, to in ((TF, TF), (KERAS3, (*TF, *KERAS3)))
    ),
]
