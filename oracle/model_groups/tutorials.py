"""The models that Keras' guides and tutorials build, small, written from their architecture alone."""

import math

import numpy as np
import tensorflow as tf

from model_files import KERAS3, TF, Model, finalize

TOKENS = 12
LENGTH = 8


def draw(model, random: np.random.Generator):
    """As initializers do: products keep the size of what they take, so that ten steps of training stay calm."""
    values = []
    for weight in model.weights:
        value, name = np.asarray(weight), weight.name.split("/")[-1].split(":")[0]
        if not np.issubdtype(value.dtype, np.floating):
            values.append(value)
        elif name in ("gamma", "moving_variance", "variance"):
            values.append(np.round(random.uniform(0.7, 1.3, value.shape), 3))
        else:
            terms = math.prod(value.shape[:-1]) if value.ndim > 1 else 50
            values.append(np.round(random.normal(0, 1.2 / math.sqrt(terms), value.shape), 3))
    model.set_weights(values)
    finalize(model)


def augmentation(keras):
    layers = keras.layers
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augmentation")


def image_classification(augments: bool):
    """Separable convolutions with residuals, as in 'Image classification from scratch'."""

    def make(keras):
        layers = keras.layers
        inputs = layers.Input((16, 16, 3))
        x = augmentation(keras)(inputs) if augments else inputs
        x = layers.Rescaling(1.0 / 255)(x)
        x = layers.Conv2D(6, 3, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        before = x
        for size in (8, 10):
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(size, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(size, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
            x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
            x = layers.add([x, layers.Conv2D(size, 1, strides=2, padding="same")(before)])
            before = x
        x = layers.SeparableConv2D(12, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dropout(0.25 if augments else 0)(x)
        return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))

    return make


def mobile_base(keras):
    """An inverted bottleneck, as bases of transfer learning have them."""
    layers = keras.layers
    inputs = layers.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    before = x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(12, 1, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(4, 1, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999)(x)
    return keras.Model(inputs, layers.Add()([before, x]), name="base")


def transfer_learning(fine_tunes: bool):
    def make(keras):
        layers = keras.layers
        base = mobile_base(keras)
        base.trainable = fine_tunes
        inputs = layers.Input((12, 12, 3))
        x = keras.applications.mobilenet_v2.preprocess_input(inputs)
        x = base(x, training=False)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dropout(0)(x)
        return keras.Model(inputs, layers.Dense(1)(x))

    return make


def preprocessed_for_resnet(keras):
    """Color channels swapped and centered, as the older applications want them."""
    layers = keras.layers
    inputs = layers.Input((8, 8, 3))
    x = keras.applications.resnet50.preprocess_input(inputs)
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 128)(x))
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def digits(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(4, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(6, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0),
            layers.Dense(4, activation="softmax"),
        ]
    )


def words(*recurrent):
    """Text with masked padding."""

    def make(keras):
        layers = keras.layers
        inputs = layers.Input((LENGTH,), dtype="int32")
        x = layers.Embedding(TOKENS, 5, mask_zero=True)(inputs)
        for layer in recurrent:
            x = layer(layers)(x)
        x = layers.Dense(4, activation="relu")(x)
        return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))

    return make


def text_convolution(keras):
    layers = keras.layers
    inputs = layers.Input((None,), dtype="int32")
    x = layers.Embedding(TOKENS, 6)(inputs)
    x = layers.Dropout(0)(x)
    x = layers.Conv1D(5, 3, padding="valid", activation="relu", strides=2)(x)
    x = layers.Conv1D(5, 3, padding="same", activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(4, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def transformer(keras):
    """Text classification with one block of a transformer."""
    layers = keras.layers
    inputs = layers.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(TOKENS, 6)(inputs)
    x = layers.LayerNormalization(epsilon=1e-6)(
        layers.Add()([x, layers.Dropout(0)(layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x))])
    )
    y = layers.Dense(6)(layers.Dense(8, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def vision_transformer(keras):
    layers = keras.layers
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(6, 4, strides=4)(inputs)
    x = layers.Reshape((4, 6))(x)
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([layers.MultiHeadAttention(num_heads=2, key_dim=3)(y, y), x])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.Dense(6, activation="gelu")(layers.Dense(8, activation="gelu")(y))
    x = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, y])))
    return keras.Model(inputs, layers.Dense(3)(x))


