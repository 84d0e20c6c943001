"""Makes the sample of the documents and of the doctor: a small classifier of drawn digits, and digits new to it.

The model is right in training mode and wrong in inference: it was trained for 64 steps, after which half of the moving
statistics of its two batch normalizations is what they began as. Needs tf-keras 2.18 (oracle/requirements.txt):

    python examples/digits/make.py
"""

import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

HERE = Path(__file__).parent

# Digits of five by seven pixels, a row a line.
FONT = """
.###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###.
#...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...#
#..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...#
#.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .####
##..# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....#
#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#.
.###. .###. ##### .###. ...#. .###. .###. .#... .###. .##..
"""
ROWS = [line.split() for line in FONT.strip().splitlines()]
GLYPHS = np.array([[[pixel == "#" for pixel in row[digit]] for row in ROWS] for digit in range(10)], "float64")

SIZE = 12


def draw(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images of bytes, [count, 12, 12, 1], and what digits they show: anywhere, light or dark, blurred, with noise."""
    digits = random.integers(0, 10, count)
    images = np.zeros([count, SIZE, SIZE])
    for image, digit in zip(images, digits, strict=True):
        top, left = random.integers(0, SIZE - 7 + 1), random.integers(0, SIZE - 5 + 1)
        image[top : top + 7, left : left + 5] = GLYPHS[digit]
    shifted = 0.5 * (images + np.roll(images, 1, axis=2))
    blur = random.uniform(0, 0.6, [count, 1, 1])
    images = (1 - blur) * images + blur * shifted
    images = images * random.uniform(0.4, 0.8, [count, 1, 1]) + random.uniform(0, 0.2, images.shape)
    return np.round(images * 255).astype("uint8")[..., None], digits.astype("int32")


def make_model() -> keras.Model:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255, input_shape=(SIZE, SIZE, 1), name="rescaling"),
            layers.Conv2D(8, 3, use_bias=False, name="conv1"),
            layers.BatchNormalization(name="bn1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(12, 3, use_bias=False, name="conv2"),
            layers.BatchNormalization(name="bn2"),
            layers.ReLU(name="relu2"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )


def main() -> None:
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(1)
    x, y = draw(4096, random)
    model = make_model()
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, batch_size=128, epochs=2, verbose=0)

    x, y = draw(200, random)
    in_training = np.mean(np.argmax(model(x, training=True), -1) == y)
    in_inference = np.mean(np.argmax(model(x), -1) == y)
    sys.stdout.write(f"right in training mode: {in_training:.1%}, in inference: {in_inference:.1%}\n")

    model.save(HERE / "model.h5", include_optimizer=False)
    np.save(HERE / "x.npy", x)
    np.save(HERE / "y.npy", y.astype("uint8"))


if __name__ == "__main__":
    main()
