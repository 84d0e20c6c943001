/** @file Draws experiments: any shape of rank 1 to 6, any axes, any options that go together. */
import fc from 'fast-check';
import { numbers, sizeOf } from '../core/reference.js';
import type { Experiment } from './layer-and-core.js';

/** Every run draws the same experiments; a failure prints the seed and the smallest experiment that fails. */
export const DRAWS = { seed: 19_150_211, endOnFailure: false } as const;

/** Bit i of `bits`. */
const bit = (bits: number, i: number) => ((bits >> i) & 1) === 1;

const RAW = fc.record({
  dimensions: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
  axisBits: fc.integer({ min: 1, max: 63 }),
  negativeBits: fc.nat(63),
  broadcastBits: fc.nat(63),
  isList: fc.boolean(),
  momentum: fc.constantFrom(0.99, 0.7, 0),
  epsilon: fc.constantFrom(0.001, 0.1),
  center: fc.boolean(),
  scale: fc.boolean(),
  renorm: fc.boolean(),
  clipping: fc.constantFrom({}, { rmax: 1.2, rmin: 0.8, dmax: 0.3 }, { rmax: 1.1 }, { rmin: 0.9, dmax: 0.1 }),
  renormMomentum: fc.constantFrom(0.99, 0.5),
  fused: fc.constantFrom(null, false, true),
  ghosts: fc.constantFrom(0, 0, 1, 2, 3),
  adjustment: fc.constantFrom(false, false, true),
  mask: fc.constantFrom(null, null, 'bool' as const, 'float32' as const),
  dtype: fc.constantFrom(...(['float32', 'float32', 'float32', 'int32', 'bool'] as const)),
  training: fc.constantFrom(true, true, true, false),
  trainable: fc.constantFrom(true, true, true, true, false),
  updateMovingStatistics: fc.constantFrom(true, true, true, false),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

type Raw = typeof RAW extends fc.Arbitrary<infer T> ? T : never;

function drawAxes({ axisBits, negativeBits, isList }: Raw, rank: number): number | number[] {
  const bits = axisBits % 2 ** rank || 1;
  const axes = Array.from({ length: rank }, (_, i) => i)
    .filter((i) => bit(bits, i))
    .map((i) => (bit(negativeBits, i) ? i - rank : i));
  return axes.length === 1 && !isList ? axes[0]! : axes.reverse();
}

/** Some dimensions 1, some left out from the front: what can be broadcast to `shape`. */
const broadcastable = (shape: readonly number[], bits: number) =>
  shape.slice(bits % (shape.length + 1)).map((dim, i) => (bit(bits, i) ? 1 : dim));

/** Some weights 0, and where there is more than one row, sometimes a whole channel of them. */
function drawMask(shape: readonly number[], dtype: 'bool' | 'float32', bits: number, seed: number) {
  const form = shape.slice(0, -1).map((dim, i) => (bit(bits, i) ? 1 : dim));
  const values = Array.from(numbers(sizeOf(form), seed + 300), (value) => {
    if (value < -0.3) return 0;
    return dtype === 'bool' ? 1 : Math.fround(1.5 + value);
  });
  return { shape: form, values, dtype };
}

/** Whether Keras runs its fused kernel by itself. */
export function isFusedInKeras({ shape, options, adjustment }: Experiment): boolean {
  const { axis, fused, renorm, virtualBatchSize } = options;
  const rank = shape.length;
  const axes = [axis ?? -1].flat().map((a) => (a < 0 ? a + rank : a));
  const isImage = (rank === 4 || rank === 5) && axes.length === 1 && (axes[0] === 1 || axes[0] === rank - 1);
  return isImage && fused !== false && !renorm && virtualBatchSize == null && adjustment == null;
}

/** What was drawn, with the options left out that others exclude. */
function settle(raw: Raw): Experiment {
  const { momentum, epsilon, center, scale, renorm, clipping, renormMomentum, broadcastBits, seed } = raw;
  const { training, trainable, updateMovingStatistics } = raw;
  const axis = drawAxes(raw, raw.dimensions.length);
  const hasBatchAxis = [axis].flat().some((a) => a === 0 || a === -raw.dimensions.length);
  const virtualBatchSize = raw.ghosts > 0 && !hasBatchAxis ? raw.dimensions[0]! : null;
  const shape = raw.dimensions.with(0, raw.dimensions[0]! * (virtualBatchSize === null ? 1 : raw.ghosts));
  const adjustment =
    raw.adjustment && virtualBatchSize === null
      ? ([broadcastable(shape, broadcastBits), broadcastable(shape, raw.negativeBits)] as const)
      : null;
  const mask = raw.mask && virtualBatchSize === null ? drawMask(shape, raw.mask, broadcastBits, seed) : null;
  const options = {
    ...{ axis, momentum, epsilon, center, scale, renorm, renormMomentum, virtualBatchSize },
    renormClipping: renorm ? clipping : null,
    fused: raw.fused,
  };
  const experiment = {
    ...{ shape, options, adjustment, mask, dtype: raw.dtype },
    ...{ training, trainable, updateMovingStatistics, steps: 2, seed },
  };
  // fused: true is refused where Keras has no fused kernel.
  if (raw.fused === true && !isFusedInKeras(experiment)) options.fused = null;
  return experiment;
}

/** Any experiment. */
export const EXPERIMENTS: fc.Arbitrary<Experiment> = RAW.map(settle);
