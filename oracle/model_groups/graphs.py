"""Functional models whose graphs are out of the ordinary."""

import own_layer
from model_files import KERAS3, TF, Model, chain


def unused_input(keras):
    """An input that no output uses, before and after one that is."""
    layers = keras.layers
    inputs = [layers.Input((size,), name=name) for size, name in ((2, "spare"), (3, "used"), (4, "idle"))]
    return keras.Model(inputs, layers.Dense(2)(layers.BatchNormalization()(inputs[1])))


def unused_inner_input(keras):
    """The same in a model within the model."""
    layers = keras.layers
    inner = unused_input(keras)
    inputs = [layers.Input((size,)) for size in (2, 3, 4)]
    return keras.Model(inputs, layers.Dense(2)(inner(inputs)))


def graph_dropout(keras):
    layers = keras.layers
    i = layers.Input((6,))
    return keras.Model(i, layers.Dense(2)(layers.Dropout(0.5)(layers.BatchNormalization()(i))))


def own_class(keras):
    scaled = own_layer.register(keras)
    return chain((6,), lambda layers: scaled(0.5), lambda layers: layers.Dense(2))(keras)


def slashes(keras):
    """Names that are paths, and two that become the same without slashes."""
    layers = keras.layers
    inner = chain(
        (4,), lambda layers: layers.Dense(4, name="a/b"), lambda layers: layers.BatchNormalization(name="a_b")
    )
    inner = keras.Sequential(inner(keras).layers, name="inner/model")
    i = layers.Input((4, 4))
    wrapped = layers.TimeDistributed(layers.Dense(4, name="c/d"), name="e/f")(i)
    pooled = layers.GlobalAveragePooling1D(name="g/h")(layers.LSTM(3, name="i/j", return_sequences=True)(wrapped))
    return keras.Model(i, layers.Dense(2, name="k/l")(inner(layers.Dense(4, name="m/n")(pooled))), name="o/p")


def hard_activations(keras):
    """Activations that tf-keras lacks, called twice, before and in other models, and as an output."""
    layers = keras.layers
    inner = chain((4,), lambda layers: layers.Dense(4), lambda layers: layers.Activation("hard_silu"))(keras)
    j = layers.Input((4,))
    graph = keras.Model(j, layers.BatchNormalization()(layers.Dense(4)(j)))
    shared = layers.Activation("hard_silu")
    i = layers.Input((4,))
    h = inner(shared(graph(shared(layers.Dense(4)(i)))))
    return keras.Model(i, [layers.Activation("hard_sigmoid")(layers.Dense(2)(h)), shared(h)])


MODELS = [
    Model("unused-input", unused_input, ((2,), (3,), (4,)), learns=3),
    Model("unused-inner-input", unused_inner_input, ((2,), (3,), (4,)), learns=3),
    Model("graph-dropout", graph_dropout),
    Model("own-class", own_class, learns=3),
    Model("hard-activations", hard_activations, ((4,),), libraries=KERAS3, learns=3),
    # Keras 3 takes no slashes in names.
    Model("slashes", slashes, ((4, 4),), libraries=TF, learns=3),
]
