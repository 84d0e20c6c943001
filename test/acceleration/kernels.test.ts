/** @file The kernels that TF.js lacks on wasm, against those of its cpu backend. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { accelerateAll, held, on, run, runOnCpu } from './accelerated.js';

accelerateAll('wasm');

/** Runs a kernel on both, and sees that nothing but the result is left. */
function expectAgreement(
  kernelName: string,
  inputs: Record<string, tf.Tensor>,
  attributes: object,
  shape: number[],
): void {
  const want = runOnCpu(kernelName, inputs, attributes);
  for (const input of Object.values(inputs)) input.dataSync();
  tf.engine().startScope();
  // The tensors come back to wasm, where they are used.
  run(kernelName, inputs, attributes);
  const before = held();
  const got = run(kernelName, inputs, attributes);
  expect(held()).toEqual(before.map((count) => count + 1));
  expect(got.shape).toEqual(shape);
  expect(relativeDistance(valuesOf(got), want)).toBeLessThan(1e-5);
  tf.engine().endScope();
  expect(held()).toEqual(before.map((count) => count - 1));
  tf.dispose(inputs);
}

const side = fc.integer({ min: 1, max: 9 });
const filterSide = fc.integer({ min: 1, max: 5 });
const padding = fc.integer({ min: 0, max: 3 });
const edges = fc.tuple(padding, padding);

/** A convolution, as TF.js' gradients describe it. */
const convolutions = fc
  .record({
    image: fc.tuple(fc.integer({ min: 1, max: 4 }), side, side, fc.integer({ min: 1, max: 8 })),
    filter: fc.tuple(filterSide, filterSide),
    channels: fc.integer({ min: 1, max: 8 }),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.oneof(
      fc.constantFrom('same', 'valid'),
      padding,
      fc.tuple(edges, edges).map(([rows, columns]) => [[0, 0], rows, columns, [0, 0]]),
    ),
    dimRoundingMode: fc.constantFrom(undefined, 'floor', 'ceil', 'round'),
    seed: fc.integer({ min: 1, max: 99 }),
  })
  .map((one) => (typeof one.pad === 'number' ? one : { ...one, dimRoundingMode: undefined }));

type Convolution = typeof convolutions extends fc.Arbitrary<infer T> ? T : never;
type Shape4D = [number, number, number, number];

function outputShape(
  { image, strides, pad, dimRoundingMode }: Convolution,
  filter: Shape4D,
  depthwise: boolean,
) {
  const args = [image, filter, strides, 1, pad, dimRoundingMode, depthwise];
  const { outShape, padInfo } = (
    tf.backend_util.computeConv2DInfo as (
      ...args: unknown[]
    ) => ReturnType<typeof tf.backend_util.computeConv2DInfo>
  )(...args);
  return { outShape, padInfo };
}

const RUNS = { numRuns: 400, seed: 4 };

