/**
 * @file The fused layer on backends whose tensors are in reach of the AssemblyScript kernels: the passes work in that
 * memory (kernel-passes.ts), and what they find per channel comes here, to the core's arithmetic in float64.
 */
import { type Tensor, type TensorInfo, engine, tensor, util } from '@tensorflow/tfjs-core';
import {
  type Correction,
  averageOverGhosts,
  gradientCoefficients,
  movedState,
  normalizationOf,
  parameterGradients,
  renormCorrection,
  statisticsInUse,
  timesSlope,
  withParameters,
} from '../../core/coefficients.js';
import type { Layout } from '../../core/layout.js';
import { zeros } from '../../core/nd-array.js';
import type { Affine, GradientSums, Moments } from '../../core/passes.js';
import { type State, isRenormState } from '../../core/state.js';
import type { JointCall } from '../../group/group.js';
import { jointGradientSums, jointMoments } from '../../group/joint-moments.js';
import type {
  Backward,
  BatchMoments,
  ChannelOptions,
  ElementWeights,
  FusedBackend,
  Limits,
  Normalization,
  ScaleAndOffset,
  Statistics,
} from '../backend.js';
import * as passes from './kernel-passes.js';
import type { PassMemory } from './memory.js';

/** The kernels on a memory. */
export class HostBackend implements FusedBackend {
  readonly hasNumbers = true;

  constructor(private readonly memory: PassMemory) {}

  moments(x: TensorInfo, layout: Layout, weights: ElementWeights | null, call: JointCall | null) {
    const given = weights && { values: new Float32Array(weights.tensor.dataSync()), span: weights.span };
    const own = passes.moments(this.memory, x, layout, given);
    return new HostMoments(this.memory, layout, given, call ? jointMoments(own, call) : own, call);
  }

  byStatistics(
    layout: Layout,
    { movingMean, movingVariance }: Pick<Statistics, 'movingMean' | 'movingVariance'>,
    scaleAndOffset: ScaleAndOffset,
    epsilon: number,
  ) {
    const [mean, variance] = this.memory.values(movingMean, movingVariance);
    const { length } = mean!;
    const moments = { count: zeros(length), mean: zeros(length), variance: zeros(length) };
    moments.mean.set(mean!);
    moments.variance.set(variance!);
    return new HostNormalization(this.memory, layout, null, moments, null, scaleAndOffset, epsilon, null);
  }

  replace(variable: TensorInfo, values: Float32Array) {
    return this.memory.replace(variable, values);
  }
}

class HostMoments implements BatchMoments {
  readonly tensors = [];

  constructor(
    private readonly memory: PassMemory,
    private readonly layout: Layout,
    private readonly weights: passes.Weights | null,
    readonly numbers: Moments,
    private readonly call: JointCall | null,
  ) {}

  normalization(statistics: Statistics, scaleAndOffset: ScaleAndOffset, options: ChannelOptions) {
    const { memory, layout, weights, numbers, call } = this;
    const { epsilon } = options;
    const state = stateOf(memory, statistics);
    const average = averageOverGhosts(numbers, layout.ghosts);
    const correction = isRenormState(state)
      ? renormCorrection(average, state, { epsilon, renormClipping: numbersOf(options.renormClipping) })
      : null;
    const moments = statisticsInUse(numbers, state);
    const moved = movedState(state, average, options, options.bessel);
    return {
      normalization: new HostNormalization(
        memory,
        layout,
        weights,
        moments,
        correction,
        scaleAndOffset,
        epsilon,
        call,
      ),
      moved: () => statisticsFrom(moved),
    };
  }
}

class HostNormalization implements Normalization {
  readonly tensors = [];
  /** x̂·r + d as a function of x. */
  readonly normalized: Affine;
  /** y as a function of x. */
  readonly affine: Affine;
  /** Its values, which may change before they are needed again. */
  private readonly scale: Float64Array | null;

  /** @param moments that x is normalized by; a count of 0 where they are constants */
  constructor(
    readonly memory: PassMemory,
    readonly layout: Layout,
    readonly weights: passes.Weights | null,
    readonly moments: Moments,
    private readonly correction: Correction | null,
    { scale, offset }: ScaleAndOffset,
    readonly epsilon: number,
    readonly call: JointCall | null,
  ) {
    // Kernels subtract the mean as float32 has it, which is exact near it; what is left goes into the intercept.
    const centre = zeros(moments.mean.length);
    for (let k = 0; k < centre.length; k++) centre[k] = Math.fround(moments.mean[k]!);
    this.normalized = normalizationOf(moments, correction, centre, epsilon);
    const values = memory.values(...(scale ? [scale] : []), ...(offset ? [offset] : []));
    this.scale = scale && zeros(values[0]!.length);
    this.scale?.set(values[0]!);
    this.affine = withParameters(this.normalized, this.scale, offset && values.at(-1)!);
  }

