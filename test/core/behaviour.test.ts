/** @file What a program relies on that no golden case shows: what stays as it is, what is left out, and in what type. */
import { backward, forward, initialState, parameterShape, type State } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import {
  gradientCoefficients,
  timesSlope,
  normalizationOf,
  renormCorrection,
  withParameters,
} from '../../src/core/coefficients.js';
import { makeLayout } from '../../src/core/layout.js';
import { resolveOptions } from '../../src/core/options.js';
import { gradientNormalize, gradientSums, moments, normalize } from '../../src/core/passes.js';
import { largestDifference, numbers } from './reference.js';

const RENORM = { renorm: true };

/** Six samples of three channels. */
const x = { values: numbers(18, 1), shape: [6, 3] };
const dy = numbers(18, 2);

/** A state that has already seen something. */
const seenState = (options: object, shape = x.shape): State =>
  forward({ values: numbers(18, 3), shape }, initialState(options, shape), options, { training: true }).state;

test('every array that is handed out has memory of its own, so that it can be transferred', () => {
  for (const options of [{}, RENORM, { virtualBatchSize: 2 }]) {
    const { y, state, saved } = forward(x, initialState(options, x.shape), options, { training: true });
    const others = Object.values({ ...state, ...backward(dy, saved) }) as Float64Array[];
    for (const { buffer, byteLength } of [y, ...others]) expect(buffer.byteLength).toBe(byteLength);
  }
});

describe('the state', () => {
  test('that was given is not written to', () => {
    for (const options of [{}, RENORM, { virtualBatchSize: 2 }]) {
      const state = seenState(options);
      const before = structuredClone(state);
      forward(x, state, options, { training: true });
      expect(state).toEqual(before);
    }
  });

  test('keeps the array types it was given, and y has that of x', () => {
    const { gamma, beta, movingMean, movingVariance } = initialState({}, x.shape);
    const state = {
      gamma: Float32Array.from(gamma!),
      beta: beta!,
      movingMean: Float32Array.from(movingMean),
      movingVariance,
    };
    const single = { values: Float32Array.from(x.values), shape: x.shape };
    const result = forward(single, state, {}, { training: true });
    expect(result.y).toBeInstanceOf(Float32Array);
    expect(backward(dy, result.saved).dx).toBeInstanceOf(Float32Array);
    expect(result.state.movingMean).toBeInstanceOf(Float32Array);
    expect(result.state.movingVariance).toBeInstanceOf(Float64Array);
    expect(forward(x, state, {}, { training: true }).y).toBeInstanceOf(Float64Array);
  });

  test('stays as it is in inference, while frozen, with updateMovingStatistics false and after an empty batch', () => {
    for (const options of [{}, RENORM, { virtualBatchSize: 2 }]) {
      // Not one that training made: movingVariance is not movingStddev² − epsilon, and must not become it.
      const state = initialState(options, x.shape);
      const empty = { values: new Float64Array(0), shape: [0, 3] };
      expect(forward(x, state, options).state).toEqual(state);
      expect(forward(x, state, options, { training: true, trainable: false }).state).toEqual(state);
      expect(forward(x, state, options, { training: true, updateMovingStatistics: false }).state).toEqual(
        state,
      );
      expect(forward(empty, state, options, { training: true }).state).toEqual(state);
    }
  });
});

test('a frozen layer does what inference does', () => {
  const state = seenState(RENORM);
  const frozen = forward(x, state, RENORM, { training: true, trainable: false });
  expect(frozen.y).toEqual(forward(x, state, RENORM).y);
});

test('updateMovingStatistics false still normalizes by the batch, renorm included', () => {
  for (const options of [{}, RENORM]) {
    const state = seenState(options);
    const still = forward(x, state, options, { training: true, updateMovingStatistics: false });
    expect(still.y).toEqual(forward(x, state, options, { training: true }).y);
    expect(still.y).not.toEqual(forward(x, state, options).y);
  }
});

test('an empty batch gives an empty output and gradients of zero', () => {
  for (const options of [{}, RENORM, { virtualBatchSize: 2 }, { axis: [1, 2] }]) {
    const shape = [0, 3, 2];
    const empty = { values: new Float32Array(0), shape };
    const { y, saved } = forward(empty, initialState(options, shape), options, { training: true });
    const { dx, dgamma, dbeta } = backward([], saved);
    expect(y).toEqual(new Float32Array(0));
    expect(dx).toEqual(new Float32Array(0));
    expect([...dgamma!, ...dbeta!].every((value) => value === 0)).toBe(true);
  }
});