describe('on wasm, as on cpu,', () => {
  test('Conv2DBackpropFilter', () => {
    fc.assert(
      fc.property(convolutions, (one) => {
        const filterShape: Shape4D = [...one.filter, one.image[3], one.channels];
        const { outShape } = outputShape(one, filterShape, false);
        fc.pre(outShape.every((size) => size > 0));
        const { strides, pad, dimRoundingMode, seed } = one;
        const inputs = { x: draw([...one.image], seed), dy: draw(outShape, seed + 1) };
        const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode, filterShape };
        expectAgreement('Conv2DBackpropFilter', inputs, attributes, filterShape);
      }),
      RUNS,
    );
  });

  // Little work is TF.js' own kernel's.
  const large = convolutions.map((one) => ({ ...one, image: [16, ...one.image.slice(1)] as Shape4D }));

  test('Conv2DBackpropInput, with strides and paddings of any length', () => {
    fc.assert(
      fc.property(large, fc.integer({ min: 8, max: 20 }), (one, channels) => {
        const filterShape: Shape4D = [...one.filter, one.image[3], channels];
        const { outShape } = outputShape(one, filterShape, false);
        const work = tf.util.sizeFromShape(outShape) * tf.util.sizeFromShape(filterShape.slice(0, 3));
        fc.pre(work >= 200_000);
        const { image, strides, pad, dimRoundingMode, seed } = one;
        const inputs = { dy: draw(outShape, seed), filter: draw(filterShape, seed + 1) };
        const attributes = { strides, pad, dataFormat: 'NHWC', dimRoundingMode, inputShape: image };
        expectAgreement('Conv2DBackpropInput', inputs, attributes, image);
      }),
      { ...RUNS, numRuns: 150 },
    );
  });

  test('Conv2DBackpropFilter for a filter of one tap and padding on any side', () => {
    for (const side of [0, 1, 2, 3]) {
      const around = [0, 1, 2, 3].map((i) => Number(i === side));
      const pad = [[0, 0], around.slice(0, 2), around.slice(2), [0, 0]];
      const inputs = { x: draw([2, 4, 4, 3], 1), dy: draw(side < 2 ? [2, 5, 4, 2] : [2, 4, 5, 2], 2) };
      const attributes = { strides: 1, pad, dataFormat: 'NHWC', filterShape: [1, 1, 3, 2] };
      expectAgreement('Conv2DBackpropFilter', inputs, attributes, [1, 1, 3, 2]);
    }
    // A stride and a padding that make up for each other.
    const inputs = { x: draw([2, 3, 3, 3], 1), dy: draw([2, 3, 3, 2], 2) };
    const attributes = { strides: 2, pad: 1, dataFormat: 'NHWC', filterShape: [1, 1, 3, 2] };
    expectAgreement('Conv2DBackpropFilter', inputs, attributes, [1, 1, 3, 2]);
  });

  test.each(['DepthwiseConv2dNativeBackpropFilter', 'DepthwiseConv2dNativeBackpropInput'])('%s', (name) => {
    fc.assert(
      fc.property(convolutions, fc.integer({ min: 1, max: 3 }), (one, multiplier) => {
        const filterShape: Shape4D = [...one.filter, one.image[3], multiplier];
        const { outShape } = outputShape(one, filterShape, true);
        fc.pre(outShape.every((size) => size > 0));
        const { image, strides, pad, dimRoundingMode, seed } = one;
        const attributes = { strides, pad, dimRoundingMode, dilations: [1, 1] };
        const dy = draw(outShape, seed);
        if (name.endsWith('Filter')) {
          const inputs = { x: draw([...image], seed + 1), dy };
          expectAgreement(name, inputs, { ...attributes, filterShape }, filterShape);
        } else {
          const inputs = { dy, filter: draw(filterShape, seed + 1) };
          expectAgreement(name, inputs, { ...attributes, inputShape: image }, image);
        }
      }),
      RUNS,
    );
  });

  test.each([1, 2])('depthwise gradients of many channels and pixels, strides of %d', (stride) => {
    const [image, filter] = [
      [8, 17, 16, 23],
      [3, 3, 23, 1],
    ];
    const dy = draw([8, Math.ceil(17 / stride), 16 / stride, 23], 1);
    const attributes = { strides: stride, pad: 'same', dilations: [1, 1] };
    expectAgreement(
      'DepthwiseConv2dNativeBackpropFilter',
      { x: draw(image, 2), dy },
      { ...attributes, filterShape: filter },
      filter,
    );
    const again = draw(dy.shape, 1);
    expectAgreement(
      'DepthwiseConv2dNativeBackpropInput',
      { dy: again, filter: draw(filter, 2) },
      { ...attributes, inputShape: image },
      image,
    );
  });

  const poolings = (dimensions: number) =>
    fc.record({
      image: fc.tuple(
        fc.constantFrom(1, 2),
        ...Array<fc.Arbitrary<number>>(dimensions).fill(side),
        fc.constantFrom(1, 3, 6),
      ),
      filterSize: fc.tuple(...Array<fc.Arbitrary<number>>(dimensions).fill(fc.integer({ min: 1, max: 4 }))),
      strides: fc.tuple(...Array<fc.Arbitrary<number>>(dimensions).fill(fc.integer({ min: 1, max: 4 }))),
      pad: fc.constantFrom('same', 'valid'),
      seed: fc.integer({ min: 1, max: 99 }),
    });

  test.each([
    ['MaxPoolGrad', 2],
    ['MaxPool3D', 3],
    ['MaxPool3DGrad', 3],
  ])('%s, whatever sign the numbers have', (name, dimensions) => {
    fc.assert(
      fc.property(poolings(dimensions), ({ image, filterSize, strides, pad, seed }) => {
        // TF.js' padding in three dimensions is negative where strides are longer than windows.
        fc.pre(dimensions === 2 || pad === 'valid' || strides.every((stride, i) => stride <= filterSize[i]!));
        // And its cpu backend takes rows for columns where windows have more of the one (another test looks at these).
        fc.pre(name !== 'MaxPool3DGrad' || filterSize[1] === filterSize[2]);
        const shape = image.map((size, i) => {
          if (i === 0 || i > dimensions) return size;
          const windows = pad === 'same' ? size : size - filterSize[i - 1]! + 1;
          return Math.ceil(windows / strides[i - 1]!);
        });
        fc.pre(shape.every((size) => size > 0));
        const attributes = { filterSize, strides, pad };
        const input = tf.tidy(() => tf.sub(draw([...image], seed), seed % 3));
        if (name === 'MaxPool3D') {
          expectAgreement(name, { x: input }, attributes, shape);
          return;
        }
        const inputs = {
          dy: draw(shape, seed + 1),
          input,
          ...(dimensions === 2 && { output: tf.zeros(shape) }),
        };
        expectAgreement(name, inputs, attributes, [...image]);
      }),
      RUNS,
    );
  });

  test('MaxPoolGrad and MaxPool3D, which pass over what is not a number', () => {
    const filterSize = [2, 3, 2];
    const volume = tf.tidy(() => {
      const drawn = draw([2, 4, 6, 4, 7], 1);
      return tf.where(tf.less(draw(drawn.shape, 2), -0.5), NaN, drawn);
    });
    const image = tf.reshape(volume, [8, 6, 4, 7]);
    const attributes = { strides: [2, 3, 2], pad: 'valid', filterSize };
    expectAgreement('MaxPool3D', { x: volume }, attributes, [2, 2, 2, 2, 7]);
    const inputs = { dy: draw([8, 2, 2, 7], 3), input: image, output: tf.zeros([8, 2, 2, 7]) };
    expectAgreement(
      'MaxPoolGrad',
      inputs,
      { strides: [3, 2], pad: 'valid', filterSize: [3, 2] },
      [8, 6, 4, 7],
    );
  });

  test.each(['cpu', 'wasm'] as const)(
    'MaxPool3DGrad for windows with more rows than columns, on %s',
    (backend) =>
      on(backend, () => {
        const x = tf.tensor([-3, -2, -5, -1, -4, -2.5], [1, 1, 2, 3, 1]);
        const dy = tf.tensor([1, 10, 100, 1000, 10_000, 100_000], [1, 1, 2, 3, 1]);
        const dx = tf.grad((t) => tf.maxPool3d(t as tf.Tensor5D, [1, 2, 1], 1, 'same'))(x, dy);
        expect(valuesOf(dx)).toEqual([0, 10, 0, 1001, 10_000, 100_100]);
        tf.dispose([x, dy, dx]);
      }),
  );

  test.each(['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'])('%s', (name) => {
    const three = fc.tuple(...Array<fc.Arbitrary<number>>(3).fill(fc.integer({ min: 1, max: 3 })));
    const volume = fc.tuple(...Array<fc.Arbitrary<number>>(3).fill(fc.integer({ min: 1, max: 6 })));
    const channels = fc.tuple(...Array<fc.Arbitrary<number>>(2).fill(fc.integer({ min: 1, max: 3 })));
    fc.assert(
      fc.property(volume, three, three, channels, fc.constantFrom('same', 'valid'), (...drawn) => {
        const [space, filter, strides, [inputs, outputs], pad] = drawn;
        fc.pre(pad === 'valid' || strides.every((stride, i) => stride <= filter[i]!));
        const sizes = space.map((size, i) =>
          Math.ceil((pad === 'same' ? size : size - filter[i]! + 1) / strides[i]!),
        );
        fc.pre(sizes.every((size) => size > 0));
        const inputShape = [2, ...space, inputs!];
        const filterShape = [...filter, inputs!, outputs!];
        const dy = draw([2, ...sizes, outputs!], 1);
        if (name === 'Conv3D') {
          const both = { x: draw(inputShape, 2), filter: draw(filterShape, 3) };
          expectAgreement(name, both, { strides, pad, dilations: 1, dataFormat: 'NDHWC' }, [...dy.shape]);
          dy.dispose();
        } else if (name.includes('Filter')) {
          expectAgreement(name, { x: draw(inputShape, 2), dy }, { strides, pad, filterShape }, filterShape);
        } else {
          expectAgreement(
            name,
            { dy, filter: draw(filterShape, 2) },
            { strides, pad, inputShape },
            inputShape,
          );
        }
      }),
      { ...RUNS, numRuns: 200 },
    );
  });

  test.each(['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D'])(
    '%s with strides longer than the filter',
    (name) => {
      fc.assert(
        fc.property(convolutions, ({ image, filter, channels, strides, seed }) => {
          const isDepthwise = name.includes('Depthwise');
          const filterShape: Shape4D = [...filter, image[3], channels];
          const steps: [number, number] = [strides[0] + 1, strides[1] + 1];
          const attributes = {
            strides: isDepthwise ? [steps[0], steps[0]] : steps,
            pad: 'same',
            dilations: [1, 1],
            dataFormat: 'NHWC',
            activation: 'linear',
          };
          const one = { ...attributes, image, filter, channels, seed, dimRoundingMode: undefined };
          const { outShape } = outputShape(one as unknown as Convolution, filterShape, isDepthwise);
          const inputs = { x: draw([...image], seed), filter: draw(filterShape, seed + 1) };
          expectAgreement(name, inputs, attributes, outShape);
        }),
        RUNS,
      );
    },
  );

  test('UnsortedSegmentSum, which leaves out what belongs to no segment', () => {
    const shapes = fc.tuple(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    );
    const segments = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        shapes,
        segments,
        fc.infiniteStream(fc.integer({ min: -2, max: 10 })),
        fc.boolean(),
        (...drawn) => {
          const [[rows, rest], numSegments, stream, isWithin] = drawn;
          const numbers = [...stream.take(rows)].map((id) => (isWithin ? Math.abs(id) % numSegments : id));
          const inputs = { x: draw([rows, ...rest], rows), segmentIds: tf.tensor1d(numbers, 'int32') };
          expectAgreement('UnsortedSegmentSum', inputs, { numSegments }, [numSegments, ...rest]);
        },
      ),
      RUNS,
    );
  });

  test('UnsortedSegmentSum of nothing', () => {
    const sums = tf.tidy(() =>
      tf.unsortedSegmentSum(tf.zeros([0, 3]), tf.tensor1d([], 'int32'), 2).arraySync(),
    );
    expect(sums).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});

test('says what it cannot do', () => {
  tf.tidy(() => {
    const [x, dy] = [tf.zeros([1, 2, 4, 4]), tf.zeros([1, 2, 4, 4])];
    const attributes = { strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [1, 1, 2, 2] };
    expect(() => run('Conv2DBackpropFilter', { x, dy }, attributes)).toThrow(
      "The wasm backend computes convolutions of dataFormat 'NHWC' only, and got 'NCHW'.",
    );
    const ids = tf.zeros<tf.Rank.R2>([2, 2], 'int32');
    expect(() =>
      run('UnsortedSegmentSum', { x: tf.zeros([2, 2]), segmentIds: ids }, { numSegments: 3 }),
    ).toThrow('segmentIds must be of rank 1, and have the shape [2,2].');
  });
});
