"""Calls the Keras layer and writes down everything that it did.

Drawing a case's inputs and computing from them are apart: whoever has inputs of their own can compute with the same
code (that is how this program is compared with others).
"""

from dataclasses import dataclass

import numpy as np

from packing import pack
from reference import keras, tf, weight_name

TRAIN, INFER = "train", "infer"
FROZEN = "frozen"
"""Called with `training=True` while `trainable` is false."""


@dataclass(frozen=True)
class Case:
    """One layer, called once for every word of the plan."""

    name: str
    args: dict
    shape: list[int]
    plan: tuple[str, ...] = (TRAIN, TRAIN, INFER)
    adjustment: list[int] | None = None
    """Shape of the scale and the bias that the adjustment returns."""
    mask: list[int] | None = None
    """Shape of the mask; inference gets none."""
    mask_is_fractional: bool = False
    initialized: bool = False
    """Keep the weights of Keras' initializers: they are what the case is about."""
    x_dtype: str | None = None
    """The layer's own, unless said otherwise."""

    @property
    def dtype(self) -> str:
        return self.args.get("dtype", "float32")

    @property
    def axes(self) -> list[int]:
        return [axis % len(self.shape) for axis in np.atleast_1d(self.args.get("axis", -1))]


@dataclass(frozen=True)
class Step:
    mode: str
    x: np.ndarray
    dy: np.ndarray
    mask: np.ndarray | None


@dataclass(frozen=True)
class Inputs:
    weights: list[np.ndarray] | None
    """In Keras' order; None leaves the initial ones."""
    adjustment: tuple[np.ndarray, np.ndarray] | None
    steps: list[Step]


def build_layer(case: Case, adjustment=None):
    kwargs = dict(case.args)
    if adjustment is not None:
        kwargs["adjustment"] = lambda shape: tuple(map(tf.constant, adjustment))
    layer = keras.layers.BatchNormalization(**kwargs)
    # Keras wants the size of the batch only where the batch is an axis.
    layer.build(case.shape if 0 in case.axes else [None, *case.shape[1:]])
    if case.dtype == "float64":
        # Renorm takes the root of epsilon, and Keras would take it in float32 and refuse to compare it with float64.
        # The momenta stay numbers: Keras rounds 1 - momentum to float32 in every layer, and the cases say so.
        layer.epsilon = tf.constant(layer.epsilon, tf.float64)
    return layer


# ---- drawing

# Each weight around its own value: whoever takes one for another, or derives one from another, is found out.
_DRAW_WEIGHT = {
    "gamma": lambda random, shape: random.uniform(0.5, 1.5, shape),
    "beta": lambda random, shape: random.normal(0, 0.5, shape),
    "moving_mean": lambda random, shape: random.normal(0, 0.5, shape),
    "moving_variance": lambda random, shape: random.uniform(0.3, 2, shape),
    "moving_stddev": lambda random, shape: random.uniform(0.5, 1.5, shape),
    "renorm_mean": lambda random, shape: random.normal(0, 0.5, shape),
    "renorm_stddev": lambda random, shape: random.uniform(0.7, 1.6, shape),
}


def draw(case: Case, random: np.random.Generator) -> Inputs:
    weights = adjustment = None
    if not case.initialized:
        variables = build_layer(case).weights
        weights = [_DRAW_WEIGHT[weight_name(v)](random, v.shape).astype(case.dtype) for v in variables]
    if case.adjustment is not None:
        low_high = ((0.8, 1.2), (-0.3, 0.3))
        adjustment = tuple(_short(random.uniform(*ends, case.adjustment), case.dtype) for ends in low_high)
    steps = [
        Step(mode, _draw_x(case, random), _draw_dy(case, random), _draw_mask(case, mode, random)) for mode in case.plan
    ]
    return Inputs(weights, adjustment, steps)


def _short(values: np.ndarray, dtype: str) -> np.ndarray:
    """Three decimals are random enough for what passes through the layer, and the files are a third smaller."""
    return np.round(values, 3).astype(dtype)


def _draw_x(case: Case, random: np.random.Generator) -> np.ndarray:
    """Normal, with another spread and place at every index of every axis, so that no two channels are alike."""
    x = random.standard_normal(case.shape)
    for axis, size in enumerate(case.shape):
        along = [size if i == axis else 1 for i in range(len(case.shape))]
        x = x * random.uniform(0.6, 1.5, along) + random.normal(0, 0.5, along)
    return np.round(x * 4).astype("int32") if case.x_dtype == "int32" else _short(x, case.dtype)


def _draw_dy(case: Case, random: np.random.Generator) -> np.ndarray:
    return _short(random.standard_normal(case.shape), case.dtype)


def _draw_mask(case: Case, mode: str, random: np.random.Generator) -> np.ndarray | None:
    """A mask that masks something and leaves every channel something to measure a variance of."""
    if case.mask is None or mode == INFER:
        return None
    reduced = tuple(axis for axis in range(len(case.shape)) if axis not in case.axes)
    while True:
        kept = random.uniform(size=case.mask) < 0.7
        per_channel = np.broadcast_to(kept[..., np.newaxis], case.shape).sum(reduced)
        if not kept.all() and per_channel.min() >= 2:
            break
    return _short(kept * random.uniform(0.2, 2, case.mask), "float32") if case.mask_is_fractional else kept


# ---- computing


def compute(case: Case, inputs: Inputs) -> dict:
    """The golden case: what Keras' layer gives for these inputs."""
    layer = build_layer(case, inputs.adjustment)
    if inputs.weights is not None:
        layer.set_weights(inputs.weights)
    golden = {
        "name": case.name,
        "args": case.args,
        "inputShape": case.shape,
        "weightOrder": [weight_name(v) for v in layer.weights],
        "initialWeights": _pack_weights(layer),
        "initialized": case.initialized,
        "steps": [_compute_step(layer, step) for step in inputs.steps],
    }
    if inputs.adjustment is not None:
        golden["adjustment"] = dict(zip(("scale", "bias"), map(pack, inputs.adjustment), strict=True))
    golden["fusedInKeras"] = bool(layer.fused)
    return golden


def _compute_step(layer, step: Step) -> dict:
    layer.trainable = step.mode != FROZEN
    training = step.mode != INFER
    x = tf.constant(step.x)
    mask = None if step.mask is None else tf.constant(step.mask)
    sources = {weight_name(v): v for v in layer.trainable_weights}
    if x.dtype.is_floating:
        sources = {"x": x, **sources}
    with tf.GradientTape() as tape:
        tape.watch(list(sources.values()))
        y = layer(x, training=training, mask=mask)
    gradients = tape.gradient(y, sources, output_gradients=tf.constant(step.dy))
    golden = {
        "training": training,
        "trainable": layer.trainable,
        "x": pack(step.x),
        "y": pack(y),
        "dy": pack(step.dy),
        "gradients": {name: pack(gradient) for name, gradient in gradients.items()},
        "weightsAfter": _pack_weights(layer),
    }
    if step.mask is not None:
        golden["mask"] = pack(step.mask)
    return golden


def _pack_weights(layer) -> dict:
    return {weight_name(v): pack(v) for v in layer.weights}
