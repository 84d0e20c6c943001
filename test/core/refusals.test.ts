/** @file What the core refuses, with which error and in which words: what came, what is accepted, how to mend it. */
import {
  forward,
  initialState,
  ValueError,
  type BatchNormalizationOptions,
  type CallArguments,
} from 'evenkeel/core';
import { describe, expect, test } from 'vitest';

/** Takes options of any type, as a JavaScript program may give them. */
const make = (options: object, shape: number[]) => initialState(options, shape);

function expectRefusal(run: () => unknown, Refusal: typeof ValueError | ErrorConstructor, message: string) {
  let refusal: unknown;
  try {
    run();
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(Refusal);
  expect((refusal as Error).message).toBe(message);
}

const REFUSED_OPTIONS = [
  [
    { momentun: 0.9 },
    TypeError,
    "Batch normalization has no 'momentun'. It has axis, momentum, epsilon, center, scale, renorm, renormClipping, " +
      'renormMomentum, fused, virtualBatchSize: correct the name or leave it out.',
  ],
  [{ toString: 1 }, TypeError, /^Batch normalization has no 'toString'/],
  [
    { axis: 'last' },
    TypeError,
    "axis is 'last'. Give an integer or an array of integers, such as -1 or [1, 3].",
  ],
  [{ axis: null }, TypeError, 'axis is null. Give an integer or an array of integers, such as -1 or [1, 3].'],
  [{ axis: 1.5 }, TypeError, 'axis is 1.5. Give an integer or an array of integers, such as -1 or [1, 3].'],
  [{ axis: [] }, ValueError, 'axis is an empty array. Name at least one dimension, such as [-1].'],
  [
    { axis: 4 },
    ValueError,
    'axis [4] is out of range. The shape is [2, 3, 4, 5]: choose from -4 to 3, each once.',
  ],
  [
    { axis: [-1, 3] },
    ValueError,
    'axis [-1, 3] names a dimension twice. The shape is [2, 3, 4, 5]: choose from -4 to 3, each once.',
  ],
  [{ momentum: '0.9' }, TypeError, "momentum is '0.9'. Give a finite number, usually from 0 to 1."],
  [{ momentum: NaN }, ValueError, 'momentum is NaN. Give a finite number, usually from 0 to 1.'],
  [
    { renormMomentum: Infinity },
    ValueError,
    'renormMomentum is Infinity. Give a finite number, usually from 0 to 1.',
  ],
  [{ epsilon: -1 }, ValueError, 'epsilon is -1. Give a finite number of at least 0.'],
  [{ center: 'no' }, TypeError, "center is 'no'. Give true or false."],
  [{ scale: 0 }, TypeError, 'scale is 0. Give true or false.'],
  [{ renorm: {} }, TypeError, 'renorm is {}. Give true or false.'],
  [{ fused: 1 }, TypeError, 'fused is 1. Give true or false.'],
  [
    { virtualBatchSize: 2.5 },
    ValueError,
    'virtualBatchSize is 2.5. Give a positive integer that divides the batch, or null for no ghost batches.',
  ],
  [
    { virtualBatchSize: true },
    TypeError,
    'virtualBatchSize is true. Give a positive integer that divides the batch, or null for no ghost batches.',
  ],
  [
    { virtualBatchSize: 2, axis: [0, 1] },
    ValueError,
    'axis [0, 1] includes the batch, which virtualBatchSize divides into ghost batches: choose other axes, or leave virtualBatchSize out.',
  ],
  [
    { renormClipping: 3 },
    TypeError,
    'renormClipping is 3. Give an object such as { rmax: 3, rmin: 0.3, dmax: 5 }.',
  ],
  [
    { renormClipping: { smax: 2 } },
    ValueError,
    "renormClipping has no 'smax'. It has rmax, rmin, dmax: correct the name or leave it out.",
  ],
  [
    { renormClipping: { rmin: 2, rmax: 1 } },
    ValueError,
    'renormClipping.rmax is 1. Give a number no less than rmin, which is 2.',
  ],
  [{ renormClipping: { rmin: NaN } }, ValueError, 'renormClipping.rmin is NaN. Give a number.'],
  [{ renormClipping: { dmax: -1 } }, ValueError, 'renormClipping.dmax is -1. Give a number of at least 0.'],
  [
    { fused: true, renorm: true },
    ValueError,
    'fused: true cannot be had with renorm: true: leave fused out, or give up the other.',
  ],
  [
    { fused: true, axis: 2 },
    ValueError,
    'fused: true cannot be had with axis: [2], as it takes one axis, 1 or 3 of rank 4 or 1 or 4 of rank 5: leave fused out, or give up the other.',
  ],
  [
    { fused: true, axis: -4 },
    ValueError,
    'fused: true takes rank 4 with axis 1 or 3, or rank 5, but the shape is [2, 3, 4, 5] and axis [-4]: leave fused out.',
  ],
] as const;

describe('refuses options and says why', () => {
  test.each(REFUSED_OPTIONS)('%j', (options, Refusal, message) => {
    const run = () => make(options, [2, 3, 4, 5]);
    if (typeof message === 'string') expectRefusal(run, Refusal, message);
    else expect(run).toThrow(message);
  });

  test('an axis that fused: true never takes, in rank 5 too', () => {
    expect(() => make({ fused: true, axis: 2 }, [2, 3, 4, 5, 6])).toThrow(ValueError);
    expect(() => make({ fused: true, axis: 3 }, [2, 3, 4, 5, 6])).not.toThrow();
  });

  test('a shape with a dimension that is not known', () => {
    expectRefusal(
      () => make({}, [NaN, 3]),
      ValueError,
      'The shape is [NaN, 3]. Give every dimension as an integer of at least 0.',
    );
  });
});

test('takes null and undefined for options that are not given', () => {
  const none = {
    axis: undefined,
    momentum: null,
    epsilon: undefined,
    center: null,
    scale: null,
    renorm: null,
    renormClipping: null,
    renormMomentum: null,
    fused: null,
    virtualBatchSize: null,
  };
  expect(make(none, [2, 3])).toEqual(make({}, [2, 3]));
});

describe('refuses calls and says why', () => {
  const shape = [4, 2, 3];
  const x = { values: new Float32Array(24), shape };
  const training = { training: true };
  const call = (options: BatchNormalizationOptions, call: CallArguments) =>
    forward(x, initialState(options, shape), options, call);
  const mask = (...dims: number[]) => ({
    values: new Uint8Array(dims.reduce((a, b) => a * b, 1)),
    shape: dims,
  });

  test('a mask of another rank', () => {
    expectRefusal(
      () => call({}, { ...training, mask: mask(4, 2, 3) }),
      ValueError,
      'The mask has shape [4, 2, 3], but x has shape [4, 2, 3]: give the mask one dimension less than x, with dimensions of 1 where it repeats.',
    );
  });

  test('a mask of another size', () => {
    expectRefusal(
      () => call({}, { ...training, mask: mask(4, 3) }),
      ValueError,
      'The mask, given a last dimension, has shape [4, 3, 1], which cannot be broadcast to [4, 2, 3]: align the shapes at their last dimension and make every dimension that differs 1.',
    );
  });

  test('a mask without as many values as its shape says', () => {
    expectRefusal(
      () => call({}, { ...training, mask: { values: [1, 0], shape: [4, 2] } }),
      ValueError,
      'The mask has 2 values, but its shape [4, 2] takes 8: give one value per element.',
    );
  });

  test('a mask in ghost batches', () => {
    expectRefusal(
      () => call({ virtualBatchSize: 2 }, { ...training, mask: mask(4, 2) }),
      ValueError,
      'A mask does not go with virtualBatchSize in training: leave one of them out.',
    );
  });

  test('an adjustment of ghost batches, in inference too, and with fused: true', () => {
    const adjustment = { scale: 1, bias: 0 };
    expectRefusal(
      () => call({ virtualBatchSize: 2 }, { adjustment }),
      ValueError,
      'An adjustment does not go with virtualBatchSize: leave one of them out.',
    );
    const image = { values: x.values, shape: [2, 2, 2, 3] };
    const options = { fused: true };
    expectRefusal(
      () => forward(image, initialState(options, image.shape), options, { adjustment }),
      ValueError,
      'An adjustment does not go with fused: true: leave one of them out.',
    );
  });

  test('an adjustment that does not broadcast to x', () => {
    const fit = { values: [1, 2, 3], shape: [3] };
    const misfit = { values: [1, 2], shape: [2] };
    const ending =
      ' has shape [2], which cannot be broadcast to [4, 2, 3]: align the shapes at their last dimension and make every dimension that differs 1.';
    expectRefusal(
      () => call({}, { ...training, adjustment: { scale: misfit, bias: fit } }),
      ValueError,
      `The adjustment's scale${ending}`,
    );
    expectRefusal(
      () => call({}, { ...training, adjustment: { scale: fit, bias: misfit } }),
      ValueError,
      `The adjustment's bias${ending}`,
    );
    const large = { values: new Float32Array(24), shape: [1, 4, 2, 3] };
    expect(() => call({}, { ...training, adjustment: { scale: large, bias: 0 } })).toThrow(ValueError);
  });

  test('a batch that ghost batches do not divide', () => {
    expectRefusal(
      () => call({ virtualBatchSize: 3 }, training),
      ValueError,
      'The batch has 4 samples, which virtualBatchSize 3 does not divide: train on a multiple of it, dropping or filling up the last batch. Inference takes any number.',
    );
  });

  test('an input of another length, another type or with other channels', () => {
    const state = initialState({}, shape);
    expectRefusal(
      () => forward({ values: new Float32Array(23), shape }, state),
      ValueError,
      'x has 23 values, but its shape [4, 2, 3] takes 24: give one value per element.',
    );
    expectRefusal(
      () => forward({ values: new Int32Array(24) as unknown as Float32Array, shape }, state),
      TypeError,
      'x is neither a Float32Array nor a Float64Array, the two that the core works on: convert it, as with Float64Array.from(values).',
    );
    expectRefusal(
      () => forward({ values: new Float32Array(24), shape: [4, 6] }, state),
      ValueError,
      "The state's gamma has 3 values, but the input has 6 channels, as parameters of shape [6]: give an input with as many channels as the layer was made for.",
    );
  });

  test('a state of other options', () => {
    const mend =
      ', unlike a layer of these options: take the state from initialState or from a forward call with the same options.';
    expectRefusal(
      () => forward(x, initialState({}, shape), { renorm: true }),
      ValueError,
      `The state lacks movingStddev${mend}`,
    );
    expectRefusal(
      () => forward(x, initialState({}, shape), { scale: false }),
      ValueError,
      `The state has gamma${mend}`,
    );
  });
});
