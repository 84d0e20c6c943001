"""Layers that only keras.applications has. Who loads a model of it has to say what they are."""

import importlib


def application_layers(keras) -> dict:
    modules = {"convnext": ("LayerScale", "StochasticDepth"), "inception_resnet_v2": ("CustomScaleLayer",)}
    return {
        name: getattr(importlib.import_module(f"{keras.__name__}.src.applications.{module}"), name)
        for module, names in modules.items()
        for name in names
    }
