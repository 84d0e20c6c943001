/**
 * @file The gradients against central differences of the core's own forward pass, in float64, where each of them
 * reaches. tf-keras decides on what forward gives (golden.test.ts).
 */
import {
  backward,
  forward,
  initialState,
  type BatchNormalizationOptions,
  type CallArguments,
  type State,
} from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { largestDifference, numbers, sizeOf } from './reference.js';

interface Situation {
  name: string;
  options: BatchNormalizationOptions;
  shape: number[];
  call?: CallArguments;
}

const array = (shape: number[], seed: number, offset = 0) => ({
  values: numbers(sizeOf(shape), seed).map((value) => value + offset),
  shape,
});

const fractional = (shape: number[]) => array(shape, 5, 1.1);

/** Renorm holds r and d constant; a difference sees the same where both are clipped, to numbers other than 1 and 0. */
const CLIPPED_RENORM = { renorm: true, renormClipping: { rmin: 1.3, rmax: 1.3, dmax: 0.2 } };

const adjusted = (name: string, shape: number[], own: number[], options: BatchNormalizationOptions = {}) => ({
  name: `an adjustment ${name}`,
  options,
  shape,
  call: { adjustment: { scale: array(own, 8, 1.5), bias: array(own, 9) } },
});

const SITUATIONS: Situation[] = [
  { name: 'the defaults', options: {}, shape: [6, 3] },
  { name: 'an image with channels last', options: {}, shape: [3, 2, 2, 3] },
  { name: 'an image with channels first', options: { axis: 1 }, shape: [3, 3, 2, 2] },
  { name: 'axis 0', options: { axis: 0 }, shape: [3, 5] },
  { name: 'no gamma', options: { scale: false }, shape: [6, 3] },
  { name: 'no beta', options: { center: false }, shape: [6, 3] },
  { name: 'neither gamma nor beta', options: { scale: false, center: false }, shape: [6, 3] },
  { name: 'epsilon 0.5', options: { epsilon: 0.5 }, shape: [6, 3] },
  { name: 'a batch of one', options: {}, shape: [1, 4] },
  { name: 'adjacent axes', options: { axis: [1, 2] }, shape: [4, 2, 3, 2] },
  { name: 'separate axes', options: { axis: [1, 3] }, shape: [4, 2, 3, 2] },
  { name: 'three separate axes, out of order', options: { axis: [4, 0, -3] }, shape: [2, 3, 2, 2, 2] },
  { name: 'renorm', options: CLIPPED_RENORM, shape: [6, 3] },
  { name: 'renorm of channels first', options: { ...CLIPPED_RENORM, axis: 1 }, shape: [3, 3, 2, 2] },
  { name: 'ghost batches', options: { virtualBatchSize: 3 }, shape: [6, 3] },
  { name: 'ghost batches of one', options: { virtualBatchSize: 1 }, shape: [4, 2, 3] },
  {
    name: 'ghost batches with axis 3 of rank 5',
    options: { virtualBatchSize: 2, axis: 3 },
    shape: [6, 2, 2, 3, 2],
  },
  {
    name: 'ghost batches with axes 1 and 3',
    options: { virtualBatchSize: 2, axis: [1, 3] },
    shape: [4, 2, 3, 2],
  },
  {
    name: 'ghost batches with axes 2 and 4',
    options: { virtualBatchSize: 2, axis: [2, 4] },
    shape: [4, 2, 2, 2, 2],
  },
  { name: 'ghost batches with renorm', options: { virtualBatchSize: 2, ...CLIPPED_RENORM }, shape: [6, 3] },
  { name: 'a mask of weights', options: {}, shape: [4, 3, 2], call: { mask: fractional([4, 3]) } },
  { name: 'a mask that repeats', options: {}, shape: [4, 3, 2], call: { mask: fractional([4, 1]) } },
  { name: 'a mask per sample', options: {}, shape: [6, 3], call: { mask: fractional([6]) } },
  {
    name: 'a mask of an image that is not fused',
    options: { fused: false, axis: 1 },
    shape: [3, 2, 2, 2],
    call: { mask: fractional([3, 2, 2]) },
  },
  {
    name: 'a mask with three separate axes',
    options: { axis: [0, 2, 4] },
    shape: [2, 3, 2, 2, 2],
    call: { mask: fractional([2, 3, 1, 2]) },
  },
  {
    name: 'a channel that is masked altogether',
    options: { axis: 1 },
    shape: [4, 3, 2],
    call: { mask: { values: [1, 0, 0.5, 1, 0, 1, 0, 0, 1, 1, 0, 2], shape: [4, 3] } },
  },
  {
    name: 'a channel that is masked altogether, with renorm',
    options: { axis: 1, ...CLIPPED_RENORM },
    shape: [4, 3, 2],
    call: { mask: { values: [1, 0, 0.5, 1, 0, 1, 0, 0, 1, 1, 0, 2], shape: [4, 3] } },
  },
  {
    name: 'a mask of nothing but zeros',
    options: {},
    shape: [4, 2],
    call: { mask: { values: [0, 0, 0, 0], shape: [4] } },
  },
  adjusted('per channel', [6, 3], [3]),
  adjusted('per sample', [6, 3], [6, 1]),
  adjusted('per element', [6, 3], [6, 3]),
  adjusted('per position', [3, 2, 2, 3], [1, 2, 2, 1]),
  adjusted('per channel that is first', [3, 3, 2, 2], [3, 1, 1], { axis: 1 }),
  adjusted('for all', [6, 3], [1]),
  adjusted('per sample, with renorm', [6, 3], [6, 1], CLIPPED_RENORM),
  adjusted('per element, with separate axes', [4, 2, 3, 2], [4, 2, 3, 2], { axis: [1, 3] }),
  adjusted('per element, with three axes', [2, 3, 2, 2, 2], [3, 2, 1, 2], { axis: [0, 2, 4] }),
  adjusted('without gamma and beta', [6, 3], [6, 1], { scale: false, center: false }),
  {
    name: 'an adjustment of two numbers',
    options: {},
    shape: [6, 3],
    call: { adjustment: { scale: 1.5, bias: -0.5 } },
  },
  {
    name: 'an adjustment and a mask',
    options: {},
    shape: [4, 3, 2],
    call: {
      mask: fractional([4, 3]),
      adjustment: { scale: array([4, 1, 1], 8, 1.5), bias: array([3, 1], 9) },
    },
  },
  { name: 'inference', options: {}, shape: [6, 3], call: { training: false } },
  { name: 'inference with renorm', options: CLIPPED_RENORM, shape: [6, 3], call: { training: false } },
  { name: 'inference of images', options: { axis: 1 }, shape: [3, 3, 2, 2], call: { training: false } },
  { name: 'a frozen layer', options: {}, shape: [6, 3], call: { trainable: false } },
];

