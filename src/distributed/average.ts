/**
 * @file The mean of gradients over all ranks, in two sums: a short one says which weights have a gradient at all and
 * holds the loss, a long one has all gradients in a row. So a weight that no rank's loss depends on stays without a
 * gradient, as an optimizer must see it, and one that only some ranks' depends on counts as 0 on the others, as in
 * PyTorch's DistributedDataParallel with `find_unused_parameters`.
 */
import {
  type NamedTensorMap,
  type Optimizer,
  type Scalar,
  type Tensor,
  type Variable,
  dispose,
  engine,
  mul,
  scalar,
  tensor,
} from '@tensorflow/tfjs-core';
import { type Group, makeMessage } from '../group/group.js';
import { override } from '../model/override.js';
import { checkBackend } from './backend.js';

/** The gradient of one weight; TF.js has none where the loss does not depend on it, or it is not trainable. */
export interface Gradient {
  readonly name: string;
  readonly tensor: Tensor | null | undefined;
}

type ComputeGradients = Optimizer['computeGradients'];

/** The gradients that are means already. */
const averaged = new WeakSet<Tensor>();

export const isAveraged = (gradients: readonly Gradient[]): boolean =>
  gradients.every(({ tensor: one }) => one == null || averaged.has(one));

/**
 * The means over all ranks, which all get with the same bits, as new tensors. Ranks go by the order of the gradients:
 * names may differ, since TF.js counts them anew in each process.
 *
 * @param cost the loss
 * @param hasSamples whether this rank computed them of samples; else it takes part with zeros
 */
export function averageGradients(
  group: Group,
  cost: number,
  gradients: readonly Gradient[],
  hasSamples = true,
): { cost: number; gradients: { name: string; tensor: Tensor }[] } {
  checkBackend();
  const { registeredVariables } = engine();
  const shapes = gradients.map(({ name }) => registeredVariables[name]!.shape);
  const what = `the gradients of weights of shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' ')}`;
  const first = makeMessage(1 + gradients.length);
  if (hasSamples) first[0] = cost;
  gradients.forEach((one, i) => (first[1 + i] = one.tensor ? 1 : 0));
  const [total, ...ranks] = group.sum(what, first);
  // Where the gradients of each weight begin.
  const starts: number[] = [];
  let length = 0;
  gradients.forEach(({ name }, i) => {
    starts.push(length);
    if (ranks[i]! > 0) length += registeredVariables[name]!.size;
  });
  const message = new Float32Array(length);
  if (hasSamples) {
    gradients.forEach((one, i) => {
      if (one.tensor) message.set(one.tensor.dataSync(), starts[i]);
    });
  }
  group.communicator.allReduce(message);
  for (let i = 0; i < length; i++) message[i]! /= group.size;
  const means = gradients.flatMap(({ name }, i) => {
    if (!ranks[i]) return [];
    const { shape, size } = registeredVariables[name]!;
    const mean = tensor(message.slice(starts[i], starts[i]! + size), shape);
    averaged.add(mean);
    return [{ name, tensor: mean }];
  });
  return { cost: total! / group.size, gradients: means };
}

/** Computes gradients as an optimizer does, and gives their means over all ranks. */
function computeMeans(
  group: Group,
  compute: ComputeGradients,
  weight: number,
  loss: () => Scalar,
  variables?: Variable[],
): ReturnType<ComputeGradients> {
  const weighted = weight === 1 ? loss : () => mul<Scalar>(loss(), weight);
  const { value, grads } = compute(weighted, variables);
  try {
    // Where there is a list, its order counts, and gradients may be missing.
    const names = variables
      ? variables.filter(({ trainable }) => trainable).map(({ name }) => name)
      : Object.keys(grads);
    const own = names.map((name) => ({ name, tensor: grads[name] }));
    const means = averageGradients(group, value.dataSync()[0]!, own, weight !== 0);
    const named: NamedTensorMap = { ...grads };
    for (const { name, tensor: mean } of means.gradients) named[name] = mean;
    return { value: scalar(means.cost), grads: named };
  } finally {
    dispose([value, grads]);
  }
}

/** How the optimizers compute whose `computeGradients` is replaced. */
const originals = new WeakMap<Optimizer, ComputeGradients>();

/**
 * Has an optimizer compute means over all ranks, until that is undone.
 *
 * @param weight what the loss of this rank is multiplied by, before its gradient is taken
 */
export function computeMeansBy(optimizer: Optimizer, group: Group, weight: number): () => void {
  const known = originals.get(optimizer);
  const compute = known ?? optimizer.computeGradients.bind(optimizer);
  const undo = override(optimizer, 'computeGradients', (loss, variables) =>
    computeMeans(group, compute, weight, loss, variables),
  );
  if (!known) originals.set(optimizer, compute);
  return () => {
    undo();
    if (!known) originals.delete(optimizer);
  };
}
