/**
 * @file Data-parallel training: every rank takes its part of each batch, and all of them take the same step.
 *
 * The joint loss is the mean over the samples of all R ranks. Of N samples, n_r are on rank r, and L_r is the mean loss over
 * them, with penalties P on weights: L = Σ n_r/N·L_r + P. So each rank weights its loss by n_r·R/N, and the gradients are
 * averaged: P counts once, since Σ n_r/N = 1. The weight stands before the gradient, not after, because gradients also
 * flow from rank to rank, through the moments of synchronized layers.
 *
 * Sources: Li et al., PyTorch Distributed: Experiences on Accelerating Data Parallel Training, 2020 (one model on each rank,
 * equal at the start, gradients averaged); Sergeev and Del Balso, Horovod, 2018 (optimizer, broadcast, joint logs).
 */
import {
  type Optimizer,
  type Scalar,
  type Tensor,
  clone,
  dispose,
  scalar,
  zeros,
} from '@tensorflow/tfjs-core';
import type { CustomCallbackArgs, LayersModel, ModelFitArgs } from '@tensorflow/tfjs-layers';
import type { Communicator } from '../group/communicator.js';
import { Group, messageOf, runOnStandIns, synchronizeOver } from '../group/group.js';
import { buildIfNeeded, checkModel, withInner } from '../model/graph.js';
import { override } from '../model/override.js';
import {
  type TrainFunction,
  attachToTrained,
  interceptBatches,
  ownWeightsOf,
  propertyOf,
  trainedModelOf,
  trainedVariablesOf,
  variableOf,
} from '../model/tensorflow-internals.js';
import { assignExactly } from '../model/weights.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { checkAgreement, compiledLines, weightLines } from './agreement.js';
import { computeMeansBy } from './average.js';
import { checkBackend } from './backend.js';
import { sendOptimizerState, sendWeights } from './broadcast-weights.js';
import { groupOf } from './distributed-optimizer.js';
import { type SampleCounts, completeCallbacks, makeJointLogs } from './joint-callbacks.js';

/** A model that trains on several ranks, as one of them sees it. */
export interface DataParallel {
  /** Which of the ranks this is: 0 … size − 1. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /**
   * For `fit`, first in the list: gives every rank the same logs at the end of each epoch, those of all samples, so that
   * callbacks such as `tf.callbacks.earlyStopping` decide alike everywhere. Ranks may be validated with the same samples or
   * each with its own; those of a rank without any are the others'.
   */
  readonly callbacks: CustomCallbackArgs;
  /** Ends it: the model trains alone again. */
  undo(): void;
}

/** The models that train on several ranks. */
const models = new WeakSet<LayersModel>();

/**
 * Has a compiled model train on all ranks of a group: `fit`, `fitDataset` and `trainOnBatch` take a rank's own samples, and
 * change the weights as if one process had those of all ranks in one batch. Layers with `synchronized: true` then
 * normalize by the moments of all of them; others by their rank's own, and their moving statistics differ by rank.
 *
 * At the start, rank 0's weights and the state of its optimizer go to all. Every rank must make as many steps, and may have
 * any number of samples in one, also none. The loss of each output must be a mean over samples, as all of TF.js are.
 * `evaluate` and `predict` send nothing. What sets `stopTraining` on one rank, stops all after the same batch.
 *
 * As DistributedDataParallel of PyTorch.
 *
 * @throws ValueError on all ranks, where one of them has another model, optimizer or metrics: it says what differs
 */
export function distributedDataParallel(model: LayersModel, communicator: Communicator): DataParallel {
  const group = Group.of(communicator);
  checkModel(model);
  checkBackend();
  buildIfNeeded(model);
  if (models.has(model)) {
    throw new ValueError(
      `model: ${show(model.name)} trains on several ranks already. Call undo() of what the first call gave.`,
    );
  }
  const training = new Training(group, model);
  models.add(model);
  const endSynchronization = synchronizeOver(communicator);
  return {
    rank: group.rank,
    size: group.size,
    callbacks: training.callbacks,
    undo() {
      if (!models.delete(model)) return;
      endSynchronization();
      training.detach();
    },
  };
}

/** What stands between a model and its training. */
class Training {
  readonly callbacks: CustomCallbackArgs;
  readonly detach: () => void;
  readonly #group: Group;
  readonly #counts: SampleCounts = { trained: 0, validated: 0, evaluated: 0 };
  /** The optimizer that is known to be the same on all ranks. */
  #optimizer: Optimizer | null = null;

