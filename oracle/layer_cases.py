"""The cases of the layer, as tables. Shapes stand here instead of being drawn: one can read what is covered."""

import json
from itertools import product

from layer_runner import FROZEN, INFER, TRAIN, Case

USUAL = (TRAIN, TRAIN, INFER)
SHORT = (TRAIN, INFER)
LONG = (TRAIN, TRAIN, TRAIN, INFER)

CENTER_SCALE = list(product((True, False), repeat=2))

CLIPPINGS = [
    None,
    {"rmax": 1.1, "rmin": 0.9, "dmax": 0.1},
    {"rmax": 1.0, "rmin": 1.0, "dmax": 0.0},  # r = 1 and d = 0: plain batch normalization, by another way
    {"rmax": 1.2},
    {"rmin": 0.8},
    {"dmax": 0.2},
    {"rmax": 3.0, "rmin": 1 / 3, "dmax": 5.0},
]
TIGHT, STILL = CLIPPINGS[1:3]


def clipping(clip: dict | None) -> dict:
    return {} if clip is None else {"renorm_clipping": clip}


def renormed(momentum: float, clip: dict | None = None) -> dict:
    return {"renorm": True, "renorm_momentum": momentum, **clipping(clip)}


# ---- adjustment

ADJUSTMENT_CHANNELS = [5, 4, 5, 5]  # one for each of CENTER_SCALE


def adjustment():
    for (center, scale), channels in zip(CENTER_SCALE, ADJUSTMENT_CHANNELS, strict=True):
        args, what = {"center": center, "scale": scale}, f"center={center} scale={scale}"
        yield Case(f"adjustment per feature {what}", args, [8, channels], adjustment=[channels])
        yield Case(f"adjustment per feature rank4 {what}", args, [4, 2, 3, channels], adjustment=[channels])
    yield Case("adjustment scalar", {}, [8, 3], adjustment=[1])
    yield Case("adjustment per sample", {}, [6, 3], adjustment=[6, 1])
    yield Case("adjustment per sample and feature", {}, [6, 3], adjustment=[6, 3])
    yield Case("adjustment per sample image", {}, [4, 3, 2, 3], adjustment=[4, 1, 1, 3])
    yield Case("adjustment per position image", {}, [4, 3, 2, 3], adjustment=[1, 3, 2, 1])
    yield Case("adjustment axis1", {"axis": 1}, [4, 3, 2, 5], adjustment=[1, 3, 1, 1])
    yield Case("adjustment with renorm", {"renorm": True, **clipping(TIGHT)}, [8, 4], adjustment=[4])
    yield Case("adjustment with renorm image", {"renorm": True}, [4, 2, 3, 4], adjustment=[4])
    yield Case("adjustment axes[1,2]", {"axis": [1, 2]}, [4, 3, 2, 5], adjustment=[1, 3, 2, 1])


# ---- axis

SINGLE_AXES = [
    ([4, 4], range(-2, 2)),
    ([4, 5, 2], (-3, -1, 0, 1, 2)),
    ([4, 4, 3, 2], range(-3, 4)),  # not -4: there Keras itself raises, whatever `fused` says
    ([6, 2, 3, 2, 2], range(-5, 5)),
    ([4, 2, 2, 2, 3, 3], (-6, -1, *range(6))),
]
SEVERAL_AXES = [
    ([4, 2, 2, 4], [1, 2]),
    ([4, 5, 2, 3], [1, 3]),
    ([4, 4, 4, 4], [2, 3]),
    ([4, 3, 4, 5], [1, 2, 3]),
    ([4, 4, 4, 2], [-1, 1]),
    ([4, 3, 4, 4], [0, 3]),
    ([4, 3, 3, 4], [-1]),
    ([4, 3, 5, 3], [3, 1]),
    ([4, 3, 3, 2, 5], [1, 4]),
    ([4, 3, 2, 3, 5], [2, 3]),
    ([4, 3, 3, 2, 2], [0, 2, 4]),
]


def axis():
    def case(what, shape, axis):
        rank = len(shape)
        return Case(f"rank{rank} {what}{axis}", {"axis": axis}, shape, SHORT if rank > 4 else USUAL)

    for shape, axes in SINGLE_AXES:
        yield from (case("axis", shape, one) for one in axes)
    for shape, axes in SEVERAL_AXES:
        yield case("axes", shape, axes)


