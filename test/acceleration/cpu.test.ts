/** @file Convolutions and matrix products on cpu, against TF.js' own kernels there. */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow } from 'evenkeel';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { takeRoom } from '../../src/acceleration/cpu/product-memory.js';
import { useBackend } from '../backends.js';
import { draw, valuesOf } from '../models/models.js';
import { held, registered, run } from './accelerated.js';

type Inputs = Record<string, tf.Tensor>;

/** Of the sum of the products' magnitudes. */
const TOLERANCE = 1e-6;

const KERNELS = [
  'BatchMatMul',
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'FusedConv2D',
  '_FusedMatMul',
];
let stock: Map<string, tf.KernelConfig>;
/** Which kernels of TF.js' own ran. */
const stockCalls: string[] = [];
let undo: () => void;

beforeAll(async () => {
  await useBackend('cpu');
  stock = new Map(KERNELS.map((name) => [name, registered(name, 'cpu')!]));
});

const place = (config: tf.KernelConfig) => {
  tf.unregisterKernel(config.kernelName, 'cpu');
  tf.registerKernel(config);
};

beforeEach(() => {
  for (const config of stock.values()) {
    place({
      ...config,
      kernelFunc: (call) => {
        stockCalls.push(config.kernelName);
        return config.kernelFunc(call);
      },
    });
  }
  undo = accelerateTensorFlow();
  tf.engine().startScope();
});

afterEach(() => {
  tf.engine().endScope();
  undo();
  for (const config of stock.values()) place(config);
  vi.restoreAllMocks();
});

/** What TF.js' own kernel gives. */
function runStock(kernelName: string, inputs: Inputs, attributes: object) {
  const { backend } = tf.engine();
  const attrs = attributes as tf.NamedAttrMap;
  const info = stock.get(kernelName)!.kernelFunc({ inputs, attrs, backend }) as tf.TensorInfo;
  const values = Array.from(backend.readSync(info.dataId) as Float32Array);
  backend.disposeData(info.dataId);
  return { shape: info.shape, dtype: info.dtype, values };
}

/** That our kernel gives what TF.js' own does, and whether it computed that itself. */
function expectStock(kernelName: string, inputs: Inputs, attributes: object, isOurs = true): void {
  const want = runStock(kernelName, inputs, attributes);
  const magnitudes = runStock(
    kernelName,
    Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, tf.abs(input)])),
    attributes,
  ).values;
  stockCalls.length = 0;
  const before = held();
  const got = run(kernelName, inputs, attributes);
  expect(stockCalls).toEqual(isOurs ? [] : [kernelName]);
  expect(held()).toEqual(before.map((count) => count + 1));
  expect([got.shape, got.dtype]).toEqual([want.shape, want.dtype]);
  valuesOf(got).forEach((value, i) => {
    const expected = want.values[i]!;
    if (Object.is(value, expected)) return;
    const allowed = TOLERANCE * magnitudes[i]!;
    if (!(Math.abs(value - expected) <= allowed)) {
      expect.fail(`${kernelName}: ${value} instead of ${expected} at ${i}, allowed ${allowed}`);
    }
  });
}

type Shape4D = [number, number, number, number];

interface Convolution {
  readonly image: Shape4D;
  readonly filter: [number, number];
  readonly channels: number;
  readonly strides: [number, number];
  readonly dilations: [number, number];
  readonly pad: 'same' | 'valid' | number | [number, number][];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil' | undefined;
}

const shapesOf = ({ image, filter, channels, ...rest }: Convolution) => {
  const filterShape: Shape4D = [...filter, image[3], channels];
  const args = [image, filterShape, rest.strides, rest.dilations, rest.pad, rest.dimRoundingMode];
  const { outShape } = (tf.backend_util.computeConv2DInfo as (...args: unknown[]) => { outShape: Shape4D })(
    ...args,
  );
  return { filterShape, outShape };
};

