/**
 * @file The passes that write: a thread reads a vector of each input, once, and writes one. What is multiplied is
 * x − centre, rounded by itself: near the centre it is exact, and must not be multiplied out.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Layout } from '../../core/layout.js';
import type { ElementWeights } from '../backend.js';
import { NUMBERS } from './per-channel.js';
import { type Input, WORKGROUP, type WebgpuBackend, run } from './program.js';
import { lengthOf, vectorsOf } from './tiling.js';
import { twoFloat } from './two-float.js';

/** A row of a table of K = groups·channels numbers, at k. */
const row = (table: string, index: number) => `V(${table}[${index}u * uniforms.size + k])`;
const number = (name: (typeof NUMBERS)[number]) => row('numbers', NUMBERS.indexOf(name));

const DISTANCE = `sealed(V(x[i]) - ${number('centre')})`;

/** The code for element `i`, of group and channel `k`. */
const BODIES = {
  normalize: `
  result[i] = ${number('slope')} * ${DISTANCE} + ${number('intercept')};`,

  scale: `
  result[i] = ${number('slope')} * V(x[i]);`,

  // dx = slope·dy + w·(b·(x − centre) + c): x is not looked at where it has no part in b and c, or they are 0.
  gradientNormalize: `
  let weight = weightOf(i);
  let b = ${row('coefficients', 0)};
  let c = ${row('coefficients', 1)};
  let hasNoPart = (weight == V(0)) | ((b == V(0)) & (c == V(0)));
  result[i] = ${number('slope')} * V(dy[i]) + select(weight * (b * ${DISTANCE} + c), V(0), hasNoPart);`,
};

/** Runs over all of `inputs`, and writes `output`, of the same size. */
export function elementwise(
  backend: WebgpuBackend,
  body: keyof typeof BODIES,
  inputs: Record<'x', TensorInfo> & Partial<Record<'dy', TensorInfo>>,
  layout: Layout,
  tables: Record<'numbers', TensorInfo> & Partial<Record<'coefficients', TensorInfo>>,
  weights: ElementWeights | null,
): TensorInfo {
  const vectors = vectorsOf(layout, weights?.span ?? 0);
  const { width, isAcross, groups, middle, channels, inner } = vectors;
  const length = lengthOf(vectors);
  const perTable = isAcross ? width : 1;
  const all = (tensors: Record<string, TensorInfo>, itsWidth: Input[1]) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]): [string, Input] => [name, [tensor, itsWidth]]),
    );
  return run(backend, {
    key: [body, width, isAcross, inner === 1, groups === 1],
    code: () => `${twoFloat(width)}
fn weightOf(i: u32) -> V { return V(${weights ? 'weights[i / uniforms.span]' : '1'}); }
fn main() {
  let i = ordinal() * ${WORKGROUP}u + localIndex;
  if (i >= uniforms.length) { return; }
  let run = ${inner === 1 ? 'i' : 'i / uniforms.inner'};
  let group = ${groups === 1 ? '0u' : 'run / uniforms.channels / uniforms.middle % uniforms.groups'};
  let k = group * uniforms.channels + run % uniforms.channels;${BODIES[body]}
}`,
    inputs: {
      ...all(inputs, width),
      ...all(tables, perTable),
      weights: weights && [weights.tensor, 1],
    },
    output: backend.makeTensorInfo([...inputs.x.shape], 'float32'),
    width,
    counts: {
      length,
      groups,
      middle,
      channels,
      inner,
      size: (layout.groups * layout.channels) / perTable,
      span: (weights?.span ?? 1) / (weights ? width : 1),
    },
    workgroups: Math.ceil(length / WORKGROUP),
  });
}