# ---- fused

FUSED_AXES = (1, 3, -1, -3, 1, 4, -1, -4)
FUSED_SHAPES = {
    True: (
        [3, 3, 2, 3],
        [3, 2, 3, 3],
        [3, 2, 2, 2],
        [3, 2, 3, 3],
        [3, 3, 2, 3, 3],
        [3, 3, 3, 2, 3],
        [3, 2, 3, 3, 3],
        [3, 2, 3, 2, 3],
    ),
    None: (
        [3, 2, 3, 3],
        [3, 3, 3, 2],
        [3, 3, 2, 2],
        [3, 2, 3, 2],
        [3, 3, 2, 3, 3],
        [3, 2, 2, 3, 2],
        [3, 2, 3, 2, 2],
        [3, 3, 2, 3, 3],
    ),
    False: (
        [3, 3, 2, 2],
        [3, 2, 2, 3],
        [3, 3, 2, 3],
        [3, 3, 2, 2],
        [3, 3, 2, 3, 2],
        [3, 3, 2, 2, 2],
        [3, 3, 3, 2, 2],
        [3, 3, 3, 3, 3],
    ),
}


def fused():
    for fused, shapes in FUSED_SHAPES.items():
        for axis, shape in zip(FUSED_AXES, shapes, strict=True):
            yield Case(f"fused={fused} rank{len(shape)} axis{axis}", {"fused": fused, "axis": axis}, shape)


# ---- initial

INITIAL_CONSTANTS = {"gamma": 0.7, "beta": -0.3, "moving_mean": 0.2, "moving_variance": 2.25}
INITIAL_ARGS = [
    ([4, 3], {}),
    ([4, 3], {"renorm": True}),
    ([4, 3], {"virtual_batch_size": 2}),
    ([4, 3], {"virtual_batch_size": 2, "renorm": True}),
    ([4, 3, 2], {"axis": [1, 2]}),
    ([4, 3], {"center": False}),
    ([4, 3], {"scale": False}),
]


def initial():
    constants = {
        f"{weight}_initializer": {"class_name": "Constant", "config": {"value": value}}
        for weight, value in INITIAL_CONSTANTS.items()
    }
    names = {"gamma_initializer": "zeros", "beta_initializer": "ones", "moving_mean_initializer": "ones"}
    for shape, args in INITIAL_ARGS:
        yield Case(f"initial defaults {json.dumps(args)}", args, shape, initialized=True)
        yield Case(f"initial constants {json.dumps(args)}", args | constants, shape, initialized=True)
    yield Case("initial names", names, [4, 3], initialized=True)


# ---- mask


def mask():
    yield Case("mask sequence", {}, [4, 5, 3], mask=[4, 5])
    yield Case("mask sequence momentum", {"momentum": 0.5}, [4, 5, 3], mask=[4, 5])
    yield Case("mask samples", {}, [8, 3], mask=[8])
    yield Case("mask image not fused", {"fused": False}, [3, 3, 4, 2], mask=[3, 3, 4])
    yield Case("mask renorm", {"renorm": True}, [4, 5, 3], mask=[4, 5])
    yield Case("mask adjustment", {}, [4, 5, 3], mask=[4, 5], adjustment=[3])
    yield Case("mask center=False scale=False", {"center": False, "scale": False}, [4, 6, 2], mask=[4, 6])
    yield Case("mask fractional", {}, [4, 5, 3], mask=[4, 5], mask_is_fractional=True)
    yield Case("mask broadcast over time", {}, [6, 5, 3], mask=[6, 1])
    yield Case("mask axis1", {"axis": 1}, [4, 5, 3], mask=[4, 5])
    yield Case("mask ignored where Keras is fused", {}, [3, 3, 4, 2], mask=[3, 3, 4])
    yield Case("mask ignored where Keras is fused rank5", {"fused": True}, [3, 2, 3, 2, 2], mask=[3, 2, 3, 2])


# ---- mixed

