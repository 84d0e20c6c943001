/**
 * @file What the fused layer asks of a backend: the four passes over data (core/passes.ts says what they compute), and
 * the arithmetic per channel between them, done where the numbers are. host.ts has it for backends whose tensors the
 * AssemblyScript kernels can reach, webgpu/ for the GPU.
 *
 * What a pass finds is the backend's own business. It travels through the operation as it came, from the method that
 * made it to those that take it: hence the type parameters.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../core/layout.js';

/** Moving statistics, and with renorm those that it keeps, in Keras' shape for parameters. */
export interface Statistics<Value = Tensor> {
  movingMean: Value;
  movingVariance: Value;
  renorm: RenormStatistics<Value> | null;
}

/** Kept by layers with renorm. */
export interface RenormStatistics<Value = Tensor> {
  movingStddev: Value;
  renormMean: Value;
  renormStddev: Value;
}

/** How fast statistics move. */
export interface Pace {
  momentum: number;
  renormMomentum: number;
  epsilon: number;
}

/** Limits as `renormClipping` gives them; tensors are read when they are used. */
export interface Limits {
  rmax?: Tensor | number | null;
  rmin?: Tensor | number | null;
  dmax?: Tensor | number | null;
}

/** gamma and beta, or what else follows the normalization, of one number per parameter each. */
export interface Adjusters {
  readonly scale: Tensor | null;
  readonly offset: Tensor | null;
}

/** The normalization of one input: what forward found and backward needs, beside x. */
export interface Normalization {
  /** Whether x is normalized by constants, so that dx = slope·dy. */
  readonly isConstant: boolean;
  /** What of it lies in tensors, which TF.js is to keep until the gradient is computed. */
  readonly tensors: { readonly numbers?: Tensor; readonly weights?: Tensor };
}

/** A backend's passes, in the order in which they run. `layout` is that of x; x is float32 and not empty. */
export interface FusedBackend<
  Weights = unknown,
  Batch = unknown,
  Found extends Normalization = Normalization,
  Sums = unknown,
> {
  /**
   * A mask, as the passes take it.
   *
   * @param mask float32, each weight for `span` consecutive elements of x
   */
  weights(mask: Tensor, span: number): Weights;

  /** A pass: count, mean and variance of x, per group and channel. */
  moments(x: TensorInfo, layout: Layout, weights: Weights | null): Batch;

  /** What x is normalized by in training: its own moments, renorm's r and d, scale and offset. */
  byBatch(
    batch: Batch,
    layout: Layout,
    statistics: Statistics,
    adjusters: Adjusters,
    step: Pace & { readonly bessel: boolean; readonly renormClipping: Limits },
    weights: Weights | null,
  ): { found: Found; moved: () => Statistics<Tensor | Float32Array> };

  /** What x is normalized by in inference: the moving statistics, scale and offset. */
  byStatistics(layout: Layout, statistics: Statistics, adjusters: Adjusters, epsilon: number): Found;

  /** A pass: y. */
  normalize(x: TensorInfo, layout: Layout, found: Found): TensorInfo;

  /** Room for the sums of one backward pass; costs nothing before it is used. */
  roomForSums(layout: Layout): Sums;

  /** A pass: Σdy and Σdy·(x − centre), per group and channel, into `sums`. */
  sumGradients(dy: TensorInfo, x: TensorInfo, layout: Layout, found: Found, sums: Sums): void;

  /** The gradient of scale or offset, over groups that share a parameter. */
  adjusterGradient(name: keyof Adjusters, layout: Layout, found: Found, sums: Sums, shape: number[]): Tensor;

  /** A pass: dx. */
  gradientNormalize(
    dy: TensorInfo,
    x: TensorInfo,
    layout: Layout,
    found: Found,
    sums: Sums,
    weights: Weights | null,
  ): TensorInfo;

  /** A pass: dx = slope·dy, where x is normalized by constants. */
  scaleGradient(dy: TensorInfo, layout: Layout, found: Found): TensorInfo;

  /** Puts other values in the place of a tensor's, if nobody else holds them. Returns whether it did. */
  replace(tensor: TensorInfo, values: Float32Array): boolean;
}