/** The convolution and its gradients, that is, as far as TF.js has them: without dilation. */
function expectConvolutions(one: Convolution, isOurs = true): void {
  const { image, strides, dilations, pad, dimRoundingMode } = one;
  const { filterShape, outShape } = shapesOf(one);
  const [x, filter, dy] = [draw(image, 1), draw(filterShape, 2), draw(outShape, 3)];
  const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode };
  expectStock('Conv2D', { x, filter }, { ...attributes, dilations }, isOurs);
  if (dilations.some((dilation) => dilation > 1)) return;
  expectStock('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: image }, isOurs);
  expectStock('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape }, isOurs);
}

const CONVOLUTION: Convolution = {
  image: [2, 9, 7, 5],
  filter: [3, 3],
  channels: 6,
  strides: [1, 1],
  dilations: [1, 1],
  pad: 'same',
};

describe('as TF.js computes them are', () => {
  const side = fc.integer({ min: 1, max: 13 });
  const stride = fc.integer({ min: 1, max: 4 });
  const edge = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }));

  test('convolutions of every size, stride, dilation and padding', () => {
    const convolutions = fc.record({
      image: fc.tuple(fc.integer({ min: 1, max: 5 }), side, side, fc.integer({ min: 4, max: 9 })),
      filter: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
      channels: fc.integer({ min: 4, max: 17 }),
      strides: fc.tuple(stride, stride),
      dilations: fc.constantFrom<[number, number]>([1, 1], [1, 1], [2, 1], [2, 3]),
      pad: fc.oneof(
        fc.constantFrom('same', 'valid'),
        fc.integer({ min: 0, max: 3 }),
        fc.tuple(edge, edge).map(([rows, columns]) => [[0, 0], rows, columns, [0, 0]]),
      ) as fc.Arbitrary<Convolution['pad']>,
      dimRoundingMode: fc.constantFrom('floor', 'ceil', 'round'),
    });
    let ours = 0;
    fc.assert(
      fc.property(convolutions, (drawnOne) => {
        const isDilated = drawnOne.dilations.some((dilation) => dilation > 1);
        const one: Convolution = {
          ...drawnOne,
          strides: isDilated ? [1, 1] : drawnOne.strides,
          dimRoundingMode: typeof drawnOne.pad === 'number' ? drawnOne.dimRoundingMode : undefined,
        };
        const { filterShape, outShape } = shapesOf(one);
        fc.pre(outShape.every((size) => size > 0));
        // Smaller ones are left to TF.js.
        const work = outShape.slice(0, 3).reduce((product, size) => product * size, 1);
        fc.pre(work * filterShape.reduce((product, size) => product * size, 1) >= 2 ** 13);
        expectConvolutions(one);
        ours++;
      }),
      { numRuns: 150, seed: 5 },
    );
    expect(ours).toBe(150);
  });

  test.each([
    ['images of which some fit', { image: [9, 20, 20, 33], channels: 3 }],
    ['images of which only some rows fit', { image: [2, 61, 90, 30], channels: 1 }],
    [
      'images of which only some rows fit, with strides',
      { image: [1, 99, 90, 30], channels: 4, strides: [3, 2] },
    ],
    ['an output of which only some rows fit', { image: [1, 30, 110, 2], channels: 50 }],
    ['filters of which only some channels fit', { image: [2, 3, 3, 800], channels: 83 }],
    [
      'strides that are longer than the filter',
      { image: [8, 17, 15, 8], filter: [2, 1], strides: [3, 4], channels: 9 },
    ],
  ] as [string, Partial<Convolution>][])('convolutions of %s', (_, one) => {
    expectConvolutions({ ...CONVOLUTION, ...one });
  });

  test('matrix products of every size, transposed and not', () => {
    const size = fc.integer({ min: 1, max: 40 });
    const sizes = fc.record({
      batch: fc.constantFrom(
        [[], []],
        [[1], [1]],
        [[3], [3]],
        [[3], [1]],
        [[1], [2]],
        [
          [2, 1],
          [2, 1],
        ],
      ),
      m: size,
      n: size,
      k: fc.oneof(size, fc.constantFrom(127, 128, 129, 1500)),
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
    });
    fc.assert(
      fc.property(sizes, ({ batch, m, n, k, transposeA, transposeB }) => {
        fc.pre(m * n * k >= 2 ** 10);
        const a = draw([...batch[0], ...(transposeA ? [k, m] : [m, k])], 1);
        const b = draw([...batch[1], ...(transposeB ? [n, k] : [k, n])], 2);
        expectStock('BatchMatMul', { a, b }, { transposeA, transposeB });
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  test.each([
    [300, 40, 50],
    [20, 600, 30],
    [20, 30, 2500],
  ])('matrix products in parts: %i × %i, of %i terms', (m, n, k) => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      const [a, b] = [draw(transposeA ? [k, m] : [m, k], 1), draw(transposeB ? [n, k] : [k, n], 2)];
      expectStock('BatchMatMul', { a, b }, { transposeA, transposeB });
    }
  });

  test('those with a bias and an activation', () => {
    const x = draw([2, 9, 7, 5], 1);
    const filter = draw([3, 3, 5, 6], 2);
    const [a, b] = [draw([2, 20, 30], 3), draw([1, 30, 6], 4)];
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
    const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'];
    for (const [i, activation] of [...activations, undefined].entries()) {
      for (const shape of [null, [6], [], [1], [1, 6]]) {
        const more = {
          ...(shape && { bias: draw(shape, 5 + i) }),
          ...(activation === 'prelu' && { preluActivationWeights: draw([6], 20) }),
        };
        const attrs = { activation, leakyreluAlpha: 0.3 };
        expectStock('FusedConv2D', { x, filter, ...more }, { ...attributes, ...attrs });
        expectStock('_FusedMatMul', { a, b, ...more }, { transposeA: false, transposeB: false, ...attrs });
      }
    }
  });
});

describe('what is not finite', () => {
  const strangers = [NaN, Infinity, -Infinity];
  const withStranger = (shape: number[], seed: number, stranger: number, at: number) => {
    const values = Float32Array.from(valuesOf(draw(shape, seed)));
    values[at] = stranger;
    return tf.tensor(values, shape);
  };

  test.each(strangers)('%d goes where TF.js lets it go: padding is not multiplied', (stranger) => {
    for (const [strides, pad] of [
      [1, 'same'],
      [2, 'same'],
      [1, 2],
      [3, 1],
    ] as const) {
      const one: Convolution = { ...CONVOLUTION, image: [6, 9, 7, 5], strides: [strides, strides], pad };
      const { filterShape, outShape } = shapesOf(one);
      const [x, filter, dy] = [draw(one.image, 1), draw(filterShape, 2), draw(outShape, 3)];
      const attributes = { strides, pad, dataFormat: 'NHWC' };
      for (const at of [0, 40, 200]) {
        const strangeX = withStranger(one.image, 1, stranger, at);
        const strangeFilter = withStranger(filterShape, 2, stranger, at);
        const strangeDy = withStranger(outShape, 3, stranger, at % dy.size);
        const forward = { ...attributes, dilations: 1 };
        expectStock('Conv2D', { x, filter: strangeFilter }, forward);
        expectStock('Conv2D', { x: strangeX, filter }, forward);
        const back = { ...attributes, inputShape: one.image };
        expectStock('Conv2DBackpropInput', { dy, filter: strangeFilter }, back);
        expectStock('Conv2DBackpropInput', { dy: strangeDy, filter }, back);
        expectStock('Conv2DBackpropFilter', { x, dy: strangeDy }, { ...attributes, filterShape });
        expectStock('Conv2DBackpropFilter', { x: strangeX, dy }, { ...attributes, filterShape });
      }
    }
  });

  test.each(strangers)('%d spoils its row of a product, or its column', (stranger) => {
    const attributes = { transposeA: false, transposeB: false };
    const [a, b] = [draw([13, 11], 1), draw([11, 14], 2)];
    expectStock('BatchMatMul', { a: withStranger([13, 11], 1, stranger, 142), b }, attributes);
    expectStock('BatchMatMul', { a, b: withStranger([11, 14], 2, stranger, 153) }, attributes);
  });
});

describe('TF.js computes', () => {
  test('other types than float32, and channels first', () => {
    const x = tf.cast(tf.mul(draw([2, 9, 9, 4], 1), 9), 'int32');
    const filter = tf.cast(tf.mul(draw([3, 3, 4, 6], 2), 9), 'int32');
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
    expectStock('Conv2D', { x, filter }, attributes, false);
    const [a, b] = [tf.reshape(x, [2, 81, 4]), tf.reshape(filter, [1, 4, 54])];
    expectStock('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }, false);
    expectStock(
      'Conv2D',
      { x: draw([2, 4, 9, 9], 1), filter: draw([3, 3, 4, 6], 2) },
      {
        ...attributes,
        dataFormat: 'NCHW',
      },
      false,
    );
  });

  test('what is small or empty', () => {
    expectConvolutionsOfTfJs({ image: [1, 3, 3, 2], channels: 2 });
    expectConvolutionsOfTfJs({ image: [0, 3, 3, 2], channels: 2 });
    const attributes = { transposeA: false, transposeB: false };
    expectStock('BatchMatMul', { a: draw([2, 3], 1), b: draw([3, 2], 2) }, attributes, false);
    expectStock('BatchMatMul', { a: tf.zeros([0, 30]), b: draw([30, 40], 2) }, attributes, false);
    expectStock('BatchMatMul', { a: tf.zeros([30, 0]), b: tf.zeros([0, 40]) }, attributes, false);
  });

  function expectConvolutionsOfTfJs(some: Partial<Convolution>): void {
    const one = { ...CONVOLUTION, ...some };
    const { filterShape, outShape } = shapesOf(one);
    const inputs = { x: draw(one.image, 1), filter: draw(filterShape, 2) };
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NHWC' };
    expectStock('Conv2D', inputs, { ...attributes, dilations: 1 }, false);
    const back = { dy: draw(outShape, 3), filter: inputs.filter };
    expectStock('Conv2DBackpropInput', back, { ...attributes, inputShape: one.image }, false);
  }

  test('a bias of another shape, and refuses an activation that it does not have', () => {
    const inputs = { x: draw([2, 9, 7, 5], 1), filter: draw([3, 3, 5, 6], 2) };
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
    expectStock('FusedConv2D', { ...inputs, bias: draw([9, 7, 6], 3) }, attributes, false);
    expectStock('FusedConv2D', { ...inputs, bias: draw([7, 1], 3) }, attributes, false);
    expect(() => run('FusedConv2D', inputs, { ...attributes, activation: 'tanh' })).toThrow(
      'Activation tanh has not been implemented',
    );
  });

  test('what has no room in a few megabytes', () => {
    expect(takeRoom(2 ** 21)).toBe(null);
    const attributes = { strides: 1, pad: 'valid', dataFormat: 'NHWC', dilations: 1 };
    const inputs = { x: draw([1, 1, 2 ** 14, 128], 1), filter: draw([1, 1, 128, 1], 2) };
    expectStock('Conv2D', inputs, attributes, false);
  });

  test('all of it where there is no memory for the module', () => {
    vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    });
    // More than any other here takes.
    expectConvolutions({ ...CONVOLUTION, image: [1, 1, 12_000, 128], filter: [1, 1], channels: 1 }, false);
  });
});

