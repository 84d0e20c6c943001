/**
 * @file The passes that read: moments and gradient sums, per group and channel. A workgroup reduces a slice of some
 * lanes (tiling.ts), in an order that depends on sizes alone, without atomics: the same result every run. Where lanes
 * were cut, a second program merges the slices in the same way.
 *
 * A thread adds `BLOCK` vectors in f32, about the mean that it knows so far, and what they come to in two-float
 * arithmetic. So errors are those of short sums, at any mean.
 *
 * Results are tables: a row of K = groups·channels numbers for each number of a state.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../../core/layout.js';
import type { ElementWeights } from '../backend.js';
import { WORKGROUP, type WebgpuBackend, type Width, run } from './program.js';
import { type Vectors, tilingOf, vectorsOf } from './tiling.js';
import { twoFloat } from './two-float.js';

/** What a reduction keeps per lane, in WGSL. All members of the struct `State` are two-float. */
interface Reduction {
  readonly name: string;
  readonly fields: readonly string[];
  /** `fn merged(a: State, b: State) -> State`. */
  readonly merged: string;
  /** What is kept of a thread's way besides its `total`. */
  readonly before: string;
  /** What is kept of a block. */
  readonly beforeBlock: string;
  /** Takes the vector at `i` to the block. */
  readonly take: string;
  /** Takes the block to the `total`. */
  readonly takeBlock: string;
}

const BLOCK = 16;

/**
 * Chan, Golub and LeVeque 1979: n = a.n + b.n, mean = a.mean + δ·b.n/n, m2 = a.m2 + b.m2 + δ²·a.n·b.n/n, where δ is the
 * difference of the means. The block's values stand relative to the running mean's high part, which is `pivot`; the
 * first value that counts is the first of them. What has weight 0 is not looked at.
 */
const MOMENTS: Reduction = {
  name: 'moments',
  fields: ['count', 'mean', 'm2'],
  merged: `
fn merged(a: State, b: State) -> State {
  let count = plus(a.count, b.count);
  let share = over(b.count, Two(select(count.high, V(1), count.high == V(0)), count.low));
  let difference = plus(b.mean, negative(a.mean));
  let between = times(times(difference, difference), times(a.count, share));
  let mean = plus(a.mean, times(difference, share));
  let m2 = plus(plus(a.m2, b.m2), between);
  let isAll = b.count.high == V(0);
  let isNone = a.count.high == V(0);
  return State(
    count,
    choose(choose(mean, b.mean, isNone), a.mean, isAll),
    choose(choose(m2, b.m2, isNone), a.m2, isAll),
  );
}`,
  before: 'var pivot = V(0);',
  beforeBlock: 'var count = V(0); var moved = V(0); var squares = V(0);',
  take: `
        let value = V(x[i]);
        let weight = weightOf(i);
        let counts = weight != V(0);
        pivot = select(pivot, value, counts & (total.count.high + count == V(0)));
        let distance = select(V(0), sealed(value - pivot), counts);
        count += weight;
        moved += weight * distance;
        squares += weight * distance * distance;`,
  takeBlock: `
    let all = total.count.high + count;
    let offset = moved / select(count, V(1), count == V(0));
    let difference = offset - total.mean.low;
    let part = count / select(all, V(1), all == V(0));
    let between = difference * difference * total.count.high * part;
    total.mean = sum(pivot, sealed(total.mean.low + sealed(difference * part)));
    total.m2 = plus(total.m2, two(sealed(squares - moved * offset + between)));
    total.count.high = all;
    pivot = total.mean.high;`,
};

/** Where dy is 0 there is nothing to add, even if x is not a number. */
const GRADIENT_SUMS: Reduction = {
  name: 'gradientSums',
  fields: ['dy', 'dyTimesX'],
  merged: `
fn merged(a: State, b: State) -> State {
  return State(plus(a.dy, b.dy), plus(a.dyTimesX, b.dyTimesX));
}`,
  before: 'let centre = centreOf(group, channel);',
  beforeBlock: 'var ofDy = V(0); var ofProduct = V(0);',
  take: `
        let gradient = V(dy[i]);
        ofDy += gradient;
        ofProduct += select(gradient * sealed(V(x[i]) - centre), V(0), gradient == V(0));`,
  takeBlock: `
    total.dy = plus(total.dy, two(ofDy));
    total.dyTimesX = plus(total.dyTimesX, two(ofProduct));`,
};

