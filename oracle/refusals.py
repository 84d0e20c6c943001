"""What Keras refuses, when, and with which class; and what it lets pass though one might expect otherwise."""

from dataclasses import dataclass

from reference import keras, tf


@dataclass(frozen=True)
class Attempt:
    """Construct a layer, build it where a build shape is given, call it where a call shape is."""

    name: str
    args: dict
    build: list[int | None] | None = None
    call: list[int] | None = None
    adjustment: bool = False
    training: bool = True
    mask: list[int] | None = None


FUSED = {"fused": True}

REFUSED = [
    Attempt("axis not a number", {"axis": "last"}),
    Attempt("axis null", {"axis": None}),
    Attempt("axis out of range", {"axis": 3}, [None, 4]),
    Attempt("axis out of range negative", {"axis": -5}, [None, 4]),
    Attempt("axis duplicate", {"axis": [1, 1]}, [None, 3, 4]),
    Attempt("axis duplicate after wrapping", {"axis": [1, -1]}, [None, 4]),
    Attempt("undefined axis dimension", {}, [None, 4, None]),
    Attempt("renorm clipping key", {"renorm": True, "renorm_clipping": {"rmax": 1, "smax": 2}}),
    Attempt("fused with renorm", FUSED | {"renorm": True}),
    Attempt("fused with two axes", FUSED | {"axis": [1, 2]}),
    Attempt("fused with axis 2", FUSED | {"axis": 2}),
    Attempt("fused with virtual batch", FUSED | {"virtual_batch_size": 2}),
    Attempt("fused with adjustment", FUSED, adjustment=True),
    Attempt("fused with float64", FUSED | {"dtype": "float64"}),
    Attempt("fused rank 2", FUSED, [None, 4]),
    Attempt("fused rank 3", FUSED, [None, 4, 4]),
    Attempt("fused rank 6", FUSED, [None, 2, 2, 2, 2, 2]),
    Attempt("fused rank 4 axis 4", FUSED | {"axis": 4}, [None, 2, 2, 2]),
    Attempt("fused rank 4 axis -4", FUSED | {"axis": -4}, [None, 2, 2, 2]),
    Attempt("virtual batch zero", {"virtual_batch_size": 0}, [None, 4]),
    Attempt("virtual batch negative", {"virtual_batch_size": -2}, [None, 4]),
    Attempt("virtual batch with axis 0", {"virtual_batch_size": 2, "axis": 0}, [4, 4]),
    Attempt("virtual batch with adjustment", {"virtual_batch_size": 2}, [None, 4], adjustment=True),
    Attempt("virtual batch does not divide", {"virtual_batch_size": 3}, [None, 4], [8, 4]),
    Attempt("wrong rank at call", {}, [None, 4], [2, 3, 4, 5]),
    Attempt("wrong channels at call", {}, [None, 4], [2, 5]),
    Attempt("unknown initializer", {"gamma_initializer": "nope"}),
    Attempt("virtual batch with mask", {"virtual_batch_size": 2}, [None, 5, 4], [4, 5, 4], mask=[4, 5]),
    Attempt("unknown argument", {"momentun": 0.9}),
    Attempt("unknown constraint", {"gamma_constraint": "nope"}),
]

ACCEPTED = [
    # Rank 5 and one of the two axes that the fused kernel cannot take: Keras falls back and says nothing.
    Attempt("fused rank 5 axis 2 is not fused", FUSED | {"axis": 3}, [None, 2, 2, 2, 2], [2, 2, 2, 2, 2]),
    Attempt("fused rank 5 axis 3 negative", FUSED | {"axis": -3}, [None, 2, 2, 2, 2], [2, 2, 2, 2, 2]),
    Attempt("virtual batch does not divide in inference", {"virtual_batch_size": 3}, [None, 4], [8, 4], training=False),
    Attempt("fused null rank 2", {}, [None, 3], [4, 3]),
    Attempt("renorm with empty clipping", {"renorm": True, "renorm_clipping": {}}, [None, 3], [4, 3]),
]


def refused() -> list[dict]:
    return [_describe(attempt) | {"maskShape": attempt.mask} | _refusal(attempt) for attempt in REFUSED]


def accepted() -> list[dict]:
    for attempt in ACCEPTED:
        when, error = _try(attempt)
        if error is not None:
            raise AssertionError(f"{attempt.name}: Keras refuses it at {when}: {error}")
    return [_describe(attempt) for attempt in ACCEPTED]


def _describe(attempt: Attempt) -> dict:
    return {
        "name": attempt.name,
        "args": attempt.args,
        "adjustment": attempt.adjustment,
        "buildShape": attempt.build,
        "callShape": attempt.call,
        "training": attempt.training,
    }


def _refusal(attempt: Attempt) -> dict:
    when, error = _try(attempt)
    if error is None:
        raise AssertionError(f"{attempt.name}: Keras accepts it")
    return {"when": when, "type": type(error).__name__, "message": str(error).splitlines()[0]}


def _try(attempt: Attempt) -> tuple[str, Exception | None]:
    keras.backend.clear_session()  # messages name the layer, and Keras numbers its layers
    kwargs = dict(attempt.args)
    if attempt.adjustment:
        kwargs["adjustment"] = lambda shape: (tf.constant(1.0), tf.constant(0.0))
    when = "construct"
    try:
        layer = keras.layers.BatchNormalization(**kwargs)
        when = "build"
        if attempt.build is not None:
            layer.build(attempt.build)
        when = "call"
        if attempt.call is not None:
            mask = None if attempt.mask is None else tf.ones(attempt.mask, tf.bool)
            layer(tf.zeros(attempt.call), training=attempt.training, mask=mask)
    except Exception as error:  # any class: which one it is, is what the case records
        return when, error
    return when, None