describe('a mask', () => {
  test('of ones changes nothing, and so do true and a weight that all share', () => {
    const plain = forward(x, initialState({}, x.shape), {}, { training: true });
    const wanted = backward(dy, plain.saved);
    for (const weight of [1, true, 0.25]) {
      const mask = { values: Array<number | boolean>(6).fill(weight), shape: [6] };
      const masked = forward(x, initialState({}, x.shape), {}, { training: true, mask });
      expect(largestDifference(masked.y, plain.y)).toBeLessThan(1e-14);
      expect(largestDifference(backward(dy, masked.saved).dx, wanted.dx)).toBeLessThan(1e-14);
      expect(largestDifference(masked.state.movingVariance, plain.state.movingVariance)).toBeLessThan(1e-15);
    }
  });

  test('makes the statistics those of the samples it lets through', () => {
    const mask = { values: [true, true, false, true, true, false], shape: [6] };
    const kept = { values: x.values.filter((_, i) => mask.values[Math.floor(i / 3)]), shape: [4, 3] };
    const masked = forward(x, initialState({}, x.shape), {}, { training: true, mask });
    const alone = forward(kept, initialState({}, x.shape), {}, { training: true });
    expect(largestDifference(masked.state.movingMean, alone.state.movingMean)).toBeLessThan(1e-16);
    expect(largestDifference(masked.state.movingVariance, alone.state.movingVariance)).toBeLessThan(1e-16);
    const passed = masked.y.filter((_, i) => mask.values[Math.floor(i / 3)]);
    expect(largestDifference(passed, alone.y)).toBeLessThan(1e-14);
  });

  test('keeps NaN out of the statistics and, where the loss is masked too, out of every gradient but its own', () => {
    const mask = { values: [1, 1, 0, 1, 1, 1], shape: [6] };
    const call = { training: true, mask };
    const isMasked = (i: number) => mask.values[Math.floor(i / 3)] === 0;
    const poisoned = { values: x.values.map((value, i) => (isMasked(i) ? NaN : value)), shape: x.shape };
    const maskedDy = dy.map((value, i) => (isMasked(i) ? 0 : value));
    for (const adjustment of [null, { scale: { values: [1, 2, 3], shape: [3] }, bias: 1 }]) {
      const clean = forward(x, seenState({}), {}, { ...call, adjustment });
      const result = forward(poisoned, seenState({}), {}, { ...call, adjustment });
      expect(result.state).toEqual(clean.state);
      result.y.forEach((value, i) => {
        expect(value).toBe(isMasked(i) ? NaN : clean.y[i]);
      });
      expect(backward(maskedDy, result.saved)).toEqual(backward(maskedDy, clean.saved));
    }
  });

  test('that covers a whole channel leaves all its statistics alone and has it normalized by the moving ones', () => {
    // Without r and d, as training would else do what inference does.
    const options = { axis: 1, renorm: true, renormClipping: { rmin: 1, rmax: 1, dmax: 0 } };
    const shape = [3, 3, 2];
    const values = numbers(18, 7);
    const state = seenState(options, shape);
    const mask = { values: [1, 0, 1, 1, 0, 0, 1, 0, 1], shape: [3, 3] };
    const masked = forward({ values, shape }, state, options, { training: true, mask });
    const inference = forward({ values, shape }, state, options);
    for (const [name, array] of Object.entries(masked.state)) {
      const before = state[name as keyof State]!;
      expect((array as Float64Array)[1]).toBe(before[1]);
      if (name !== 'gamma' && name !== 'beta') expect((array as Float64Array)[0]).not.toBe(before[0]);
    }
    masked.y.forEach((value, i) => {
      if (Math.floor(i / 2) % 3 === 1) expect(value).toBe(inference.y[i]);
      else expect(value).not.toBe(inference.y[i]);
    });
  });

  test('is not looked at in inference: neither its shape nor whether there are ghost batches matters', () => {
    const options = { virtualBatchSize: 2 };
    const mask = { values: [0, 0], shape: [2] };
    expect(forward(x, seenState(options), options, { mask }).y).toEqual(
      forward(x, seenState(options), options).y,
    );
  });
});

describe('renorm', () => {
  const renormState = {
    movingMean: Float64Array.of(0),
    movingVariance: Float64Array.of(1),
    movingStddev: Float64Array.of(0),
    renormMean: Float64Array.of(0),
    renormStddev: Float64Array.of(0),
  };
  const options = { renorm: true, scale: false, center: false, epsilon: 0.25, momentum: 1 };
  const pair = { values: Float64Array.of(1, 3), shape: [2, 1] };

  test('divides by √epsilon at least, however small renormStddev is', () => {
    // x̂·r + d = (x − 2)/√(1 + 0.25)·√(1 + 0.25)/0.5 + (2 − 0)/0.5 = 2x
    const { y } = forward(pair, renormState, options, { training: true });
    expect(largestDifference(y, [2, 6])).toBeLessThan(1e-14);
  });

  test('never lets movingVariance go below 0', () => {
    const { state } = forward(pair, renormState, options, { training: true });
    expect(state.movingVariance).toEqual(Float64Array.of(0));
  });
});

