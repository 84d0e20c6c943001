"""Median milliseconds of a training step of PyTorch's batch normalization, one thread, channels last in memory.

usage: torch_step.py 60x100 32x28x28x64 ...    prints one JSON object from shape to milliseconds
"""

import json
import statistics
import sys
import time

import torch

torch.set_num_threads(1)


def step_ms(shape):
    channels = shape[-1]
    if len(shape) == 4:
        x = torch.randn(shape[0], channels, *shape[1:3]).to(memory_format=torch.channels_last)
        layer = torch.nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
    else:
        x = torch.randn(*shape)
        layer = torch.nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)
    x.requires_grad_(True)
    dy = torch.randn_like(x)
    times = []
    for call in range(60 if x.numel() > 1e5 else 1000):
        start = time.perf_counter()
        y = layer(x)
        x.grad = layer.weight.grad = layer.bias.grad = None
        y.backward(dy)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[len(times) // 4 :])


print(json.dumps({text: step_ms([int(size) for size in text.split("x")]) for text in sys.argv[1:]}))
