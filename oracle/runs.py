"""Whole trainings of small models: what the layer does to losses, weights and predictions over several steps."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

import networks
from networks import CLASSES, conv, dense
from packing import pack
from reference import generator, keras, weight_name

SGD = {"class": "sgd", "learningRate": 0.1}
MOMENTUM = {"class": "momentum", "learningRate": 0.02, "momentum": 0.9}
ADAM = {"class": "adam", "learningRate": 0.01}
OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "momentum": keras.optimizers.SGD,
    "adam": partial(keras.optimizers.Adam, epsilon=1e-7),
}
# Adam divides by the square root of squared gradients: where these are tiny, rounding grows large.
TOLERANCE = {"sgd": 2e-4, "momentum": 2e-4, "adam": 2e-3}

L = keras.layers


@dataclass(frozen=True)
class Run:
    name: str
    network: Callable[[dict], list | keras.Model]
    normalization: dict = field(default_factory=dict)
    optimizer: dict = field(default_factory=lambda: SGD)
    freeze_after: int | None = None
    steps: int = 8
    batch: int = 12

    def build(self) -> keras.Model:
        made = self.network(self.normalization)
        return keras.Sequential(made) if isinstance(made, list) else made


def short(name: str, network: Callable[[dict], list | keras.Model], optimizer: dict) -> Run:
    """Long enough for the moving statistics, and for momenta, to tell."""
    return Run(name, network, {"momentum": 0.8}, optimizer, steps=5, batch=6)


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
    short("conv max pooling", networks.max_pooling, MOMENTUM),
    short("conv max pooling adam", networks.max_pooling, ADAM),
    short("conv 1d max pooling", networks.max_pooling_1d, MOMENTUM),
    short("conv average pooling", networks.average_pooling, MOMENTUM),
    short("conv strides", networks.strided, MOMENTUM),
    short("conv long strides", networks.long_strided, MOMENTUM),
    short("conv dilated", networks.dilated, MOMENTUM),
    short("conv 1d dilated adam", networks.dilated_1d, ADAM),
    short("conv depthwise adam", networks.depthwise, ADAM),
    short("conv separable", networks.separable, MOMENTUM),
    short("conv transposed", networks.transposed, MOMENTUM),
    short("conv 3d", networks.three_dimensions, MOMENTUM),
    short("conv 3d adam", networks.three_dimensions, ADAM),
    short("conv 3d transposed", networks.transposed_in_three_dimensions, MOMENTUM),
    short("conv 3d long strides", networks.long_strided_in_three_dimensions, MOMENTUM),
    short("conv residual", networks.residual, MOMENTUM),
    short("conv residual adam", networks.residual, ADAM),
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
        model = run.build()
        golden.append(train(run, model, draw(run, model, generator(seed, "runs", run.name))))
    return golden


def draw(run: Run, model: keras.Model, random: np.random.Generator) -> Inputs:
    """Kernels as Glorot's uniform initializer draws them; all other weights as Keras initializes them."""
    weights = []
    for variable in model.weights:
        value = variable.numpy()
        if weight_name(variable).endswith("kernel"):
            *window, fan_in, fan_out = value.shape
            limit = np.sqrt(6 / (np.prod(window) * (fan_in + fan_out)))
            value = np.round(random.uniform(-limit, limit, value.shape), 3)
        weights.append(value.astype("float32"))
    x = np.round(random.normal(1, 2, (run.steps, run.batch, *model.input_shape[1:])), 3).astype("float32")
    labels = np.eye(CLASSES, dtype="float32")[random.integers(0, CLASSES, (run.steps, run.batch))]
    return Inputs(weights, x, labels)


def train(run: Run, model, inputs: Inputs) -> dict:
    """The golden run: what Keras makes of this model with these inputs."""
    kind = run.optimizer["class"]
    momentum = {"momentum": run.optimizer["momentum"]} if kind == "momentum" else {}
    optimizer = OPTIMIZERS[kind](run.optimizer["learningRate"], **momentum)
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
