/**
 * @file What the fused layer asks of a backend: the four passes over data (core/passes.ts says what they compute), and
 * the arithmetic per channel between them, done where the numbers are. host/ has it for backends whose tensors the
 * AssemblyScript kernels can reach, webgpu/ for the GPU.
 *
 *   backend.moments(x) ──▶ BatchMoments ──normalization()──▶ Normalization ──normalize(x)──▶ y
 *   backend.byStatistics() ──────────────────────────────────────┘ └──backward(dy, x)──▶ Backward ──▶ gradients
 *
 * Each of these is the backend's own object, and holds what it needs of the ones before. Inputs are float32 and not
 * empty.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../core/layout.js';
import type { Moments } from '../core/passes.js';
import type { JointCall } from '../group/group.js';

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

/** How much statistics keep of what they were. */
export interface Momenta {
  momentum: number;
  renormMomentum: number;
}

/** Limits as `renormClipping` gives them; tensors are read when they are used. */
export interface Limits {
  rmax?: Tensor | number | null;
  rmin?: Tensor | number | null;
  dmax?: Tensor | number | null;
}

/** What a training step's arithmetic per channel depends on. */
export interface ChannelOptions extends Momenta {
  epsilon: number;
  /** Whether the moving variance gets Bessel's correction n/(n − 1). */
  bessel: boolean;
  /** Limits of renorm's corrections, read now. */
  renormClipping: Limits;
}

/** gamma and beta, or what else follows the normalization, of one number per parameter each. */
export interface ScaleAndOffset {
  readonly scale: Tensor | null;
  readonly offset: Tensor | null;
}

/** A mask as the passes take it: float32, each weight for `span` consecutive elements. */
export interface ElementWeights {
  readonly tensor: Tensor;
  readonly span: number;
}

/** A backend that has the passes. */
export interface FusedBackend {
  /** Whether moments are numbers at once. */
  readonly hasNumbers: boolean;

  /**
   * A pass: count, mean and variance of x, per group and channel.
   *
   * @param call whose ranks have their moments together, and their gradients through them; null for this one's alone. Only
   *   where moments are numbers at once
   */
  moments(
    x: TensorInfo,
    layout: Layout,
    weights: ElementWeights | null,
    call: JointCall | null,
  ): BatchMoments;

  /** What x is normalized by in inference: the moving statistics, scale and offset. */
  byStatistics(
    layout: Layout,
    statistics: Pick<Statistics, 'movingMean' | 'movingVariance'>,
    scaleAndOffset: ScaleAndOffset,
    epsilon: number,
  ): Normalization;

  /** Puts other values in the place of a tensor's, if nobody else holds them. Returns whether it did. */
  replace(tensor: TensorInfo, values: Float32Array): boolean;
}

/** What a batch tells, per group and channel. */
export interface BatchMoments {
  /** What of it lies in tensors. */
  readonly tensors: TensorInfo[];
  /** In numbers; null where one would have to wait for them, as `hasNumbers` says. */
  readonly numbers: Moments | null;

  /**
   * What x is normalized by in training: its own moments, renorm's r and d, scale and offset; and the statistics that the
   * batch leaves behind.
   */
  normalization(
    statistics: Statistics,
    scaleAndOffset: ScaleAndOffset,
    options: ChannelOptions,
  ): { normalization: Normalization; moved: () => Statistics<Tensor | Float32Array> };
}

/** Tensors of shape `[1, groups, 1, channels, 1]`; what ghost batches share may have 1 for groups. */
export interface ChannelTensors {
  readonly centre: Tensor;
  /** The mean is centre + rest; null for 0. */
  readonly rest: Tensor | null;
  readonly variance: Tensor;
  /** Of renorm; null for 1 and 0. */
  readonly r: Tensor | null;
  readonly d: Tensor | null;
  /** The weight of all elements, where these are the input's own moments; null where they are constants. */
  readonly count: Tensor | null;
}

/** What an input is normalized by: y = slope·(x − centre) + intercept, per group and channel. */
export interface Normalization {
  /** Whether these are constants, so that dx = slope·dy. */
  readonly isConstant: boolean;
  /** What of it lies in tensors, which TF.js is to keep until the gradient is computed. */
  readonly tensors: readonly Tensor[];
  readonly layout: Layout;
  readonly epsilon: number;
  /** The call of all ranks whose moments these are; null where they are this one's alone. */
  readonly call: JointCall | null;

  /** A pass: y. */
  normalize(x: TensorInfo): TensorInfo;

  /** A pass: dx, where the normalization is constant. */
  scaleGradient(dy: TensorInfo): TensorInfo;

  /** Begins a backward pass, and takes room for what it finds. */
  backward(dy: TensorInfo, x: TensorInfo): Backward;

  /** What it was made of, for TF.js' own operations: in tensors that no tape knows. */
  numbers(): NormalizationNumbers;
}

/** What a normalization was made of. */
export interface NormalizationNumbers {
  readonly perChannel: ChannelTensors;
  /** A vector of one number per parameter; null for 1. */
  readonly scale: Tensor | null;
  readonly weights: ElementWeights | null;
}

/** The gradients that follow from one dy. */
export interface Backward {
  /** A pass, which goes before the others: Σdy and Σdy·(x − centre), per group and channel. */
  sum(): void;

  /** A pass: dx. */
  dx(): TensorInfo;

  /** The gradient of scale or offset, over groups that share a parameter. */
  gradientOf(name: keyof ScaleAndOffset, shape: number[]): Tensor;
}
