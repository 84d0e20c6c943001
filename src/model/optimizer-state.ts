/** @file What an optimizer keeps beside its settings, such as momenta and how many steps it has done. */
import type { Optimizer, Tensor, Variable } from '@tensorflow/tfjs-core';
import { type Kept, readKept, setIterations, writeKept } from './tensorflow-internals.js';

/** An optimizer that tells by itself what it keeps of each weight. */
export interface SlotKeeper {
  /** By names; new tensors, which it would begin with, where it has nothing yet. */
  readSlots: (weight: Variable) => Readonly<Record<string, Tensor>>;
  /** Takes copies. */
  writeSlots: (weight: Variable, slots: Readonly<Record<string, Tensor>>) => void;
}

const isSlotKeeper = (optimizer: Optimizer): optimizer is Optimizer & SlotKeeper =>
  'readSlots' in optimizer && 'writeSlots' in optimizer;

/** How many steps an optimizer has done, and what it keeps. */
export interface OptimizerState {
  readonly iterations: number;
  readonly kept: readonly Kept[];
}

/** @param weights that it changes, in their order */
export function readOptimizerState(optimizer: Optimizer, weights: readonly Variable[]): OptimizerState {
  const kept = isSlotKeeper(optimizer)
    ? weights.flatMap((weight, index) =>
        Object.entries(optimizer.readSlots(weight)).map(([field, tensor]) => ({ field, index, tensor })),
      )
    : readKept(optimizer);
  return { iterations: optimizer.iterations, kept };
}

/** Gives an optimizer a copy of another one's state; its settings must be the same. */
export function writeOptimizerState(
  optimizer: Optimizer,
  weights: readonly Variable[],
  { iterations, kept }: OptimizerState,
): void {
  setIterations(optimizer, iterations);
  if (!isSlotKeeper(optimizer)) {
    writeKept(optimizer, kept);
    return;
  }
  weights.forEach((weight, i) => {
    const own = kept.filter(({ index }) => index === i).map(({ field, tensor }) => [field, tensor] as const);
    optimizer.writeSlots(weight, Object.fromEntries(own));
  });
}
