/** @file `fit` and `fitDataset`, on several ranks or in one process. */
import * as tf from '@tensorflow/tfjs';
import { type Communicator, distributedDataParallel } from 'evenkeel/distributed';
import { draw, setWeights } from './drawing.js';

const SAMPLES = 40;
const BATCH = 16;
/** How many rows of each batch the first of two ranks has. */
const FIRST = 5;

/** What each rank is validated with: the same rows, its own, or none but the first rank. */
type Validation = 'same' | 'own' | 'first' | 'split';

interface Fit {
  readonly validation: Validation;
  readonly byDataset?: boolean;
  readonly classWeight?: tf.ClassWeight;
  readonly hasTwoOutputs?: boolean;
  /** What ends the training. */
  readonly stop?: 'early' | 'rank 1, after a batch' | 'rank 0, after an epoch';
}

export const FITS = {
  'validated with the same rows': { validation: 'same' },
  'validated with rows of their own': { validation: 'own' },
  'validated on the first rank only': { validation: 'first' },
  'with weights of classes': { validation: 'own', classWeight: { 0: 1, 1: 3 } },
  'of datasets, with weights of classes': { validation: 'own', byDataset: true, classWeight: { 0: 2, 1: 1 } },
  'with two outputs': { validation: 'own', hasTwoOutputs: true },
  'of datasets': { validation: 'own', byDataset: true },
  'with early stopping': { validation: 'own', stop: 'early' },
  'stopped by one rank after a batch': { validation: 'own', stop: 'rank 1, after a batch' },
  'stopped by one rank after an epoch': { validation: 'own', stop: 'rank 0, after an epoch' },
} satisfies Record<string, Fit>;

/** The rows of a rank in an order in which batches are parts of the batches of one process. */
function rowsOf(communicator: Communicator | null, samples: number): number[] {
  const rows = Array.from({ length: samples }, (_, i) => i);
  if (!communicator) return rows;
  return rows.filter((i) => i % BATCH < FIRST === (communicator.rank === 0));
}

function dataOf(rows: readonly number[], total: number, seed: number): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const x = tf.tensor2d(draw(total * 4, seed), [total, 4]);
    const y = tf.cast(tf.greater(tf.sum(x, 1, true), 0), 'float32');
    const indices = tf.tensor1d([...rows], 'int32');
    return [tf.gather(x, indices), tf.gather(y, indices)];
  });
}

export interface Fitted {
  readonly history: Record<string, number[]>;
  readonly epochs: number[];
  readonly weights: number[];
}

function make(hasTwoOutputs: boolean): tf.LayersModel {
  const hidden = tf.layers.dense({
    units: 6,
    activation: 'tanh',
    kernelRegularizer: 'l1l2',
    inputShape: [4],
  });
  const chain = tf.sequential({ layers: [hidden, tf.layers.dense({ units: 1, activation: 'sigmoid' })] });
  if (!hasTwoOutputs) return chain;
  const other = tf.layers
    .dense({ units: 1, activation: 'sigmoid' })
    .apply(hidden.output) as tf.SymbolicTensor;
  return tf.model({ inputs: chain.inputs, outputs: [chain.outputs[0]!, other] });
}

async function fit(
  communicator: Communicator | null,
  { validation, byDataset, classWeight, hasTwoOutputs = false, stop }: Fit,
): Promise<Fitted> {
  // TF.js then gives the layers of this rank other names.
  if (communicator && communicator.rank > 0) make(hasTwoOutputs).dispose();
  const model = make(hasTwoOutputs);
  model.compile({ optimizer: tf.train.sgd(0.5), loss: 'binaryCrossentropy', metrics: ['accuracy', 'mse'] });
  const rank = communicator?.rank ?? 0;
  setWeights(model, rank);
  const parallel = communicator && distributedDataParallel(model, communicator);

  const [x, y] = dataOf(rowsOf(communicator, SAMPLES), SAMPLES, 1);
  const targets = (one: tf.Tensor) => (hasTwoOutputs ? [one, one] : one);
  const all = Array.from({ length: 10 }, (_, i) => i);
  const isWhole = validation === 'same' || !communicator;
  const own = isWhole ? all : validation === 'own' ? all.filter((i) => i < 3 === (rank === 0)) : all;
  const [xOfOwn, yOfOwn] = dataOf(own, 10, 2);
  const isValidated = validation !== 'first' || rank === 0;
  const callbacks: (tf.CustomCallbackArgs | tf.Callback)[] = [
    ...(parallel ? [parallel.callbacks] : []),
    ...(stop === 'early'
      ? [tf.callbacks.earlyStopping({ monitor: 'val_loss', minDelta: 0.01, patience: 2 })]
      : []),
    {
      onBatchEnd(batch: number) {
        // What one rank evaluates for itself sends nothing, and does not count.
        if (batch === 0 && rank === 0) tf.dispose(model.evaluate(x, targets(y)));
        if (stop === 'rank 1, after a batch' && batch === 1 && (rank === 1 || !communicator))
          model.stopTraining = true;
      },
      onEpochEnd(epoch: number) {
        if (stop === 'rank 0, after an epoch' && epoch === 1 && rank === 0) model.stopTraining = true;
      },
    },
  ];
  const options = {
    epochs: 4,
    callbacks: callbacks as tf.CustomCallbackArgs[],
    ...(isValidated && { validationData: [xOfOwn, targets(yOfOwn)] as [tf.Tensor, tf.Tensor] }),
    ...(classWeight && { classWeight }),
  };
  // Without parallel, TF.js takes no list of both kinds.
  if (!parallel && stop === 'early') callbacks.pop();
  const batchSize = !communicator ? BATCH : rank === 0 ? FIRST : BATCH - FIRST;
  const { history, epoch: epochs } = byDataset
    ? await model.fitDataset(batches(x, y, batchSize), options)
    : await model.fit(x, targets(y), { ...options, batchSize, shuffle: false });
  const weights = model.weights.flatMap((weight) => Array.from(weight.read().dataSync()));
  const named = Object.entries(history as Record<string, number[]>).map(([name, values]) => {
    const output = model.outputNames.findIndex((one) => name.replace('val_', '').startsWith(`${one}_`));
    return [
      output < 0 ? name : name.replace(model.outputNames[output]!, `output ${output}`),
      values,
    ] as const;
  });
  return { history: Object.fromEntries(named), epochs, weights };
}

type Batches = Parameters<tf.LayersModel['fitDataset']>[0];

function batches(x: tf.Tensor, y: tf.Tensor, size: number): Batches {
  const [xs, ys] = [x, y].map((matrix) => tf.data.array(matrix.arraySync() as number[][]));
  const dataset: unknown = tf.data.zip({ xs: xs!, ys: ys! }).batch(size);
  return dataset as Batches;
}

/** All of them, one after the other. */
export async function fitAll(communicator: Communicator | null): Promise<Fitted[]> {
  await tf.setBackend('cpu');
  const all: Fitted[] = [];
  for (const one of Object.values<Fit>(FITS)) all.push(await fit(communicator, one));
  return all;
}
