"""Small members of every architecture of keras.applications, made by the library's own code, only narrower."""

import builtins
import importlib
import inspect
import math
import re
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from model_files import TF, Model, finalize, images, leaves

CLASSES = 5
# What images hold: few distinct values, so that the files stay small.
SIGNED = (-1.0, -0.5, 0.0, 0.5, 1.0)
PIXELS = (0.0, 32.0, 64.0, 128.0, 255.0)
# Channels are divided by the second, in the layers whose names match the first; the first match counts.
EVERY_LAYER = (("", 24),)


class Narrowed:
    """A library's `layers`, whose convolutions and dense layers come out narrower than asked for."""

    def __init__(self, layers, widths: tuple):
        self._layers = layers
        self._widths = widths

    def __getattr__(self, class_name: str):
        make = getattr(self._layers, class_name)
        if class_name not in ("Conv2D", "SeparableConv2D", "Dense"):
            return make

        def make_narrow(channels=None, *args, filters=None, **settings):
            asked = channels or filters
            by = next((by for pattern, by in self._widths if re.search(pattern, settings.get("name") or "")), 1)
            is_classifier = asked == CLASSES
            return make(asked if is_classifier else max(2, asked // by), *args, **settings)

        return make_narrow


@contextmanager
def narrowed(module, widths: tuple, repeats: int):
    """While this lasts, what the module makes is narrow, and its loops of equal blocks end after a few."""
    changes = {"range": lambda *ends: builtins.range(*ends)[:repeats]}
    if getattr(module, "layers", None):
        changes["layers"] = Narrowed(module.layers, widths)
    if hasattr(module, "VersionAwareLayers"):
        narrow = Narrowed(module.VersionAwareLayers(), widths)
        changes |= {"VersionAwareLayers": lambda: narrow, "layers": narrow}
    before = {name: vars(module)[name] for name in changes if name in vars(module)}
    vars(module).update(changes)
    try:
        yield
    finally:
        for name in changes:
            del vars(module)[name]
        vars(module).update(before)


def made(module: str, call: Callable, *, widths: tuple = (), repeats: int = 99) -> Callable:
    """Makes a model by a function of the module `module` of the library's applications."""

    def make(keras):
        applications = importlib.import_module(f"{keras.__name__}.src.applications.{module}")
        with narrowed(applications, widths, repeats):
            return call(applications)

    return make


def by_name(name: str, size: int = 32, **settings) -> Callable:
    return lambda module: getattr(module, name)(**sized(size), **settings)


def sized(size: int) -> dict:
    return {"weights": None, "input_shape": (size, size, 3), "classes": CLASSES}


def resnet(preact: bool, use_bias: bool, stack: str) -> Callable:
    """Two stacks of the library's own, whose functions the two libraries call by other names."""

    def call(module):
        stack_of = getattr(module, f"stack{stack}", None) or getattr(module, f"stack_residual_blocks_v{stack}")

        def stacks(x):
            x = stack_of(x, 32, 2, stride1=1, name="conv2")
            return stack_of(x, 64, 2, name="conv3")

        return module.ResNet(stacks, preact, use_bias, "resnet", **sized(32))

    return call


REGNET = {"depths": (1, 1, 2, 1), "widths": (8, 8, 16, 16), "group_width": 4, "default_size": 32}
EFFICIENT = {"width_coefficient": 0.1, "depth_coefficient": 0.3, "default_size": 32, "depth_divisor": 4}


def efficient_v2(module, member: str) -> dict:
    name = f"efficientnetv2-{member}"
    name_key = "model_name" if "model_name" in inspect.signature(module.EfficientNetV2).parameters else "name"
    return {"blocks_args": module.DEFAULT_BLOCKS_ARGS[name], name_key: name, "min_depth": 4}


def efficientnet_with_imagenet_stem(keras):
    """What stands before an EfficientNet that is asked for with ImageNet's weights."""
    layers = keras.layers
    image = layers.Input((16, 16, 3))
    x = layers.Rescaling(1.0 / 255.0)(image)
    x = layers.Normalization(axis=3)(x)
    scale = [1.0 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)]
    # As the two libraries say it.
    x = (
        tf.math.multiply(x, tf.reshape(scale, [1, 1, 1, 3]))
        if keras.__name__ == "tf_keras"
        else layers.Rescaling(scale)(x)
    )
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="stem_conv_pad")(x)
    x = layers.Conv2D(4, 3, strides=2, padding="valid", use_bias=False, name="stem_conv")(x)
    x = layers.BatchNormalization(axis=3, name="stem_bn")(x)
    x = layers.Activation("swish")(x)
    return keras.Model(image, layers.Dense(CLASSES)(layers.GlobalMaxPooling2D()(x)))


