/** @file Gradients that TF.js lacks, or has otherwise than TensorFlow. */
import type { max, min } from '@tensorflow/tfjs-core';
import {
  type Rank,
  type Tensor,
  abs,
  cast,
  customGrad,
  div,
  equal,
  gather,
  mul,
  reshape,
  sign,
  sum,
  transpose,
  unsortedSegmentSum,
  util,
  zeros,
} from '@tensorflow/tfjs-core';

type Saver = (tensors: Tensor[]) => void;

/** Computes what has no gradient: TF.js refuses to differentiate a model that has such a thing anywhere. */
export function withoutGradient(inputs: readonly Tensor[], compute: () => Tensor): Tensor {
  const gradFunc = () => inputs.map((tensor) => zeros(tensor.shape));
  return customGrad(() => ({ value: compute(), gradFunc }))(...inputs);
}

/** Absolute values; TF.js' gradient at 0 is −1. */
export function absolute(x: Tensor): Tensor {
  if (x.dtype !== 'float32') return abs(x);
  return customGrad((given, save) => {
    (save as unknown as Saver)([given as Tensor]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => mul(dy, sign(saved[0]!));
    return { value: abs(given as Tensor), gradFunc };
  })(x);
}

/** The largest or smallest along dimensions. Where several are, each gets its share of the gradient. */
export function extreme(
  of: typeof max | typeof min,
  x: Tensor,
  dimensions: number[],
  keepsDimensions: boolean,
): Tensor {
  if (x.dtype !== 'float32') return of(x, dimensions, keepsDimensions);
  const kept = x.shape.map((size, i) => (dimensions.includes(i) ? 1 : size));
  return customGrad((given, save) => {
    const input = given as Tensor;
    const value = of(input, dimensions, keepsDimensions);
    (save as unknown as Saver)([input, value]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const isExtreme = cast(equal(saved[0]!, reshape(saved[1]!, kept)), 'float32');
      const share = div(isExtreme, sum(isExtreme, dimensions, true));
      return mul(share, reshape(dy, kept));
    };
    return { value, gradFunc };
  })(x);
}

/** Rows along a dimension by their numbers. TF.js' own wants a gradient for the numbers, too. */
export function gatherRows(x: Tensor, indices: Tensor, dimension: number): Tensor {
  const [outer, size, inner] = [
    util.sizeFromShape(x.shape.slice(0, dimension)),
    x.shape[dimension]!,
    util.sizeFromShape(x.shape.slice(dimension + 1)),
  ];
  return customGrad((given, save) => {
    (save as unknown as Saver)([indices]);
    const gradFunc = (dy: Tensor, [numbers]: Tensor[]) => {
      const rows = transpose(reshape(dy, [outer, numbers!.size, inner]), [1, 0, 2]);
      const sums = unsortedSegmentSum(rows, reshape<Rank.R1>(numbers!, [-1]), size);
      return reshape(transpose(reshape(sums, [size, outer, inner]), [1, 0, 2]), x.shape);
    };
    return { value: gather(given as Tensor, indices, dimension), gradFunc };
  })(x);
}
