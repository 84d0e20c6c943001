/** @file Accuracy where it is hard to come by: a mean that is large against the standard deviation. */
import { backward, forward, initialState } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { largestDifference, numbers } from './reference.js';

const MEAN = 2 ** 20;
const shape = [512, 3];

/** Multiples of 2⁻³⁰ in [-1, 1): adding MEAN to them is exact, so both inputs hold the very same deviations. */
const deviations = numbers(512 * 3, 4).map((value) => Math.round(value * 2 ** 30) / 2 ** 30);
const dy = numbers(512 * 3, 5);

function train(values: Float64Array | Float32Array) {
  const options = { epsilon: 1e-3, momentum: 0 };
  const { y, state, saved } = forward({ values, shape }, initialState(options, shape), options, {
    training: true,
  });
  return { y, variance: state.movingVariance, ...backward(dy, saved) };
}

test('a mean of a million standard deviations costs no digits but those that the mean itself cannot hold', () => {
  const near = train(deviations);
  const far = train(deviations.map((value) => value + MEAN));
  // The mean rounds at MEAN·2⁻⁵³ ≈ 1.2e-10, and with it every x − mean; the variance has no such excuse.
  expect(largestDifference(far.variance, near.variance)).toBeLessThan(1e-15);
  expect(largestDifference(far.y, near.y)).toBeLessThan(3e-10);
  expect(largestDifference(far.dx, near.dx)).toBeLessThan(3e-10);
  expect(largestDifference(far.dgamma!, near.dgamma!)).toBeLessThan(1e-8); // a sum of 512
});

test('float32 input is summed in float64', () => {
  const values = Float32Array.from(deviations, (value) => value + 1000);
  const single = train(values);
  const double = train(Float64Array.from(values));
  expect(single.variance).toEqual(double.variance);
  expect(single.dgamma).toEqual(double.dgamma);
  expect(single.y).toEqual(Float32Array.from(double.y));
  expect(single.dx).toEqual(Float32Array.from(double.dx));
});

test('a constant channel is normalized to 0, though its sum does not divide evenly', () => {
  const options = { momentum: 0 };
  const values = new Float64Array(3 * 7).fill(0.1);
  const { y, state } = forward({ values, shape: [7, 3] }, initialState(options, [7, 3]), options, {
    training: true,
  });
  expect(Math.max(...state.movingVariance)).toBeLessThan(1e-32);
  expect(Math.max(...y.map(Math.abs))).toBeLessThan(1e-14);
});
