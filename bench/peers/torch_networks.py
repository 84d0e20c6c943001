"""A network in PyTorch, one thread, channels last in memory: loss, gradients, a training step's and a forward pass' time.

Reads one JSON object (bench/peers/torch.ts writes it): the network as bench/networks/networks.ts describes it, inputs,
classes and weights as TF.js has them. Writes one: loss, gradients as TF.js has them, median milliseconds.
"""

import base64
import json
import math
import statistics
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)
request = json.load(sys.stdin)


def decode(text, shape):
    return torch.from_numpy(numpy.frombuffer(base64.b64decode(text), "<f4").reshape(shape).copy())


def encode(tensor):
    return base64.b64encode(tensor.detach().numpy().astype("<f4").tobytes()).decode()


def padding_of(size, kernel, strides):
    """What 'same' adds before and after: the larger part after, as in TensorFlow."""
    total = max((math.ceil(size / strides) - 1) * strides + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x, kernel, strides, value=0.0):
    """The input, and the padding that is left to the layer: only what is the same on both sides can be."""
    (top, bottom), (left, right) = (padding_of(size, kernel, strides) for size in x.shape[2:])
    if top == bottom == left == right:
        return x, top
    return functional.pad(x, (left, right, top, bottom), value=value), 0


class Network(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.parameters_left = list(weights)
        self.taken = []
        self.rows = self.row(request["network"]["parts"])

    def take(self, *permutation):
        """The next weight, and how it is permuted for PyTorch."""
        weight = self.parameters_left.pop(0).permute(*permutation)
        if weight.ndim == 4:
            weight = weight.contiguous(memory_format=torch.channels_last)
        parameter = nn.Parameter(weight.contiguous() if weight.ndim < 4 else weight)
        self.taken.append((parameter, permutation))
        return parameter

    def row(self, parts):
        return [self.part(part) for part in parts]

    def part(self, part):
        kind, *arguments = part
        return getattr(self, kind)(*arguments)

    def convolution(self, _filters, kernel, strides):
        weight = self.take(3, 2, 0, 1)

        def call(x):
            x, padding = pad_same(x, kernel, strides)
            return functional.conv2d(x, weight, stride=strides, padding=padding)

        return call

    def depthwise(self, kernel, strides):
        weight = self.take(2, 3, 0, 1)

        def call(x):
            x, padding = pad_same(x, kernel, strides)
            return functional.conv2d(x, weight, stride=strides, padding=padding, groups=weight.shape[0])

        return call

    def normalization(self):
        gamma, beta = self.take(0), self.take(0)
        mean, variance = torch.zeros_like(gamma), torch.ones_like(gamma)
        return lambda x: functional.batch_norm(x, mean, variance, gamma, beta, True, 0.01, 1e-3)

    def averagePooling(self):
        return lambda x: x.mean((2, 3))

    def sigmoid(self):
        return torch.sigmoid

    def relu(self, max_value):
        return torch.relu if max_value is None else functional.relu6

    def maxPooling(self, size, strides):
        def call(x):
            x, padding = pad_same(x, size, strides, -math.inf)
            return functional.max_pool2d(x, size, strides, padding)

        return call

    def dense(self, _units, use_bias):
        weight, bias = self.take(1, 0), self.take(0) if use_bias else None
        return lambda x: functional.linear(x, weight, bias)

    def lstm(self, units):
        weights = [self.take(1, 0), self.take(1, 0), self.take(0)]
        layer = nn.LSTM(weights[0].shape[1], units, batch_first=True)
        layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0 = weights
        layer.bias_hh_l0 = nn.Parameter(torch.zeros(4 * units), requires_grad=False)
        return lambda x: layer(x)[0][:, -1]

    def residual(self, block, shortcut):
        block, shortcut = self.row(block), self.row(shortcut)
        return lambda x: run(block, x) + run(shortcut, x)


def run(row, x):
    for layer in row:
        x = layer(x)
    return x


x = decode(request["x"], request["network"]["inputShape"])
if x.ndim == 4:
    x = x.permute(0, 3, 1, 2)
classes = torch.tensor(request["classes"])
network = Network([decode(weight["values"], weight["shape"]) for weight in request["weights"]])
parameters = [parameter for parameter, _ in network.taken]
optimizer = torch.optim.SGD(parameters, request["learningRate"])


def loss():
    return functional.cross_entropy(run(network.rows, x), classes)


def step():
    optimizer.zero_grad()
    value = loss()
    value.backward()
    optimizer.step()
    return value.item()


def forward():
    with torch.no_grad():
        return loss().item()


first = loss()
first.backward()
gradients = [parameter.grad.permute(*numpy.argsort(permutation).tolist()) for parameter, permutation in network.taken]
result = {"loss": first.item(), "gradients": [encode(gradient.contiguous()) for gradient in gradients]}

times = {"step": [], "forward": []}
start = time.perf_counter()
while time.perf_counter() - start < request["measureMs"] / 1e3 or len(times["step"]) < 12:
    for name, call in (("step", step), ("forward", forward)):
        before = time.perf_counter()
        call()
        times[name].append(1e3 * (time.perf_counter() - before))
for name, values in times.items():
    result[name + "Ms"] = statistics.median(values[len(values) // 4 :])
print(json.dumps(result))
