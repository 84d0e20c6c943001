"""A layer of a user's own, as tests have it in JavaScript: y = x · scale + offset."""


def register(keras):
    """Makes the class for a library, tf-keras or Keras 3, and registers it there."""

    @keras.saving.register_keras_serializable(package="evenkeel")
    class Scaled(keras.layers.Layer):
        def __init__(self, offset_by=0.0, **arguments):
            super().__init__(**arguments)
            self.offset_by = offset_by

        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

        def call(self, inputs):
            return inputs * self.scale + self.offset_by

        def get_config(self):
            return {**super().get_config(), "offset_by": self.offset_by}

    return Scaled
