"""A worker that trains a Keras model together with others, by tf.distribute and tf-keras, and saves it.

Start it once per worker, each with its own part of the data; `keras_worker.py --help` says how. A model that evenkeel
saved for tf-keras can be trained so and loaded again. Layers with `synchronized` use the moments of all workers'
batches, in more digits than tf-keras keeps. The trained file says `synchronized` again, which tf-keras leaves out.

Runs with TensorFlow 2.18 and tf-keras 2.18.
"""

import argparse
import contextlib
import faulthandler
import hashlib
import json
import os
import sys
import tempfile
from math import ceil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import tf_keras as keras

DESCRIPTION = """\
Trains a Keras model together with other workers, by tf.distribute.MultiWorkerMirroredStrategy and tf-keras.

Start it once per worker, with the same model file and another part of the data each:

  keras_worker.py model.h5 --data x-{rank}.npy --labels y-{rank}.npy --output trained.h5 \\
      --optimizer adam --loss categorical_crossentropy --workers node0:4711,node1:4711 --rank 0

and the same with --rank 1 on node1. A step takes --batch-size rows from each worker. Worker 0 prints a line of JSON per
epoch and writes the trained model.

WARNING: TensorFlow's server listens on its port on ALL network interfaces of the machine. It asks nobody who they are
and encrypts nothing: whoever reaches the port can run TensorFlow's operations, which read and write files. Use a
private network that nobody else reaches or, on one machine, a network namespace that has the loopback interface alone.
"""


class WorkerError(Exception):
    """What the user can put right; shown without a traceback."""


def exact_moments(layer, x, axes, keep_dims, mask=None):
    """The mean and variance of all workers' batches, in the place of _sync_calculate_mean_and_var of tf-keras.

    tf-keras takes E[x²] - E[x]², which has no digits left where the mean is many standard deviations. Here the mean is
    summed about a shift that is near it, and the squares about the mean.
    """
    replica = tf.distribute.get_replica_context()
    weights = tf.ones_like(x)
    if mask is not None:
        weights *= tf.expand_dims(tf.cast(mask, x.dtype), axis=-1)
        # A masked NaN times 0 would be NaN.
        x = tf.where(weights != 0, x, tf.zeros_like(x))

    def total(*terms):
        sums = tf.stack([tf.reduce_sum(term, axes, keepdims=True) for term in terms])
        return tf.unstack(replica.all_reduce(tf.distribute.ReduceOp.SUM, sums))

    weight, value = total(weights, weights * x)
    shift = tf.stop_gradient(tf.math.divide_no_nan(value, weight))
    distance = tf.math.divide_no_nan(*total(weights * (x - shift)), weight)
    # About the mean, the sum of squares does not change with the mean.
    squares = tf.square(x - shift - tf.stop_gradient(distance))
    variance = tf.math.divide_no_nan(*total(weights * squares), weight)
    # What is masked on all workers keeps its statistics.
    mean, variance = (
        tf.where(weight > 0, moment, tf.reshape(moving, tf.shape(moment)))
        for moment, moving in ((shift + distance, layer.moving_mean), (variance, layer.moving_variance))
    )
    return (mean, variance) if keep_dims else (tf.squeeze(mean, axes), tf.squeeze(variance, axes))


def use_exact_moments():
    """Gives tf-keras' synchronized normalizations the exact moments, and has them saved as synchronized."""
    normalization = keras.layers.BatchNormalization
    if not hasattr(normalization, "_sync_calculate_mean_and_var"):
        raise WorkerError(f"tf-keras {keras.__version__} computes synchronized moments in another place. Install 2.18.")
    for cls in (normalization, keras.layers.experimental.SyncBatchNormalization):
        cls._sync_calculate_mean_and_var = exact_moments
    get_config = normalization.get_config
    # Never false: tf-keras before 2.12 refuses the key.
    normalization.get_config = lambda layer: get_config(layer) | ({"synchronized": True} if layer.synchronized else {})


