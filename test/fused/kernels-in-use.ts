/** @file Which kernels a golden case runs on the active backend, as `tf.profile` tells, in Node or in a page. */
import * as tf from '@tensorflow/tfjs';
import { checkSame } from '../check.js';
import type { GoldenCase } from '../golden/format.js';
import { inputsOf, makeLayer } from '../keras/cases.js';
import { takeWarnings } from '../warnings.js';

const [MOMENTS, NORMALIZE] = ['EvenkeelMoments', 'EvenkeelNormalize'];
const [SUMS, GRADIENT] = ['EvenkeelGradientSums', 'EvenkeelGradientNormalize'];

/** What forward runs, and what backward runs, in order. */
export interface KernelsInUse {
  /** Where x is normalized by its own moments. */
  readonly training: { readonly forward: readonly string[]; readonly backward: readonly string[] };
  /** Where it is normalized by constants. */
  readonly inference: { readonly forward: readonly string[]; readonly backward: readonly string[] };
}

/** Our passes. dx = slope·dy is a normalization too. */
export const FUSED: KernelsInUse = {
  training: { forward: [MOMENTS, NORMALIZE], backward: [SUMS, GRADIENT] },
  inference: { forward: [NORMALIZE], backward: [NORMALIZE] },
};

/** None of ours: TF.js' operations. */
export const COMPOSED: KernelsInUse = {
  training: { forward: [], backward: [] },
  inference: { forward: [], backward: [] },
};

/** The names of our kernels, in the order in which they ran. */
export async function ourKernels(run: () => tf.TensorContainer): Promise<string[]> {
  const { kernels } = await tf.profile(run);
  return kernels.map(({ name }) => name).filter((name) => name.startsWith('Evenkeel'));
}

/** Runs the steps of a case with the gradient of x. Throws if other kernels run than `expected`; none must with `fused: false`. */
export async function checkKernels(golden: GoldenCase, expected: KernelsInUse): Promise<void> {
  const layer = makeLayer(golden);
  const { training, inference } = golden.args.fused === false ? COMPOSED : expected;
  for (const step of golden.steps) {
    layer.trainable = step.trainable;
    const { x, dy, call } = inputsOf(step);
    const gradient = tf.grad((input: tf.Tensor) => layer.apply(input, call) as tf.Tensor);
    const { forward, backward } = step.training && step.trainable ? training : inference;
    checkSame(await ourKernels(() => gradient(x, dy)), [...forward, ...backward], 'kernels');
  }
  takeWarnings();
}
