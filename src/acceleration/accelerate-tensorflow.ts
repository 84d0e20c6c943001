/** @file Gives stock TF.js our kernels, and those that its wasm backend lacks to train. Never a side effect of an import. */
import {
  AvgPool3DGrad,
  AvgPoolGrad,
  BatchMatMul,
  Cast,
  Concat,
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  Conv3D,
  Conv3DBackpropFilterV2,
  Conv3DBackpropInputV2,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  Equal,
  FusedBatchNorm,
  FusedConv2D,
  FusedDepthwiseConv2D,
  Greater,
  GreaterEqual,
  Identity,
  type KernelConfig,
  type KernelFunc,
  Less,
  LessEqual,
  LogicalAnd,
  MaxPool3D,
  MaxPool3DGrad,
  MaxPoolGrad,
  Mean,
  NotEqual,
  ResizeBilinearGrad,
  ResizeNearestNeighborGrad,
  Reverse,
  Select,
  Slice,
  SplitV,
  Sum,
  Tile,
  Transpose,
  Unpack,
  UnsortedSegmentSum,
  _FusedMatMul,
  getGradient,
} from '@tensorflow/tfjs-core';
import { acceleratedAveragePoolGradient } from './average-pooling.js';
import { acceleratedBatchMatMul } from './batch-mat-mul.js';
import { acceleratedComparison, acceleratedLogicalAnd, acceleratedSelect } from './compare.js';
import { conv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { acceleratedConv2DBackpropInput } from './conv2d-backprop-input.js';
import { conv3DTransposeGradient } from '../operation/conv3d-transpose-gradient.js';
import { acceleratedConv3D, conv3DBackpropFilter, conv3DBackpropInput } from './conv3d.js';
import { replacing, replacingFused } from './cpu/calls.js';
import { convolution, filterGradient, inputGradient } from './cpu/convolutions.js';
import { matrixProduct } from './cpu/matrix-products.js';
import { depthwiseBackpropFilter } from './depthwise-backprop-filter.js';
import { depthwiseBackpropInput } from './depthwise-backprop-input.js';
import { fusedBatchNormGradient } from './fused-batch-norm-gradient.js';
import { acceleratedFusedBatchNorm } from './fused-batch-norm.js';
import { sharedCast, sharedIdentity } from './identity.js';
import { paddedInNumbers } from './long-strides.js';
import { maxPool3DGradient } from './max-pooling.js';
import {
  acceleratedConcat,
  acceleratedReverse,
  acceleratedSlice,
  acceleratedSplit,
  acceleratedTile,
  acceleratedTranspose,
  acceleratedUnpack,
} from './rearrange.js';
import { type Undo, placeGradient, placeKernel, registeredKernel } from './replacement.js';
import { acceleratedSum } from './sum.js';
import { tileGradient } from './tile-gradient.js';
import { acceleratedResizeBilinearGradient, acceleratedResizeNearestGradient } from './resizing.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';
import { averagePoolGradient, maxPool3D, maxPoolGradient } from './wasm-pooling.js';

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

const withKernel =
  (kernelFunc: KernelFunc) =>
  (before: KernelConfig): KernelConfig => ({ ...before, kernelFunc });

/** Kernels that do better, or are right, made of those that backends have. */
const REPLACED: Record<string, Record<string, (before: KernelConfig) => KernelConfig>> = {
  wasm: {
    [FusedBatchNorm]: acceleratedFusedBatchNorm,
    [BatchMatMul]: acceleratedBatchMatMul,
    [Identity]: sharedIdentity,
    [Cast]: sharedCast,
    [Slice]: acceleratedSlice,
    [SplitV]: acceleratedSplit,
    [Unpack]: acceleratedUnpack,
    [Concat]: acceleratedConcat,
    [Tile]: acceleratedTile,
    [Reverse]: acceleratedReverse,
    [Transpose]: acceleratedTranspose,
    [Conv2D]: paddedInNumbers(false),
    [FusedConv2D]: paddedInNumbers(false),
    [Conv2DBackpropInput]: acceleratedConv2DBackpropInput,
    [DepthwiseConv2dNative]: paddedInNumbers(true),
    [FusedDepthwiseConv2D]: paddedInNumbers(true),
    [Conv3D]: acceleratedConv3D,
    [Conv3DBackpropInputV2]: withKernel(conv3DBackpropInput),
    [Conv3DBackpropFilterV2]: withKernel(conv3DBackpropFilter),
    [MaxPoolGrad]: withKernel(maxPoolGradient),
    [MaxPool3D]: withKernel(maxPool3D),
    [MaxPool3DGrad]: withKernel(maxPoolGradient),
    [AvgPoolGrad]: withKernel(averagePoolGradient),
    [AvgPool3DGrad]: withKernel(averagePoolGradient),
    [Sum]: acceleratedSum(false),
    [Mean]: acceleratedSum(true),
    [Equal]: acceleratedComparison,
    [NotEqual]: acceleratedComparison,
    [Greater]: acceleratedComparison,
    [GreaterEqual]: acceleratedComparison,
    [Less]: acceleratedComparison,
    [LessEqual]: acceleratedComparison,
    [LogicalAnd]: acceleratedLogicalAnd,
    [Select]: acceleratedSelect,
  },
  cpu: {
    [FusedBatchNorm]: acceleratedFusedBatchNorm,
    [MaxPool3DGrad]: withKernel(maxPool3DGradient),
    [AvgPoolGrad]: acceleratedAveragePoolGradient,
    [AvgPool3DGrad]: acceleratedAveragePoolGradient,
    [Conv2D]: replacing(convolution),
    [FusedConv2D]: replacingFused(convolution),
    [Conv2DBackpropInput]: replacing(inputGradient),
    [Conv2DBackpropFilter]: replacing(filterGradient),
    [BatchMatMul]: replacing(matrixProduct),
    [_FusedMatMul]: replacingFused(matrixProduct),
    [ResizeNearestNeighborGrad]: acceleratedResizeNearestGradient,
    [ResizeBilinearGrad]: acceleratedResizeBilinearGradient,
  },
};

/** Gradients that TF.js lacks, or has wrong or slow, on every backend. */
const GRADIENTS = [fusedBatchNormGradient, tileGradient, conv3DTransposeGradient];

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
 * - On any backend, transposed convolutions in three dimensions have a gradient, and that of `Tile`, of which stock layer
 *   normalization has four, is a sum instead of thousands of slices.
 * - On wasm, while TF.js lacks them: `Conv2DBackpropFilter` (https://github.com/tensorflow/tfjs/issues/8474),
 *   `DepthwiseConv2dNativeBackpropFilter`, `DepthwiseConv2dNativeBackpropInput` and `UnsortedSegmentSum`.
 * - On wasm, what is silently wrong there is right: the gradient of max pooling where nothing in a window is positive,
 *   max pooling in three dimensions, the gradients of convolutions in three dimensions and `tf.conv3dTranspose`, and
 *   convolutions with padding 'same' whose strides are longer than the filter.
 * - On cpu, the gradient of max pooling in three dimensions is right for windows whose height is not their width.
 * - On cpu, the gradients of resizing, which `UpSampling2D` trains by: that of the nearest numbers is right for each
 *   image, not only the first, and the bilinear one is there for images that are not square.
 * - On both, the gradient of average pooling is right where windows reach beyond the input (padding 'same').
 * - On wasm, the gradient of a convolution's input, and `conv2dTranspose`, are computed about 10 times as fast.
 * - On wasm, the gradients of pooling, `MaxPool3D`, and `Sum` and `Mean` over other than the last axes are 10 to 100
 *   times as fast, and so are comparisons, `LogicalAnd` and `Select`, of which the gradients of activations are made;
 *   `Conv3D` is as fast as `Conv2D`.
 * - On wasm, clones, which gradients keep of all that they need, share their data: training takes half the memory.
 * - On wasm, what only moves numbers takes as long as that: `Slice`, `SplitV`, `Unpack`, `Concat`, `Tile`, `Reverse` and
 *   `Transpose`, of which recurrent layers and gradients have many.
 * - On wasm, products with a transposed matrix (`BatchMatMul`), of which training has two for each dense layer, are
 *   computed as fast as others.
 * - On cpu, convolutions (`Conv2D`, `FusedConv2D`, `Conv2DBackpropInput`) and matrix products (`BatchMatMul`,
 *   `_FusedMatMul`) of float32 are computed 20 to 40 times as fast, and the gradients of filters
 *   (`Conv2DBackpropFilter`) 2,000 times, by a kernel of this package. Convolutions with channels first stay TF.js' own.
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
  for (const gradient of GRADIENTS)
    if (getGradient(gradient.kernelName) !== gradient) undos.push(placeGradient(gradient));
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