STEPS = np.array([-1, -0.5, 0.5, 1])
POSITIVE = ("gamma", "variance", "moving_variance")


def draw(model, random: np.random.Generator):
    """Few distinct values, so that files stay small; normalizations see what they know, so that nothing fades."""
    for layer in leaves(model):
        layer.set_weights([_drawn(layer, weight, random) for weight in layer.weights])
    finalize(model)
    _settle(model, random)


def _drawn(layer, weight, random: np.random.Generator) -> np.ndarray:
    value, name = np.asarray(weight), weight.name.split("/")[-1].split(":")[0]
    if not np.issubdtype(value.dtype, np.floating):
        return value
    drawn = random.choice(STEPS, value.shape)
    if name in POSITIVE:
        # Gammas below 1, so that sums of residuals stay small.
        return ((0.5 if name == "gamma" else 1) * (1 + drawn / 4)).astype("float32")
    if value.ndim < 2:
        return (drawn / 4).astype("float32")
    # Of a depthwise kernel's dimensions only the positions are summed.
    is_depthwise = name == "depthwise_kernel" or type(layer).__name__.startswith("Depthwise")
    terms = math.prod(value.shape[:2] if is_depthwise else value.shape[:-1])
    # Lower for classes, so that softmax does not decide for one alone.
    gain = 1 if value.shape[-1] == CLASSES else 1.8
    return (drawn * np.float32(round(gain / math.sqrt(terms), 3))).astype("float32")


