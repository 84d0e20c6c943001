/**
 * @file The arithmetic per channel between the passes, on the device, so that nothing is read back: what
 * core/coefficients.ts does in float64, in two-float numbers. One thread for each group and channel k, or for each
 * parameter p = k mod parameters, which ghost batches share.
 *
 * Tables have a row for each number: of moments and sums as reductions.ts writes them, of a normalization `NUMBERS`.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Input, WORKGROUP, type WebgpuBackend, run } from './program.js';
import { ROOTS, split, twoFloat } from './two-float.js';

/**
 * The numbers of a normalization, each a row of K: y = slope·(x − centre) + intercept; x̂·r + d is the same with
 * ownSlope and ownIntercept; mean = centre + rest. The last ones are what the others were computed of, for TF.js' own
 * operations.
 */
export const NUMBERS = [
  'centre',
  'slope',
  'intercept',
  'count',
  'rest',
  'inverseVariance',
  'ownSlope',
  'ownIntercept',
  'variance',
  'r',
  'd',
  'scale',
] as const;

/** Rows of x̂·r + d. */
const CORRECTION = ['r', 'd'] as const;

/** Tables, and vectors of one number per parameter, that a program reads. */
type Tensors = Record<string, TensorInfo | null>;

interface Arithmetic {
  /** What the code depends on beside which inputs there are. */
  readonly key: readonly (string | boolean)[];
  /** Sets the rows of `result` for `k` of `uniforms.size` with `put(row, k, value)`. */
  readonly body: string;
  readonly inputs: Tensors;
  readonly output: TensorInfo;
  /** How many groups and channels there are, and parameters. */
  readonly size: number;
  readonly parameters: number;
  /** One thread per parameter, not per group and channel. */
  readonly isPerParameter?: boolean;
  readonly numbers?: Record<string, number>;
}

function compute(backend: WebgpuBackend, job: Arithmetic): TensorInfo {
  const threads = job.isPerParameter ? job.parameters : job.size;
  return run(backend, {
    key: job.key,
    code: () => `${twoFloat(1)}${ROOTS}
fn epsilon() -> Two { return Two(uniforms.epsilon, uniforms.epsilonLow); }
fn put(row: u32, at: u32, value: f32) { result[row * uniforms.threads + at] = value; }
${job.inputs.moments ? MOMENTS : ''}${job.inputs.sums ? SUMS : ''}
fn main() {
  let k = ordinal() * ${WORKGROUP}u + localIndex;
  if (k >= uniforms.threads) { return; }
  let p = k % uniforms.parameters;
${job.body}
}`,
    inputs: Object.fromEntries(
      Object.entries(job.inputs).map(([name, tensor]): [string, Input | null] => [
        name,
        tensor && [tensor, 1],
      ]),
    ),
    output: job.output,
    counts: { threads, size: job.size, parameters: job.parameters },
    numbers: { epsilon: 0, epsilonLow: 0, ...job.numbers },
    workgroups: Math.ceil(threads / WORKGROUP),
  });
}

/** Reads moments, of one group and channel, and the average of what ghost batches tell of a parameter. */
const MOMENTS = `
fn moment(row: u32, k: u32) -> Two {
  return Two(moments[row * uniforms.size + k], moments[(row + 1u) * uniforms.size + k]);
}
fn countOf(k: u32) -> f32 { return moment(0u, k).high; }
fn meanOf(k: u32) -> Two { return moment(2u, k); }
fn varianceOf(k: u32) -> Two { return over(moment(4u, k), moment(0u, k)); }
fn average(p: u32, isVariance: bool) -> Two {
  var total = two(0);
  for (var k = p; k < uniforms.size; k += uniforms.parameters) {
    if (isVariance) { total = plus(total, varianceOf(k)); } else { total = plus(total, meanOf(k)); }
  }
  let ghosts = uniforms.size / uniforms.parameters;
  if (ghosts == 1u) { return total; }
  return over(total, two(f32(ghosts)));
}
// Bessel's correction, n/(n - 1)
fn unbiased(variance: Two, count: Two) -> Two {
  if (count.high < 2) { return variance; }
  return times(variance, over(count, plus(count, two(-1))));
}
`;

const SUMS = `
fn sumOf(row: u32, k: u32) -> Two {
  return Two(sums[row * uniforms.size + k], sums[(row + 1u) * uniforms.size + k]);
}
`;

