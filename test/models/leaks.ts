/** @file How many tensors are left behind by what users do with the layer, on the active backend, in Node or in a page. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs, type CallArguments } from 'evenkeel';
import { takeWarnings } from '../warnings.js';
import { compile, draw } from './models.js';

/** A layer, and what it is called with. */
export interface Use {
  args: BatchNormalizationArgs;
  shape: number[];
  /** The shape of a mask, where there is one. */
  mask?: number[];
}

export const USES: Record<string, Use> = {
  'no options': { args: {}, shape: [4, 3] },
  'fused: false': { args: { fused: false }, shape: [4, 3] },
  'axis 1': { args: { axis: 1 }, shape: [4, 3, 2, 2] },
  'two axes': { args: { axis: [1, 3] }, shape: [4, 3, 2, 2] },
  'rank 5': { args: {}, shape: [4, 2, 2, 2, 3] },
  renorm: { args: { renorm: true, renormClipping: { rmax: 2, rmin: 0.5, dmax: 1 } }, shape: [4, 3] },
  'ghost batches': { args: { virtualBatchSize: 2 }, shape: [4, 3] },
  'an adjustment': { args: { adjustment: (shape) => [tf.ones(shape), tf.scalar(2)] }, shape: [4, 3] },
  'a mask': { args: {}, shape: [4, 2, 3], mask: [4, 2] },
  'a mask that is ignored': { args: { axis: 1 }, shape: [4, 2, 2, 3], mask: [4, 2, 2] },
  'neither gamma nor beta': { args: { scale: false, center: false }, shape: [4, 3] },
  'regularizers and constraints': {
    args: {
      gammaRegularizer: 'l1',
      betaRegularizer: 'l2',
      gammaConstraint: 'nonNeg',
      betaConstraint: 'maxNorm',
    },
    shape: [4, 3],
  },
  'int32 inputs': { args: { dtype: 'int32' }, shape: [4, 3] },
  'an empty batch': { args: {}, shape: [0, 3] },
};

/** How many tensors `f` leaves behind; the first call may make what stays for good. */
export function leftBy(f: () => void): number {
  f();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) f();
  return tf.memory().numTensors - before;
}

const floatsOf = ({ shape }: Use) => tf.tidy(() => tf.mul(draw(shape, 1), 9));
const inputOf = (use: Use) => tf.tidy(() => tf.cast(floatsOf(use), use.args.dtype ?? 'float32'));
const callOf = ({ mask }: Use, training: boolean): CallArguments => ({
  training,
  mask: mask ? tf.ones(mask) : null,
});

/** Left by training, and by inference, beside their output. */
export function leftByCalls(use: Use): number[] {
  const layer = layerBatchNormalization(use.args);
  const x = inputOf(use);
  const left = [true, false].map((training) => {
    const call = callOf(use, training);
    return leftBy(() => {
      tf.dispose(layer.apply(x, call) as tf.Tensor);
      tf.dispose(layer.apply(x, { ...call, updateMovingStatistics: false }) as tf.Tensor);
    });
  });
  takeWarnings();
  return left;
}

/** Left by gradients in training, and in inference, beside themselves. */
export function leftByGradients(use: Use): number[] {
  const layer = layerBatchNormalization(use.args);
  const x = floatsOf(use);
  const left = [true, false].map((training) => {
    const call = callOf(use, training);
    const f = tf.valueAndGrad((t: tf.Tensor) => layer.apply(t, call) as tf.Tensor);
    return leftBy(() => {
      tf.dispose(Object.values(f(x)));
    });
  });
  takeWarnings();
  return left;
}

/** Left by a layer that is made, used and disposed. */
export function leftByDisposal(use: Use): number {
  const x = inputOf(use);
  return leftBy(() => {
    const layer = layerBatchNormalization(use.args);
    tf.dispose(layer.apply(x, { training: false }) as tf.Tensor);
    layer.dispose();
  });
}

/** Tensors, arrays in the backend, and bytes on a GPU. */
function held(): number[] {
  const {
    numTensors,
    numDataBuffers,
    numBytesInGPU = 0,
  } = tf.memory() as tf.MemoryInfo & {
    numBytesInGPU?: number;
  };
  return [numTensors, numDataBuffers, numBytesInGPU];
}

/** Tensors, arrays and bytes on a GPU left by one epoch, and by a hundred more, of fit, predict and evaluate. */
export async function leftByTraining(): Promise<number[][]> {
  const model = tf.sequential({
    layers: [
      tf.layers.masking({ maskValue: 0, inputShape: [2, 3] }),
      layerBatchNormalization({ gammaConstraint: 'nonNeg', betaRegularizer: 'l1', renorm: true }),
      tf.layers.reshape({ targetShape: [2, 3, 1] }),
      layerBatchNormalization({ axis: 1 }),
      layerBatchNormalization({ virtualBatchSize: 2, fused: false }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1 }),
    ],
  });
  compile(model, tf.train.adam(0.01));
  const [x, y] = [draw([8, 2, 3], 1), draw([8, 1], 2)];
  const once = async (epochs: number) => {
    await model.fit(x, y, { epochs, batchSize: 4 });
    tf.dispose(model.predict(x));
    tf.dispose(model.evaluate(x, y));
  };
  await once(1);
  const before = held();
  await once(1);
  const afterOne = held();
  await once(100);
  return [afterOne, held()].map((after) => after.map((amount, i) => amount - before[i]!));
}