  get isConstant() {
    return this.moments.count.every((count) => count === 0);
  }

  normalize(x: TensorInfo) {
    return passes.normalize(this.memory, x, this.layout, this.affine);
  }

  scaleGradient(dy: TensorInfo) {
    const { slope } = this.affine;
    const none = zeros(slope.length);
    return passes.normalize(this.memory, dy, this.layout, { centre: none, slope, intercept: none });
  }

  backward(dy: TensorInfo, x: TensorInfo) {
    return new HostBackward(this, dy, x);
  }

  numbers() {
    const { layout, weights, moments, correction, scale, isConstant } = this;
    const { centre } = this.affine;
    const perChannel = (values: Float64Array) => {
      const all = centre.map((_, k) => values[k % values.length]!);
      return tensor(new Float32Array(all), [1, layout.groups, 1, layout.channels, 1]);
    };
    return {
      perChannel: {
        centre: perChannel(centre),
        rest: perChannel(centre.map((value, k) => moments.mean[k]! - value)),
        variance: perChannel(moments.variance),
        r: correction && perChannel(correction.r),
        d: correction && perChannel(correction.d),
        count: isConstant ? null : perChannel(moments.count),
      },
      scale: scale && tensor(new Float32Array(scale)),
      weights: weights && { tensor: tensor(weights.values), span: weights.span },
    };
  }
}

class HostBackward implements Backward {
  private sums!: GradientSums;
  /** Of scale and offset, once one of them was asked for. */
  private gradients: ReturnType<typeof parameterGradients> | null = null;

  constructor(
    private readonly normalization: HostNormalization,
    private readonly dy: TensorInfo,
    private readonly x: TensorInfo,
  ) {}

  sum() {
    const { memory, layout, affine } = this.normalization;
    this.sums = passes.gradientSums(memory, this.dy, this.x, layout, affine.centre);
  }

  dx() {
    const { memory, layout, weights, moments, affine, epsilon, call } = this.normalization;
    // Times its own slope on each rank, whose weights may be others. Gradients of scale and offset stay a rank's own.
    const own = timesSlope(this.sums, affine);
    const sums = call ? jointGradientSums(own, call) : own;
    const coefficients = gradientCoefficients(sums, moments, affine, epsilon);
    return passes.gradientNormalize(memory, this.dy, this.x, layout, coefficients, weights);
  }

  gradientOf(name: keyof ScaleAndOffset, shape: number[]) {
    this.gradients ??= parameterGradients(
      this.sums,
      this.normalization.normalized,
      util.sizeFromShape(shape),
    );
    const { memory } = this.normalization;
    const gradient = memory.allocate(shape);
    const [values] = memory.values(gradient) as [Float32Array];
    values.set(name === 'scale' ? this.gradients.dgamma : this.gradients.dbeta);
    return engine().makeTensorFromTensorInfo(gradient);
  }
}

/** The statistics' values as the core's arithmetic takes them, good until the memory is used again. */
function stateOf(memory: PassMemory, { movingMean, movingVariance, renorm }: Statistics): State {
  const of = (...tensors: Tensor[]) => memory.values(...tensors) as Float32Array[];
  if (!renorm) {
    const [mean, variance] = of(movingMean, movingVariance);
    return { movingMean: mean!, movingVariance: variance! };
  }
  const { movingStddev, renormMean, renormStddev } = renorm;
  const values = of(movingMean, movingVariance, movingStddev, renormMean, renormStddev);
  return {
    movingMean: values[0]!,
    movingVariance: values[1]!,
    movingStddev: values[2]!,
    renormMean: values[3]!,
    renormStddev: values[4]!,
  };
}

function statisticsFrom(state: State): Statistics<Float32Array> {
  const { movingMean, movingVariance } = state as Record<'movingMean' | 'movingVariance', Float32Array>;
  if (!isRenormState(state)) return { movingMean, movingVariance, renorm: null };
  return {
    movingMean,
    movingVariance,
    renorm: {
      movingStddev: state.movingStddev as Float32Array,
      renormMean: state.renormMean as Float32Array,
      renormStddev: state.renormStddev as Float32Array,
    },
  };
}

/** Limits as numbers, read now. */
function numbersOf({ rmax, rmin, dmax }: Limits): { rmax: number; rmin: number; dmax: number } {
  const number = (limit: Tensor | number | null | undefined, none: number) =>
    limit == null ? none : typeof limit === 'number' ? limit : limit.dataSync()[0]!;
  return { rmax: number(rmax, Infinity), rmin: number(rmin, -Infinity), dmax: number(dmax, Infinity) };
}
