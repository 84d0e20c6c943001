/** @file Whole trainings, on several ranks or in one process: the same steps of the same batches. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization, type BatchNormalizationArgs } from 'evenkeel';
import { type Communicator, distributedDataParallel } from 'evenkeel/distributed';
import { draw, setWeights } from './drawing.js';
import { kerasOptimizer } from './keras-optimizer.js';

export const BATCH = 16;
const STEPS = 12;

/** A mean over samples: NaN where there are none. */
const meanOf = (values: tf.Tensor): tf.Tensor => tf.div(tf.sum(values), values.shape[0]);

interface Case {
  readonly make: () => tf.LayersModel;
  readonly optimizer?: () => tf.Optimizer;
  readonly inputShape?: readonly number[];
  readonly loss?: tf.ModelCompileArgs['loss'];
  readonly metrics?: tf.ModelCompileArgs['metrics'];
  readonly outputs?: number;
}

const synchronized = { synchronized: true };

/** A convolutional network with two normalizations. */
function convnet(
  args: BatchNormalizationArgs = {},
  settle: (model: tf.LayersModel) => void = () => undefined,
): tf.LayersModel {
  const chain = tf.sequential();
  chain.add(tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 1], useBias: false }));
  layerBatchNormalization(chain, { ...synchronized, ...args });
  chain.add(tf.layers.activation({ activation: 'relu' }));
  chain.add(tf.layers.maxPooling2d({ poolSize: 2 }));
  chain.add(tf.layers.conv2d({ filters: 6, kernelSize: 2, useBias: false }));
  layerBatchNormalization(chain, { ...synchronized, ...args });
  chain.add(tf.layers.activation({ activation: 'relu' }));
  chain.add(tf.layers.flatten());
  chain.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
  settle(chain);
  return chain;
}

/** Layers of TF.js that fail without samples: by gradients of biases, and on wasm by means. */
function mobile(args: BatchNormalizationArgs = {}): tf.LayersModel {
  const chain = tf.sequential();
  chain.add(tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 4, inputShape: [8, 8, 1] }));
  layerBatchNormalization(chain, { ...synchronized, ...args });
  chain.add(tf.layers.separableConv2d({ filters: 5, kernelSize: 3, activation: 'relu' }));
  chain.add(tf.layers.globalAveragePooling2d({}));
  chain.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
  return chain;
}

/** A network without normalization, with penalties on its weights. */
function penalized(): tf.LayersModel {
  const kernelRegularizer = tf.regularizers.l2({ l2: 0.1 });
  return tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [8, 8, 1] }),
      tf.layers.dense({ units: 8, activation: 'tanh', kernelRegularizer }),
      tf.layers.dense({ units: 3, activation: 'softmax', kernelRegularizer }),
    ],
  });
}

/** Two outputs with a loss each. */
function twoOutputs(): tf.LayersModel {
  const images = tf.input({ shape: [8, 8, 1] });
  const features = tf.layers.dense({ units: 8, activation: 'relu' }).apply(tf.layers.flatten().apply(images));
  const normalized = layerBatchNormalization(synchronized).apply(features);
  const outputs = ['softmax', 'linear'].map(
    (activation) =>
      tf.layers
        .dense({ units: 3, activation: activation as 'linear' })
        .apply(normalized) as tf.SymbolicTensor,
  );
  return tf.model({ inputs: images, outputs });
}

/** Sequences of which zeros at the end are masked. */
function masked(args: BatchNormalizationArgs = {}): tf.LayersModel {
  const chain = tf.sequential();
  chain.add(tf.layers.masking({ maskValue: 0, inputShape: [6, 4] }));
  layerBatchNormalization(chain, { ...synchronized, ...args });
  chain.add(tf.layers.simpleRNN({ units: 5 }));
  chain.add(tf.layers.dense({ units: 3, activation: 'softmax' }));
  return chain;
}