SAMPLES, MASKED = "an adjustment per sample", "a mask"
# Drawn at random once, then written down. None combines groups of one or two with a small epsilon: there Keras' own
# rounding shows.
MIXED = [
    ([4, 3, 3, 4], {"axis": [1, 3], "momentum": 0.6, "center": False, "scale": False, "virtual_batch_size": 1}),
    ([4, 4, 4, 4], {"axis": -1, "scale": False, **renormed(0.99, TIGHT), "virtual_batch_size": 1}),
    ([8, 4, 2, 4], {"axis": 1, "epsilon": 0.01, "center": False, **renormed(0.99, TIGHT)}, SAMPLES),
    ([6, 2, 3, 3, 3], {"axis": 2, "virtual_batch_size": 2}),
    ([6, 3, 4, 2], {"axis": 1, "epsilon": 1e-05}, SAMPLES),
    ([6, 2], {"axis": -1, "momentum": 0.99, "virtual_batch_size": 1}),
    ([8, 2, 3, 3, 4], {"axis": 3}),
    ([8, 4, 3, 4, 2], {"axis": [2, 3], **renormed(0.99)}),
    ([4, 4, 2, 3, 4], {"axis": [1, 2], "momentum": 0.99, "center": False, "virtual_batch_size": 1}),
    ([4, 4], {"axis": 1, "momentum": 0.9, "center": False, **renormed(0.99, {"rmax": 1.2}), "virtual_batch_size": 2}),
    ([8, 2, 2], {"axis": [1, 2], "epsilon": 0.01}),
    ([8, 3, 2, 2, 4], {"axis": -1, "momentum": 0.6, "center": False}),
    ([8, 2, 2, 4], {"axis": [2, 3], "momentum": 0.6, "center": False, "virtual_batch_size": 4}),
    ([6, 3, 2], {"axis": 2, "scale": False, **renormed(0.99, {"dmax": 0.2}), "virtual_batch_size": 3}),
    ([6, 2, 3], {"axis": 1, "scale": False, "virtual_batch_size": 3}),
    ([4, 2], {"axis": 1, "momentum": 0.9, "center": False, **renormed(0.99), "virtual_batch_size": 1}),
    ([8, 3, 2, 4], {"axis": -1, "momentum": 0.9, "epsilon": 0.01, **renormed(0.8), "fused": False}, MASKED),
    ([8, 3, 4, 2], {"axis": [1, 2], "epsilon": 1e-05, **renormed(0.99, {"dmax": 0.2})}, SAMPLES),
    ([8, 2, 3], {"axis": -1, "center": False, **renormed(0.8, {"dmax": 0.2})}, SAMPLES),
    ([8, 3], {"axis": -1, "momentum": 0.6, "epsilon": 1e-05, "center": False}),
    ([4, 2, 2, 2], {"axis": -1, "momentum": 0.99, "epsilon": 1e-05}, SAMPLES),
    ([8, 2, 4], {"axis": 1, "momentum": 0.9, "scale": False}, SAMPLES),
    ([8, 2, 2, 3, 3], {"axis": 1, "epsilon": 0.01, **renormed(0.99, {"rmax": 1.2})}),
    ([6, 3, 2], {"axis": [1, 2], "momentum": 0.9, "scale": False}, SAMPLES),
    ([8, 2], {"axis": 1, "momentum": 0.6, "virtual_batch_size": 4}),
    ([8, 2, 2], {"axis": [1, 2], "momentum": 0.6, "center": False, **renormed(0.8)}),
    ([8, 4, 3, 3], {"axis": [1, 2], "momentum": 0.99, "epsilon": 1e-05, "center": False, **renormed(0.99, STILL)}),
    ([4, 4], {"axis": 1, "momentum": 0.99, "scale": False}, SAMPLES),
    ([4, 4, 3, 3, 2], {"axis": 2, "center": False, "scale": False, "virtual_batch_size": 1}),
    ([6, 4, 2, 2], {"axis": -1, "epsilon": 0.01}, SAMPLES),
    ([6, 4, 4, 4, 3], {"axis": -1, "epsilon": 1e-05, "center": False}, SAMPLES),
    ([4, 3, 3, 2, 2], {"axis": 2, "momentum": 0.9, "epsilon": 1e-05, "center": False}),
    ([8, 2, 3], {"axis": 1, "center": False, "scale": False, "virtual_batch_size": 2}),
    ([8, 3, 3], {"axis": -1, **renormed(0.8, {"dmax": 0.2}), "fused": False}, MASKED),
    ([8, 3, 4, 4, 3], {"axis": 1, "momentum": 0.6, **renormed(0.99), "virtual_batch_size": 2}),
    ([4, 2], {"axis": -1, "momentum": 0.9, "center": False}),
    ([6, 3, 4, 3], {"axis": -1, **renormed(0.8, {"rmin": 0.8}), "virtual_batch_size": 2}),
    ([4, 2, 4], {"axis": [1, 2], "momentum": 0.99}),
    ([4, 2, 3, 4, 4], {"axis": -1, "epsilon": 1e-05}, SAMPLES),
    ([6, 3, 2, 2], {"axis": 3, "momentum": 0.9, "epsilon": 1e-05, "center": False, **renormed(0.99)}),
]


