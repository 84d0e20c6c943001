"""Trainings of models within models: what is frozen and when, steps of sequences, layers that are called twice.

Each case is a function here and one of the same name in test/keras/trainings.ts, which does the same with TF.js and
compares what both return: lists of numbers by name. Both make their inputs by `waves`.
"""

from collections.abc import Callable, Iterable

import numpy as np

from reference import keras

L = keras.layers
Model = keras.Model

CASES: dict[str, Callable[[], dict]] = {}


def case(function: Callable[[], dict]) -> Callable[[], dict]:
    CASES[function.__name__] = function
    return function


def waves(shape: tuple[int, ...], phase: float, size: float = 1, mean: float = 0) -> np.ndarray:
    """Numbers without a seed: size · sin(12.9898 · i + phase) + mean."""
    values = np.sin(np.arange(np.prod(shape)) * 12.9898 + phase) * size + mean
    return values.reshape(shape).astype("float32")


def dense(units: int, phase: float, inputs: int, **arguments) -> L.Layer:
    """A dense layer whose kernel is waves."""
    layer = L.Dense(units, **arguments)
    layer.build((None, inputs))
    layer.set_weights([waves((inputs, units), phase, 0.5), np.zeros(units, "float32")])
    return layer


def normalization(**arguments) -> L.Layer:
    return L.BatchNormalization(momentum=0.5, **arguments)


def chain(size: int | tuple[int, ...], *layers: L.Layer) -> Model:
    return keras.Sequential([L.InputLayer(size if isinstance(size, tuple) else (size,)), *layers])


def compiled(model: Model) -> Model:
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    return model


def trained(model: Model, steps: int = 2, is_padded: bool = False) -> list[float]:
    """Trains on waves of the model's shapes, the first step of every sequence 0 if padded. Returns the losses."""
    x, y = waves((8, *model.input.shape[1:]), 5, 2, 1), waves((8, *model.output.shape[1:]), 7)
    if is_padded:
        x[:, 0] = 0
    return [float(model.train_on_batch(x, y)) for _ in range(steps)]


def weights(*layers: L.Layer) -> list[float]:
    """All numbers of all weights, in the order in which each layer made them."""
    own = [
        w for layer in layers for part in parts(layer) for w in (*part._trainable_weights, *part._non_trainable_weights)
    ]
    return [float(v) for w in own for v in w.numpy().ravel()]


def parts(layer: L.Layer) -> Iterable[L.Layer]:
    """The layers in a model or a wrapper; else the layer itself."""
    inner = layer.layers if isinstance(layer, Model) else [layer.layer] if isinstance(layer, L.Wrapper) else None
    return [layer] if inner is None else [part for one in inner for part in parts(one)]


def functional(base: Model, *layers: L.Layer) -> Model:
    inputs = output = keras.Input(base.input_shape[1:])
    for layer in (base, *layers):
        output = layer(output)
    return Model(inputs, output)


def chained(base: Model, *layers: L.Layer) -> Model:
    return chain(base.input_shape[1:], base, *layers)


def small_base() -> Model:
    return chain(4, dense(3, 1, 4), normalization())


@case
def unfrozen_in_the_breath_of_the_wiring() -> dict:
    base, head = small_base(), dense(1, 2, 3)
    base.trainable = False
    model = functional(base, head)
    base.trainable = True
    compiled(model)
    return {"losses": trained(model), "weights": weights(base, head)}


@case
def frozen_in_the_breath_of_the_wiring() -> dict:
    base, head = small_base(), dense(1, 2, 3)
    base.trainable = False
    base.trainable = True
    model = functional(base, head)
    base.trainable = False
    compiled(model)
    return {"losses": trained(model), "weights": weights(base, head)}


def frozen_and_compiled_again(base: Model, model: Model, *layers: L.Layer) -> dict:
    base.trainable = False
    losses = trained(compiled(model))
    losses += trained(compiled(model))
    frozen = weights(base, *layers)
    base.trainable = True
    losses += trained(compiled(model))
    return {"losses": losses, "frozen": frozen, "weights": weights(base, *layers)}


@case
def chain_that_begins_with_a_frozen_chain() -> dict:
    base, head = small_base(), dense(1, 2, 3)
    return frozen_and_compiled_again(base, chained(base, head), head)


@case
def chain_that_begins_with_a_frozen_graph() -> dict:
    inner = small_base()
    base = functional(inner, dense(2, 3, 3), normalization())
    head = dense(1, 2, 2)
    return frozen_and_compiled_again(base, chained(base, head), head)