const epsilonNumbers = (epsilon: number) => {
  const { high, low } = split(epsilon);
  return { epsilon: high, epsilonLow: low };
};

const at = (name: (typeof NUMBERS)[number]) => `numbers[${NUMBERS.indexOf(name)}u * uniforms.size + k]`;
const setNumbers = (values: Record<(typeof NUMBERS)[number], string>) =>
  NUMBERS.map((name, row) => `  put(${row}u, k, ${values[name]});`).join('\n');

/** Sizes of a layout's tables. */
export interface Size {
  /** Groups and channels. */
  readonly size: number;
  /** Groups and channels of one ghost batch. */
  readonly parameters: number;
}

/**
 * Renorm: r = √(variance + epsilon)/σ and d = (mean − renormMean)/σ, σ = max(renormStddev, √epsilon), clipped. Written
 * so that what is not a number stays so, unlike in WGSL's min and max.
 *
 * @param limits rmin, rmax, dmax
 */
export function renormCorrection(
  backend: WebgpuBackend,
  size: Size,
  inputs: Record<'moments' | 'renormMean' | 'renormStddev' | 'limits', TensorInfo>,
  epsilon: number,
): TensorInfo {
  const root = split(Math.sqrt(epsilon));
  return compute(backend, {
    key: ['renormCorrection'],
    body: `
  let isLeast = f32(renormStddev[p]) < uniforms.root;
  let stddev = choose(two(f32(renormStddev[p])), Two(uniforms.root, uniforms.rootLow), isLeast);
  var r = over(root(plus(average(p, true), epsilon())), stddev).high;
  var d = over(plus(average(p, false), two(-f32(renormMean[p]))), stddev).high;
  r = select(r, limits[0], r < limits[0]);
  r = select(r, limits[1], r > limits[1]);
  d = select(d, -limits[2], d < -limits[2]);
  d = select(d, limits[2], d > limits[2]);
  let isKnown = countOf(p) != 0;
  put(0u, k, select(1, r, isKnown));
  put(1u, k, select(0, d, isKnown));`,
    inputs,
    output: backend.makeTensorInfo([CORRECTION.length, size.parameters], 'float32'),
    ...size,
    isPerParameter: true,
    numbers: { ...epsilonNumbers(epsilon), root: root.high, rootLow: root.low },
  });
}

/**
 * The numbers of a normalization: by the moments where there are some, else by the moving statistics.
 *
 * @param inputs without moments for inference, without a correction for r = 1 and d = 0
 */
export function normalizationNumbers(
  backend: WebgpuBackend,
  size: Size,
  inputs: Record<'movingMean' | 'movingVariance', TensorInfo> &
    Record<'moments' | 'correction' | 'scale' | 'offset', TensorInfo | null>,
  epsilon: number,
): TensorInfo {
  return compute(backend, {
    key: ['normalizationNumbers'],
    body: `
  var count = 0f;
  var mean = two(f32(movingMean[p]));
  var variance = two(f32(movingVariance[p]));
  ${
    inputs.moments
      ? `count = countOf(k);
  if (count != 0) { mean = meanOf(k); variance = varianceOf(k); }`
      : ''
  }
  let r = ${inputs.correction ? 'correction[p]' : '1f'};
  let d = ${inputs.correction ? 'correction[uniforms.parameters + p]' : '0f'};
  let inverse = inverseRoot(plus(variance, epsilon()));
  let ownSlope = times(inverse, two(r));
  let ownIntercept = plus(two(d), times(ownSlope, two(-mean.low)));
  let slope = ${inputs.scale ? 'times(ownSlope, two(f32(scale[p])))' : 'ownSlope'};
  var intercept = ${inputs.scale ? 'times(ownIntercept, two(f32(scale[p])))' : 'ownIntercept'};
  ${inputs.offset ? 'intercept = plus(intercept, two(f32(offset[p])));' : ''}
${setNumbers({
  centre: 'mean.high',
  slope: 'slope.high',
  intercept: 'intercept.high',
  count: 'count',
  rest: 'mean.low',
  inverseVariance: 'times(inverse, inverse).high',
  ownSlope: 'ownSlope.high',
  ownIntercept: 'ownIntercept.high',
  variance: 'variance.high',
  r: 'r',
  d: 'd',
  scale: inputs.scale ? 'f32(scale[p])' : '1f',
})}`,
    inputs,
    output: backend.makeTensorInfo([NUMBERS.length, size.size], 'float32'),
    ...size,
    numbers: epsilonNumbers(epsilon),
  });
}

