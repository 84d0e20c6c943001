"""Random layers on images: in inference, and in training where a range of one number leaves nothing to draw."""

from model_files import KERAS3, TF, Model

SHAPE = (6, 5, 2)
# Where nothing is drawn, a range has two equal ends.
MOVES = {
    "rotation": lambda layers, **how: layers.RandomRotation((0.1, 0.1), **how),
    "zoom": lambda layers, **how: layers.RandomZoom((0.3, 0.3), (-0.2, -0.2), **how),
    "translation": lambda layers, **how: layers.RandomTranslation((0.35, 0.35), (-0.45, -0.45), **how),
}


def in_inference(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer(SHAPE),
            layers.RandomFlip("horizontal"),
            layers.RandomFlip(seed=3),
            layers.RandomRotation(0.2, fill_mode="wrap"),
            layers.RandomZoom(0.2, fill_mode="constant", fill_value=2.0),
            layers.RandomTranslation(0.1, (-0.2, 0.3), interpolation="nearest"),
            layers.RandomContrast(0.2),
            layers.RandomBrightness((-0.1, 0.2), value_range=(0, 1)),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def moved(move, **how):
    """Called for training within the model, which holds in tf-keras whatever the model is called with."""

    def make(keras):
        layers = keras.layers
        i = layers.Input(SHAPE)
        always = MOVES[move](layers, **how)(i, training=True)
        return keras.Model(i, layers.Dense(2)(layers.Flatten()(always)))

    return make


def chained(move, **how):
    """Called for training with the model, which Keras 3 goes by alone."""

    def make(keras):
        layers = keras.layers
        i = layers.Input(SHAPE)
        return keras.Model(i, layers.Dense(2)(layers.Flatten()(MOVES[move](layers, **how)(i))))

    return make


def trained(keras):
    """One after the other, in training alone."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer(SHAPE),
            *(move(layers) for move in MOVES.values()),
            layers.RandomBrightness((0.2, 0.2), value_range=(-2, 2)),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def after_dense(keras):
    """What lies before a layer that moves pixels learns by the gradient that it moves back."""
    layers = keras.layers
    return keras.Sequential(
        [layers.InputLayer(SHAPE), layers.Dense(3), MOVES["rotation"](layers), layers.Flatten(), layers.Dense(2)]
    )


def contrast(keras):
    layers = keras.layers
    i = layers.Input(SHAPE)
    # The ends are 1 - a and 1 + b.
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(layers.RandomContrast((0.0, 0.0), value_range=(0, 1))(i))))


def crops(keras):
    layers = keras.layers
    return keras.Sequential([layers.InputLayer(SHAPE), layers.RandomCrop(3, 4), layers.Flatten(), layers.Dense(2)])


def crop_of_small(keras):
    """Smaller than what is cut out."""
    layers = keras.layers
    i = layers.Input(SHAPE)
    return keras.Model(i, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.RandomCrop(7, 4)(i, training=True))))


def whole_crop(height, width):
    """Where the crop is as high as the image, Keras 3 draws nothing; in inference it cuts nothing."""

    def make(keras):
        layers = keras.layers
        i = layers.Input(SHAPE)
        crop = layers.RandomCrop(height, width, seed=5)(i)
        return keras.Model(i, layers.Dense(2)(layers.GlobalAveragePooling2D()(crop)))

    return make


def sizes(keras):
    layers = keras.layers
    i = layers.Input(SHAPE)
    stretched = layers.RandomWidth((0.3, 0.3))(
        layers.RandomHeight((-0.4, -0.4), "bicubic")(i, training=True), training=True
    )
    return keras.Model(i, layers.Dense(2)(layers.GlobalMaxPooling2D()(stretched)))


def channels_first(keras):
    layers = keras.layers
    i = layers.Input((2, 6, 5))
    turned = layers.RandomRotation((0.1, 0.1), data_format="channels_first")(i)
    moved = layers.RandomTranslation((0.2, 0.2), (0.1, 0.1), data_format="channels_first")(turned)
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(moved)))


def auto_contrast(keras):
    layers = keras.layers
    i = layers.Input(SHAPE)
    h = [layers.AutoContrast(value_range=(-1, 1))(i), layers.Rescaling(0.01)(layers.AutoContrast()(i))]
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(layers.Concatenate()(h))))


# In inference nothing but the image itself comes of them.
UNDRAWN = (
    ("RandomShear", ((0.1, 0.2), (0.1, 0.3)), {}),
    ("RandomHue", (0.2,), {"value_range": (0, 1)}),
    ("RandomSaturation", (0.2,), {"value_range": (0, 1)}),
    ("RandomColorJitter", (), {"value_range": (0, 1), "brightness_factor": 0.1}),
    ("RandomColorDegeneration", (0.2,), {"value_range": (0, 1)}),
    ("RandomGrayscale", (0.2,), {}),
    ("RandomPosterization", (4,), {"value_range": (0, 1)}),
    ("RandomInvert", (0.2,), {"value_range": (0, 1)}),
    ("RandomSharpness", (0.2,), {"value_range": (0, 1)}),
    ("RandomErasing", (), {"value_range": (0, 1)}),
    ("RandomPerspective", (), {}),
    ("RandomElasticTransform", (), {"value_range": (0, 1)}),
    ("RandomGaussianBlur", (), {"value_range": (0, 1)}),
    ("Solarization", (0.2, 0.3), {"value_range": (0, 1)}),
    ("AugMix", (), {"value_range": (0, 1)}),
    ("CutMix", (), {}),
    ("MixUp", (), {}),
    ("RandAugment", (), {"value_range": (0, 1)}),
)


def undrawn(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.InputLayer((6, 5, 3)),
            *(getattr(layers, name)(*args, **how) for name, args, how in UNDRAWN),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def each(name, make, **how) -> tuple[Model, Model]:
    """For both libraries; Keras 3 cannot save these layers as HDF5."""
    return Model(name, make, libraries=TF, **how), Model(name, make, libraries=KERAS3, formats=("keras",), **how)


def of_keras3(name, make, shape=SHAPE, **how) -> Model:
    return Model(name, make, (shape,), libraries=KERAS3, formats=("keras",), saved_for=KERAS3, **how)


def name_of(move, how) -> str:
    return f"{move}-{how['fill_mode']}-{how['interpolation']}"


SAMPLINGS = (
    {"fill_mode": "reflect", "interpolation": "bilinear"},
    {"fill_mode": "wrap", "interpolation": "nearest"},
    {"fill_mode": "constant", "interpolation": "bilinear", "fill_value": 0.7},
    {"fill_mode": "nearest", "interpolation": "bilinear"},
)

MODELS = [
    *each("augmented", in_inference, inputs=(SHAPE,), training=False),
    *(
        model
        for move in MOVES
        for how in SAMPLINGS
        for model in (
            Model(f"{name_of(move, how)}-always", moved(move, **how), (SHAPE,), libraries=TF, saved_for=TF),
            of_keras3(name_of(move, how), chained(move, **how), training=False, learns=2),
        )
    ),
    *each("augmented-training", trained, inputs=(SHAPE,), training=False, learns=3),
    *each("augmented-after-dense", after_dense, inputs=(SHAPE,), training=False, learns=3),
    of_keras3("random-contrast", contrast, training=False, learns=2),
    Model("random-crop", crops, (SHAPE,), training=False, libraries=TF, saved_for=TF),
    Model("random-crop-small", crop_of_small, (SHAPE,), libraries=TF, saved_for=TF),
    of_keras3("random-crop-whole", whole_crop(7, 4), training=False, learns=2),
    of_keras3("random-crop-lower", whole_crop(6, 3), training=False, learns=2),
    Model("random-sizes", sizes, (SHAPE,), libraries=TF, saved_for=TF),
    of_keras3("random-channels-first", channels_first, (2, 6, 5), training=False, learns=2),
    of_keras3("auto-contrast", auto_contrast, training=False),
    of_keras3("undrawn", undrawn, (6, 5, 3), training=False),
]
