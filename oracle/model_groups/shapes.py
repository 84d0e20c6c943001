"""Layers that move, pad, merge or pool, and compute no more than that."""

from model_files import Model


def subtracted(keras):
    layers = keras.layers
    a, b = layers.Input((4, 3)), layers.Input((3,))
    return keras.Model([a, b], layers.Dense(2)(layers.Subtract()([layers.Dense(3)(a), b])))


MODELS = [
    Model("subtract", subtracted, ((4, 3), (3,)), learns=3),
]