  constructor(group: Group, model: LayersModel) {
    this.#group = group;
    this.callbacks = makeJointLogs(group, this.#counts);
    this.#begin(trainedModelOf(model));
    this.detach = attachToTrained(model, (trained) => this.#attach(trained));
  }

  /** Makes all ranks alike. */
  #begin(model: LayersModel): void {
    const optimizer = model.optimizer as Optimizer | undefined;
    if (!optimizer) {
      throw new ValueError(
        `model: ${show(model.name)} is not compiled. Call model.compile({ optimizer, loss }) before.`,
      );
    }
    if (![null, this.#group].includes(groupOf(optimizer))) {
      throw new ValueError('model: its optimizer has another communicator, by distributedOptimizer.');
    }
    checkAgreement(this.#group, [...weightLines(model), ...compiledLines(model)]);
    sendWeights(this.#group, model, 0);
    sendOptimizerState(this.#group, model, optimizer);
    this.#optimizer = optimizer;
  }

  #attach(model: LayersModel): () => void {
    const [fit, fitDataset] = [model.fit.bind(model), model.fitDataset.bind(model)];
    const withCallbacks = <Args extends Pick<ModelFitArgs, 'callbacks' | 'yieldEvery'>>(
      args: Args,
    ): Args => ({
      ...args,
      callbacks: completeCallbacks(
        this.#group,
        model,
        this.#counts,
        args.callbacks ?? {},
        args.yieldEvery,
        this.callbacks,
      ),
    });
    const undone = [
      interceptBatches(model, {
        train: (train) => (data) => this.#step(model, train, data),
        test: (test) => (data) => {
          this.#counts.evaluated += rowsOf(data);
          return test(data);
        },
      }),
      override(model, 'fit', (x, y, args = {}) => fit(x, y, withCallbacks(args))),
      override(model, 'fitDataset', (dataset, args) => fitDataset(dataset, withCallbacks(args))),
    ];
    return () => {
      for (const undo of undone) undo();
    };
  }

  #step(model: LayersModel, train: TrainFunction, data: Tensor[]): Scalar[] {
    const group = this.#group;
    // It was compiled anew.
    if (model.optimizer !== this.#optimizer) this.#begin(model);
    const samples = rowsOf(data);
    const [all] = group.sum('the start of a step', messageOf([samples]));
    if (!all) throw new ValueError('No rank has any samples in this step. One of them must have some.');
    this.#counts.trained += samples;
    this.#counts.evaluated = 0;
    const endMeans = computeMeansBy(model.optimizer, group, (samples * group.size) / all);
    // Another model may have another group.
    const endSynchronization = synchronizeOver(group.communicator);
    try {
      const [loss, ...metrics] = samples > 0 ? train(data) : trainOnStandIns(model, train, data);
      return [loss!, ...averageMetrics(group, metrics, samples, all)];
    } finally {
      endSynchronization();
      endMeans();
    }
  }
}

const rowsOf = (data: readonly Tensor[]): number => data[0]!.shape[0];

/**
 * The step of a rank without samples, on one that stands for them: some operations of TF.js fail without any, such as the
 * gradients of biases, and means on wasm. Its loss has the weight 0, and layers keep nothing of it.
 */
function trainOnStandIns(model: LayersModel, train: TrainFunction, data: readonly Tensor[]): Scalar[] {
  const standIns = data.map(({ shape, dtype }) => zeros([1, ...shape.slice(1)], dtype));
  const trained = new Set(trainedVariablesOf(model));
  // Such as moving statistics; those of synchronized layers are all ranks'.
  const kept = withInner(model)
    .filter((layer) => propertyOf(layer, 'synchronized') !== true)
    .flatMap(ownWeightsOf)
    .filter((weight) => !trained.has(variableOf(weight)))
    .map((weight) => ({ weight, value: clone(weight.read()) }));
  try {
    return runOnStandIns(() => train(standIns));
  } finally {
    for (const { weight, value } of kept) assignExactly(weight, value);
    dispose([standIns, kept.map(({ value }) => value)]);
  }
}

/** The metrics of all ranks' samples; the loss is averaged with the gradients. */
function averageMetrics(group: Group, metrics: readonly Scalar[], samples: number, all: number): Scalar[] {
  if (metrics.length === 0) return [];
  // Without samples, they are of one that stands for them.
  const own = metrics.map((one) => (samples > 0 ? one.dataSync()[0]! * samples : 0));
  dispose([...metrics]);
  return Array.from(group.sum('the metrics of a step', messageOf(own)), (sum) => scalar(sum / all));
}
