/** @file Says what a layer runs on, and why. */
import { getBackend } from '@tensorflow/tfjs-core';
import { activePassMemory } from '../backends/active.js';
import { KERNEL_NAMES } from '../operation/kernels.js';
import { showShape } from './show.js';

/** What a layer's calls run on at the moment. */
export interface Description {
  /** TF.js' active backend. */
  readonly backend: string;
  /** The fused kernels in use, by the names that `tf.profile` shows; none where plain TF.js operations do the work. */
  readonly kernels: readonly string[];
  /** Why it is so, in a sentence. */
  readonly reason: string;
}

/**
 * @param fused the layer's argument
 * @param axes counted from 0, increasing; null before the layer is built
 */
export function describeExecution(fused: boolean | null, axes: readonly number[] | null): Description {
  const backend = getBackend();
  const composed = (reason: string) => ({
    backend,
    kernels: [],
    reason: `Plain TF.js operations: ${reason}.`,
  });
  if (fused === false) return composed('fused is false');
  if (!activePassMemory()) return composed(`there are no fused kernels for the backend '${backend}'`);
  const runs = axes?.filter((axis, i) => axis - 1 !== axes[i - 1]).length ?? 1;
  const reason =
    runs > 2
      ? `Fused kernels on the backend '${backend}', on a transposed copy: the axes ${showShape(axes!)} lie apart.`
      : `Fused kernels on the backend '${backend}'.`;
  return { backend, kernels: Object.values(KERNEL_NAMES), reason };
}
