/** @file The module itself: what it imports, exports and holds, and the memories that it works in. */
import { describe, expect, test } from 'vitest';
import * as acceleration from '../../src/acceleration/kernel-bytes.js';
import * as passes from '../../src/backends/host/kernel-bytes.js';
import { instantiateKernels } from '../../src/backends/host/wasm-kernels.js';
import * as oracle from './oracle.js';
import { gradientNormalize, gradientSums, moments, normalize } from './passes.js';
import { M2, SUM } from './tolerances.js';
import { drawn, elementsOf, makeMemory, type Size, VARIANTS, Workbench } from './workbench.js';

/** Sections by id, each as its bytes. */
function sectionsOf(module: Uint8Array): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  for (let at = 8; at < module.length;) {
    const id = module[at++]!;
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      length |= (module[at]! & 127) << shift;
      more = module[at++]! > 127;
    }
    sections.set(id, module.subarray(at, at + length));
    at += length;
  }
  return sections;
}

// Limits of the imported memory: no minimum and no maximum; or shared, none and 65,536 pages.
const [ANY, SHARED_LIMITS] = [
  [0x00, 0],
  [0x03, 0, 0x80, 0x80, 0x04],
];
const PASSES = ['moments', 'normalize', 'gradientSums', 'gradientNormalize'];
const ACCELERATION = [
  'depthwiseFilterGradient',
  'depthwiseInputGradient',
  'filterGradient',
  'matrixProduct',
  'rearrange',
  'averagePoolGradient',
  'maxPool',
  'maxPoolGradient',
  'sumRows',
  'compare',
  'logicalAnd',
  'select',
];

describe.each([
  ['plain module of the passes', passes.PLAIN, ANY, PASSES],
  ['shared module of the passes', passes.SHARED, SHARED_LIMITS, PASSES],
  ['plain module of the acceleration', acceleration.PLAIN, ANY, ACCELERATION],
  ['shared module of the acceleration', acceleration.SHARED, SHARED_LIMITS, ACCELERATION],
] as const)('the %s', (_, text, limits, names) => {
  const bytes = Buffer.from(text, 'base64');

  test('holds no data and starts nothing, since it may not touch a memory that is in use', () => {
    const ids = [...sectionsOf(bytes).keys()];
    const [TYPE, IMPORT, FUNCTION, EXPORT, CODE] = [1, 2, 3, 7, 10];
    expect(ids).toEqual([TYPE, IMPORT, FUNCTION, EXPORT, CODE]);
  });

  test('imports env.memory, nothing else, and exports its kernels', () => {
    const module = new WebAssembly.Module(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    const MEMORY = 2;
    const imported = [1, 3, ...Buffer.from('env'), 6, ...Buffer.from('memory'), MEMORY, ...limits];
    expect([...sectionsOf(bytes).get(2)!]).toEqual(imported);
    expect(WebAssembly.Module.exports(module)).toEqual(names.map((name) => ({ name, kind: 'function' })));
  });
});

const SIZES: Size[] = [
  { outer: 2, groups: 2, middle: 3, channels: 9, inner: 1 },
  { outer: 1, groups: 1, middle: 1100, channels: 5, inner: 1 },
  { outer: 2, groups: 1, middle: 1, channels: 9, inner: 21 },
];

/** All four passes, on numbers of which no two are the same. */
function checkAll(bench: Workbench, size: Size): void {
  const [x, dy] = [drawn(elementsOf(size), 1), drawn(elementsOf(size), 2)];
  const numbers = size.groups * size.channels;
  const coefficients = drawn(4 * numbers, 3);
  const centre = coefficients.slice(0, numbers);

  const { m2 } = moments(bench, x, size, null);
  const expected = oracle.moments(x, size, null);
  expected.m2.forEach((value, k) => {
    expect(Math.abs(m2[k]! - value)).toBeLessThanOrEqual(M2 * value);
  });
  const { dyXSum } = gradientSums(bench, dy, x, size, centre);
  const sums = oracle.gradientSums(dy, x, size, centre);
  sums.dyXSum.forEach((value, k) => {
    expect(Math.abs(dyXSum[k]! - value)).toBeLessThanOrEqual(SUM * sums.dyXMagnitude[k]!);
  });
  const three = coefficients.slice(0, 3 * numbers);
  expect(normalize(bench, x, size, three)).toEqual(oracle.normalize(x, size, three));
  expect(gradientNormalize(bench, dy, x, size, coefficients, null)).toEqual(
    oracle.gradientNormalize(dy, x, size, coefficients, null),
  );
}

describe.each(VARIANTS)('in %s memory', (variant) => {
  test('there is one instance for a memory, and another for another', () => {
    const memory = makeMemory(variant);
    expect(instantiateKernels(memory)).toBe(instantiateKernels(memory));
    expect(instantiateKernels(memory)).not.toBe(instantiateKernels(makeMemory(variant)));
  });

  test('kernels go on working when the memory grows, in what is new too', () => {
    const memory = makeMemory(variant, 1);
    const bench = new Workbench(memory);
    for (const size of SIZES) {
      checkAll(bench, size);
      const end = memory.buffer.byteLength;
      memory.grow(3);
      checkAll(new Workbench(memory, end + 8), size);
    }
  });

  test('addresses go beyond 2 GiB, and buffers across it', () => {
    // Pages that nobody touches cost nothing.
    const memory = makeMemory(variant, 33_000);
    for (const start of [2 ** 31 - 4000, 2 ** 31 + 2 ** 20]) {
      for (const size of SIZES) checkAll(new Workbench(memory, start), size);
    }
  });
});
