"""What is done with weights and activities in training: penalties and constraints."""

from model_files import Model


def penalized(keras):
    """Penalties on activity, of layers that are called twice, give several outputs, or lie in a model, too."""
    layers = keras.layers
    l1, l2 = keras.regularizers.L1(0.02), keras.regularizers.L2(0.03)
    i = layers.Input((4, 3))
    shared = layers.Dense(3, activation="relu", activity_regularizer=l1)
    x = shared(shared(i))
    inner_input = layers.Input((4, 3))
    inner = keras.Model(
        inner_input, layers.Conv1D(3, 2, activity_regularizer=keras.regularizers.L1L2(0.01, 0.02))(inner_input)
    )
    y, *states = layers.LSTM(2, return_state=True, activity_regularizer=l2)(inner(x))
    return keras.Model(i, layers.Dense(2, activity_regularizer="l1")(layers.Concatenate()([y, *states])))


def penalized_weights(keras):
    """Penalties on weights, of layers and models that are called twice: they count once."""
    layers = keras.layers
    l2 = keras.regularizers.L2(0.05)
    i = layers.Input((4, 3))
    shared = layers.Dense(3, kernel_regularizer=l2)
    inner_input = layers.Input((4, 3))
    inner = keras.Model(inner_input, layers.Conv1D(3, 2, padding="same", kernel_regularizer=l2)(inner_input))
    x = inner(inner(shared(shared(i))))
    sequences = layers.LSTM(3, return_sequences=True, kernel_regularizer=l2, recurrent_regularizer=l2)
    x = layers.TimeDistributed(layers.Dense(3, kernel_regularizer=l2))(sequences(sequences(x)))
    return keras.Model(i, layers.BatchNormalization(gamma_regularizer=l2)(x))


MODELS = [
    Model("activity", penalized, ((4, 3),), learns=3),
    Model("penalties", penalized_weights, ((4, 3),), learns=3),
]