test('a network trains to the same losses, without TF.js kernels of these names', async () => {
  const fit = async () => {
    const kernelInitializer = (seed: number) => tf.initializers.heNormal({ seed });
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          filters: 8,
          kernelSize: 3,
          kernelInitializer: kernelInitializer(1),
          inputShape: [9, 8, 3],
        }),
        tf.layers.conv2d({
          filters: 9,
          kernelSize: 3,
          strides: 2,
          kernelInitializer: kernelInitializer(2),
          activation: 'relu',
        }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 40, activation: 'elu', kernelInitializer: kernelInitializer(3) }),
        tf.layers.dense({ units: 16, kernelInitializer: kernelInitializer(4) }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const options = { epochs: 4, batchSize: 8, shuffle: false, verbose: 0 };
    const { history } = await model.fit(draw([24, 9, 8, 3], 1), draw([24, 16], 2), options);
    model.dispose();
    return history.loss as number[];
  };
  undo();
  const want = await fit();
  undo = accelerateTensorFlow();
  stockCalls.length = 0;
  const got = await fit();
  expect(stockCalls).toEqual([]);
  got.forEach((loss, i) => {
    expect(loss).toBeCloseTo(want[i]!, 5);
  });
  expect(got[3]).toBeLessThan(got[0]!);
});
