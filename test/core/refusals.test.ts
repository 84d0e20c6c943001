/** @file What the core refuses, with which error and in which words: what came, what is accepted, how to mend it. */
import {
  forward,
  initialState,
  ValueError,
  type BatchNormalizationOptions,
  type CallArguments,
} from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { ACCEPTED_OPTIONS, REFUSED_OPTIONS } from './refused-options.js';

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

describe('refuses options and says why', () => {
  test.each(REFUSED_OPTIONS)('%j', (options, Refusal, message) => {
    expectRefusal(() => make(options, [2, 3, 4, 5]), Refusal, message);
  });

  test.each(ACCEPTED_OPTIONS)('but takes %j', (options) => {
    make(options, [2, 3, 4, 5]);
  });

  test.each(['momentun', 'toString', '__proto__'])('the unknown %s', (name) => {
    expectRefusal(
      () => make(JSON.parse(`{ "${name}": 1 }`) as object, [2, 3, 4, 5]),
      TypeError,
      `Unknown option '${name}'. Known are axis, momentum, epsilon, center, scale, renorm, renormClipping, ` +
        'renormMomentum, fused, virtualBatchSize.',
    );
  });

  test('an axis that fused: true never takes, in rank 5 too', () => {
    expect(() => make({ fused: true, axis: 2 }, [2, 3, 4, 5, 6])).toThrow(ValueError);
    expect(() => make({ fused: true, axis: 3 }, [2, 3, 4, 5, 6])).not.toThrow();
  });

  test('a shape with a dimension that is not known', () => {
    expectRefusal(
      () => make({}, [NaN, 3]),
      ValueError,
      'shape: expected integers of at least 0, received [NaN, 3].',
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
      'virtualBatchSize cannot be combined with a mask, as in Keras. Leave one of them out.',
    );
  });

  test('an adjustment of ghost batches, in inference too, and with fused: true', () => {
    const adjustment = { scale: 1, bias: 0 };
    expectRefusal(
      () => call({ virtualBatchSize: 2 }, { adjustment }),
      ValueError,
      'virtualBatchSize cannot be combined with an adjustment, as in Keras. Leave one of them out.',
    );
    const image = { values: x.values, shape: [2, 2, 2, 3] };
    const options = { fused: true };
    expectRefusal(
      () => forward(image, initialState(options, image.shape), options, { adjustment }),
      ValueError,
      'fused: true cannot be combined with an adjustment, as in Keras. Leave one of them out.',
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
      "The call: virtualBatchSize 3 does not divide the batch of 4. Drop the last incomplete batch, or choose a divisor of every batch's size. Inference takes any number.",
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