/** What a statistic follows. */
const FOLLOWED = {
  mean: 'average(p, false)',
  variance: 'average(p, true)',
  unbiasedVariance: 'unbiased(average(p, true), moment(0u, p))',
  stddev: 'root(plus(average(p, true), epsilon()))',
};

/** moving − (moving − batch)·decay, of the moving statistic's shape; as it was where the batch tells nothing. */
export function movedStatistic(
  backend: WebgpuBackend,
  size: Size,
  followed: keyof typeof FOLLOWED,
  { moving, moments }: Record<'moving' | 'moments', TensorInfo>,
  decay: number,
  epsilon: number,
): TensorInfo {
  return compute(backend, {
    key: ['movedStatistic', followed],
    body: `
  let isKnown = countOf(p) != 0;
  let difference = plus(two(f32(moving[p])), negative(${FOLLOWED[followed]}));
  let after = plus(two(f32(moving[p])), negative(times(difference, two(uniforms.decay)))).high;
  put(0u, k, select(f32(moving[p]), after, isKnown));`,
    inputs: { moving, moments },
    output: backend.makeTensorInfo(moving.shape, 'float32'),
    ...size,
    isPerParameter: true,
    numbers: { ...epsilonNumbers(epsilon), decay },
  });
}

/** max(0, movingStddev² − epsilon), of the moving variance's shape. */
export function varianceOfStddev(
  backend: WebgpuBackend,
  size: Size,
  inputs: Record<'moving' | 'moments' | 'movingStddev', TensorInfo>,
  epsilon: number,
): TensorInfo {
  return compute(backend, {
    key: ['varianceOfStddev'],
    body: `
  let after = plus(product(f32(movingStddev[p]), f32(movingStddev[p])), negative(epsilon())).high;
  put(0u, k, select(f32(moving[p]), select(after, 0, after < 0), countOf(p) != 0));`,
    inputs,
    output: backend.makeTensorInfo(inputs.moving.shape, 'float32'),
    ...size,
    isPerParameter: true,
    numbers: epsilonNumbers(epsilon),
  });
}

/** dscale = Σdy·(x̂·r + d) or doffset = Σdy, over all ghost batches. */
export function gradientOf(
  backend: WebgpuBackend,
  size: Size,
  name: 'scale' | 'offset',
  inputs: Record<'sums' | 'numbers', TensorInfo>,
  shape: number[],
): TensorInfo {
  const share =
    name === 'scale'
      ? `plus(times(sumOf(2u, k), two(${at('ownSlope')})), times(sumOf(0u, k), two(${at('ownIntercept')})))`
      : 'sumOf(0u, k)';
  return compute(backend, {
    key: ['gradientOf', name],
    body: `
  var total = two(0);
  for (var k = p; k < uniforms.size; k += uniforms.parameters) { total = plus(total, ${share}); }
  put(0u, p, total.high);`,
    inputs: name === 'scale' ? inputs : { sums: inputs.sums },
    output: backend.makeTensorInfo(shape, 'float32'),
    ...size,
    isPerParameter: true,
  });
}

/** b and c of dx = slope·dy + b·(x − centre) + c, as in the core's `gradientCoefficients`; 0 where moments are constants. */
export function gradientCoefficients(
  backend: WebgpuBackend,
  size: Size,
  inputs: Record<'sums' | 'numbers', TensorInfo>,
): TensorInfo {
  return compute(backend, {
    key: ['gradientCoefficients'],
    body: `
  let count = ${at('count')};
  let rest = ${at('rest')};
  let share = over(two(-${at('slope')}), two(select(count, 1, count == 0)));
  let dy = sumOf(0u, k);
  let aboutMean = plus(sumOf(2u, k), times(dy, two(-rest)));
  let b = times(times(share, aboutMean), two(${at('inverseVariance')}));
  let c = plus(times(share, dy), times(b, two(-rest)));
  put(0u, k, select(0, b.high, count != 0));
  put(1u, k, select(0, c.high, count != 0));`,
    inputs,
    output: backend.makeTensorInfo([2, size.size], 'float32'),
    ...size,
  });
}