def tell_who_works(workers, rank):
    """Has TensorFlow know the addresses of all workers, and which one this is."""
    if workers is not None and rank is not None:
        addresses = workers.split(",")
        if not 0 <= rank < len(addresses):
            raise WorkerError(f"--rank is {rank}; for {len(addresses)} --workers it is 0 to {len(addresses) - 1}.")
        task = {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    elif workers is not None or rank is not None:
        raise WorkerError("--workers and --rank go together: give both.")
    elif "TF_CONFIG" not in os.environ:
        raise WorkerError("nothing says who the workers are. Give --workers and --rank, or set TF_CONFIG.")


def join(timeout):
    """The strategy, once all workers are there."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus > 1:
        raise WorkerError(f"a worker takes one GPU and sees {gpus}. Start one for each, by CUDA_VISIBLE_DEVICES.")

    # TensorFlow waits for ever, and lets no other thread of Python run: this one is not Python's.
    print(f"keras_worker: waits for the other workers, {timeout:g} s at most", file=sys.stderr, flush=True)
    faulthandler.dump_traceback_later(timeout, exit=True)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    gather(strategy, [0])
    faulthandler.cancel_dump_traceback_later()
    return strategy


def gather(strategy, numbers):
    """The whole numbers of each worker, as a list of lists."""

    def rows_of_all():
        return tf.distribute.get_replica_context().all_gather(tf.constant([numbers], tf.int64), axis=0)

    return tf.function(strategy.run)(rows_of_all).numpy().tolist()


def read_data(options, rank):
    """This worker's inputs and labels."""

    def read(pattern):
        name = pattern.replace("{rank}", str(rank))
        try:
            array = np.load(name, mmap_mode="r", allow_pickle=False)
            len(array)
        except Exception as error:
            raise WorkerError(f"{name} cannot be read: {error}") from error
        return array

    data, labels = ([read(pattern) for pattern in patterns] for patterns in (options.data, options.labels))
    rows = sorted({len(array) for array in (*data, *labels)})
    if len(rows) > 1 or rows[0] == 0:
        raise WorkerError(
            f"the arrays of --data and --labels have {rows} rows. All must have the same number, and not 0."
        )
    return data, labels


def digest_of(options):
    """What must be the same for all workers, as a whole number."""
    settings = [options.epochs, options.shuffle, options.optimizer, options.loss, options.metrics]
    digest = hashlib.sha256(Path(options.model).read_bytes() + json.dumps(settings).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def prepare(strategy, options):
    """This worker's data, and how many steps an epoch has.

    What one worker refuses ends all of them, so that none waits for it.
    """
    rank = strategy.cluster_resolver.task_id
    failure, digest, steps = None, 0, 0
    try:
        data = read_data(options, rank)
        digest = digest_of(options)
        steps = ceil(len(data[0][0]) / options.batch_size)
        if rank == 0 and not options.output.parent.is_dir():
            raise WorkerError(f"the folder of --output is not there: {options.output.parent}.")
    except Exception as error:
        # Whatever it is, the others wait to hear of it.
        failure = error
    table = gather(strategy, [failure is not None, digest, steps])
    if failure is not None:
        raise WorkerError(str(failure)) from failure
    for worker, (failed, others_digest, others_steps) in enumerate(table):
        if failed:
            raise WorkerError(f"worker {worker} stopped. It says why.")
        if others_digest != table[0][1]:
            raise WorkerError(f"workers 0 and {worker} have another model file or other options.")
        if others_steps != table[0][2]:
            raise WorkerError(
                f"worker 0 has {table[0][2]} batches and worker {worker} has {others_steps}, and a step takes one of "
                "each. Give all workers about as many rows."
            )
    return data, steps


def load(options):
    """The model, compiled."""
    try:
        model = keras.models.load_model(options.model)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise WorkerError(
            f"tf-keras cannot load {options.model}. evenkeel saves for it by {{ for: 'tf-keras' }}. It says: {error}"
        ) from error
    optimizer, loss = options.optimizer or model.optimizer, options.loss or getattr(model, "loss", None)
    if (options.optimizer or options.loss or options.metrics) and optimizer and loss:
        try:
            if isinstance(optimizer, str) and optimizer.startswith("{"):
                optimizer = json.loads(optimizer)
            model.compile(keras.optimizers.get(optimizer), loss, options.metrics)
        except (ValueError, TypeError) as error:
            raise WorkerError(f"--optimizer, --loss or --metrics: {error}") from error
    if model.optimizer is None:
        raise WorkerError(f"{options.model} holds no optimizer and no loss. Give --optimizer and --loss.")
    model.train_step = lambda data: train_step(model, data)
    return model


def train_step(model, data):
    """Keras' step, but every row counts as much, where tf.distribute takes the mean of the workers' means."""
    x, y = data
    replica = tf.distribute.get_replica_context()
    rows = tf.cast(tf.shape(tf.nest.flatten(y)[0])[0], tf.float32)
    all_rows = replica.all_reduce(tf.distribute.ReduceOp.SUM, rows)
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        # Before the gradient is taken, which crosses workers in synchronized layers.
        loss = model.compute_loss(x, y, outputs) * (rows * replica.num_replicas_in_sync / all_rows)
    model.optimizer.minimize(loss, model.trainable_variables, tape=tape)
    return model.compute_metrics(x, y, outputs, None)


def batches(data, options, model, rank):
    """This worker's batches, epoch after epoch."""
    arrays = [array for part in data for array in part]
    types = [tensor.dtype for tensor in model.inputs]
    types += [tf.float32 if array.dtype.kind == "f" else tf.as_dtype(array.dtype) for array in data[1]]

    def read(rows):
        def numbers(rows):
            return [array[rows].astype(dtype.as_numpy_dtype) for array, dtype in zip(arrays, types, strict=True)]

        tensors = tf.numpy_function(numbers, [rows], types)
        for tensor, array in zip(tensors, arrays, strict=True):
            tensor.set_shape((None, *array.shape[1:]))
        inputs, labels = tensors[: len(data[0])], tensors[len(data[0]) :]
        return tuple(part[0] if len(part) == 1 else tuple(part) for part in (inputs, labels))

    rows = tf.data.Dataset.range(len(arrays[0]))
    if options.shuffle is not None:
        rows = rows.shuffle(len(arrays[0]), seed=options.shuffle + rank)
    return rows.batch(options.batch_size).map(read).repeat().prefetch(1)


def save(model, output, rank):
    """All workers save, since all take part in reading the statistics; worker 0's file is kept, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=output.parent if rank == 0 else None) as folder:
        file = Path(folder, output.name)
        model.save(file)
        if rank == 0:
            file.replace(output)


def train(options):
    tell_who_works(options.workers, options.rank)
    use_exact_moments()
    strategy = join(options.timeout)
    rank = strategy.cluster_resolver.task_id
    data, steps = prepare(strategy, options)
    with strategy.scope():
        model = load(options)
    dataset = strategy.distribute_datasets_from_function(lambda _: batches(data, options, model, rank))

    def tell(epoch, logs):
        if rank == 0:
            print(json.dumps({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}), flush=True)

    after_epoch = keras.callbacks.LambdaCallback(on_epoch_end=tell)
    model.fit(dataset, epochs=options.epochs, steps_per_epoch=steps, verbose=0, callbacks=[after_epoch])
    save(model, options.output, rank)
    leave(strategy)


def leave(strategy):
    """Ends all workers together, once all are done: those who are left would report the end of another as an error."""
    gather(strategy, [0])
    # Whoever has heard of all may still be read by others. Once it has heard of all again, they have what they need.
    # Where another has ended meanwhile, all are done, too.
    with contextlib.suppress(tf.errors.OpError):
        gather(strategy, [0])
    sys.stdout.flush()
    os._exit(0)


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def output_file(text):
    path = Path(text)
    if path.suffix not in (".h5", ".keras"):
        raise argparse.ArgumentTypeError(f"{text} ends in neither .h5 nor .keras")
    return path.absolute()


def parser():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", help="the model: .h5 or .keras of tf-keras, or saved for it by evenkeel")
    add("--data", nargs="+", required=True, metavar="NPY", help="this worker's inputs; {rank} becomes its number")
    add("--labels", nargs="+", required=True, metavar="NPY", help="what the outputs should be; {rank} likewise")
    add("--output", type=output_file, required=True, metavar="FILE", help="the trained model, .h5 or .keras")
    add("--epochs", type=positive, default=1, metavar="N", help="how often to go through the data (default: 1)")
    add("--batch-size", type=positive, default=32, metavar="N", help="rows of each worker in a step (default: 32)")
    add("--shuffle", type=int, metavar="SEED", help="take the rows in another order every epoch (default: in order)")
    add("--optimizer", help="its name, or JSON as Keras writes it (default: the one in the file)")
    add("--loss", help="its name (default: the one in the file)")
    add("--metrics", nargs="+", metavar="NAME", help="what else to print of each epoch")
    add("--workers", metavar="HOST:PORT,...", help="the addresses of all workers, that of worker 0 first")
    add("--rank", type=int, metavar="K", help="which of the workers this is")
    add(
        "--timeout", type=float, default=600, metavar="S", help="seconds to wait for the others to start (default: 600)"
    )
    return parser


if __name__ == "__main__":
    try:
        train(parser().parse_args())
    except WorkerError as refusal:
        sys.exit(f"keras_worker: {refusal}")