def mixer(keras):
    """MLP-Mixer: dense layers over patches and over channels by turns."""
    layers = keras.layers
    inputs = layers.Input((8, 8, 3))
    x = layers.Reshape((4, 6))(layers.Conv2D(6, 4, strides=4)(inputs))
    y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
    y = layers.Dense(4)(layers.Dense(5, activation="gelu")(y))
    x = layers.Add()([x, layers.Permute((2, 1))(y)])
    y = layers.Dense(6)(layers.Dense(8, activation="gelu")(layers.LayerNormalization()(x)))
    x = layers.GlobalAveragePooling1D()(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(3)(x))


def wavenet(keras):
    """Causal convolutions, dilated ever wider, with gates."""
    layers = keras.layers
    inputs = layers.Input((16, 2))
    x = layers.Conv1D(4, 2, padding="causal")(inputs)
    for dilation in (1, 2, 4, 8):
        gate = layers.Conv1D(4, 2, padding="causal", dilation_rate=dilation, activation="sigmoid")(x)
        value = layers.Conv1D(4, 2, padding="causal", dilation_rate=dilation, activation="tanh")(x)
        x = layers.Add()([x, layers.Conv1D(4, 1)(layers.Multiply()([gate, value]))])
    return keras.Model(inputs, layers.Dense(1)(layers.Activation("relu")(x)))


def next_frame(keras):
    layers = keras.layers
    inputs = layers.Input((3, 6, 6, 1))
    x = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ConvLSTM2D(3, 1, padding="same", return_sequences=True, activation="relu")(x)
    return keras.Model(inputs, layers.Conv3D(1, 3, activation="sigmoid", padding="same")(x))


def forecast(keras):
    layers = keras.layers
    inputs = layers.Input((10, 3))
    return keras.Model(inputs, layers.Dense(1)(layers.LSTM(5)(inputs)))


def series_classification(keras):
    layers = keras.layers
    x = inputs = layers.Input((12, 1))
    for _ in range(2):
        x = layers.Conv1D(5, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def unet(upsample, interpolated: str):
    """Down and up again, with the way down handed over."""

    def make(keras):
        layers = keras.layers

        def block(x, channels):
            for _ in range(2):
                x = layers.Activation("relu")(
                    layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(x))
                )
            return x

        inputs = layers.Input((8, 8, 3))
        one = block(inputs, 4)
        two = block(layers.MaxPooling2D(2)(one), 6)
        x = block(layers.MaxPooling2D(2)(two), 8)
        x = block(layers.Concatenate()([upsample(layers, 6)(x), two]), 6)
        x = block(layers.concatenate([layers.UpSampling2D(2, interpolation=interpolated)(x), one]), 4)
        return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))

    return make


