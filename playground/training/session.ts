/** @file All networks on the same data and batches: one session from its settings to its end. */
import { type Optimizer, type Scalar, dispose, memory, softmax, tidy, train } from '@tensorflow/tfjs-core';
import { type Communicator, distributedOptimizer, synchronizeOver } from 'evenkeel/distributed';
import { ValueError } from '../../src/text/value-error.js';
import { PIXELS } from '../../shared/digits.js';
import { partOfBatch } from '../../shared/part-of-batch.js';
import { Random } from '../../shared/random.js';
import { type Measurement, type Reading, isDiverged } from '../shared/protocol.js';
import type { OptimizerName, Settings } from '../shared/settings.js';
import { type Dataset, batchesOf, classesOf, featuresOf, sampleShape } from './dataset.js';
import { measure } from './measurement.js';
import { Network } from './network.js';
import { messageOf } from '../../src/text/refusal.js';

const MOMENTUM = 0.9;

const OPTIMIZERS: Readonly<Record<OptimizerName, (learningRate: number) => Optimizer>> = {
  sgd: (learningRate) => train.sgd(learningRate),
  momentum: (learningRate) => train.momentum(learningRate, MOMENTUM),
  rmsprop: (learningRate) => train.rmsprop(learningRate),
  adagrad: (learningRate) => train.adagrad(learningRate),
  adam: (learningRate) => train.adam(learningRate),
};

/** One of the threads that share each batch. */
export interface Share {
  readonly communicator: Communicator;
  /** Ends the other thread. */
  readonly end: () => void;
}

export class Session {
  readonly settings: Settings;
  readonly dataset: Dataset;
  readonly networks: readonly Network[];
  readonly #shape: readonly number[];
  readonly #share: Share | null;
  readonly #batches: Iterator<Uint32Array, never>;
  #batch: Uint32Array;
  #step = 0;
  /** Of each network: the sum of training losses since the last measurement, and the first step where it diverged. */
  readonly #losses: { sum: number; divergedAt: number | null }[];
  #stepsSinceMeasured = 0;

  /**
   * @throws ValueError where the settings do not fit the data
   * @throws ValueError or TypeError where the layer refuses its arguments
   */
  constructor(settings: Settings, dataset: Dataset, share: Share | null = null) {
    const { seed, batchSize, depth, kind } = settings;
    const [trainingCount, testCount] = [dataset.training.length, dataset.test.length];
    if (batchSize > trainingCount || testCount === 0) {
      throw new ValueError(
        `Batches of ${batchSize} need as many training samples, and 1 to test; the data has ${trainingCount} and ${testCount}.`,
      );
    }
    const { threads, backend } = settings;
    if (threads > 1 && (batchSize < threads || !['wasm', 'cpu'].includes(backend))) {
      throw new ValueError(
        `Threads: expected 1, received ${threads}. Two share batches of 2 and more, on the backends wasm and cpu.`,
      );
    }
    this.#share = share;
    this.settings = settings;
    this.dataset = dataset;
    this.#shape = sampleShape(dataset, kind);
    const random = new Random(seed, 'weights');
    // Not 0, which TF.js takes for no seed at all.
    const seeds = Array.from({ length: depth + 1 }, () => random.integer(1, 0x7fffffff));
    const made: Network[] = [];
    try {
      for (const [index, { layer }] of settings.networks.entries()) {
        const optimizer = OPTIMIZERS[settings.optimizer](settings.learningRate);
        if (share) distributedOptimizer(optimizer, share.communicator);
        const args = share && layer ? { synchronized: true, ...layer } : layer;
        made.push(
          blaming(index, () => new Network(settings, args, this.#shape, dataset.classes, seeds, optimizer)),
        );
      }
    } catch (error) {
      for (const network of made) network.dispose();
      throw error;
    }
    this.networks = made;
    this.#losses = made.map(() => ({ sum: 0, divergedAt: null }));
    this.#freeze();
    this.#batches = batchesOf(dataset, batchSize, new Random(seed, 'batches'));
    this.#batch = this.#batches.next().value;
  }

  get stepsDone(): number {
    return this.#step;
  }

  /** Trains all networks on the next batch. */
  async step(): Promise<void> {
    // The first batch was drawn to be looked at before the first step.
    if (this.#step > 0) this.#batch = this.#batches.next().value;
    const communicator = this.#share?.communicator ?? null;
    const { start, end, weight } = partOfBatch(this.#batch.length, communicator);
    const part = this.#batch.subarray(start, end);
    // Not while it measures, which the other thread does not.
    const endSynchronization = communicator ? synchronizeOver(communicator) : undefined;
    let crossEntropies: readonly Scalar[];
    try {
      crossEntropies = tidy(() => {
        const features = featuresOf(this.dataset, part, this.#shape);
        const classes = classesOf(this.dataset, part);
        return this.networks.map((network, index) =>
          blaming(index, () => network.step(features, classes, weight)),
        );
      });
    } finally {
      endSynchronization?.();
    }
    // Read at every step, so that no more than one of them is ever queued on a graphics card.
    const read = await Promise.all(crossEntropies.map((one) => one.data()));
    const losses = Float64Array.from(read, (values) => values[0]!);
    dispose([...crossEntropies]);
    communicator?.allReduce(losses);
    this.#step++;
    this.#stepsSinceMeasured++;
    this.#losses.forEach((of, i) => {
      of.sum += losses[i]! / (communicator?.size ?? 1);
      if (isDiverged(losses[i]!)) of.divergedAt ??= this.#step;
    });
    this.#freeze();
  }

  /** Freezes what is to be frozen after the steps that were done. */
  #freeze(): void {
    this.settings.networks.forEach(({ frozenAfter }, i) => {
      if (frozenAfter === this.#step) this.networks[i]!.freeze();
    });
  }

  async measure(): Promise<Measurement> {
    const { settings, dataset } = this;
    const readings: Reading[] = [];
    for (const [index, network] of this.networks.entries()) {
      const of = this.#losses[index]!;
      const trainingLoss = this.#stepsSinceMeasured > 0 ? of.sum / this.#stepsSinceMeasured : null;
      const measured = { network, dataset, settings, shape: this.#shape };
      try {
        readings.push(await measure(measured, this.#batch, trainingLoss, of.divergedAt));
      } catch (error) {
        throw blame(index, error);
      }
      of.sum = 0;
    }
    this.#stepsSinceMeasured = 0;
    return { step: this.#step, readings, tensors: memory().numTensors };
  }

  /** Each network's probabilities of the classes for an image of 28×28 bytes. */
  async classify(image: Uint8Array): Promise<number[][]> {
    const asked = { ...this.dataset, features: image, size: PIXELS };
    const probabilities = tidy(() => {
      const features = featuresOf(asked, Uint32Array.of(0), this.#shape);
      return this.networks.map((network) => softmax(network.infer(features).logits));
    });
    const read = await Promise.all(probabilities.map((one) => one.data()));
    dispose(probabilities);
    return read.map((values) => [...values]);
  }

  dispose(): void {
    this.#share?.end();
    for (const network of this.networks) network.dispose();
  }
}

const ORDINALS = ['first', 'second', 'third'] as const;

/** An error that says which network it is about. */
const blame = (index: number, error: unknown): Error =>
  new Error(`The ${ORDINALS[index]} network: ${messageOf(error)}`);

function blaming<T>(index: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw blame(index, error);
  }
}
