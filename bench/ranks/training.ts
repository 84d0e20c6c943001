/** @file The training that is timed, on one rank or several: steps of a network, each rank with part of the batch. */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { type Communicator, distributedDataParallel } from 'evenkeel/distributed';
import { partOfBatch } from '../../shared/part-of-batch.js';
import { median } from '../measure.js';
import { build, CLASSES, LEARNING_RATE, NETWORKS } from '../networks/networks.js';

/** The samples of a step, on all ranks together. */
const BATCH = 128;
const WARM_STEPS = 3;
const STEPS = 10;
/** How often the sums of a step are repeated, without training. */
const REPEATS = 30;

/** What one rank measured; times are milliseconds of a step. */
export interface Measured {
  /** The joint losses of the first steps. */
  readonly losses: number[];
  readonly stepMs: number;
  /** What the processor spent in this process, on all its threads. */
  readonly cpuMs: number;
  /** In sums, waiting for others included. */
  readonly sumsMs: number;
  /** In sums of gradients, and of all else, where nobody has to be waited for. */
  readonly gradientsMs: number;
  readonly momentsMs: number;
}

type Values = Float32Array | Float64Array;

/** A communicator that keeps what is summed, and how long that takes. */
class Watched implements Communicator {
  readonly rank: number;
  readonly size: number;
  sums: { readonly values: Values; readonly ms: number }[] = [];

  constructor(readonly communicator: Communicator) {
    this.rank = communicator.rank;
    this.size = communicator.size;
  }

  allReduce(values: Values): void {
    const start = performance.now();
    this.communicator.allReduce(values);
    this.sums.push({ values, ms: performance.now() - start });
  }
}

/** Gradients travel as they are, moments and counts in float64. */
const isOfGradients = (values: Values) => values instanceof Float32Array;

/** Milliseconds of some sums in a row, when all ranks come to them together. */
function sumAlone(communicator: Communicator, messages: readonly Values[]): number {
  const times = Array.from({ length: REPEATS }, () => {
    communicator.allReduce(new Float64Array(1));
    const start = performance.now();
    for (const values of messages) communicator.allReduce(values);
    return performance.now() - start;
  });
  return median(times);
}

/** The convolutional network, with weights that are the same in every process. */
function makeModel(): tf.LayersModel {
  const { model } = build(NETWORKS.convnet, () => layerBatchNormalization({ synchronized: true }));
  tf.tidy(() => {
    model.setWeights(
      model.getWeights().map((weight, i) => {
        if (weight.rank === 1) return weight;
        const inputs = weight.size / weight.shape.at(-1)!;
        return tf.randomNormal(weight.shape, 0, Math.sqrt(2 / inputs), 'float32', i + 1);
      }),
    );
  });
  model.compile({ optimizer: tf.train.sgd(LEARNING_RATE), loss: tf.losses.softmaxCrossEntropy });
  return model;
}

/** @param given null: alone, with the whole batch */
export async function measure(given: Communicator | null): Promise<Measured> {
  await tf.setBackend('wasm');
  accelerateTensorFlow();
  const model = makeModel();
  const communicator = given && new Watched(given);
  if (communicator) distributedDataParallel(model, communicator);
  const { start, end } = partOfBatch(BATCH, communicator);
  const [, ...shape] = NETWORKS.convnet.inputShape;
  const [x, y] = tf.tidy(() => [
    tf.slice(tf.randomNormal([BATCH, ...shape], 0, 1, 'float32', 1), start, end - start),
    tf.oneHot(
      Array.from({ length: end - start }, (_, i) => ((start + i) * 7) % CLASSES),
      CLASSES,
    ),
  ]);
  const losses: number[] = [];
  const [times, cpuTimes, sumTimes]: [number[], number[], number[]] = [[], [], []];
  for (let step = 0; step < WARM_STEPS + STEPS; step++) {
    if (communicator) communicator.sums = [];
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    const loss = (await model.trainOnBatch(x, y)) as number;
    if (step < WARM_STEPS) {
      losses.push(loss);
      continue;
    }
    const { user, system } = process.cpuUsage(cpu);
    times.push(performance.now() - started);
    cpuTimes.push((user + system) / 1000);
    sumTimes.push((communicator?.sums ?? []).reduce((sum, { ms }) => sum + ms, 0));
  }
  const messages = (communicator?.sums ?? []).map(({ values }) => values);
  const gradients = messages.filter(isOfGradients);
  const others = messages.filter((values) => !isOfGradients(values));
  return {
    losses,
    ...{ stepMs: median(times), cpuMs: median(cpuTimes), sumsMs: median(sumTimes) },
    gradientsMs: given ? sumAlone(given, gradients) : 0,
    momentsMs: given ? sumAlone(given, others) : 0,
  };
}