def mixed():
    for shape, args, *extra in MIXED:
        yield Case(
            f"mixed {json.dumps(args)}",
            args,
            shape,
            (TRAIN, INFER, TRAIN, FROZEN),
            adjustment=[shape[0]] + [1] * (len(shape) - 1) if SAMPLES in extra else None,
            mask=shape[:-1] if MASKED in extra else None,
        )


# ---- options

# One row for each of CENTER_SCALE.
OPTION_SHAPES = [
    ([6, 5], [4, 5, 2, 3]),
    ([6, 4], [4, 4, 5, 2]),
    ([6, 5], [4, 3, 3, 3]),
    ([6, 5], [4, 4, 2, 4]),
]
MOMENTUM_EPSILON_CHANNELS = [  # of rank 2, of rank 4
    (0.5, 1e-5, 5, 4),
    (0.9, 0.1, 3, 2),
    (0.0, 1e-3, 4, 5),
    (1.0, 1e-3, 4, 5),
    (0.997, 1e-4, 4, 3),
]


def options():
    for (center, scale), shapes in zip(CENTER_SCALE, OPTION_SHAPES, strict=True):
        for shape, fused in product(shapes, (None, False)):
            name = f"center={center} scale={scale} rank{len(shape)} fused={fused}"
            yield Case(name, {"center": center, "scale": scale, "fused": fused}, shape)
    for momentum, epsilon, channels2, channels4 in MOMENTUM_EPSILON_CHANNELS:
        name, args = f"momentum={momentum} epsilon={epsilon}", {"momentum": momentum, "epsilon": epsilon}
        yield Case(name, args, [8, channels2])
        yield Case(f"{name} rank4", args, [3, 3, 2, channels4])
    for shape in ([6, 2], [3, 3, 4, 2]):
        yield Case(f"frozen rank{len(shape)}", {}, shape, (TRAIN, FROZEN, INFER, TRAIN))
    yield Case("int32 input", {}, [6, 4], x_dtype="int32")
    yield Case("batch of one", {}, [1, 4])
    yield Case("batch of one image", {}, [1, 3, 3, 2])
    yield Case("default weights", {}, [8, 5], initialized=True)
    yield Case("default weights image", {}, [2, 3, 4, 5], initialized=True)


# ---- renorm

# One row for each of CLIPPINGS: rank 2, rank 4, and rank 4 with axis 1.
RENORM_SHAPES = [
    ([8, 5], [4, 4, 5, 5], [4, 4, 5, 2]),
    ([8, 4], [4, 5, 4, 2], [4, 5, 4, 2]),
    ([8, 2], [4, 2, 5, 3], [4, 4, 3, 4]),
    ([8, 2], [4, 2, 2, 5], [4, 5, 2, 4]),
    ([8, 3], [4, 4, 2, 3], [4, 3, 4, 3]),
    ([8, 2], [4, 3, 3, 5], [4, 3, 4, 4]),
    ([8, 3], [4, 4, 3, 3], [4, 4, 5, 5]),
]
RENORM_MOMENTA = (0.99, 0.9, 0.5)