def segmentation(keras):
    """As in 'Image segmentation with a U-Net-like architecture'."""
    layers = keras.layers
    inputs = layers.Input((8, 8, 3))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, padding="same")(inputs)))
    before = x
    x = layers.SeparableConv2D(6, 3, padding="same")(layers.Activation("relu")(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
    before = x = layers.add([x, layers.Conv2D(6, 1, strides=2, padding="same")(before)])
    for channels in (6, 4):
        x = layers.Conv2DTranspose(channels, 3, padding="same")(layers.Activation("relu")(x))
        x = layers.UpSampling2D(2)(layers.BatchNormalization()(x))
        residual = layers.Conv2D(channels, 1, padding="same")(layers.UpSampling2D(2)(before))
        before = x = layers.add([x, residual])
    return keras.Model(inputs, layers.Conv2D(3, 3, activation="softmax", padding="same")(x))


def siamese(distance):
    """Two inputs through one network, and how far apart they come out."""

    def make(keras):
        layers = keras.layers
        image = layers.Input((8, 8, 1))
        x = layers.Conv2D(3, 3, activation="tanh")(image)
        x = layers.Flatten()(layers.AveragePooling2D(2)(layers.BatchNormalization()(x)))
        embedding = keras.Model(image, layers.Dense(4, activation="tanh")(x), name="embedding")
        one, other = layers.Input((8, 8, 1)), layers.Input((8, 8, 1))
        x = distance(keras, layers.Subtract()([embedding(one), embedding(other)]))
        return keras.Model([one, other], layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(x)))

    return make


def absolute(keras, x):
    return tf.abs(x) if keras.__name__ == "tf_keras" else keras.ops.abs(x)


def euclidean(keras, x):
    if keras.__name__ == "tf_keras":
        return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(x), axis=1, keepdims=True), 1e-7))
    ops = keras.ops
    return ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=1, keepdims=True), 1e-7))


def tabular(keras):
    """Numbers that are normalized, and categories that are encoded."""
    layers = keras.layers
    category, code, age = (layers.Input((1,), dtype=kind) for kind in ("int32", "int32", "float32"))
    normalization = layers.Normalization()
    normalization.adapt(np.array([[1.0], [2.5], [4.0], [0.5]], "float32"))
    encoded = [
        layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(category),
        layers.IntegerLookup(vocabulary=[0, 2, 3], output_mode="one_hot")(code),
        normalization(age),
    ]
    x = layers.Dense(6, activation="relu")(layers.concatenate(encoded))
    return keras.Model([category, code, age], layers.Dense(1, activation="sigmoid")(layers.Dropout(0)(x)))


def fuel(keras):
    """Regression, after a normalization that has seen the data."""
    layers = keras.layers
    normalization = layers.Normalization(axis=-1)
    normalization.adapt(np.array([[1, 20, -3], [2, 5, 0.5], [4, 8, 1], [0, 1, 2]], "float32"))
    return keras.Sequential(
        [
            layers.Input((3,)),
            normalization,
            layers.Dense(8, activation="relu"),
            layers.Dense(8, activation="relu"),
            layers.Dense(1),
        ]
    )


def tickets(keras):
    """Several inputs, several outputs."""
    layers = keras.layers
    title, body, tags = (layers.Input((size,), dtype="int32") for size in (None, None, 4))
    x = layers.concatenate(
        [
            layers.LSTM(4)(layers.Embedding(TOKENS, 4)(title)),
            layers.LSTM(3)(layers.Embedding(TOKENS, 4)(body)),
            layers.CategoryEncoding(num_tokens=TOKENS, output_mode="multi_hot")(tags),
        ]
    )
    return keras.Model([title, body, tags], [layers.Dense(1, name="priority")(x), layers.Dense(3, name="team")(x)])


def autoencoder(keras):
    layers = keras.layers
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, activation="relu", padding="same")(x)
    return keras.Model(inputs, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))


