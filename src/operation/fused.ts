/**
 * @file The layer's operation by a backend's passes: the same results as composed.ts, which it is tested against.
 *
 * Two things do not dissolve in the passes: axes that the canonical layout cannot hold are transposed first and back
 * after, and an adjustment that varies within a channel is applied to the kernel's result by TF.js operations.
 */
import { Tensor, add, broadcastTo, expandDims, mul, reshape, transpose, zeros } from '@tensorflow/tfjs-core';
import type { ElementWeights, FusedBackend, ScaleAndOffset, Statistics } from '../backends/backend.js';
import { type Layout, makeLayout } from '../core/layout.js';
import type { Moments } from '../core/passes.js';
import { type Parameters, adjust } from './adjustment.js';
import type { Trained, TrainingStep } from './composed/composed.js';
import { momentsOf, normalizeBy } from './tf-kernels.js';
import { toFloat32 } from './to-float32.js';

/** Normalizes x (float32, not empty) by its own moments. */
export function trainFused(
  backend: FusedBackend,
  x: Tensor,
  parameters: Parameters,
  statistics: Statistics,
  step: TrainingStep,
): Trained<Tensor | Float32Array> {
  const layout = makeLayout(x.shape, step.axes, step.virtualBatchSize);
  const arranged = arrange(x, layout);
  const moments = momentsOf(
    backend,
    arranged,
    layout,
    step.mask && elementWeights(step.mask, layout),
    step.call,
  );
  const { scaleAndOffset, finish } = settleAdjustment(parameters, step, x.shape);
  const { normalization, moved } = moments.normalization(statistics, scaleAndOffset, step);
  const y = normalizeBy(normalization, arranged, scaleAndOffset);
  return { y: finish(restore(y, layout)), moved };
}

/** The moments of x (float32, not empty), per group and channel, in float64; null where one would have to wait. */
export function momentsFused(
  backend: FusedBackend,
  x: Tensor,
  { axes, virtualBatchSize, mask }: Pick<TrainingStep, 'axes' | 'virtualBatchSize' | 'mask'>,
): Moments | null {
  const layout = makeLayout(x.shape, axes, virtualBatchSize);
  return momentsOf(backend, arrange(x, layout), layout, mask && elementWeights(mask, layout), null).numbers;
}

/** Normalizes x (float32, not empty) by the moving statistics. */
export function inferFused(
  backend: FusedBackend,
  x: Tensor,
  { gamma, beta }: Parameters,
  statistics: Statistics,
  axes: readonly number[],
  epsilon: number,
): Tensor {
  const layout = makeLayout(x.shape, axes, null);
  const scaleAndOffset = { scale: gamma, offset: beta };
  const normalization = backend.byStatistics(layout, statistics, scaleAndOffset, epsilon);
  return restore(normalizeBy(normalization, arrange(x, layout), scaleAndOffset), layout);
}

const arrange = (x: Tensor, { permutation }: Layout) => (permutation ? transpose(x, [...permutation]) : x);

const restore = (y: Tensor, { permutation }: Layout) =>
  permutation
    ? transpose(
        y,
        permutation.map((_, d) => permutation.indexOf(d)),
      )
    : y;

/** A mask as the passes take it: without a permutation one weight serves the input's whole last axis. */
function elementWeights(mask: Tensor, { shape, permutation }: Layout): ElementWeights {
  const rows = broadcastTo(toFloat32(mask), shape.slice(0, -1));
  if (!permutation) return { tensor: rows, span: shape.at(-1)! };
  return { tensor: transpose(broadcastTo(expandDims(rows, -1), [...shape]), [...permutation]), span: 1 };
}

/**
 * What of the adjustment goes into scale and offset, and what is left to do after: all or nothing, by whether both
 * parts of it are the same all over a channel.
 */
function settleAdjustment(
  { gamma, beta }: Parameters,
  { adjustment, axes, call }: TrainingStep,
  shape: readonly number[],
): { scaleAndOffset: ScaleAndOffset; finish: (y: Tensor) => Tensor } {
  const nothing = (y: Tensor) => y;
  if (!adjustment) return { scaleAndOffset: { scale: gamma, offset: beta }, finish: nothing };
  const [scale, bias] = adjustment;
  const dimensions = axes.map((axis) => shape[axis]!);
  const channels = dimensions.reduce((a, b) => a * b, 1);
  const varies = (part: Tensor | number) =>
    part instanceof Tensor &&
    part.shape.some((size, d) => size > 1 && !axes.includes(d + shape.length - part.rank));
  // With other ranks it is never dissolved: one row does not vary, and all ranks must make the same sums.
  if (call || varies(scale) || varies(bias)) {
    const finish = (y: Tensor) => adjust(y, adjustment, { gamma, beta }, axes);
    return { scaleAndOffset: { scale: null, offset: null }, finish };
  }
  const perChannel = (part: Tensor | number): Tensor => {
    const whole = add(part, 0);
    const leading = new Array<number>(shape.length - whole.rank).fill(1);
    const sizes = [...leading, ...whole.shape];
    const kept = reshape(
      whole,
      axes.map((axis) => sizes[axis]!),
    );
    // Not broadcastTo, whose gradient TF.js has up to rank 4 only.
    return reshape(add(kept, zeros(dimensions)), [channels]);
  };
  const flat = (parameter: Tensor) => reshape(parameter, [channels]);
  const [ownScale, ownBias] = [perChannel(scale), perChannel(bias)];
  const biased = gamma ? mul(ownBias, flat(gamma)) : ownBias;
  const scaleAndOffset = {
    scale: gamma ? mul(ownScale, flat(gamma)) : ownScale,
    offset: beta ? add(biased, flat(beta)) : biased,
  };
  return { scaleAndOffset, finish: nothing };
}
