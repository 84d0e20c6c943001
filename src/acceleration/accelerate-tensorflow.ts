/** @file Gives stock TF.js our kernels, and those that its wasm backend lacks to train. Never a side effect of an import. */
import {
  BatchMatMul,
  Conv2DBackpropFilter,
  Conv3DBackpropInputV2,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  FusedBatchNorm,
  type KernelConfig,
  type KernelFunc,
  MaxPoolGrad,
  UnsortedSegmentSum,
  getGradient,
} from '@tensorflow/tfjs-core';
import { acceleratedBatchMatMul } from './batch-mat-mul.js';
import { conv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { conv3DBackpropInput } from './conv3d-backprop-input.js';
import { depthwiseBackpropFilter } from './depthwise-backprop-filter.js';
import { depthwiseBackpropInput } from './depthwise-backprop-input.js';
import { fusedBatchNormGradient } from './fused-batch-norm-gradient.js';
import { acceleratedFusedBatchNorm } from './fused-batch-norm.js';
import { maxPoolGradient } from './max-pool-gradient.js';
import { type Undo, placeGradient, placeKernel, registeredKernel } from './replacement.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

/** Kernels that backends lack in TF.js 4.22, without which models do not train on them. */
const MISSING: Record<string, Record<string, KernelFunc>> = {
  wasm: {
    [Conv2DBackpropFilter]: conv2DBackpropFilter,
    [DepthwiseConv2dNativeBackpropFilter]: depthwiseBackpropFilter,
    [DepthwiseConv2dNativeBackpropInput]: depthwiseBackpropInput,
    [UnsortedSegmentSum]: unsortedSegmentSum,
  },
  cpu: {},
};

/** Kernels that do better, made of those that backends have. */
const REPLACED: Record<string, Record<string, (before: KernelConfig) => KernelConfig>> = {
  wasm: {
    [FusedBatchNorm]: acceleratedFusedBatchNorm,
    [BatchMatMul]: acceleratedBatchMatMul,
    [Conv3DBackpropInputV2]: conv3DBackpropInput,
    [MaxPoolGrad]: maxPoolGradient,
  },
  cpu: { [FusedBatchNorm]: acceleratedFusedBatchNorm },
};

/** A kernel that computes nothing: TF.js sets up all kernels of a backend whenever it makes the backend the active one. */
const ON_ACTIVATION = 'EvenkeelOnActivation';

/** How many calls have not been undone. */
let callers = 0;
/** What takes back what was placed, in the order of placing. */
let undos: Undo[] = [];
/** What was placed. */
const ours = new WeakSet<KernelConfig>();

/**
 * From now on TF.js' own layers, and graph models, are normalized by this package's kernels on the wasm and cpu
 * backends, and convolutions and embeddings train on wasm, without a change of code:
 *
 * - `FusedBatchNorm` (`tf.batchNorm`, stock inference) is faster and, off the last axis, right, where TF.js' own is
 *   silently wrong. `tf.profile` shows it under the same name.
 * - Its gradient is right for parameters of every shape, so that the stock layer trains along any axis, and
 *   `tf.batchNorm` without a scale or an offset has a gradient. On any backend, though only wasm and cpu do without a
 *   scale or an offset.
 * - On wasm, while TF.js lacks them: `Conv2DBackpropFilter` (https://github.com/tensorflow/tfjs/issues/8474),
 *   `DepthwiseConv2dNativeBackpropFilter`, `DepthwiseConv2dNativeBackpropInput` and `UnsortedSegmentSum`.
 * - On wasm, products with a transposed matrix (`BatchMatMul`), of which training has two for each dense layer, are
 *   computed as fast as others.
 * - On wasm, the gradient of max pooling is right where a maximum is not positive (`MaxPoolGrad`), and so are that of a
 *   convolution's input in three dimensions and the transposed convolution there (`Conv3DBackpropInputV2`).
 *
 * A backend that is imported later is accelerated when TF.js makes it the active one.
 *
 * It does not fix what fails in TF.js' layer before any kernel: rank 5, and training with `scale: false` or
 * `center: false`. `registerBatchNormalization` does.
 *
 * @returns a function that brings back what was there, kernels and gradient, once every call has been undone
 * @example
 * ```ts
 * const model = tf.sequential({
 *   layers: [tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 1] }), tf.layers.batchNormalization()],
 * });
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
 * const undo = accelerateTensorFlow();
 * await model.fit(tf.ones([2, 8, 8, 1]), tf.zeros([2, 6, 6, 4]), { verbose: 0 }); // on wasm too
 * undo();
 * ```
 */
export function accelerateTensorFlow(): () => void {
  callers++;
  if (getGradient(FusedBatchNorm) !== fusedBatchNormGradient)
    undos.push(placeGradient(fusedBatchNormGradient));
  for (const backendName of Object.keys(MISSING)) {
    const onActivation = () => {
      accelerate(backendName);
    };
    if (!registeredKernel(ON_ACTIVATION, backendName)) {
      place({ kernelName: ON_ACTIVATION, backendName, kernelFunc: () => [], setupFunc: onActivation });
    }
    onActivation();
  }
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    callers--;
    if (callers > 0) return;
    for (const undo of undos.reverse()) undo();
    undos = [];
  };
}

/** Replaces and adds kernels of a backend, if its own are there. What is ours already is left alone. */
function accelerate(backendName: string): void {
  if (!registeredKernel(FusedBatchNorm, backendName)) return;
  for (const [kernelName, acceleratedKernel] of Object.entries(REPLACED[backendName]!)) {
    const stock = registeredKernel(kernelName, backendName);
    if (stock && !ours.has(stock)) place(acceleratedKernel(stock));
  }
  for (const [kernelName, kernelFunc] of Object.entries(MISSING[backendName]!)) {
    if (!registeredKernel(kernelName, backendName)) place({ kernelName, backendName, kernelFunc });
  }
}

function place(config: KernelConfig): void {
  ours.add(config);
  undos.push(placeKernel(config));
}
