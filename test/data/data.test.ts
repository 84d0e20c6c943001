/** @file Data files: every type of numbers, and what is said of those that are damaged or do not fit. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type FitOptions, fitData, readArrays } from 'evenkeel/data';
import { writeArchive } from '../../src/data/archive.js';
import { makeFolder, npy } from '../cli/files.js';
import { idx } from '../demo/files.js';

function fileOf(bytes: Uint8Array, name = 'data'): string {
  const path = join(makeFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

const bytesOf = (array: NodeJS.TypedArray): Uint8Array => new Uint8Array(array.buffer);

const archiveOf = async (files: Record<string, Uint8Array>) =>
  fileOf(await writeArchive(new Map(Object.entries(files))), 'data.npz');

async function only(path: string) {
  const { shape, values } = (await readArrays(path)).arrays.get('')!;
  return { shape, values: Array.from(values) };
}

const openData = async (model: tf.LayersModel, path: string, options: FitOptions = {}) =>
  fitData(model, await readArrays(path), options);

async function refusalOf(reading: Promise<unknown>): Promise<string> {
  const error: unknown = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ValueError' });
  return (error as Error).message.replace(/\/\S*\/evenkeel-cli-\w+\//g, '');
}

describe('an .npy file', () => {
  it.each([
    ['|b1', Uint8Array.of(0, 1, 2, 0), [0, 1, 1, 0]],
    ['|u1', Uint8Array.of(0, 1, 254, 255), [0, 1, 254, 255]],
    ['|i1', Int8Array.of(-128, -1, 0, 127), [-128, -1, 0, 127]],
    ['<i2', Int16Array.of(-300, 0, 1, 300), [-300, 0, 1, 300]],
    ['<u4', Uint32Array.of(0, 1, 2, 4e9), [0, 1, 2, 4e9]],
    ['<i8', BigInt64Array.of(-5n, 0n, 1n, 2n ** 40n), [-5, 0, 1, 2 ** 40]],
    ['<f4', Float32Array.of(0.5, -1, NaN, Infinity), [0.5, -1, NaN, Infinity]],
    ['<f8', Float64Array.of(0.1, -1, 1e300, 0), [0.1, -1, 1e300, 0]],
    // One, the smallest that is not 0, minus infinity, 65504: IEEE 754 binary16.
    ['<f2', Uint16Array.of(0x3c00, 0x0001, 0xfc00, 0x7bff), [1, 2 ** -24, -Infinity, 65504]],
    ['>f4', Uint8Array.of(63, 128, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0, 64, 64, 0, 0), [1, -2, 0, 3]],
  ])('of %s is read', async (type, elements, expected) => {
    const path = fileOf(npy(type, [2, 2], bytesOf(elements)));
    expect(await only(path)).toEqual({ shape: [2, 2], values: expected });
  });

  it('that has the first dimension run fastest is brought into order', async () => {
    // [[1, 2, 3], [4, 5, 6]]
    const path = fileOf(npy('|u1', [2, 3], Uint8Array.of(1, 4, 2, 5, 3, 6), true));
    expect(await only(path)).toEqual({ shape: [2, 3], values: [1, 2, 3, 4, 5, 6] });
  });

  it('may be gzipped, whatever its name', async () => {
    expect((await only(fileOf(gzipSync(npy('|u1', [2], Uint8Array.of(7, 8)))))).values).toEqual([7, 8]);
  });

  it.each([
    [
      npy('<f4', [2, 2], new Uint8Array(15)),
      'holds 15 bytes of elements; its header announces the shape [2, 2], which takes 16. It is damaged or was not copied to its end.',
    ],
    [
      npy('|u1', [2 ** 40, 2 ** 40], new Uint8Array(1)),
      'holds 1 bytes of elements; its header announces the shape [1099511627776, 1099511627776], which takes 1.2089258196146292e+24. It is damaged or was not copied to its end.',
    ],
    [
      npy('|O', [1], new Uint8Array(8)),
      `holds elements of type '|O'; accepted are booleans, whole numbers of 8 to 64 bits and floats of 16 to 64. Save array.astype('float32').`,
    ],
    [
      npy('<c8', [1], new Uint8Array(8)),
      `holds elements of type '<c8'; accepted are booleans, whole numbers of 8 to 64 bits and floats of 16 to 64. Save array.astype('float32').`,
    ],
    [npy('|u1', [1], Uint8Array.of(1)).subarray(0, 60), 'is no .npy file, or its header is damaged.'],
    [
      Buffer.from('<!doctype html>'),
      'is in no format known here. Accepted are .npy, .npz and IDX files, gzipped or not.',
    ],
    [Buffer.alloc(0), 'is empty. Accepted are .npy, .npz and IDX files, gzipped or not.'],
  ])('that is not right is refused, %#', async (bytes, message) => {
    expect(await refusalOf(readArrays(fileOf(bytes)))).toBe(`data ${message}`);
  });
});

describe('an .npz file', () => {
  it('that is refused for one of its arrays shows little of a long name', async () => {
    const path = await archiveOf({ [`\u001b${'n'.repeat(5000)}.npy`]: Buffer.from('nothing') });
    expect(await refusalOf(readArrays(path))).toBe(
      `data.npz/\\u{1b}${'n'.repeat(99)}… is no .npy file, or its header is damaged.`,
    );
  });
});

describe('an IDX file', () => {
  it('of floats is read', async () => {
    const elements = Uint8Array.of(63, 128, 0, 0, 192, 0, 0, 0);
    expect(await only(fileOf(idx([0x0d01, 2], elements)))).toEqual({ shape: [2], values: [1, -2] });
  });

  it('that is cut off is refused', async () => {
    expect(await refusalOf(readArrays(fileOf(idx([0x0803, 2, 2, 2], new Uint8Array(7)))))).toBe(
      'data holds 23 bytes; its header announces the shape [2, 2, 2], which takes 24. It is damaged or was not ' +
        'copied to its end.',
    );
  });
});

describe('a model', () => {
  const models = {
    grey: () =>
      tf.sequential({ layers: [tf.layers.conv2d({ filters: 1, kernelSize: 2, inputShape: [3, 2, 1] })] }),
    flat: () => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [6] })] }),
    colour: () =>
      tf.sequential({ layers: [tf.layers.conv2d({ filters: 1, kernelSize: 2, inputShape: [5, 4, 3] })] }),
    two() {
      const [a, b] = [tf.input({ shape: [1], name: 'a' }), tf.input({ shape: [2], name: 'b' })];
      return tf.model({
        inputs: [a, b],
        outputs: tf.layers.concatenate().apply([a, b]) as tf.SymbolicTensor,
      });
    },
  };
  const bytes = (shape: readonly number[]) =>
    npy(
      '|u1',
      shape,
      Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    );

  it.each([
    ['grey', [2, 3, 2, 1]],
    ['flat', [2, 6]],
  ] as const)('that is %s takes images without a channel', async (name, expected) => {
    const fitted = await openData(models[name](), fileOf(bytes([4, 3, 2])), { divideBy: 2 });
    const [tensor] = fitted.tensors(1, 3);
    expect(tensor!.shape).toEqual(expected);
    expect([...tensor!.dataSync()]).toEqual([3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5]);
  });

  it('of two inputs takes arrays by their names, or in the order of numpy.savez', async () => {
    for (const names of [
      ['b', 'a'],
      ['arr_1', 'arr_0'],
    ]) {
      const path = await archiveOf({
        [`${names[0]!}.npy`]: bytes([3, 2]),
        [`${names[1]!}.npy`]: bytes([3, 1]),
      });
      const fitted = await openData(models.two(), path);
      expect(fitted.tensors(0, 3).map(({ shape }) => shape)).toEqual([
        [3, 1],
        [3, 2],
      ]);
    }
  });

  it.each([
    [
      'colour',
      { x: [2, 3, 5, 4] },
      'The data has its channels first, the model last: save numpy.moveaxis(x, 1, -1).',
    ],
    ['flat', { x: [2, 7] }, 'The first dimension counts samples; null takes any size.'],
    ['two', { a: [2, 1], b: [3, 2] }, "the arrays have different numbers of samples: 'a' 2, 'b' 3."],
    ['two', { a: [2, 1] }, 'Save an .npz in which the arrays are named as the inputs.'],
    ['flat', { x: [2, 6], y: [2] }, 'Say which one by --array.'],
    ['flat', { x: [0, 6] }, 'holds no samples.'],
  ] as const)('that is %s refuses %j', async (name, shapes, message) => {
    const files = Object.entries<readonly number[]>(shapes).map(([key, shape]) => [
      `${key}.npy`,
      bytes(shape),
    ]);
    const path = await archiveOf(Object.fromEntries(files) as Record<string, Uint8Array>);
    expect(await refusalOf(openData(models[name](), path))).toContain(message);
  });

  it('finds an array that is asked for, and says which there are', async () => {
    const path = await archiveOf({ 'x.npy': bytes([2, 6]), 'y.npy': bytes([2]) });
    expect((await openData(models.flat(), path, { array: 'x' })).samples).toBe(2);
    expect(await refusalOf(openData(models.flat(), path, { array: 'z' }))).toBe(
      "There is no array 'z': data.npz holds 'x', 'y'.",
    );
  });
});

describe('an input of whole numbers', () => {
  const words = () => {
    const input = tf.input({ shape: [3], dtype: 'int32' });
    const embedded = tf.layers.embedding({ inputDim: 9, outputDim: 2 }).apply(input);
    return tf.model({ inputs: input, outputs: embedded as tf.SymbolicTensor });
  };
  const tokens = (...values: number[]) => fileOf(npy('<f4', [1, 3], bytesOf(Float32Array.from(values))));

  it('takes them, whatever the file calls them', async () => {
    const model = words();
    const [tensor] = (await openData(model, tokens(0, 3, 8))).tensors();
    expect([tensor!.dtype, ...tensor!.dataSync()]).toEqual(['int32', 0, 3, 8]);
  });

  it.each([
    [
      { divideBy: 255 },
      [0, 3, 8],
      /takes whole numbers of 32 bits, such as tokens, which must not be divided/,
    ],
    [{}, [0, 0.5, 8], /^data holds 0\.5, the model's input .* takes whole numbers of 32 bits/],
    [{}, [0, NaN, 8], /^data holds NaN/],
    [{}, [0, 2 ** 31, 8], /^data holds 2147483648/],
  ])('refuses %j of %j', async (options, values, message) => {
    const model = words();
    expect(await refusalOf(openData(model, tokens(...values), options))).toMatch(message);
  });
});

describe('an input of booleans', () => {
  const switches = () => {
    const input = tf.input({ shape: [3], dtype: 'bool' });
    return tf.model({
      inputs: input,
      outputs: tf.layers.activation({ activation: 'linear' }).apply(input) as tf.SymbolicTensor,
    });
  };
  const bytes = (...values: number[]) => fileOf(npy('|u1', [1, 3], Uint8Array.from(values)));

  it('takes 0 and 1', async () => {
    const [tensor] = (await openData(switches(), bytes(0, 1, 1))).tensors();
    expect([tensor!.dtype, ...tensor!.dataSync()]).toEqual(['bool', 0, 1, 1]);
  });

  it('refuses any other number', async () => {
    expect(await refusalOf(openData(switches(), bytes(0, 1, 2)))).toMatch(
      /^data holds 2, the model's input .* takes 0 and 1/,
    );
  });
});
