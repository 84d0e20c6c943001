"""Arrays as JSON, golden files as bytes, and the comparison of two golden files."""

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def pack(array) -> dict:
    """An array as `{shape, dtype, data}`.

    A float32 is written with the fewest digits that name it and no other, nine at most. JSON has neither NaN nor the
    infinities: they travel as strings.
    """
    array = np.asarray(array)
    convert = {"f": _number, "i": int, "b": int}[array.dtype.kind]
    return {"shape": list(array.shape), "dtype": str(array.dtype), "data": [convert(v) for v in array.ravel()]}


def _number(value: np.floating) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(str(value))


def write(path: Path, content: dict) -> int:
    """Writes gzipped JSON without time stamp or file name: equal content is equal bytes. Returns their number."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    data = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    path.write_bytes(data)
    return len(data)


def read(path: Path) -> dict:
    return json.loads(gzip.decompress(path.read_bytes()))


def differences(want: dict, got: dict) -> Iterator[str]:
    """What tells two golden files apart, one line per case: the first place where it differs."""
    (key,) = {"cases", "runs"} & got.keys()
    if want.get("source") != got["source"]:
        yield f"source: {want.get('source')} in the file, {got['source']} here"
    names = [case["name"] for case in want[key]]
    if names != [case["name"] for case in got[key]]:
        yield f"the names of the {key} differ"
        return
    for name, a, b in zip(names, want[key], got[key], strict=True):
        # Rounding adds up in a training: each run says how far it may stray.
        difference = _first_difference(a, b, a.get("tolerance"), "")
        if difference:
            yield f"{name}: {difference}"


def _first_difference(want, got, tolerance: float | None, path: str) -> str | None:
    """Structure, words and arguments must be equal; arrays (packed, or a list of floats) agree within tolerance."""
    if _is_packed(want) and _is_packed(got):
        if (want["shape"], want["dtype"]) != (got["shape"], got["dtype"]):
            return f"{path}: {want['dtype']}{want['shape']} in the file, {got['dtype']}{got['shape']} here"
        return _array_difference(want["data"], got["data"], tolerance or TOLERANCE.get(want["dtype"], 0), path)
    if isinstance(want, dict) and isinstance(got, dict):
        if list(want) != list(got):
            return f"{path}: the fields {list(want)} in the file, {list(got)} here"
        pairs = [(f"{path}/{key}", want[key], got[key]) for key in want]
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        if want and all(isinstance(v, float) for v in want + got):
            return _array_difference(want, got, tolerance or TOLERANCE["float32"], path)
        pairs = [(f"{path}/{i}", a, b) for i, (a, b) in enumerate(zip(want, got, strict=True))]
    else:
        return None if want == got else f"{path}: {want!r} in the file, {got!r} here"
    found = (_first_difference(a, b, tolerance, inner) for inner, a, b in pairs)
    return next(filter(None, found), None)


def _array_difference(want: list, got: list, tolerance: float, path: str) -> str | None:
    a, b = np.array(want, "float64"), np.array(got, "float64")
    if a.shape != b.shape:
        return f"{path}: {a.size} numbers in the file, {b.size} here"
    scale = max(1, np.abs(a[np.isfinite(a)]).max(initial=0))
    with np.errstate(invalid="ignore"):
        agree = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance * scale)
    if agree.all():
        return None
    i = int(np.argmin(agree))
    return f"{path}[{i}]: {a[i]} in the file, {b[i]} here"


def _is_packed(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"shape", "dtype", "data"}
