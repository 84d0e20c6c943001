"""The reference itself, tf-keras, and the randomness that the cases are drawn from.

Everything runs on one CPU thread without oneDNN, so that sums are taken in one order and the same machine writes the
same bytes every time. TensorFlow reads its environment while it is imported: import it from here only.
"""

import os
import warnings
import zlib

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import numpy as np
import tensorflow as tf
import tf_keras as keras

# Expected here: masks that the fused kernel ignores, and a function traced anew for every model.
warnings.filterwarnings("ignore", message="Masking is not supported with `fused=True`")
tf.get_logger().setLevel("ERROR")
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)

SOURCE = f"tf-keras {keras.__version__} on TensorFlow {tf.__version__}"


def generator(seed: int, group: str, name: str) -> np.random.Generator:
    """Randomness of one case's own: adding, moving or renaming a case leaves all others as they were."""
    return np.random.default_rng([seed, zlib.crc32(f"{group}/{name}".encode())])


def weight_name(variable: tf.Variable) -> str:
    """Keras' short name of a weight: `batch_normalization_3/gamma:0` is `gamma`."""
    return variable.name.split("/")[-1].split(":")[0]