@case
def chain_that_begins_with_a_frozen_chain_that_begins_with_one() -> dict:
    base = chained(small_base(), dense(2, 3, 3), normalization())
    head = dense(1, 2, 2)
    return frozen_and_compiled_again(base, chained(base, head), head)


@case
def graph_around_a_frozen_graph_around_a_chain() -> dict:
    base = functional(small_base(), dense(2, 3, 3), normalization())
    head = dense(1, 2, 2)
    return frozen_and_compiled_again(base, functional(base, head), head)


@case
def frozen_chain_of_normalizations_without_parameters() -> dict:
    base = chain(4, normalization(center=False, scale=False), dense(3, 1, 4))
    head = dense(1, 2, 3)
    return frozen_and_compiled_again(base, chained(base, head), head)


@case
def frozen_chain_of_wrapped_normalizations() -> dict:
    base = chain((3, 4), L.TimeDistributed(normalization()))
    head = L.TimeDistributed(dense(1, 2, 4))
    return frozen_and_compiled_again(base, chained(base, head), head)


@case
def inner_chain_unfrozen_in_a_frozen_one() -> dict:
    inner, head = small_base(), dense(1, 2, 2)
    base = chained(inner, dense(2, 3, 3), normalization())
    model = chained(base, head)
    base.trainable = False
    inner.trainable = True
    return {"losses": trained(compiled(model)), "weights": weights(base, head)}


@case
def unfrozen_by_the_model_around() -> dict:
    base, head = small_base(), dense(1, 2, 3)
    model = chained(base, head)
    base.trainable = False
    losses = trained(compiled(model))
    model.trainable = True
    return {"losses": losses + trained(compiled(model)), "weights": weights(base, head)}


@case
def layer_frozen_and_its_model_unfrozen() -> dict:
    base, head = small_base(), dense(1, 2, 3)
    model = chained(base, head)
    base.layers[-1].trainable = False
    losses = trained(compiled(model))
    base.trainable = True
    return {"losses": losses + trained(compiled(model)), "weights": weights(base, head)}


@case
def part_frozen_by_a_model_of_some_layers() -> dict:
    first = [dense(3, 1, 4), normalization()]
    base = chain(4, *first, dense(3, 3, 3), normalization())
    head = dense(1, 2, 3)
    Model(base.input, first[-1].output).trainable = False
    losses = trained(compiled(chained(base, head)))
    return {"losses": losses, "weights": weights(base, head)}


def toggled(combine: Callable[[Model, Model], Model]) -> dict:
    """The generator learns by a discriminator that is frozen, and trained in between."""
    generator = chain(2, dense(4, 1, 2), normalization())
    discriminator = chain(4, dense(3, 2, 4), normalization(), dense(1, 3, 3))
    compiled(discriminator)
    discriminator.trainable = False
    combined = compiled(combine(generator, discriminator))
    losses = []
    for _ in range(3):
        discriminator.trainable = True
        losses += trained(discriminator, 1)
        discriminator.trainable = False
        losses += trained(combined, 1)
    return {"losses": losses, "weights": weights(generator, discriminator)}


@case
def toggled_in_a_graph() -> dict:
    return toggled(functional)


@case
def toggled_in_a_chain() -> dict:
    return toggled(chained)


class Unmask(L.Layer):
    """Keeps the mask from the loss, where TF.js has none."""

    supports_masking = True

    def call(self, inputs):
        return inputs * 1  # the same tensor would keep its mask

    def compute_mask(self, inputs, mask=None):
        return None


def wrapped(layer: L.Layer, *shape: int, first: Iterable[L.Layer] = (), **arguments) -> dict:
    """Trains a layer in TimeDistributed."""
    inputs = keras.Input(shape, **arguments)
    output = inputs
    for one in (*first, L.TimeDistributed(layer), Unmask()):
        output = one(output)
    model = compiled(Model(inputs, output))
    return {"losses": trained(model, is_padded=bool(first)), "weights": weights(layer)}


@case
def wrapped_normalization() -> dict:
    return wrapped(normalization(), 3, 4)


@case
def wrapped_normalization_of_a_known_batch() -> dict:
    return wrapped(normalization(), 3, 4, batch_size=8)


@case
def wrapped_normalization_of_pictures() -> dict:
    return wrapped(normalization(), 3, 2, 4, 2)


@case
def wrapped_normalization_of_channels_first() -> dict:
    return wrapped(normalization(axis=1), 3, 2, 4, 2)


@case
def wrapped_normalization_not_fused() -> dict:
    return wrapped(normalization(fused=False), 3, 2, 4, 2)


@case
def wrapped_renorm() -> dict:
    return wrapped(normalization(renorm=True, renorm_momentum=0.8), 3, 4)