export const CASES = {
  plain: { make: () => convnet() },
  'without normalization, with penalties': { make: penalized },
  'a loss and a metric that are NaN without samples': {
    make: penalized,
    loss: (labels, outputs) => meanOf(tf.metrics.categoricalCrossentropy(labels, outputs)),
    metrics: [(labels, outputs) => meanOf(tf.metrics.categoricalAccuracy(labels, outputs))],
  },
  // With an epsilon that keeps gradients which are 0, but for rounding, from deciding.
  Adam: { make: () => convnet(), optimizer: () => tf.train.adam(0.001, 0.9, 0.999, 1e-3) },
  "Keras' Adam, clipped by all gradients together": {
    make: () => convnet(),
    optimizer: () => kerasOptimizer('Adam', { learning_rate: 0.001, global_clipnorm: 0.1, epsilon: 1e-3 }),
  },
  renorm: {
    make: () => convnet({ renorm: true, renormClipping: { rmax: 1.5, rmin: 0.5, dmax: 0.5 }, momentum: 0.8 }),
  },
  'frozen normalization': {
    make: () =>
      convnet({}, ({ layers: [, first] }) => {
        first!.trainable = false;
      }),
  },
  'frozen convolution': {
    make: () =>
      convnet({}, ({ layers: [first] }) => {
        first!.trainable = false;
      }),
  },
  'axis 1': { make: () => convnet({ axis: 1 }) },
  // The statistics of its layer are each rank's own, and no samples leave them alone.
  "TF.js' own normalization": {
    make: () =>
      tf.sequential({
        layers: [
          tf.layers.flatten({ inputShape: [8, 8, 1] }),
          tf.layers.batchNormalization(),
          tf.layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
  },
  'separable convolutions and global pooling': { make: () => mobile() },
  adjustment: {
    make: () => convnet({ adjustment: () => [tf.tensor1d([1.1]), tf.tensor1d([0.1])] }),
  },
  'two outputs': { make: twoOutputs, loss: ['categoricalCrossentropy', 'meanSquaredError'], outputs: 2 },
  'masked sequences': { make: () => masked(), inputShape: [6, 4] },
  'masked sequences, by plain operations': { make: () => masked({ fused: false }), inputShape: [6, 4] },
  'not synchronized': { make: () => convnet({ synchronized: false }) },
} satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;

/** The batch of a step. */
function batchOf({ inputShape = [8, 8, 1], outputs = 1 }: Case, step: number): [tf.Tensor, tf.Tensor[]] {
  const size = inputShape.reduce((product, one) => product * one, 1);
  const values = draw(BATCH * size, step);
  // Sequences of other lengths.
  if (inputShape.length === 2) {
    for (let i = 0; i < BATCH; i++) values.fill(0, i * size + (1 + (i % 6)) * inputShape[1]!, (i + 1) * size);
  }
  const classes = Int32Array.from(draw(BATCH, step + 0.5), (value) => Math.floor((value + 0.5) * 3));
  const targets = () => tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), 3), 'float32');
  return [tf.tensor(values, [BATCH, ...inputShape]), Array.from({ length: outputs }, targets)];
}

/** What came of a training. */
export interface Trained {
  /** Loss and metrics of each step. */
  readonly logs: number[][];
  readonly weights: Float32Array[];
  /** How many more tensors there were after the last step than after the third. */
  readonly leaked: number;
}

/**
 * @param communicator null: in one process, with whole batches
 * @param cuts where the rows of each rank end in a batch, the last one's aside
 */
async function train(
  communicator: Communicator | null,
  name: CaseName,
  cuts: readonly number[],
): Promise<Trained> {
  const one: Case = CASES[name];
  const { rank, size } = communicator ?? { rank: 0, size: 1 };
  // TF.js then gives the layers and weights of this rank other names.
  if (rank > 0) one.make().dispose();
  const model = one.make();
  const optimizer = one.optimizer?.() ?? tf.train.momentum(0.05, 0.9);
  model.compile({
    optimizer,
    loss: one.loss ?? 'categoricalCrossentropy',
    metrics: one.metrics ?? ['accuracy'],
  });
  setWeights(model, rank);
  const parallel = communicator && distributedDataParallel(model, communicator);
  const [start, end] = [rank === 0 ? 0 : cuts[rank - 1]!, rank === size - 1 ? BATCH : cuts[rank]!];
  const logs: number[][] = [];
  let tensors = 0;
  for (let step = 0; step < STEPS; step++) {
    const [x, ys] = tf.tidy(() => {
      const [all, targets] = batchOf(one, step);
      return [
        tf.slice(all, start, end - start),
        targets.map((target) => tf.slice(target, start, end - start)),
      ];
    });
    logs.push([await model.trainOnBatch(x, ys.length === 1 ? ys[0]! : ys)].flat());
    tf.dispose([x, ys]);
    if (step === 2) tensors = tf.memory().numTensors;
  }
  const leaked = tf.memory().numTensors - tensors;
  parallel?.undo();
  const weights = model.weights.map((weight) => weight.read().dataSync() as Float32Array);
  model.dispose();
  return { logs, weights, leaked };
}

/** The trainings, one after the other. */
export async function trainAll(
  communicator: Communicator | null,
  trainings: readonly { readonly name: CaseName; readonly cuts: readonly number[] }[],
): Promise<Trained[]> {
  await tf.setBackend('cpu');
  const all: Trained[] = [];
  for (const { name, cuts } of trainings) all.push(await train(communicator, name, cuts));
  return all;
}
