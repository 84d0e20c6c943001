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
  const ranks = synchronized ? (activeGroup()?.size ?? 1) : 1;
  const isJoint = ranks === 1 ? '' : `, synchronized over ${ranks} ranks`;
  const composed = (why: string) => ({
    backend,
    kernels: [],
    reason: `Plain TF.js operations${isJoint}: ${why}.`,
  });
  if (fused === false) return composed('fused is false');
  if (!activeFusedBackend()) return composed(`there are no fused kernels for the backend '${backend}'`);
  const reason = `Fused kernels on the backend '${backend}'${isJoint}`;
  const isPermuted = plan !== null && hasPermutation(plan, virtualBatchSize);
  return {
    backend,
    kernels: Object.values(KERNEL_NAMES),
    reason: isPermuted
      ? `${reason}, on a transposed copy: the axes ${show(plan.axes)} lie apart.`
      : `${reason}.`,
  };
}

/** Whether the kernels need the input in another order; that depends on the axes, and not on sizes. */
function hasPermutation({ rank, axes }: Plan, virtualBatchSize: number | null): boolean {
  const shape = new Array<number>(rank).fill(virtualBatchSize ?? 1);
  return makeLayout(shape, axes, virtualBatchSize).permutation !== null;
}
