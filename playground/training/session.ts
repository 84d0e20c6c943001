/** @file Both networks on the same data and batches: one session from its settings to its end. */
import { type Optimizer, type Scalar, dispose, memory, softmax, tidy, train } from '@tensorflow/tfjs-core';
import { type Communicator, distributedOptimizer, synchronizeOver } from 'evenkeel/distributed';
import { ValueError } from '../../src/text/value-error.js';
import { PIXELS } from '../../shared/digits.js';
import { partOfBatch } from '../../shared/part-of-batch.js';
import { Random } from '../../shared/random.js';
import type { Measurement } from '../shared/protocol.js';
import {
  type Each,
  NETWORKS,
  type OptimizerName,
  type Settings,
  TITLES,
  forEach,
} from '../shared/settings.js';
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
  readonly networks: Each<Network>;
  readonly #shape: readonly number[];
  readonly #share: Share | null;
  readonly #batches: Iterator<Uint32Array, never>;
  #batch: Uint32Array;
  #step = 0;
  /** Of each network: the sum of training losses since the last measurement. */
  #losses = { a: 0, b: 0 };
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
      this.networks = forEach((name) => {
        const optimizer = OPTIMIZERS[settings.optimizer](settings.learningRate);
        if (share) distributedOptimizer(optimizer, share.communicator);
        const args = settings.layers[name];
        const network = blaming(name, () => {
          return new Network(
            settings,
            share && args ? { synchronized: true, ...args } : args,
            this.#shape,
            dataset.classes,
            seeds,
            optimizer,
          );
        });
        made.push(network);
        return network;
      });
    } catch (error) {
      for (const network of made) network.dispose();
      throw error;
    }
    this.#batches = batchesOf(dataset, batchSize, new Random(seed, 'batches'));
    this.#batch = this.#batches.next().value;
  }

  get stepsDone(): number {
    return this.#step;
  }

  /** Trains both networks on the next batch. */
  async step(): Promise<void> {
    // The first batch was drawn to be looked at before the first step.
    if (this.#step > 0) this.#batch = this.#batches.next().value;
    const communicator = this.#share?.communicator ?? null;
    const { start, end, weight } = partOfBatch(this.#batch.length, communicator);
    const part = this.#batch.subarray(start, end);
    // Not while it measures, which the other thread does not.
    const endSynchronization = communicator ? synchronizeOver(communicator) : undefined;
    let crossEntropies: Each<Scalar>;
    try {
      crossEntropies = tidy(() => {
        const features = featuresOf(this.dataset, part, this.#shape);
        const classes = classesOf(this.dataset, part);
        return forEach((name) => blaming(name, () => this.networks[name].step(features, classes, weight)));
      });
    } finally {
      endSynchronization?.();
    }
    // Read at every step, so that no more than one of them is ever queued on a graphics card.
    const losses = Float64Array.of((await crossEntropies.a.data())[0]!, (await crossEntropies.b.data())[0]!);
    dispose([crossEntropies.a, crossEntropies.b]);
    communicator?.allReduce(losses);
    NETWORKS.forEach((name, i) => (this.#losses[name] += losses[i]! / (communicator?.size ?? 1)));
    this.#step++;
    this.#stepsSinceMeasured++;
  }

  async measure(): Promise<Measurement> {
    const readOne = async (name: 'a' | 'b') => {
      const { kind } = this.settings;
      const trainingLoss =
        this.#stepsSinceMeasured > 0 ? this.#losses[name] / this.#stepsSinceMeasured : null;
      try {
        return await measure(
          { network: this.networks[name], dataset: this.dataset, kind, shape: this.#shape },
          this.#batch,
          trainingLoss,
        );
      } catch (error) {
        throw blame(name, error);
      }
    };
    const a = await readOne('a');
    const b = await readOne('b');
    this.#losses = { a: 0, b: 0 };
    this.#stepsSinceMeasured = 0;
    return { step: this.#step, a, b, tensors: memory().numTensors };
  }

  /** Each network's probabilities of the classes for an image of 28×28 bytes. */
  async classify(image: Uint8Array): Promise<Each<number[]>> {
    const asked = { ...this.dataset, features: image, size: PIXELS };
    const probabilities = tidy(() => {
      const features = featuresOf(asked, Uint32Array.of(0), this.#shape);
      return forEach((name) => softmax(this.networks[name].infer(features).logits));
    });
    const [a, b] = [await probabilities.a.data(), await probabilities.b.data()];
    dispose([probabilities.a, probabilities.b]);
    return { a: [...a], b: [...b] };
  }

  dispose(): void {
    this.#share?.end();
    for (const name of NETWORKS) this.networks[name].dispose();
  }
}

/** An error that says which network it is about. */
const blame = (name: 'a' | 'b', error: unknown): Error => new Error(`${TITLES[name]}: ${messageOf(error)}`);

function blaming<T>(name: 'a' | 'b', make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw blame(name, error);
  }
}
