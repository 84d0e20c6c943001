"""Files of weights alone, the models that they are of as JSON, and what those predict with them."""

import base64
import io
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

import model_files
from packing import pack
from reference import generator

# As tf-keras up to 2.13 called the folder of layers, at every level.
OLD_FOLDER = "_layer_checkpoint_dependencies"


def plain(keras):
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer((5,)), layers.Dense(4), layers.BatchNormalization(name="norm"), layers.Dense(3)]
    )


def nested(keras):
    """Layers within layers: a frozen model, one that trains, both directions, every step."""
    layers = keras.layers
    frozen = keras.Sequential([layers.InputLayer((5,)), layers.Dense(5), layers.BatchNormalization()], name="frozen")
    frozen.trainable = False
    inner = layers.Input((5,))
    base = keras.Model(inner, layers.BatchNormalization()(layers.Dense(6)(inner)), name="base")
    inputs = layers.Input((5,))
    x = layers.Reshape((2, 3))(base(frozen(inputs)))
    x = layers.TimeDistributed(layers.Dense(4))(x)
    x = layers.Bidirectional(layers.LSTM(2))(x)
    return keras.Model(inputs, layers.Dense(3)(x))


MODELS = {"plain": plain, "nested": nested}


def cases(seed: int) -> list[dict]:
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in MODELS.items():
            for library, keras in model_files.LIBRARIES.items():
                keras.backend.clear_session()
                random = generator(seed, "weights", name)
                model = make(keras)
                model_files.draw_weights(model, random)
                x = np.round(random.normal(0, 1, (3, 5)), 3).astype("float32")
                entry = {"json": model.to_json(), "inputs": [pack(x)], "outputs": [pack(np.asarray(model(x)))]}
                for form, content in _forms(model, library, Path(folder)).items():
                    file = base64.b64encode(content).decode()
                    made.append({"name": f"{library}-{name}.{form}", **entry, "file": file})
    return made


def _forms(model, library: str, folder: Path) -> dict[str, bytes]:
    forms = {}
    # The legacy form is tf-keras' for names that end in .h5 alone.
    for form in ("weights.h5", "h5") if library == "tf-keras" else ("weights.h5",):
        path = folder / f"{library}.{form}"
        model.save_weights(path)
        forms[form] = path.read_bytes()
    if library == "tf-keras":
        path = folder / "whole.keras"
        model.save(path)
        forms["old.weights.h5"] = _with_old_folders(forms["weights.h5"])
        forms["old.keras"] = _as_old(path.read_bytes(), model.to_json())
    return forms


def _with_old_folders(content: bytes) -> bytes:
    def copy(source, target):
        for key, member in source.items():
            if isinstance(member, h5py.Group):
                copy(member, target.create_group(OLD_FOLDER if key == "layers" else key))
            else:
                target[key] = member[()]

    old = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(old, "w") as target:
        copy(source, target)
    return old.getvalue()


def _as_old(archive: bytes, config: str) -> bytes:
    old = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(".h5"):
                content = _with_old_folders(content)
            elif name == "metadata.json":
                # Without the date, which differs whenever it is made.
                content = b'{"keras_version": "2.12.0"}'
            elif name == "config.json":
                # Without addresses of objects.
                content = config.encode()
            target.writestr(zipfile.ZipInfo(name), content)
    return old.getvalue()