const state = ({ fields, merged }: Reduction) => `
struct State { ${fields.map((field) => `${field}: Two`).join(', ')} }
${merged}
var<workgroup> states: array<State, ${WORKGROUP}>;
`;

/** Merges the states of a lane's threads; the first of them has the result in its place. */
const MERGE = `
  states[localIndex] = total;
  for (var half = members / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (member < half) {
      states[localIndex] = merged(states[localIndex], states[localIndex + half * lanes]);
    }
  }`;

/** The thread's place among the lanes of a workgroup. */
const PLACE = `
  let lanes = uniforms.lanes;
  let members = ${WORKGROUP}u / lanes;
  let lane = localIndex % lanes;
  let member = localIndex / lanes;`;

/** Writes a lane's result, at `k` of table `table`. */
const write = ({ fields }: Reduction, component: string, offset: string) =>
  fields
    .flatMap((field) => [`${field}.high`, `${field}.low`])
    .map(
      (number, row) =>
        `    result[(table * ${2 * fields.length}u + ${row}u) * uniforms.size + k${offset}] = found.${number}${component};`,
    )
    .join('\n');

const COMPONENTS = ['x', 'y', 'z', 'w'];

/** A program over the data. */
function dataCode(reduction: Reduction, vectors: Vectors, hasWeights: boolean): string {
  const { width, isAcross, middle, inner } = vectors;
  return `${twoFloat(width)}${state(reduction)}
fn weightOf(i: u32) -> V { return V(${hasWeights ? 'weights[i / uniforms.span]' : '1'}); }
fn centreOf(group: u32, channel: u32) -> V {
  ${reduction === GRADIENT_SUMS ? 'return V(numbers[group * uniforms.channels + channel]);' : 'return V(0);'}
}
fn main() {${PLACE}
  let group = ordinal() / uniforms.tiles;
  let channel = ordinal() % uniforms.tiles * lanes + lane;
  let isThere = group < uniforms.groups && channel < uniforms.channels;
  let first = workgroupId.z * uniforms.sliceLength;
  let end = select(0u, min(first + uniforms.sliceLength, uniforms.length), isThere);
  var total: State;
  ${reduction.before}
  for (var start = first + member; start < end; start += ${BLOCK}u * members) {
    ${reduction.beforeBlock}
    for (var step = 0u; step < ${BLOCK}u; step++) {
      let at = start + step * members;
      if (at < end) {
        let run = ${inner === 1 ? 'at' : 'at / uniforms.inner'};
        let row = ${middle === 1 ? 'run * uniforms.groups + group' : '(run / uniforms.middle * uniforms.groups + group) * uniforms.middle + run % uniforms.middle'};
        let i = ${inner === 1 ? 'row * uniforms.channels + channel' : '(row * uniforms.channels + channel) * uniforms.inner + at % uniforms.inner'};${reduction.take}
      }
    }${reduction.takeBlock}
  }
${MERGE}
  if (member == 0u && isThere) {
    ${
      width === 4 && !isAcross
        ? `var found = merged(states[lane], turned(states[lane]));
    found = merged(found, crossed(found));`
        : 'let found = states[lane];'
    }
    let table = workgroupId.z;
    let k = (group * uniforms.channels + channel) * ${isAcross ? width : 1}u;
${
  isAcross
    ? COMPONENTS.map((component, i) => write(reduction, `.${component}`, ` + ${i}u`)).join('\n')
    : write(reduction, width === 4 ? '.x' : '', '')
}
  }
}
${width === 4 && !isAcross ? swizzle(reduction, 'turned', 'yxwz') + swizzle(reduction, 'crossed', 'zwxy') : ''}`;
}