/** Numbers other than those a layer starts from, so that no factor hides; renormMean is far away, so that d is clipped. */
function stateFor({ options, shape }: Situation): State {
  const randomized = Object.entries(
    initialState(options, shape) as unknown as Record<string, Float64Array>,
  ).map(([name, values], seed) => {
    const offset = { beta: 0, movingMean: 0, renormMean: 9 }[name] ?? 1.5;
    return [name, numbers(values.length, 20 + seed).map((value) => value + offset)];
  });
  return Object.fromEntries(randomized) as State;
}

/** d Σy·dy / d values, by central differences; `evaluate` gives y with the values as they then are. */
function differences(values: Float64Array, dy: Float64Array, evaluate: () => Float64Array): Float64Array {
  const step = 1e-6;
  const sum = () => evaluate().reduce((total, y, i) => total + y * dy[i]!, 0);
  return Float64Array.from(values.keys(), (i) => {
    const own = values[i]!;
    values[i] = own + step;
    const above = sum();
    values[i] = own - step;
    const below = sum();
    values[i] = own;
    return (above - below) / (2 * step);
  });
}

/** Differences of a sum near 10, rounded at 1e-15, over a step of 1e-6: 1e-9 and, where variances are small, more. */
const TOLERANCE = 1e-7;

describe('every gradient is what central differences find', () => {
  test.each(SITUATIONS.map((situation) => [situation.name, situation] as const))(
    'with %s',
    (_, situation) => {
      const { options, shape } = situation;
      const call = { training: true, ...situation.call };
      const x = array(shape, 1);
      const dy = numbers(sizeOf(shape), 2);
      const state = stateFor(situation);
      const evaluate = () => forward(x, state, options, call).y;
      const { saved } = forward(x, state, options, call);
      const { dx, dgamma, dbeta, dscale, dbias } = backward(dy, saved);

      expect(largestDifference(dx, differences(x.values, dy, evaluate))).toBeLessThan(TOLERANCE);
      const pairs = [
        [dgamma, state.gamma],
        [dbeta, state.beta],
      ] as const;
      for (const [gradient, values] of pairs) {
        expect(gradient === undefined).toBe(values === undefined);
        if (!gradient) continue;
        expect(largestDifference(gradient, differences(values as Float64Array, dy, evaluate))).toBeLessThan(
          TOLERANCE,
        );
      }
      for (const [name, gradient] of [['scale', dscale] as const, ['bias', dbias] as const]) {
        expect(gradient === undefined).toBe(call.adjustment === undefined);
        if (!gradient || !call.adjustment) continue;
        const given = call.adjustment[name];
        const own = typeof given === 'number' ? { values: Float64Array.of(given), shape: [] } : given;
        const evaluateWith = () =>
          forward(x, state, options, { ...call, adjustment: { ...call.adjustment!, [name]: own } }).y;
        const wanted = differences(own.values as Float64Array, dy, evaluateWith);
        expect(largestDifference(gradient, wanted)).toBeLessThan(TOLERANCE);
      }
    },
  );

  test('in all 44 situations', () => {
    expect(SITUATIONS).toHaveLength(44);
  });
});
