/**
 * @file Convolutions of one to three dimensions, with the channels last, as Keras has them: strides longer than windows,
 * dilation, groups; with gradients on every backend. All by TF.js' convolutions, with the padding in numbers.
 */
import {
  type Tensor,
  type Tensor4D,
  type Tensor5D,
  add,
  batchToSpaceND,
  concat,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  customGrad,
  depthwiseConv2d,
  engine,
  expandDims,
  fused,
  pad,
  relu,
  relu6,
  reshape,
  reverse,
  slice,
  spaceToBatchND,
  split,
  squeeze,
  transpose,
  util,
} from '@tensorflow/tfjs-core';
import { conv3DTransposeGradient } from '../../operation/conv3d-transpose-gradient.js';
import type { FusedActivation } from '../../model/fused-activation.js';

type Steps = [number, number, number];

/** How many zeros stand before and behind each dimension. */
export type Margins = readonly (readonly [before: number, behind: number])[];

/** A convolution's numbers, one for each dimension. */
export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly margins: Margins;
}

/** How far a window reaches. */
export const reachOf = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** What TensorFlow pads for SAME: more behind than before, and nothing where strides are longer than windows. */
export function sameMargin(size: number, reach: number, stride: number): [number, number] {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** What becomes of a convolution's sums: a bias for each channel, then an activation. */
export interface Ending {
  readonly bias: Tensor | null;
  readonly activation: FusedActivation | 'linear';
}

const NONE: Ending = { bias: null, activation: 'linear' };

/** Ends a convolution by operations of their own. */
export function end(y: Tensor, { bias, activation }: Ending): Tensor {
  const biased = bias ? add(y, bias) : y;
  switch (activation) {
    case 'linear':
      return biased;
    case 'relu':
      return relu(biased);
    case 'relu6':
      return relu6(biased);
  }
}

/** `activation(x ∗ kernel + bias)`: `[N, …space, C]`, `[…sizes, C / groups, filters]`, `[filters]`. */
export function convolve(x: Tensor, kernel: Tensor, window: Window, groups = 1, ending = NONE): Tensor {
  if (x.rank === 3) {
    return inTwoDimensions(x, kernel, window, (a, b, row) => convolve(a, b, row, groups, ending));
  }
  const channels = x.shape.at(-1)!;
  if (groups === 1) {
    if (!isDilated(window)) return convolveSimply(x, kernel, window, ending);
    return end(dilated(x, kernel, window, convolveSimply), ending);
  }
  if (groups === channels && x.rank === 4) {
    const perChannel = reshape(kernel, [...kernel.shape.slice(0, -2), channels, -1]);
    return convolveDepthwise(x, perChannel, window, ending);
  }
  const kernels = split(kernel, groups, -1);
  const parts = split(x, groups, -1).map((part, group) => convolve(part, kernels[group]!, window));
  return end(concat(parts, -1), ending);
}

/** Each channel by itself: `[N, …space, C]`, `[…sizes, C, multiplier]`, `[C · multiplier]`. */
export function convolveDepthwise(x: Tensor, kernel: Tensor, window: Window, ending = NONE): Tensor {
  if (x.rank === 3) {
    return inTwoDimensions(x, kernel, window, (a, b, row) => convolveDepthwise(a, b, row, ending));
  }
  if (!isDilated(window)) return depthwiseSimply(x, kernel, window, ending);
  return end(dilated(x, kernel, window, depthwiseSimply), ending);
}

/** A convolution without dilation or groups. */
type Simple = (x: Tensor, kernel: Tensor, window: Window, ending?: Ending) => Tensor;

const convolveSimply: Simple = (x, kernel, window, ending = NONE) => {
  if (x.rank === 4) return fused.conv2d(fusedArguments(x, kernel, window, ending));
  const { strides, margins } = window;
  const padded = pad(x, [[0, 0], ...margins.map((margin): [number, number] => [...margin]), [0, 0]]);
  const steps = [...strides] as Steps;
  return end(conv3d(padded as Tensor5D, kernel as Tensor5D, steps, 'valid'), ending);
};

const depthwiseSimply: Simple = (x, kernel, window, ending = NONE) => {
  const args = fusedArguments(x, kernel, window, ending);
  // For a gradient the fused operation would keep its result too.
  if (engine().isTapeOn()) return end(depthwiseConv2d(args.x, args.filter, args.strides, args.pad), ending);
  // Its type lacks padding in numbers, which it takes.
  return fused.depthwiseConv2d(args as Parameters<typeof fused.depthwiseConv2d>[0]);
};

const fusedArguments = (
  x: Tensor,
  kernel: Tensor,
  { strides, margins }: Window,
  { bias, activation }: Ending,
) => ({
  x: x as Tensor4D,
  filter: kernel as Tensor4D,
  strides: [...strides] as [number, number],
  pad: aroundSpace(margins),
  ...(bias && { bias }),
  activation,
});

const aroundSpace = (margins: Margins) =>
  [[0, 0], ...margins.map((margin) => [...margin]), [0, 0]] as Parameters<typeof depthwiseConv2d>[3];

const isDilated = ({ dilations }: Window) => dilations.some((dilation) => dilation > 1);

/**
 * With dilation, which TF.js' gradients refuse: every d-th number of a dimension meets the kernel as if there were no
 * others, so these are made samples of their own. Strides come after.
 */
function dilated(x: Tensor, kernel: Tensor, { strides, dilations, margins }: Window, simple: Simple): Tensor {
  const blocks = [...dilations];
  const surplus = blocks.map((block, i) => {
    const [before, behind] = margins[i]!;
    return (block - ((x.shape[i + 1]! + before + behind) % block)) % block;
  });
  const apart = spaceToBatchND(
    x,
    blocks,
    margins.map(([before, behind], i) => [before, behind + surplus[i]!]),
  );
  const none = margins.map((): [number, number] => [0, 0]);
  const ones = blocks.map(() => 1);
  const y = simple(apart, kernel, { strides: ones, dilations: ones, margins: none });
  return everyNth(
    batchToSpaceND(
      y,
      blocks,
      surplus.map((size) => [0, size]),
    ),
    strides,
  );
}

/** What strides leave of each dimension of space: the first number, and every n-th from it on. */
function everyNth(x: Tensor, strides: readonly number[]): Tensor {
  return strides.reduce((y, stride, i) => {
    if (stride === 1) return y;
    const shape = y.shape;
    const kept = Math.ceil(shape[i + 1]! / stride);
    const margins = shape.map((size, d): [number, number] => [0, d === i + 1 ? kept * stride - size : 0]);
    const rows = util.sizeFromShape(shape.slice(0, i + 1)) * kept;
    const apart = reshape(pad(y, margins), [rows, stride, -1]);
    return reshape(slice(apart, [0, 0, 0], [-1, 1, -1]), shape.with(i + 1, kept));
  }, x);
}

/**
 * The transposed convolution: every number of x lays the kernel, `[…sizes, filters, C]`, down on the output, a stride
 * further for the next.
 *
 * @param window whose margins are what is cut off the output
 * @param sizes of the output's dimensions of space; where nothing reaches, there are zeros
 */
export function transposeConvolve(
  x: Tensor,
  kernel: Tensor,
  window: Window,
  sizes: readonly number[],
): Tensor {
  if (x.rank === 3) {
    return inTwoDimensions(x, kernel, window, (a, b, row) => transposeConvolve(a, b, row, [1, ...sizes]));
  }
  const { strides, dilations, margins } = window;
  if (isDilated(window)) {
    // Keras allows no strides then, so it is a convolution by the kernel turned around.
    const space = sizes.map((_, i) => i);
    const turned = transpose(reverse(kernel, space), [...space, sizes.length + 1, sizes.length]);
    const reaches = sizes.map((_, i) => reachOf(kernel.shape[i]!, dilations[i]!) - 1);
    const around = sizes.map((size, i): [number, number] => {
      const before = reaches[i]! - margins[i]![0];
      return [before, size + reaches[i]! - x.shape[i + 1]! - before];
    });
    return convolve(x, turned, { strides, dilations, margins: around }, 1);
  }
  // As far as the kernels reach; what is asked for may end before or behind.
  const whole = sizes.map((_, i) => (x.shape[i + 1]! - 1) * strides[i]! + kernel.shape[i]!);
  const filters = kernel.shape.at(-2)!;
  const shape = [x.shape[0], ...whole, filters];
  const y =
    x.rank === 5
      ? transposeIn3D(x as Tensor5D, kernel as Tensor5D, shape as Tensor5D['shape'], [...strides] as Steps)
      : conv2dTranspose(
          x as Tensor4D,
          kernel as Tensor4D,
          shape as Tensor4D['shape'],
          [...strides] as [number, number],
          'valid',
        );
  const begin = margins.map(([before]) => before);
  const kept = sizes.map((size, i) => Math.min(size, whole[i]! - begin[i]!));
  const isWhole = kept.every((size, i) => size === whole[i]);
  const cut = isWhole ? y : slice(y, [0, ...begin, 0], [-1, ...kept, -1]);
  return sizes.every((size, i) => size === kept[i])
    ? cut
    : pad(cut, [[0, 0], ...sizes.map((size, i): [number, number] => [0, size - kept[i]!]), [0, 0]]);
}

/** With its gradient, which TF.js lacks (4.22), also where nothing is accelerated. */
function transposeIn3D(x: Tensor5D, kernel: Tensor5D, shape: Tensor5D['shape'], strides: Steps): Tensor {
  const transposed = customGrad((...given) => {
    const [input, weights, save] = given as unknown as [Tensor5D, Tensor5D, (tensors: Tensor[]) => void];
    save([input, weights]);
    return {
      value: conv3dTranspose(input, weights, shape, strides, 'valid'),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const gradients = conv3DTransposeGradient.gradFunc(dy, saved, { strides, pad: 'valid' });
        return [gradients.dy!(), gradients.filter!()];
      },
    };
  });
  return transposed(x, kernel);
}

/** Computes in two dimensions what has one: a row. */
function inTwoDimensions(
  x: Tensor,
  kernel: Tensor,
  { strides, dilations, margins }: Window,
  compute: (x: Tensor, kernel: Tensor, window: Window) => Tensor,
): Tensor {
  const row: Window = {
    strides: [1, ...strides],
    dilations: [1, ...dilations],
    margins: [[0, 0], ...margins],
  };
  return squeeze(compute(expandDims(x, 1), expandDims(kernel, 0), row), [1]);
}
