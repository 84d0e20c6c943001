/** @file Says what a layer runs on, and why. */
import { getBackend } from '@tensorflow/tfjs-core';
import { activeFusedBackend } from '../backends/active.js';
import { makeLayout } from '../core/layout.js';
import { KERNEL_NAMES } from '../operation/tf-kernels.js';
import { activeGroup } from '../group/group.js';
import type { Options } from './arguments.js';
import type { Plan } from './plan.js';
import { show } from '../text/show.js';

/** What a layer's calls run on at the moment. */
export interface Description {
  /** TF.js' active backend. */
  readonly backend: string;
  /** The fused kernels in use, by the names that `tf.profile` shows; none where plain TF.js operations do the work. */
  readonly kernels: readonly string[];
  /** Why it is so, in a sentence. */
  readonly reason: string;
}

/** @param plan null before the layer is built */
export function describeExecution(
  {
    fused,
    virtualBatchSize,
    synchronized,
  }: Readonly<Pick<Options, 'fused' | 'virtualBatchSize' | 'synchronized'>>,
  plan: Plan | null,
): Description {
  const backend = getBackend();
  const ranks = synchronized ? jointRanks() : '';
  const composed = (why: string) => ({
    backend,
    kernels: [],
    reason: `Plain TF.js operations${ranks}: ${why}.`,
  });
  if (fused === false) return composed('fused is false');
  if (!activeFusedBackend()) return composed(`there are no fused kernels for the backend '${backend}'`);
  const reason = `Fused kernels on the backend '${backend}'${ranks}`;
  const isPermuted = plan !== null && hasPermutation(plan, virtualBatchSize);
  return {
    backend,
    kernels: Object.values(KERNEL_NAMES),
    reason: isPermuted
      ? `${reason}, on a transposed copy: the axes ${show(plan.axes)} lie apart.`
      : `${reason}.`,
  };
}

/** What a group of several ranks means for a synchronized layer; '' where there is none. */
function jointRanks(): string {
  const size = activeGroup()?.size ?? 1;
  if (size === 1) return '';
  return activeFusedBackend()?.hasNumbers === false
    ? `, where training cannot be synchronized over ${size} ranks: that takes wasm or cpu`
    : `, synchronized over ${size} ranks`;
}

/** Whether the kernels need the input in another order; that depends on the axes, and not on sizes. */
function hasPermutation({ rank, axes }: Plan, virtualBatchSize: number | null): boolean {
  const shape = new Array<number>(rank).fill(virtualBatchSize ?? 1);
  return makeLayout(shape, axes, virtualBatchSize).permutation !== null;
}
