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


MODELS = [
    Model("activity", penalized, ((4, 3),), learns=3),
]
