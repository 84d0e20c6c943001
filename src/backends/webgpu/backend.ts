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
  tensor1d,
} from '@tensorflow/tfjs-core';
import type { Layout } from '../../core/layout.js';
import type { FusedBackend, Limits, Normalization, Pace, Statistics } from '../backend.js';
import { elementwise } from './elementwise.js';
import {
  type Size,
  adjusterGradient,
  gradientCoefficients,
  movedStatistic,
  normalizationNumbers,
  renormCorrection,
  varianceOfStddev,
} from './per-channel.js';
import type { WebgpuBackend } from './program.js';
import { type DeviceWeights, MOMENTS_ROWS, SUMS_ROWS, gradientSums, moments } from './reductions.js';

/** A normalization on the device. */
interface DeviceNormalization extends Normalization {
  readonly tensors: { readonly numbers: Tensor; readonly weights?: Tensor };
}

/** TF.js is to dispose of it with the scope that is open. */
const tracked = (tensor: TensorInfo): Tensor => engine().makeTensorFromTensorInfo(tensor);

const sizeOf = ({ groups, channels, ghosts }: Layout): Size => ({
  size: groups * channels,
  parameters: (groups * channels) / ghosts,
});

const asFloats = (parameter: Tensor | null) => parameter && cast(parameter, 'float32');

/** The kernels on the device; null where the backend is not built as expected. */
export function webgpuBackend(
  kernelBackend: KernelBackend,
): FusedBackend<DeviceWeights & { readonly tensor: Tensor }, Tensor, DeviceNormalization, Tensor> | null {
  const backend = kernelBackend as WebgpuBackend;
  if (typeof (backend.runWebGPUProgram as unknown) !== 'function') return null;
  const table = (rows: number, { size }: Size) => tracked(backend.makeTensorInfo([rows, size], 'float32'));
  return {
    weights: (tensor, span) => ({ tensor, span }),

    moments(x, layout, weights) {
      const found = table(MOMENTS_ROWS, sizeOf(layout));
      moments(backend, x, layout, weights, found);
      return found;
    },

    byBatch(batch, layout, statistics, { scale, offset }, step, weights) {
      const { epsilon } = step;
      const size = sizeOf(layout);
      const { movingMean, movingVariance, renorm } = statistics;
      const correction =
        renorm &&
        tracked(
          renormCorrection(
            backend,
            size,
            {
              moments: batch,
              renormMean: renorm.renormMean,
              renormStddev: renorm.renormStddev,
              limits: limitsOf(step.renormClipping),
            },
            epsilon,
          ),
        );
      const adjusters = { scale: asFloats(scale), offset: asFloats(offset) };
      const inputs = { moments: batch, movingMean, movingVariance, correction, ...adjusters };
      const numbers = tracked(normalizationNumbers(backend, size, inputs, epsilon));
      const tensors = { numbers, ...(weights && { weights: weights.tensor }) };
      return {
        found: { isConstant: false, tensors },
        moved: () => movedStatistics(backend, size, batch, statistics, step),
      };
    },

    byStatistics(layout, { movingMean, movingVariance }, adjusters, epsilon) {
      const inputs = { moments: null, movingMean, movingVariance, correction: null, ...adjusters };
      const numbers = tracked(normalizationNumbers(backend, sizeOf(layout), inputs, epsilon));
      return { isConstant: true, tensors: { numbers } };
    },

    normalize: (x, layout, { tensors: { numbers } }) =>
      elementwise(backend, 'normalize', { x }, layout, { numbers }, null),

    roomForSums: (layout) => table(SUMS_ROWS, sizeOf(layout)),

    sumGradients(dy, x, layout, { tensors: { numbers } }, sums) {
      gradientSums(backend, dy, x, layout, numbers, sums);
    },

    adjusterGradient: (name, layout, { tensors: { numbers } }, sums, shape) =>
      tracked(adjusterGradient(backend, sizeOf(layout), name, { sums, numbers }, shape)),

    gradientNormalize(dy, x, layout, { tensors: { numbers } }, sums, weights) {
      const coefficients = gradientCoefficients(backend, sizeOf(layout), { sums, numbers });
      const dx = elementwise(
        backend,
        'gradientNormalize',
        { x, dy },
        layout,
        { numbers, coefficients },
        weights,
      );
      backend.disposeData(coefficients.dataId);
      return dx;
    },

    scaleGradient: (dy, layout, { tensors: { numbers } }) =>
      elementwise(backend, 'scale', { x: dy }, layout, { numbers }, null),

    // New values come as tensors, and take the place of the old ones by being assigned.
    replace: () => false,
  };
}

/** The statistics that a batch leaves behind. */
function movedStatistics(
  backend: WebgpuBackend,
  size: Size,
  moments: Tensor,
  { movingMean, movingVariance, renorm }: Statistics,
  step: Pace & { readonly bessel: boolean },
): Statistics {
  const { epsilon, bessel } = step;
  const moved = (moving: Tensor, followed: Parameters<typeof movedStatistic>[2], momentum: number) => {
    // As the core has it, which is as Keras has it.
    const decay = Math.fround(1 - momentum);
    return tracked(movedStatistic(backend, size, followed, { moving, moments }, decay, epsilon));
  };
  const mean = moved(movingMean, 'mean', step.momentum);
  if (!renorm) {
    const variance = moved(movingVariance, bessel ? 'unbiasedVariance' : 'variance', step.momentum);
    return { movingMean: mean, movingVariance: variance, renorm: null };
  }
  const movingStddev = moved(renorm.movingStddev, 'stddev', step.momentum);
  const inputs = { moving: movingVariance, moments, movingStddev };
  return {
    movingMean: mean,
    movingVariance: tracked(varianceOfStddev(backend, size, inputs, epsilon)),
    renorm: {
      movingStddev,
      renormMean: moved(renorm.renormMean, 'mean', step.renormMomentum),
      renormStddev: moved(renorm.renormStddev, 'stddev', step.renormMomentum),
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
