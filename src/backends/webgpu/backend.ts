/**
 * @file The fused layer on TF.js' webgpu backend: passes and arithmetic are programs on the device, and a training step
 * only queues them. Nothing is read back.
 */
import {
  type KernelBackend,
  Tensor,
  type Rank,
  type TensorInfo,
  cast,
  concat1d,
  engine,
  reshape,
  slice,
  tensor1d,
  unstack,
} from '@tensorflow/tfjs-core';
import type { Layout } from '../../core/layout.js';
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
import { share } from '../tape.js';
import { elementwise } from './elementwise.js';
import {
  NUMBERS,
  type Size,
  gradientCoefficients,
  gradientOf,
  movedStatistic,
  normalizationNumbers,
  renormCorrection,
  varianceOfStddev,
} from './per-channel.js';
import type { WebgpuBackend } from './program.js';
import { MOMENTS_ROWS, SUMS_ROWS, gradientSums, moments } from './reductions.js';

/** TF.js is to dispose of it with the scope that is open. */
const tracked = (tensor: TensorInfo): Tensor => engine().makeTensorFromTensorInfo(tensor);

const sizeOf = ({ groups, channels, ghosts }: Layout): Size => ({
  size: groups * channels,
  parameters: (groups * channels) / ghosts,
});

const asFloats = (parameter: Tensor | null) => parameter && cast(parameter, 'float32');

const makeTable = (backend: WebgpuBackend, rows: number, layout: Layout) =>
  backend.makeTensorInfo([rows, sizeOf(layout).size], 'float32');

/** The kernels on the device; null where the backend is not built as expected. */
export function webgpuBackend(kernelBackend: KernelBackend): FusedBackend | null {
  const backend = kernelBackend as WebgpuBackend;
  return typeof (backend.runWebGPUProgram as unknown) === 'function' ? new DeviceBackend(backend) : null;
}

class DeviceBackend implements FusedBackend {
  readonly hasNumbers = false;

  constructor(private readonly backend: WebgpuBackend) {}

  moments(x: TensorInfo, layout: Layout, weights: ElementWeights | null) {
    const table = makeTable(this.backend, MOMENTS_ROWS, layout);
    moments(this.backend, x, layout, weights, table);
    return new DeviceMoments(this.backend, layout, weights, table);
  }

  byStatistics(
    layout: Layout,
    { movingMean, movingVariance }: Pick<Statistics, 'movingMean' | 'movingVariance'>,
    scaleAndOffset: ScaleAndOffset,
    epsilon: number,
  ) {
    const inputs = { moments: null, movingMean, movingVariance, correction: null, ...scaleAndOffset };
    const numbers = tracked(normalizationNumbers(this.backend, sizeOf(layout), inputs, epsilon));
    return new DeviceNormalization(this.backend, layout, null, numbers, true, epsilon);
  }

  // New values come as tensors, and take the place of the old ones by being assigned.
  replace() {
    return false;
  }
}

class DeviceMoments implements BatchMoments {
  readonly numbers = null;
  readonly tensors: TensorInfo[];

  /** @param table of moments, as reductions.ts writes it */
  constructor(
    private readonly backend: WebgpuBackend,
    private readonly layout: Layout,
    private readonly weights: ElementWeights | null,
    private readonly table: TensorInfo,
  ) {
    this.tensors = [table];
  }

  normalization(statistics: Statistics, { scale, offset }: ScaleAndOffset, options: ChannelOptions) {
    const { backend, layout, weights, table } = this;
    const { epsilon, renormClipping } = options;
    const size = sizeOf(layout);
    const { movingMean, movingVariance, renorm } = statistics;
    const correction =
      renorm &&
      tracked(
        renormCorrection(
          backend,
          size,
          {
            moments: table,
            renormMean: renorm.renormMean,
            renormStddev: renorm.renormStddev,
            limits: limitsOf(renormClipping),
          },
          epsilon,
        ),
      );
    const scaleAndOffset = { scale: asFloats(scale), offset: asFloats(offset) };
    const inputs = { moments: table, movingMean, movingVariance, correction, ...scaleAndOffset };
    const numbers = tracked(normalizationNumbers(backend, size, inputs, epsilon));
    return {
      normalization: new DeviceNormalization(backend, layout, weights, numbers, false, epsilon),
      moved: () => movedStatistics(backend, size, table, statistics, options),
    };
  }
}

class DeviceNormalization implements Normalization {
  readonly call = null;
  readonly tensors: Tensor[];

