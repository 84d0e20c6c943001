"""Models with a normalization that trains with the moments of all workers, and one that does not.

tf-keras has two names for it. The newer one it does not write into files.
"""

from model_files import KERAS3, TF, Model, chain

IMAGES = ((6, 5, 2),)


def network(normalization):
    return chain(
        *IMAGES,
        lambda layers: layers.Conv2D(4, 3, use_bias=False),
        normalization,
        lambda layers: layers.ReLU(),
        lambda layers: layers.Flatten(),
        lambda layers: layers.Dense(3),
        lambda layers: layers.BatchNormalization(),
    )


def synchronized(**arguments):
    return network(lambda layers: layers.BatchNormalization(synchronized=True, **arguments))


def of_the_older_name(**arguments):
    return network(lambda layers: layers.experimental.SyncBatchNormalization(**arguments))


MODELS = [
    Model("synchronized", synchronized(), IMAGES, learns=2, libraries=KERAS3),
    Model("synchronized-renorm", synchronized(renorm=True, scale=False), IMAGES, learns=2, libraries=KERAS3),
    Model("synchronized-older-name", of_the_older_name(axis=1, center=False), IMAGES, learns=2, libraries=TF),
]
