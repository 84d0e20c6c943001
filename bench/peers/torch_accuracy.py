"""What PyTorch's batch normalization computes of given inputs, channels last and first in memory.

Reads {shape, epsilon, cases: [[x, dy, moving mean, moving variance], ...]} as JSON, and prints
{version, contenders: {name: [{y, dx, inference}, ...]}}; arrays are float32 in base64, channels last.
"""

import base64
import json
import sys

import numpy as np
import torch

FORMATS = {"channels last": torch.channels_last, "channels first": torch.contiguous_format}


def decode(text):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), np.float32).copy())


def encode(tensor):
    return base64.b64encode(np.ascontiguousarray(tensor.detach().permute(0, 2, 3, 1).numpy())).decode()


def results(case, request, memory_format):
    x, dy, mean, variance = map(decode, case)
    x, dy = (
        values.reshape(request["shape"]).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
        for values in (x, dy)
    )
    layer = torch.nn.BatchNorm2d(request["shape"][-1], eps=request["epsilon"])
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    inference = layer.eval()(x)
    x.requires_grad_(True)
    y = layer.train()(x)
    y.backward(dy)
    return {"y": encode(y), "dx": encode(x.grad), "inference": encode(inference)}


request = json.load(sys.stdin)
contenders = {
    name: [results(case, request, memory_format) for case in request["cases"]]
    for name, memory_format in FORMATS.items()
}
print(json.dumps({"version": torch.__version__.split("+")[0], "contenders": contenders}))