def _settle(model, random: np.random.Generator):
    """Sets moving statistics near those of a batch, coarsely."""
    normalizations = [layer for layer in leaves(model) if type(layer).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    has_preprocessing = any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in model.layers)
    model(images(48, model.inputs[0].shape[1:], PIXELS if has_preprocessing else SIGNED, random), training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
        mean, variance = (np.asarray(w) for w in (layer.moving_mean, layer.moving_variance))
        layer.moving_mean.assign(np.round(mean * 16) / 16)
        layer.moving_variance.assign(2.0 ** np.round(np.log2(np.maximum(variance, 2.0**-4))))


def member(name: str, make: Callable, size: int = 32, *, colors: tuple = SIGNED, **settings) -> Model:
    return Model(name, make, ((size, size, 3),), colors=colors, draw=draw, **settings)


def narrow(module: str, name: str, size: int = 32, *, widths: tuple = EVERY_LAYER, repeats: int = 99, **settings):
    return made(module, by_name(name, size, **settings), widths=widths, repeats=repeats)


# The other members of these families have other numbers of blocks and channels, and no other layers.
MODELS = [
    member(
        "convnext",
        made(
            "convnext",
            lambda module: module.ConvNeXt((1, 1, 2, 1), (4, 8, 8, 12), drop_path_rate=0.2, **sized(64)),
        ),
        64,
        colors=PIXELS,
    ),
    member(
        "densenet",
        made(
            "densenet",
            lambda module: module.DenseNet((2, 2, 2, 1), **sized(32)),
            widths=((r"^pool", 1), ("", 8)),
        ),
        learns=2,
    ),
    member(
        "efficientnet",
        made("efficientnet", lambda module: module.EfficientNet(**EFFICIENT, **sized(32))),
        colors=PIXELS,
    ),
    member("efficientnet-imagenet-stem", efficientnet_with_imagenet_stem, 16, colors=PIXELS),
    member(
        "efficientnetv2-b0",
        made(
            "efficientnet_v2",
            lambda module: module.EfficientNetV2(**EFFICIENT, **efficient_v2(module, "b0"), **sized(32)),
        ),
        colors=PIXELS,
    ),
    member(
        "efficientnetv2-s",
        made(
            "efficientnet_v2",
            lambda module: module.EfficientNetV2(
                **EFFICIENT | {"depth_coefficient": 0.1},
                **efficient_v2(module, "s"),
                drop_connect_rate=0.0,
                include_top=False,
                pooling="max",
                **sized(32),
            ),
        ),
        colors=PIXELS,
        learns=2,
    ),
    member(
        "inception-resnet-v2",
        narrow(
            "inception_resnet_v2", "InceptionResNetV2", 75, widths=((r"^block.*_conv$", 1), *EVERY_LAYER), repeats=1
        ),
        75,
    ),
    member("inception-v3", narrow("inception_v3", "InceptionV3", 75), 75),
    member("mobilenet", narrow("mobilenet", "MobileNet", widths=(), alpha=0.1)),
    member("mobilenet-v2", narrow("mobilenet_v2", "MobileNetV2", widths=(("^Conv_1$", 16),), alpha=0.1)),
    # Keras 3 has hard_silu for it, tf-keras makes it of other layers.
    member(
        "mobilenet-v3-small",
        narrow("mobilenet_v3", "MobileNetV3Small", widths=(("^Conv_2$", 16),), alpha=0.1),
        colors=PIXELS,
    ),
    member(
        "mobilenet-v3-large",
        narrow("mobilenet_v3", "MobileNetV3Large", widths=(("^Conv_2$", 16),), alpha=0.1, include_preprocessing=False),
    ),
    member(
        "mobilenet-v3-minimalistic",
        narrow(
            "mobilenet_v3",
            "MobileNetV3Small",
            widths=(("^Conv_2$", 16),),
            alpha=0.1,
            minimalistic=True,
            classifier_activation=None,
        ),
        colors=PIXELS,
    ),
    member(
        "nasnet-mobile",
        made(
            "nasnet",
            lambda module: module.NASNet(
                penultimate_filters=96, num_blocks=1, stem_block_filters=4, skip_reduction=False, **sized(32)
            ),
        ),
    ),
    member(
        "nasnet-large",
        made(
            "nasnet",
            lambda module: module.NASNet(
                penultimate_filters=96,
                num_blocks=1,
                stem_block_filters=8,
                skip_reduction=True,
                include_top=False,
                **sized(32),
            ),
        ),
    ),
    member(
        "regnet-x",
        made("regnet", lambda module: module.RegNet(**REGNET, block_type="X", **sized(32)), widths=(("_stem_", 4),)),
        colors=PIXELS,
        libraries=TF,
    ),
    member(
        "regnet-y",
        made(
            "regnet",
            lambda module: module.RegNet(**REGNET, block_type="Y", include_top=False, pooling="max", **sized(32)),
            widths=(("_stem_", 4),),
        ),
        colors=PIXELS,
        libraries=TF,
        learns=2,
    ),
    member("resnet", made("resnet", resnet(False, True, "1"), widths=EVERY_LAYER)),
    member("resnet-v2", made("resnet", resnet(True, True, "2"), widths=EVERY_LAYER)),
    member(
        "resnet-rs",
        made(
            "resnet_rs",
            lambda module: module.ResNetRS(
                50,
                block_args=[{"input_filters": 64, "num_repeats": 2}, {"input_filters": 128, "num_repeats": 1}],
                bn_momentum=0.9,
                **sized(32),
            ),
            widths=EVERY_LAYER,
        ),
        colors=PIXELS,
        libraries=TF,
    ),
    member("vgg16", narrow("vgg16", "VGG16")),
    member("vgg19", narrow("vgg19", "VGG19", classifier_activation=None)),
    member("xception", narrow("xception", "Xception", 71, repeats=1), 71),
]
