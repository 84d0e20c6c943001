/** @file An optimizer whose steps are joint, for training loops of one's own. */
import { type Optimizer, dispose } from '@tensorflow/tfjs-core';
import type { Communicator } from '../group/communicator.js';
import { Group } from '../group/group.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Gradient, averageGradients, computeMeansBy, isAveraged } from './average.js';
import { checkBackend } from './backend.js';

type Given = Parameters<Optimizer['applyGradients']>[0];

const groups = new WeakMap<Optimizer, Group>();

/** The group that an optimizer was given by `distributedOptimizer`. */
export const groupOf = (optimizer: Optimizer): Group | null => groups.get(optimizer) ?? null;

/**
 * Has an optimizer take the same step on all ranks, by the mean of their gradients: g = (g₀ + … + g₍R−1₎) / R. It stays the
 * same object, so it can be saved, and clips what is averaged. `minimize` and `computeGradients` give means, the loss' too;
 * gradients of `tf.variableGrads` are averaged when they are applied. All ranks must take as many steps.
 *
 * Where ranks have different numbers of samples, the mean over all samples is had by multiplying the loss, a mean over the
 * rank's n samples of N, by n·R/N. Without samples such a loss is NaN, also times 0: there give one of 0 that depends on the
 * weights. `distributedDataParallel` does all that. Weights must be equal at the start: `broadcastWeights`. For layers with
 * `synchronized`, call `synchronizeOver`, too.
 *
 * As Horovod's DistributedOptimizer.
 *
 * @returns the optimizer
 */
export function distributedOptimizer<T extends Optimizer>(optimizer: T, communicator: Communicator): T {
  const group = Group.of(communicator);
  if (typeof (optimizer as Optimizer | null | undefined)?.applyGradients !== 'function') {
    throw new TypeError(
      `optimizer: expected an optimizer, such as tf.train.adam(), received ${show(optimizer)}.`,
    );
  }
  checkBackend();
  const known = groups.get(optimizer);
  if (known === group) return optimizer;
  if (known) {
    throw new ValueError(
      'optimizer: it has another communicator already. Make an optimizer for each communicator.',
    );
  }
  groups.set(optimizer, group);
  computeMeansBy(optimizer, group, 1);
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (given: Given) => {
    const list = Array.isArray(given)
      ? given
      : Object.entries(given).map(([name, tensor]): Gradient => ({ name, tensor }));
    if (isAveraged(list)) {
      apply(given);
      return;
    }
    const { gradients } = averageGradients(group, 0, list);
    try {
      // Optimizers of TF.js count on the place of each gradient.
      const means = new Map(gradients.map(({ name, tensor }) => [name, tensor]));
      apply(list.map(({ name }) => ({ name, tensor: means.get(name)! })));
    } finally {
      dispose(gradients);
    }
  };
  return optimizer;
}