def renorm():
    for i, (clip, shapes) in enumerate(zip(CLIPPINGS, RENORM_SHAPES, strict=True)):
        for shape, axis in zip(shapes, (-1, -1, 1), strict=True):
            args = {"axis": axis, **renormed(RENORM_MOMENTA[i % 3], clip)}
            yield Case(f"renorm clip{i} rank{len(shape)} axis{axis}", args, shape, LONG)
    for center, scale in CENTER_SCALE:
        args = {"renorm": True, "center": center, "scale": scale, "momentum": 0.9, "renorm_momentum": 0.8}
        yield Case(f"renorm center={center} scale={scale}", args, [6, 3])
    yield Case("renorm axes[1,3]", {"renorm": True, "axis": [1, 3]}, [4, 2, 3, 4])
    yield Case("renorm default weights", {"renorm": True}, [6, 4], LONG, initialized=True)
    yield Case("renorm frozen", {"renorm": True}, [6, 4], (TRAIN, FROZEN, INFER))


# ---- virtual_batch_size

VIRTUAL_SHAPES = [
    (1, [8, 2], [8, 3, 4, 4]),
    (2, [8, 4], [8, 3, 3, 2]),
    (4, [8, 2], [8, 2, 3, 2]),
    (8, [8, 2], [8, 4, 2, 2]),
    (3, [12, 3], [12, 3, 3, 4]),
    (6, [12, 4], [12, 3, 2, 3]),
]
VIRTUAL_AXES = [
    (1, [6, 2, 4, 5]),
    (2, [6, 2, 2, 5]),
    ([1, 3], [6, 4, 5, 5]),
    ([1, 2], [6, 3, 2, 3]),
]
VIRTUAL_RENORM = [
    ("free", None, [8, 2], [8, 3, 2, 2]),
    ("clipped", TIGHT, [8, 5], [8, 3, 2, 2]),
]


def virtual_batch_size():
    for size, *shapes in VIRTUAL_SHAPES:
        for shape in shapes:
            yield Case(f"virtual {size} of {shape[0]} rank{len(shape)}", {"virtual_batch_size": size}, shape)
    for axis, shape in VIRTUAL_AXES:
        yield Case(f"virtual 2 of 6 axis{axis}", {"virtual_batch_size": 2, "axis": axis}, shape)
    for shape in ([4, 3, 5], [4, 2, 3, 2, 3]):
        yield Case(f"virtual 2 of 4 rank{len(shape)}", {"virtual_batch_size": 2}, shape)
    for what, clip, shape2, shape4 in VIRTUAL_RENORM:
        args = {"virtual_batch_size": 4, "renorm": True, "momentum": 0.9, "renorm_momentum": 0.7, **clipping(clip)}
        yield Case(f"virtual with renorm {what}", args, shape2)
        yield Case(f"virtual with renorm {what} rank4", args, shape4)
    for center, scale in ((False, True), (True, False), (False, False)):
        args = {"virtual_batch_size": 3, "center": center, "scale": scale}
        yield Case(f"virtual center={center} scale={scale}", args, [6, 4])


# ---- float64

FLOAT64 = [
    ([8, 3], {}),
    ([4, 3, 2, 3], {"axis": 1}),
    ([4, 2, 3, 2], {"axis": [1, 3]}),
    ([6, 4], {"center": False}),
    ([6, 4], {"scale": False}),
    ([6, 4], {"renorm": True}),
    ([4, 2, 3, 3], {"renorm": True, **clipping(TIGHT)}),
    ([8, 3], {"virtual_batch_size": 2}),
    ([6, 2, 2, 3], {"virtual_batch_size": 3, "axis": 1}),
    ([8, 3], {"virtual_batch_size": 2, **renormed(0.8)}),
]


def float64():
    """In double precision, for implementations that compute in it."""
    dtype = {"dtype": "float64"}
    for shape, args in FLOAT64:
        yield Case(f"float64 {json.dumps(args)} rank{len(shape)}", dtype | args, shape)
    yield Case("float64 adjustment", dtype, [6, 4], adjustment=[4])
    yield Case("float64 adjustment per sample", dtype | {"renorm": True}, [6, 4], adjustment=[6, 1])
    yield Case("float64 mask", dtype, [4, 5, 3], mask=[4, 5])


GROUPS = {
    group.__name__: group
    for group in (adjustment, axis, fused, initial, mask, mixed, options, renorm, virtual_batch_size, float64)
}
