/** @file Steps of a synchronized layer on ranks, each with a batch of its own. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { type Communicator, synchronizeOver } from 'evenkeel/distributed';
import { type Backend, useBackend } from '../../use-backend.js';

/** Numbers in row-major order. */
export interface Batch {
  readonly shape: readonly number[];
  readonly x: readonly number[];
  readonly dy: readonly number[];
  /** Of `shape` without the last axis. */
  readonly mask?: readonly number[];
  /** This rank's gamma, where it is not 1. */
  readonly gamma?: readonly number[];
}

export interface Step {
  readonly args: BatchNormalizationArgs;
  /** A batch for each rank. */
  readonly batches: readonly Batch[];
}

export interface StepResult {
  readonly y: number[];
  readonly dx: number[];
  readonly movingMean: number[];
  readonly movingVariance: number[];
  /** Of tensors, after all was disposed. */
  readonly leaked: number;
}

const toTensor = (values: readonly number[], shape: readonly number[]) => tf.tensor([...values], [...shape]);

/** Each step is that of a new layer. */
export async function train(
  communicator: Communicator,
  { backend, steps }: { readonly backend: Backend; readonly steps: readonly Step[] },
): Promise<StepResult[]> {
  await useBackend(backend);
  synchronizeOver(communicator);
  return steps.map(({ args, batches }) => {
    const before = tf.memory().numTensors;
    const { shape, x, dy, mask, gamma } = batches[communicator.rank]!;
    const layer = layerBatchNormalization({ ...args, synchronized: true });
    layer.build([null, ...shape.slice(1)]);
    const result = tf.tidy(() => {
      if (gamma) layer.gamma!.write(tf.tensor1d([...gamma]));
      const call = { training: true, mask: mask && toTensor(mask, shape.slice(0, -1)) };
      const f = (input: tf.Tensor) => layer.apply(input, call) as tf.Tensor;
      const { value, grad } = tf.valueAndGrad(f)(toTensor(x, shape), toTensor(dy, shape));
      const [movingMean, movingVariance] = [layer.movingMean.read(), layer.movingVariance.read()];
      const arrays = { y: value, dx: grad, movingMean, movingVariance };
      return Object.fromEntries(
        Object.entries(arrays).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]),
      ) as unknown as Omit<StepResult, 'leaked'>;
    });
    for (const weight of layer.weights) weight.dispose();
    return { ...result, leaked: tf.memory().numTensors - before };
  });
}