@case
def wrapped_ghost_batches() -> dict:
    return wrapped(normalization(virtual_batch_size=4), 3, 4)


@case
def wrapped_twice() -> dict:
    return wrapped(L.TimeDistributed(normalization()), 3, 2, 4)


@case
def wrapped_and_masked() -> dict:
    return wrapped(normalization(), 3, 4, first=[L.Masking()])


@case
def wrapped_and_masked_within_the_steps() -> dict:
    return wrapped(normalization(), 3, 2, 4, first=[L.Masking()])


@case
def wrapped_and_masked_but_fused() -> dict:
    return wrapped(normalization(), 3, 2, 4, 2, first=[L.Masking()])


@case
def wrapped_twice_and_masked() -> dict:
    return wrapped(L.TimeDistributed(normalization()), 3, 2, 4, first=[L.Masking()])


def folded(layer: L.Layer, *shape: int) -> dict:
    """What TimeDistributed is around a model, without it: it moves a model's statistics twice, in compute_mask too."""
    inputs = keras.Input(shape)
    output = layer(L.Lambda(lambda x: keras.backend.reshape(x, (-1, *shape[1:])))(inputs))
    steps = (-1, shape[0], *output.shape[1:])
    model = compiled(Model(inputs, L.Lambda(lambda y: keras.backend.reshape(y, steps))(output)))
    model.build((None, *shape))
    return {"losses": trained(model), "weights": weights(layer)}


@case
def wrapped_chain() -> dict:
    return folded(small_base(), 3, 4)


@case
def wrapped_graph_around_a_chain() -> dict:
    return folded(functional(small_base(), dense(2, 3, 3), normalization()), 3, 4)


@case
def model_called_without_training() -> dict:
    base = functional(small_base(), dense(2, 3, 3), normalization())
    head = dense(1, 2, 2)
    inputs = keras.Input((4,))
    model = Model(inputs, head(base(inputs, training=False)))
    return {"losses": trained(compiled(model)), "weights": weights(base, head)}


@case
def model_called_with_and_without_training() -> dict:
    base = chain(3, dense(3, 1, 3), normalization())
    head = dense(1, 2, 3)
    inputs = keras.Input((3,))
    model = Model(inputs, head(base(base(inputs), training=False)))
    return {"losses": trained(compiled(model)), "weights": weights(base, head)}


@case
def model_called_in_training_predicts() -> dict:
    base = functional(small_base(), dense(2, 3, 3), normalization())
    inputs = keras.Input((4,))
    model = Model(inputs, base(inputs, training=True))
    predicted = model(waves((8, 4), 5, 2, 1))
    return {"predicted": [float(v) for v in predicted.numpy().ravel()], "weights": weights(base)}


@case
def wrapped_and_called_without_training() -> dict:
    layer = normalization()
    wrapper = L.TimeDistributed(layer)
    inputs = keras.Input((3, 4))
    outputs = wrapper(dense(4, 1, 4)(wrapper(inputs)), training=False)
    return {"losses": trained(compiled(Model(inputs, outputs))), "weights": weights(layer)}


def penalized(**arguments) -> L.Layer:
    penalty = {"gamma_regularizer": keras.regularizers.L2(0.3), "beta_regularizer": keras.regularizers.L1(0.2)}
    return normalization(**penalty, **arguments)


@case
def penalty_of_a_layer_called_twice() -> dict:
    layer, hidden = penalized(), dense(4, 1, 4)
    inputs = keras.Input((4,))
    model = Model(inputs, layer(hidden(layer(inputs))))
    return {"losses": trained(compiled(model)), "weights": weights(layer, hidden)}


@case
def penalty_in_a_model_called_twice() -> dict:
    base = chain(4, dense(4, 1, 4), penalized())
    inputs = keras.Input((4,))
    model = Model(inputs, base(base(inputs)))
    return {"losses": trained(compiled(model)), "weights": weights(base)}


@case
def penalty_of_a_frozen_layer() -> dict:
    layer, head = penalized(trainable=False), dense(1, 2, 4)
    return {"losses": trained(compiled(chain(4, layer, head))), "weights": weights(layer, head)}


@case
def penalty_of_a_wrapped_layer() -> dict:
    return wrapped(penalized(), 3, 4)


@case
def penalty_in_a_wrapped_model() -> dict:
    return folded(chain(4, dense(3, 1, 4), penalized()), 3, 4)


def trainings() -> list[dict]:
    results = []
    for name, compute in CASES.items():
        keras.backend.clear_session()
        results.append({"name": name, "results": compute()})
    return results