  /** @param table of numbers, as per-channel.ts writes it */
  constructor(
    readonly backend: WebgpuBackend,
    readonly layout: Layout,
    readonly weights: ElementWeights | null,
    readonly table: Tensor,
    readonly isConstant: boolean,
    readonly epsilon: number,
  ) {
    this.tensors = weights ? [table, weights.tensor] : [table];
  }

  normalize(x: TensorInfo) {
    const { backend, layout, table } = this;
    return elementwise(backend, 'normalize', { x }, layout, { numbers: table }, null);
  }

  scaleGradient(dy: TensorInfo) {
    const { backend, layout, table } = this;
    return elementwise(backend, 'scale', { x: dy }, layout, { numbers: table }, null);
  }

  backward(dy: TensorInfo, x: TensorInfo) {
    return new DeviceBackward(this, dy, x);
  }

  numbers() {
    const { layout, weights, isConstant } = this;
    const rows = unstack(share(this.table));
    const row = (name: (typeof NUMBERS)[number]) => rows[NUMBERS.indexOf(name)]!;
    const perChannel = (name: (typeof NUMBERS)[number]) =>
      reshape(row(name), [1, layout.groups, 1, layout.channels, 1]);
    return {
      perChannel: {
        centre: perChannel('centre'),
        rest: perChannel('rest'),
        variance: perChannel('variance'),
        r: perChannel('r'),
        d: perChannel('d'),
        count: isConstant ? null : perChannel('count'),
      },
      scale: slice(row('scale'), 0, sizeOf(layout).parameters),
      weights: weights && { tensor: share(weights.tensor), span: weights.span },
    };
  }
}

class DeviceBackward implements Backward {
  /** Costs nothing before it is used. */
  private readonly sums: Tensor;

  constructor(
    private readonly normalization: DeviceNormalization,
    private readonly dy: TensorInfo,
    private readonly x: TensorInfo,
  ) {
    const { backend, layout } = normalization;
    this.sums = tracked(makeTable(backend, SUMS_ROWS, layout));
  }

  sum() {
    const { backend, layout, table } = this.normalization;
    gradientSums(backend, this.dy, this.x, layout, table, this.sums);
  }

  dx() {
    const { backend, layout, weights, table: numbers } = this.normalization;
    const coefficients = gradientCoefficients(backend, sizeOf(layout), { sums: this.sums, numbers });
    const inputs = { x: this.x, dy: this.dy };
    const dx = elementwise(backend, 'gradientNormalize', inputs, layout, { numbers, coefficients }, weights);
    backend.disposeData(coefficients.dataId);
    return dx;
  }

  gradientOf(name: keyof ScaleAndOffset, shape: number[]) {
    const { backend, layout, table: numbers } = this.normalization;
    return tracked(gradientOf(backend, sizeOf(layout), name, { sums: this.sums, numbers }, shape));
  }
}

/** The statistics that a batch leaves behind. */
function movedStatistics(
  backend: WebgpuBackend,
  size: Size,
  table: TensorInfo,
  { movingMean, movingVariance, renorm }: Statistics,
  options: ChannelOptions,
): Statistics {
  const { epsilon, bessel, momentum, renormMomentum } = options;
  const moved = (moving: Tensor, followed: Parameters<typeof movedStatistic>[2], itsMomentum: number) => {
    // As the core has it, which is as Keras has it.
    const decay = Math.fround(1 - itsMomentum);
    return tracked(movedStatistic(backend, size, followed, { moving, moments: table }, decay, epsilon));
  };
  const mean = moved(movingMean, 'mean', momentum);
  if (!renorm) {
    const variance = moved(movingVariance, bessel ? 'unbiasedVariance' : 'variance', momentum);
    return { movingMean: mean, movingVariance: variance, renorm: null };
  }
  const movingStddev = moved(renorm.movingStddev, 'stddev', momentum);
  const inputs = { moving: movingVariance, moments: table, movingStddev };
  return {
    movingMean: mean,
    movingVariance: tracked(varianceOfStddev(backend, size, inputs, epsilon)),
    renorm: {
      movingStddev,
      renormMean: moved(renorm.renormMean, 'mean', renormMomentum),
      renormStddev: moved(renorm.renormStddev, 'stddev', renormMomentum),
    },
  };
}

/** rmin, rmax and dmax in one tensor, whatever they were given in. */
function limitsOf({ rmin, rmax, dmax }: Limits): Tensor {
  const limits = [rmin ?? -Infinity, rmax ?? Infinity, dmax ?? Infinity].map((limit) =>
    limit instanceof Tensor ? reshape<Rank.R1>(cast(limit, 'float32'), [1]) : tensor1d([limit], 'float32'),
  );
  return concat1d(limits);
}
