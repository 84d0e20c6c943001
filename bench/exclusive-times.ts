/**
 * @file Which kernels a step spends its time in. A kernel that calls others counts without them: `tf.profile` counts
 * those twice.
 */
import * as tf from '@tensorflow/tfjs';
import { placeKernel } from '../src/acceleration/replacement.js';

export interface KernelTime {
  readonly kernel: string;
  readonly ms: number;
  /** Of the whole time, in which TF.js does more than to run kernels. */
  readonly share: number;
}

/** The kernels of the active backend that `run` calls, longest first. */
export function exclusiveTimes(run: () => void): KernelTime[] {
  const times = new Map<string, number>();
  /** What the calls of the kernels that are running have taken so far, the innermost last. */
  const inner = [0];
  const undos = tf.getKernelsForBackend(tf.getBackend()).map((config) =>
    placeKernel({
      ...config,
      kernelFunc: (params) => {
        inner.push(0);
        const start = performance.now();
        try {
          return config.kernelFunc(params);
        } finally {
          const ms = performance.now() - start;
          times.set(config.kernelName, (times.get(config.kernelName) ?? 0) + ms - inner.pop()!);
          inner[inner.length - 1]! += ms;
        }
      },
    }),
  );
  const start = performance.now();
  try {
    run();
  } finally {
    for (const undo of undos.reverse()) undo();
  }
  const all = performance.now() - start;
  return [...times]
    .map(([kernel, ms]) => ({ kernel, ms, share: ms / all }))
    .toSorted((one, other) => other.ms - one.ms);
}

/** The three kernels that most of the time goes to, and what goes to none. */
export interface Profile {
  readonly kernels: readonly KernelTime[];
  readonly outsideShare: number;
}

/** Where the time of what takes `ms` goes, of as many calls as one sees something in. */
export function profile(run: () => void, ms: number): Profile {
  const calls = Math.max(1, Math.round(300 / ms));
  const times = exclusiveTimes(() => {
    for (let i = 0; i < calls; i++) run();
  });
  return {
    kernels: times.slice(0, 3).map((time) => ({ ...time, ms: time.ms / calls })),
    outsideShare: 1 - times.reduce((sum, { share }) => sum + share, 0),
  };
}
