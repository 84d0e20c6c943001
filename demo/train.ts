/** @file Trains both networks side by side, on the same batches, and measures them as it goes. */
import { setImmediate as breathe } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { type Communicator, distributedOptimizer, synchronizeOver } from 'evenkeel/distributed';
import { batches, type Data } from './data.js';
import { CLASSES, PIXELS, type Digits } from '../shared/digits.js';
import type { Network } from './networks.js';
import type { Random } from '../shared/random.js';
import { isMeasured } from '../shared/measured-steps.js';
import { partOfBatch } from '../shared/part-of-batch.js';

export const LEARNING_RATE = 0.1;

/** The percentiles of the paper's figure. */
export const PERCENTILES = [15, 50, 85] as const;

/** Which unit of the last hidden layer the percentiles are of. Any is as good as another. */
export const UNIT = 0;

/** Test digits per measurement: more would slow the run down and move the curves by less than a pixel. */
export const MEASURED_DIGITS = 2000;

/** Test digits looked at in one go, few enough that Ctrl-C does not have to wait. */
const CHUNK = 500;

export interface Reading {
  /** The fraction of test digits that are recognized. */
  readonly accuracy: number;
  /** Of the unit's input, one for each of `PERCENTILES`. */
  readonly percentiles: readonly number[];
}

export const NETWORKS = ['plain', 'normalized'] as const;
export type NetworkName = (typeof NETWORKS)[number];
export type Each<T> = Readonly<Record<NetworkName, T>>;

/** What was measured after so many steps. */
export interface Measurement extends Each<Reading> {
  readonly step: number;
}

function toTensor(images: Uint8Array): tf.Tensor2D {
  // A loop, since Float32Array.from with a function takes 6.7 ms instead of 0.4 for a batch.
  const values = new Float32Array(images.length);
  for (let i = 0; i < images.length; i++) values[i] = images[i]! / 255;
  return tf.tensor2d(values, [images.length / PIXELS, PIXELS]);
}

/** The values at the percentiles, each the nearest in rank. */
function percentilesOf(values: Float32Array): number[] {
  const sorted = values.toSorted();
  return PERCENTILES.map((percentile) => sorted[Math.round((percentile / 100) * (sorted.length - 1))]!);
}

async function read(network: Network, { images, labels }: Digits): Promise<Reading> {
  const unitInputs = new Float32Array(labels.length);
  let hits = 0;
  for (let start = 0; start < labels.length; start += CHUNK) {
    tf.tidy(() => {
      const chunk = toTensor(images.subarray(start * PIXELS, (start + CHUNK) * PIXELS));
      const { classes, sigmoidInputs } = network.look(chunk);
      classes.dataSync().forEach((numeral, i) => {
        if (numeral === labels[start + i]) hits++;
      });
      unitInputs.set(tf.slice(sigmoidInputs, [0, UNIT], [-1, 1]).dataSync<'float32'>(), start);
    });
    await breathe();
  }
  return { accuracy: hits / labels.length, percentiles: percentilesOf(unitInputs) };
}

/** How both networks do on the digits, in inference mode. */
export async function readEach(networks: Each<Network>, digits: Digits): Promise<Each<Reading>> {
  const plain = await read(networks.plain, digits);
  return { plain, normalized: await read(networks.normalized, digits) };
}

/** Which part of the work is this thread's. */
export interface Part {
  /** The ranks that share each batch; null where this thread has it alone. */
  readonly communicator: Communicator | null;
  /** Asked before the first step and after each: whether to stop there. */
  readonly isStopped: () => boolean;
}

/** What is told of a training after each step. */
export interface Progress {
  readonly step: number;
  readonly measurement?: Measurement;
}

/**
 * Trains until `steps` are done or it is stopped. Yields the number of steps done after each of them, and a measurement
 * whenever there is one: before the first step, every so often, and after the last. Of several threads rank 0 measures.
 */
export async function* train(
  networks: Each<Network>,
  data: Data,
  { steps, random, communicator, isStopped }: Part & { steps: number; random: Random },
): AsyncGenerator<Progress, void> {
  const measured = {
    images: data.test.images.subarray(0, MEASURED_DIGITS * PIXELS),
    labels: data.test.labels.subarray(0, MEASURED_DIGITS),
  };
  const isMeasuring = !communicator || communicator.rank === 0;
  const progressAt = async (step: number, isDue: boolean): Promise<Progress> =>
    isMeasuring && isDue
      ? { step, measurement: { step, ...(await readEach(networks, measured)) } }
      : { step };
  const optimizer = tf.train.sgd(LEARNING_RATE);
  if (communicator) distributedOptimizer(optimizer, communicator);
  const endSynchronization = communicator ? synchronizeOver(communicator) : undefined;
  const source = batches(data.training, random);
  try {
    yield await progressAt(0, true);
    let isLast = isStopped();
    for (let step = 1; !isLast; step++) {
      const batch = source.next().value;
      const { start, end, weight } = partOfBatch(batch.labels.length, communicator);
      tf.tidy(() => {
        const images = toTensor(batch.images.subarray(start * PIXELS, end * PIXELS));
        const classes = tf.cast(
          tf.oneHot(tf.tensor1d(batch.labels.subarray(start, end), 'int32'), CLASSES),
          'float32',
        );
        for (const name of NETWORKS) networks[name].step(images, classes, optimizer, weight);
      });
      await breathe();
      isLast = isStopped() || step === steps;
      yield await progressAt(step, isLast || isMeasured(step));
    }
  } finally {
    endSynchronization?.();
    optimizer.dispose();
  }
}