test('Bessel’s correction stops at a batch of one element, where Keras is fused', () => {
  const shape = [1, 1, 1, 2];
  const { state } = forward(
    { values: Float64Array.of(3, 4), shape },
    initialState({}, shape),
    {},
    { training: true },
  );
  expect(largestDifference(state.movingVariance, [0.99, 0.99])).toBeLessThan(1e-9);
});

test('an adjustment is not used in inference, and ends the fused mode of Keras in training', () => {
  const shape = [3, 2, 1, 3];
  const state = initialState({}, shape);
  const image = { values: x.values, shape };
  const adjustment = { scale: 2, bias: 1 };
  expect(forward(image, state, {}, { adjustment }).y).toEqual(forward(image, state, {}).y);
  const training = { training: true };
  const adjusted = forward(image, state, {}, { ...training, adjustment }).state.movingVariance;
  expect(adjusted).toEqual(forward(image, state, { fused: false }, training).state.movingVariance);
  expect(adjusted).not.toEqual(forward(image, state, {}, training).state.movingVariance);
});

describe('ghost batches', () => {
  test('of the whole batch are no ghost batches', () => {
    const whole = forward(
      x,
      initialState({ virtualBatchSize: 6 }, x.shape),
      { virtualBatchSize: 6 },
      { training: true },
    );
    const plain = forward(x, initialState({}, x.shape), {}, { training: true });
    expect(whole.y).toEqual(plain.y);
    expect(whole.state).toEqual(plain.state);
  });

  test('do not matter to inference, whatever the batch', () => {
    const options = { virtualBatchSize: 4 };
    expect(forward(x, seenState({}), options).y).toEqual(forward(x, seenState({}), {}).y);
  });

  test('insert a dimension into the shape of the parameters', () => {
    expect(parameterShape({ virtualBatchSize: 2 }, [8, 5, 3])).toEqual([1, 1, 1, 3]);
    expect(parameterShape({}, [8, 5, 3])).toEqual([3]);
    expect(parameterShape({ axis: [1, 2] }, [8, 5, 3])).toEqual([1, 5, 3]);
  });
});

test('kernels may subtract any centre near the mean: the results are the same', () => {
  const options = resolveOptions({ renorm: true, renormClipping: { dmax: 0.1 } });
  const layout = makeLayout(x.shape, [1], null);
  const batch = moments(x.values, layout);
  const correction = renormCorrection(
    batch,
    {
      movingMean: numbers(3, 4),
      movingVariance: numbers(3, 5),
      movingStddev: numbers(3, 6),
      renormMean: numbers(3, 7),
      renormStddev: numbers(3, 8),
    },
    options,
  );
  const run = (centre: Float64Array) => {
    const affine = withParameters(
      normalizationOf(batch, correction, centre, options.epsilon),
      numbers(3, 9),
      numbers(3, 10),
    );
    const sums = gradientSums(dy, x.values, layout, centre);
    const coefficients = gradientCoefficients(timesSlope(sums, affine), batch, affine, options.epsilon);
    return [
      ...normalize(x.values, layout, affine, new Float64Array(18)),
      ...gradientNormalize(dy, x.values, layout, coefficients, undefined, new Float64Array(18)),
    ];
  };
  const exact = run(batch.mean);
  const rounded = run(batch.mean.map((value) => Math.round(value * 8) / 8));
  expect(largestDifference(rounded, exact)).toBeLessThan(1e-12);
});

describe('the examples in the documentation hold', () => {
  test('forward', () => {
    const options = { momentum: 0.9 };
    const input = { values: Float64Array.of(1, 10, 3, 30), shape: [2, 2] };
    const { y, state } = forward(input, initialState(options, input.shape), options, { training: true });
    expect(largestDifference(y, [-1, -1, 1, 1])).toBeLessThan(1e-3);
    expect(largestDifference(state.movingMean, [0.2, 2])).toBeLessThan(1e-6);
  });

  test('backward', () => {
    const input = { values: Float64Array.of(1, 2, 3, 6), shape: [4, 1] };
    const { saved } = forward(input, initialState({}, input.shape), {}, { training: true });
    expect(backward([0, 0, 0, 1], saved).dbeta).toEqual(Float64Array.of(1));
  });

  test('initialState', () => {
    expect(initialState({ axis: 1, center: false }, [32, 3, 28, 28]).gamma).toEqual(Float64Array.of(1, 1, 1));
  });
});
