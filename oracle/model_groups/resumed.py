"""Models that were trained, saved with their optimizers, and trained on."""

from model_files import KERAS3, TF, Model, chain

mlp = chain((5,), lambda k: k.Dense(4, activation="tanh"), lambda k: k.BatchNormalization(), lambda k: k.Dense(3))
classifier = chain((5,), lambda k: k.Dense(4, activation="relu"), lambda k: k.Dense(3, activation="softmax"))

detector = chain((5,), lambda k: k.Dense(4, activation="relu"), lambda k: k.Dense(3, activation="sigmoid"))


def by(make, loss="mse", **arguments):
    return lambda keras: {"optimizer": make(keras.optimizers), "loss": loss, **arguments}


def resumed(name, compile, make=mlp, targets=("numbers",), **arguments):
    return Model(name, make, ((5,),), steps=3, compile=compile, targets=targets, resumes=4, **arguments)


def towards(loss):
    return lambda keras: {"optimizer": keras.optimizers.SGD(0.1), "loss": loss(keras.losses), "metrics": ["accuracy"]}


def scheduled(make):
    return by(lambda o: o.Adam(make(o.schedules)))


def legacy(name, make):
    """Of TensorFlow before 2.11."""
    return resumed(
        f"legacy-{name}",
        lambda keras: {"optimizer": make(keras.optimizers.legacy), "loss": "mse"},
        libraries=TF,
        formats=("h5",),
    )


def nested(keras):
    """A frozen base, one that is not, and a constraint."""
    layers = keras.layers
    frozen = keras.Sequential([layers.InputLayer((5,)), layers.Dense(4), layers.BatchNormalization()], name="frozen")
    frozen.trainable = False
    base = keras.Sequential([layers.InputLayer((4,)), layers.Dense(4), layers.BatchNormalization()], name="base")
    inputs = layers.Input((5,))
    x = base(frozen(inputs))
    return keras.Model(inputs, layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(0.5))(x))


def two_outputs(keras):
    layers = keras.layers
    inputs = layers.Input((5,))
    x = layers.Dense(4, activation="relu")(inputs)
    return keras.Model(inputs, [layers.Dense(2, name="size")(x), layers.Dense(3, name="kind")(x)])


MODELS = [
    resumed("sgd", by(lambda o: o.SGD(0.1))),
    resumed("momentum", by(lambda o: o.SGD(0.05, momentum=0.8, clipvalue=0.3))),
    resumed("nesterov", by(lambda o: o.SGD(0.05, momentum=0.8, nesterov=True, clipnorm=0.4))),
    resumed("adam", by(lambda o: o.Adam(0.05, epsilon=1e-2))),
    resumed("amsgrad", by(lambda o: o.Adam(0.05, beta_1=0.7, beta_2=0.8, amsgrad=True, global_clipnorm=0.5))),
    resumed("adamw", by(lambda o: o.AdamW(0.05, weight_decay=0.2))),
    resumed("adamax", by(lambda o: o.Adamax(0.05, epsilon=1e-2))),
    resumed("nadam", by(lambda o: o.Nadam(0.05))),
    resumed("rmsprop", by(lambda o: o.RMSprop(0.02, epsilon=1e-2))),
    resumed("rmsprop-centered", by(lambda o: o.RMSprop(0.02, momentum=0.6, centered=True, epsilon=1e-2))),
    resumed("adagrad", by(lambda o: o.Adagrad(0.1, epsilon=1e-2))),
    resumed("adadelta", by(lambda o: o.Adadelta(2.0, rho=0.7))),
    resumed("lion", by(lambda o: o.Lion(0.02))),
    resumed("by-name", lambda keras: {"optimizer": "rmsprop", "loss": ["mae"], "metrics": ["mse"]}),
    resumed("exponential", scheduled(lambda s: s.ExponentialDecay(0.1, 2, 0.5, staircase=True))),
    resumed("inverse-time", scheduled(lambda s: s.InverseTimeDecay(0.1, 2, 0.5))),
    resumed("polynomial", scheduled(lambda s: s.PolynomialDecay(0.1, 4, 0.01, power=2.0, cycle=True))),
    resumed("piecewise", scheduled(lambda s: s.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01]))),
    resumed("cosine", scheduled(lambda s: s.CosineDecay(0.02, 4, alpha=0.1, warmup_target=0.1, warmup_steps=2))),
    resumed("sparse", towards(lambda n: "sparse_categorical_crossentropy"), classifier, ("classes",)),
    resumed("sparse-logits", towards(lambda n: n.SparseCategoricalCrossentropy(from_logits=True)), mlp, ("classes",)),
    resumed("categorical", towards(lambda n: n.CategoricalCrossentropy()), classifier, ("one-hot",)),
    resumed(
        "smoothed",
        towards(lambda n: n.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)),
        mlp,
        ("one-hot",),
    ),
    resumed("binary", towards(lambda n: n.BinaryCrossentropy(label_smoothing=0.2)), detector, ("yes-no",)),
    resumed("no-logits", towards(lambda n: n.BinaryCrossentropy(from_logits=True)), detector, ("yes-no",)),
    resumed("binary-logits", towards(lambda n: n.BinaryCrossentropy(from_logits=True)), mlp, ("yes-no",)),
    resumed("huber", towards(lambda n: n.Huber(0.7)), libraries=TF),
    # Keras 3 does not save the delta.
    resumed("huber", towards(lambda n: n.Huber()), libraries=KERAS3),
    resumed("frozen-base", by(lambda o: o.Adam(0.05)), nested),
    resumed(
        "two-outputs",
        lambda keras: {
            "optimizer": keras.optimizers.Adam(0.05),
            "loss": {
                "size": "mse",
                "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            },
        },
        two_outputs,
        ("numbers", "classes"),
    ),
    legacy("adam", lambda o: o.Adam(0.05, decay=0.1, amsgrad=True)),
    legacy("sgd", lambda o: o.SGD(0.05, momentum=0.8, decay=0.1)),
    legacy("rmsprop", lambda o: o.RMSprop(0.02, epsilon=1e-2)),
    legacy("rmsprop-momentum", lambda o: o.RMSprop(0.02, epsilon=1e-2, momentum=0.5, centered=True)),
    legacy("adagrad", lambda o: o.Adagrad(0.1, epsilon=1e-2)),
    legacy("adamax", lambda o: o.Adamax(0.05, epsilon=1e-2)),
    legacy("adadelta", lambda o: o.Adadelta(2.0, rho=0.7)),
]
