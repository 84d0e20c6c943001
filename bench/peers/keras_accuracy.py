"""What tf-keras' batch normalization computes of given inputs, by TensorFlow's fused kernel and without it.

Reads and prints what torch_accuracy.py does.
"""

import base64
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf
import tf_keras


def decode(text):
    return np.frombuffer(base64.b64decode(text), np.float32)


def encode(tensor):
    return base64.b64encode(np.ascontiguousarray(tensor.numpy())).decode()


def results(case, request, fused):
    x, dy, mean, variance = map(decode, case)
    x, dy = (tf.constant(values.reshape(request["shape"])) for values in (x, dy))
    layer = tf_keras.layers.BatchNormalization(epsilon=request["epsilon"], fused=fused)
    layer.build(x.shape)
    layer.set_weights([np.ones_like(mean), np.zeros_like(mean), mean, variance])
    inference = layer(x, training=False)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    return {"y": encode(y), "dx": encode(tape.gradient(y, x, dy)), "inference": encode(inference)}


request = json.load(sys.stdin)
contenders = {
    name: [results(case, request, fused) for case in request["cases"]]
    for name, fused in {"fused": True, "fused=False": False}.items()
}
print(json.dumps({"version": tf_keras.__version__, "contenders": contenders}))
