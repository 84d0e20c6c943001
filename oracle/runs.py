"""Whole trainings of small models: what the layer does to losses, weights and predictions over several steps."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from packing import pack
from reference import generator, keras, weight_name

STEPS, BATCH, CLASSES = 8, 12, 3
SGD = {"class": "sgd", "learningRate": 0.1}
ADAM = {"class": "adam", "learningRate": 0.01}
OPTIMIZERS = {"sgd": keras.optimizers.SGD, "adam": partial(keras.optimizers.Adam, epsilon=1e-7)}
# Adam divides by the square root of squared gradients: where these are tiny, rounding grows large.
TOLERANCE = {"sgd": 2e-4, "adam": 2e-3}

L = keras.layers


def dense(normalization: dict) -> list:
    return [
        L.InputLayer((6,)),
        L.Dense(8, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.Dense(8, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("sigmoid"),
        L.Dense(CLASSES, activation="softmax"),
    ]


def conv(normalization: dict) -> list:
    return [
        L.InputLayer((6, 6, 2)),
        L.Conv2D(4, 3, padding="same", use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.Conv2D(5, 3, strides=2, use_bias=False),
        L.BatchNormalization(**normalization),
        L.Activation("relu"),
        L.GlobalAveragePooling2D(),
        L.Dense(CLASSES, activation="softmax"),
    ]


@dataclass(frozen=True)
class Run:
    name: str
    layers: Callable[[dict], list]
    normalization: dict = field(default_factory=dict)
    optimizer: dict = field(default_factory=lambda: SGD)
    freeze_after: int | None = None


RUNS = [
    Run("dense", dense),
    Run("dense adam", dense, {"momentum": 0.9}, ADAM),
    Run("dense no scale", dense, {"scale": False}),
    Run("dense no center no scale", dense, {"center": False, "scale": False}),
    Run(
        "dense renorm",
        dense,
        {"renorm": True, "renorm_clipping": {"rmax": 3.0, "rmin": 0.3333, "dmax": 5.0}, "renorm_momentum": 0.9},
    ),
    Run("dense virtual", dense, {"virtual_batch_size": 4}),
    Run(
        "dense regularized",
        dense,
        {
            "gamma_regularizer": keras.regularizers.L1L2(l1=0.0, l2=0.01),
            "beta_regularizer": keras.regularizers.L1L2(l1=0.01, l2=0.0),
            "gamma_constraint": keras.constraints.NonNeg(),
            "beta_constraint": keras.constraints.MaxNorm(0.05),
        },
    ),
    Run(
        "dense constrained",
        dense,
        {"gamma_constraint": keras.constraints.UnitNorm(), "beta_constraint": keras.constraints.MaxNorm(0.005)},
    ),
    Run("dense then frozen", dense, {"momentum": 0.8}, freeze_after=4),
    Run("conv fused", conv),
    Run("conv not fused", conv, {"fused": False}),
    Run("conv virtual renorm", conv, {"virtual_batch_size": 6, "renorm": True}),
]


@dataclass(frozen=True)
class Inputs:
    weights: list[np.ndarray]
    x: np.ndarray
    labels: np.ndarray


def runs(seed: int) -> list[dict]:
    keras.backend.clear_session()  # Keras numbers its layers, and the configurations hold their names
    golden = []
    for run in RUNS:
        model = keras.Sequential(run.layers(run.normalization))
        golden.append(train(run, model, draw(model, generator(seed, "runs", run.name))))
    return golden


def draw(model, random: np.random.Generator) -> Inputs:
    """Kernels as Glorot's uniform initializer draws them; all other weights as Keras initializes them."""
    weights = []
    for variable in model.weights:
        value = variable.numpy()
        if weight_name(variable) == "kernel":
            *window, fan_in, fan_out = value.shape
            limit = np.sqrt(6 / (np.prod(window) * (fan_in + fan_out)))
            value = np.round(random.uniform(-limit, limit, value.shape), 3)
        weights.append(value.astype("float32"))
    x = np.round(random.normal(1, 2, (STEPS, BATCH, *model.input_shape[1:])), 3).astype("float32")
    labels = np.eye(CLASSES, dtype="float32")[random.integers(0, CLASSES, (STEPS, BATCH))]
    return Inputs(weights, x, labels)


def train(run: Run, model, inputs: Inputs) -> dict:
    """The golden run: what Keras makes of this model with these inputs."""
    kind = run.optimizer["class"]
    optimizer = OPTIMIZERS[kind](run.optimizer["learningRate"])
    model.set_weights(inputs.weights)
    model.compile(optimizer, "categorical_crossentropy")
    config = _configuration(run, model)
    losses = []
    for step, (x, labels) in enumerate(zip(inputs.x, inputs.labels, strict=True)):
        if step == run.freeze_after:
            for layer in model.layers:
                if isinstance(layer, L.BatchNormalization):
                    layer.trainable = False
            model.compile(optimizer, "categorical_crossentropy")
        losses.append(float(model.train_on_batch(x, labels)))
    return {
        "name": run.name,
        "tolerance": TOLERANCE[kind],
        "modelConfig": config,
        "optimizer": run.optimizer,
        "freezeAfter": run.freeze_after,
        "initialWeights": [pack(w) for w in inputs.weights],
        "weightNames": [v.name for v in model.weights],
        "x": pack(inputs.x),
        "labels": pack(inputs.labels),
        "losses": losses,
        "finalWeights": [pack(w) for w in model.get_weights()],
        "prediction": pack(model.predict(inputs.x[0], verbose=0)),
    }


def _configuration(run: Run, model) -> dict:
    """The model as Keras saves it, with the two faults mended that would make it another model when loaded."""
    config = json.loads(model.to_json())
    for layer in config["config"]["layers"]:
        if layer["class_name"] != "BatchNormalization":
            continue
        if "virtual_batch_size" in run.normalization:  # saved one too large, keras#16713
            layer["config"]["axis"] = [axis - 1 for axis in layer["config"]["axis"]]
        if "fused" in run.normalization:  # not saved at all
            layer["config"]["fused"] = run.normalization["fused"]
    return config
