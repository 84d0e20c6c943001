/**
 * @file What the kernels should give, by naive loops that share no code with them: sums in float64, in two rounds; what
 * is one number per element in float32, as the formula stands, and to be equal to the last bit.
 */
import { argumentsOf, type Size, visit } from './workbench.js';

/** One weight for every `span` elements. */
export interface Weights {
  readonly values: Float32Array;
  readonly span: number;
}

const numbersOf = (size: Size) => size.groups * size.channels;
const weightAt = (weights: Weights | null, element: number) =>
  weights === null ? 1 : weights.values[Math.floor(element / weights.span)]!;

export function moments(x: Float32Array, size: Size, weights: Weights | null) {
  const count = new Float64Array(numbersOf(size));
  const mean = new Float64Array(numbersOf(size));
  const m2 = new Float64Array(numbersOf(size));
  visit(size, (element, k) => {
    const w = weightAt(weights, element);
    if (w === 0) return;
    count[k]! += w;
    mean[k]! += w * x[element]!;
  });
  mean.forEach((sum, k) => (mean[k] = count[k] === 0 ? 0 : sum / count[k]!));
  visit(size, (element, k) => {
    const w = weightAt(weights, element);
    if (w !== 0) m2[k]! += w * (x[element]! - mean[k]!) ** 2;
  });
  return { count, mean, m2 };
}

/** With the sums of magnitudes, which is what rounding goes by. */
export function gradientSums(dy: Float32Array, x: Float32Array, size: Size, centre: Float32Array) {
  const dySum = new Float64Array(numbersOf(size));
  const dyXSum = new Float64Array(numbersOf(size));
  const dyMagnitude = new Float64Array(numbersOf(size));
  const dyXMagnitude = new Float64Array(numbersOf(size));
  visit(size, (element, k) => {
    const g = dy[element]!;
    if (g === 0) return;
    const product = g * (x[element]! - centre[k]!);
    dySum[k]! += g;
    dyXSum[k]! += product;
    dyMagnitude[k]! += Math.abs(g);
    dyXMagnitude[k]! += Math.abs(product);
  });
  return { dySum, dyXSum, dyMagnitude, dyXMagnitude };
}

export function normalize(x: Float32Array, size: Size, coefficients: Float32Array): Float32Array {
  const [f, numbers] = [Math.fround, numbersOf(size)];
  const y = new Float32Array(x.length);
  visit(size, (element, k) => {
    const centre = coefficients[k]!;
    const slope = coefficients[numbers + k]!;
    const intercept = coefficients[2 * numbers + k]!;
    y[element] = f(slope * f(x[element]! - centre)) + intercept;
  });
  return y;
}

export function gradientNormalize(
  dy: Float32Array,
  x: Float32Array,
  size: Size,
  coefficients: Float32Array,
  weights: Weights | null,
): Float32Array {
  const [f, numbers] = [Math.fround, numbersOf(size)];
  const dx = new Float32Array(x.length);
  visit(size, (element, k) => {
    const centre = coefficients[k]!;
    const a = coefficients[numbers + k]!;
    const b = coefficients[2 * numbers + k]!;
    const c = coefficients[3 * numbers + k]!;
    const w = weightAt(weights, element);
    const viaStatistics = w === 0 ? 0 : f(w * f(f(b * f(x[element]! - centre)) + c));
    dx[element] = f(a * dy[element]!) + viaStatistics;
  });
  return dx;
}

/** A size, as it stands in a test's name. */
export const nameOf = (size: Size) => `[${argumentsOf(size).join(', ')}]`;
