/** @file Inputs at a distance from zero, and what the layer makes of them in float64. */
import { backward, forward, initialState } from 'evenkeel/core';
import { Random } from '../../shared/random.js';
import { largestDifference, largestMagnitude } from '../differences.js';

export const SHAPE = [16, 14, 14, 32] as const;
export const EPSILON = 1e-3;

/** Means of the input in its own standard deviations. */
export const MEANS = [0, 1, 10, 1e2, 1e3, 1e4, 1e5] as const;

const SIZE = SHAPE.reduce<number>((a, b) => a * b, 1);
const CHANNELS = SHAPE[3];

/** What all contenders compute with, in float32. */
export interface Case {
  readonly mean: number;
  readonly x: Float32Array;
  readonly dy: Float32Array;
  /** Per channel: what inference normalizes by. */
  readonly movingMean: Float32Array;
  readonly movingVariance: Float32Array;
}

/** What a contender computes; gamma is 1 and beta 0. */
export interface Results {
  /** In training. */
  readonly y: Float32Array;
  readonly dx: Float32Array;
  readonly inference: Float32Array;
}

/** Largest errors, of dx relative to its largest magnitude. y has a deviation of 1, so its errors are relative too. */
export type Errors = Readonly<Record<keyof Results, number>>;

/** The same at every call. */
export function makeCases(): Case[] {
  return MEANS.map((mean) => {
    const random = new Random(1, 'digits');
    const x = Float32Array.from({ length: SIZE }, () => mean + random.normal(1));
    const dy = Float32Array.from({ length: SIZE }, () => random.normal(1));
    const statistics = { training: true, updateMovingStatistics: true };
    const moved = forward(inFloat64(x), initialState({}, [...SHAPE]), { momentum: 0 }, statistics).state;
    const movingMean = Float32Array.from(moved.movingMean);
    return { mean, x, dy, movingMean, movingVariance: Float32Array.from(moved.movingVariance) };
  });
}

const inFloat64 = (values: Float32Array) => ({ values: Float64Array.from(values), shape: [...SHAPE] });

/** How far off results are from those of float64, of the same float32 inputs. */
export function errorsOf({ x, dy, movingMean, movingVariance }: Case): (results: Results) => Errors {
  const options = { epsilon: EPSILON };
  const state = initialState(options, [...SHAPE]);
  const trained = forward(inFloat64(x), state, options, { training: true });
  const { dx } = backward(Float64Array.from(dy), trained.saved);
  const inferred = forward(inFloat64(x), { ...state, movingMean, movingVariance }, options);
  const largest = largestMagnitude(dx);
  return (results) => ({
    y: largestDifference(results.y, trained.y),
    dx: largestDifference(results.dx, dx) / largest,
    inference: largestDifference(results.inference, inferred.y),
  });
}

export const channelFill = (value: number) => new Float32Array(CHANNELS).fill(value);