/** A state with its components in another order, so that they can be merged. */
const swizzle = ({ fields }: Reduction, name: string, order: string) => `
fn ${name}(s: State) -> State {
  return State(${fields.map((field) => `Two(s.${field}.high.${order}, s.${field}.low.${order})`).join(', ')});
}`;

/** Lanes of the program that merges slices, which reads rows of tables. */
const MERGING_LANES = 16;

const mergingCode = (reduction: Reduction) => `${twoFloat(1)}${state(reduction)}
fn number(table: u32, row: u32, k: u32) -> f32 {
  return slices[(table * ${2 * reduction.fields.length}u + row) * uniforms.size + k];
}
fn main() {${PLACE}
  let table = 0u;
  let k = ordinal() * lanes + lane;
  var total: State;
  if (k < uniforms.size) {
    for (var slice = member; slice < uniforms.slices; slice += members) {
      total = merged(total, State(${reduction.fields
        .map((_, i) => `Two(number(slice, ${2 * i}u, k), number(slice, ${2 * i + 1}u, k))`)
        .join(', ')}));
    }
  }
${MERGE}
  if (member == 0u && k < uniforms.size) {
    let found = states[lane];
${write(reduction, '', '')}
  }
}`;

/** Runs a reduction of `inputs` into `table`. */
function reduce(
  backend: WebgpuBackend,
  reduction: Reduction,
  inputs: Record<string, TensorInfo>,
  layout: Layout,
  weights: ElementWeights | null,
  numbers: TensorInfo | null,
  table: TensorInfo,
): void {
  const vectors = vectorsOf(layout, weights?.span ?? 0);
  const tiling = tilingOf(vectors);
  const { width, isAcross, groups, channels, middle, inner } = vectors;
  const { lanes, tiles, slices, length, sliceLength } = tiling;
  const size = layout.groups * layout.channels;
  const isWhole = slices === 1;
  const sliced = isWhole ? table : backend.makeTensorInfo([slices, ...table.shape], 'float32');
  const wide = (tensor: TensorInfo): [TensorInfo, Width] => [tensor, width];
  run(backend, {
    key: [reduction.name, width, isAcross, middle === 1, inner === 1],
    code: () => dataCode(reduction, vectors, weights !== null),
    inputs: {
      ...Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, wide(tensor)])),
      weights: weights && [weights.tensor, 1],
      numbers: numbers && [numbers, isAcross ? 4 : 1],
    },
    output: sliced,
    counts: {
      groups,
      middle,
      channels,
      inner,
      lanes,
      tiles,
      length,
      sliceLength,
      size,
      span: (weights?.span ?? 1) / (weights ? width : 1),
    },
    workgroups: groups * tiles,
    slices,
  });
  if (isWhole) return;
  run(backend, {
    key: [reduction.name, 'merging'],
    code: () => mergingCode(reduction),
    inputs: { slices: [sliced, 1] },
    output: table,
    counts: { slices, size, lanes: MERGING_LANES },
    workgroups: Math.ceil(size / MERGING_LANES),
  });
  backend.disposeData(sliced.dataId);
}

/** Rows of a table of moments: count, mean and m2 = Σw(x − mean)², high and low. */
export const MOMENTS_ROWS = 2 * MOMENTS.fields.length;
/** Rows of a table of sums: Σdy and Σdy·(x − centre), high and low. */
export const SUMS_ROWS = 2 * GRADIENT_SUMS.fields.length;

/** Count, mean and m2 of x into `table`. */
export function moments(
  backend: WebgpuBackend,
  x: TensorInfo,
  layout: Layout,
  weights: ElementWeights | null,
  table: TensorInfo,
): void {
  reduce(backend, MOMENTS, { x }, layout, weights, null, table);
}

/** Σdy and Σdy·(x − centre) into `table`. */
export function gradientSums(
  backend: WebgpuBackend,
  dy: TensorInfo,
  x: TensorInfo,
  layout: Layout,
  numbers: TensorInfo,
  table: TensorInfo,
): void {
  reduce(backend, GRADIENT_SUMS, { dy, x }, layout, null, numbers, table);
}