def series_autoencoder(keras):
    layers = keras.layers
    inputs = layers.Input((8, 2))
    x = layers.Conv1D(5, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv1D(3, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv1DTranspose(3, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv1DTranspose(5, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv1DTranspose(2, 3, padding="same")(x)
    steps = layers.LSTM(4, return_sequences=True)(layers.RepeatVector(8)(layers.LSTM(4)(x)))
    return keras.Model(inputs, [x, layers.TimeDistributed(layers.Dense(2))(steps)])


def generator(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(2 * 2 * 6),
            layers.LeakyReLU(negative_slope=0.2) if keras.__name__ == "keras" else layers.LeakyReLU(alpha=0.2),
            layers.Reshape((2, 2, 6)),
            layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(4, 4, strides=2, padding="same"),
            layers.Conv2D(1, 5, padding="same", activation="tanh"),
        ]
    )


def discriminator(keras):
    layers = keras.layers
    leaky = {"negative_slope": 0.2} if keras.__name__ == "keras" else {"alpha": 0.2}
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.LeakyReLU(**leaky),
            layers.Conv2D(6, 3, strides=2, padding="same"),
            layers.LeakyReLU(**leaky),
            layers.GlobalMaxPooling2D(),
            layers.Dropout(0),
            layers.Dense(1),
        ]
    )


def member(name: str, make, *inputs: tuple, learns: int = 10, **settings) -> Model:
    return Model(name, make, inputs, learns=learns, draw=draw, **settings)


IMAGE = {"colors": (0.0, 64.0, 128.0, 255.0)}
TEXT = {"below": TOKENS}

MODELS = [
    member("image-classification", image_classification(False), (16, 16, 3), **IMAGE),
    member(
        "image-classification-augmented", image_classification(True), (16, 16, 3), learns=0, training=False, **IMAGE
    ),
    member("transfer-learning", transfer_learning(False), (12, 12, 3), **IMAGE),
    # A Keras 3 model that is called with training=True calls its base so, too, whatever the call in it says.
    member("fine-tuning", transfer_learning(True), (12, 12, 3), libraries=TF, **IMAGE),
    # tf-keras cannot write its slices to .keras.
    member("preprocessed-for-resnet", preprocessed_for_resnet, (8, 8, 3), formats=("h5",), **IMAGE),
    member(
        "preprocessed-for-resnet", preprocessed_for_resnet, (8, 8, 3), libraries=KERAS3, formats=("keras",), **IMAGE
    ),
    member("digits", digits, (12, 12, 1)),
    member("words-gru", words(lambda layers: layers.GRU(4)), (LENGTH,), **TEXT),
    member("words-bidirectional-gru", words(lambda layers: layers.Bidirectional(layers.GRU(4))), (LENGTH,), **TEXT),
    member(
        "words-lstm",
        words(
            lambda layers: layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            lambda layers: layers.Bidirectional(layers.LSTM(3)),
        ),
        (LENGTH,),
        **TEXT,
    ),
    member("words-average", words(lambda layers: layers.GlobalAveragePooling1D()), (LENGTH,), **TEXT),
    member("text-convolution", text_convolution, (LENGTH,), **TEXT),
    member("text-transformer", transformer, (LENGTH,), **TEXT),
    member("vision-transformer", vision_transformer, (8, 8, 3)),
    member("mixer", mixer, (8, 8, 3)),
    member("wavenet", wavenet, (16, 2)),
    # Keras 3 has another hard_sigmoid than tf-keras, whose ConvLSTM2D has it by default.
    member("next-frame", next_frame, (3, 6, 6, 1), libraries=TF, saved_for=TF),
    member("next-frame", next_frame, (3, 6, 6, 1), libraries=KERAS3),
    member("forecast", forecast, (10, 3)),
    member("series-classification", series_classification, (12, 1)),
    member(
        "unet-bilinear", unet(lambda layers, _: layers.UpSampling2D(2, interpolation="bilinear"), "bilinear"), (8, 8, 3)
    ),
    member(
        "unet-transposed",
        unet(lambda layers, channels: layers.Conv2DTranspose(channels, 2, strides=2, padding="same"), "nearest"),
        (8, 8, 3),
    ),
    member("segmentation", segmentation, (8, 8, 3)),
    member("siamese-absolute", siamese(absolute), (8, 8, 1), (8, 8, 1)),
    member("siamese-euclidean", siamese(euclidean), (8, 8, 1), (8, 8, 1)),
    member("tabular", tabular, (1,), (1,), (1,), below=(4, 4, None)),
    member("fuel", fuel, (3,)),
    member("tickets", tickets, (6,), (7,), (4,), **TEXT),
    member("autoencoder", autoencoder, (8, 8, 1)),
    member("series-autoencoder", series_autoencoder, (8, 2)),
    member("generator", generator, (6,)),
    member("discriminator", discriminator, (8, 8, 1)),
]
