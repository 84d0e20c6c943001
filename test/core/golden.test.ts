/**
 * @file The core against tf-keras: every golden case, step by step, with the state handed on from call to call, and
 * every attempt that Keras refuses or lets pass and that the core can make.
 */
import {
  backward,
  forward,
  initialState,
  parameterShape,
  type BatchNormalizationOptions,
  type CallArguments,
  type State,
  ValueError,
} from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import {
  camelCase,
  LAYER_GROUPS,
  readAttempts,
  readCases,
  relativeError,
  unpack,
  type GoldenAttempt,
  type GoldenCase,
  type GoldenStep,
  type Packed,
} from '../golden/index.js';

const TOLERANCE = { float32: 2e-5, float64: 1e-12 };

/** Arguments that belong to the layer, not to the core. */
const LAYER_ARGUMENTS = [
  'gammaInitializer',
  'betaInitializer',
  'movingMeanInitializer',
  'movingVarianceInitializer',
  'dtype',
];

function coreOptions(args: Record<string, unknown>): BatchNormalizationOptions {
  const given = camelCase(args) as Record<string, unknown>;
  // Keras has no fused kernel for float64. The core goes by options and shape alone, so it has to be told.
  if (given.dtype === 'float64') given.fused = false;
  return Object.fromEntries(Object.entries(given).filter(([name]) => !LAYER_ARGUMENTS.includes(name)));
}

const packedState = (weights: Record<string, Packed>) => camelCase(weights) as Record<keyof State, Packed>;

const toState = (weights: Record<string, Packed>) =>
  Object.fromEntries(
    Object.entries(packedState(weights)).map(([name, packed]) => [name, unpack(packed)]),
  ) as unknown as State;

const toNdArray = (packed: Packed) => ({ values: unpack(packed), shape: packed.shape });

function callArguments({ adjustment }: GoldenCase, { training, trainable, mask }: GoldenStep): CallArguments {
  const scaleAndBias = adjustment && {
    scale: toNdArray(adjustment.scale),
    bias: toNdArray(adjustment.bias),
  };
  return {
    training,
    trainable,
    mask: mask ? toNdArray(mask) : null,
    adjustment: scaleAndBias ?? null,
  };
}

/** The largest error of everything that a golden step states; Infinity where something is missing. */
function stepErrors(golden: GoldenCase, step: GoldenStep, state: State): [Record<string, number>, State] {
  const options = coreOptions(golden.args);
  const floats = step.x.dtype === 'float64' ? Float64Array : Float32Array;
  const x = { values: floats.from(unpack(step.x)), shape: step.x.shape };
  const { y, state: next, saved } = forward(x, state, options, callArguments(golden, step));
  const { dx, dgamma, dbeta } = backward(unpack(step.dy), saved);
  const gradients: Record<string, ArrayLike<number> | undefined> = { x: dx, gamma: dgamma, beta: dbeta };
  const errors: Record<string, number> = { y: relativeError(y, step.y) };
  for (const [name, packed] of Object.entries(step.gradients)) {
    errors[`d${name}`] = relativeError(gradients[name] ?? [], packed);
  }
  for (const [name, packed] of Object.entries(packedState(step.weightsAfter))) {
    errors[name] = relativeError(next[name as keyof State] ?? [], packed);
  }
  return [errors, next];
}

function checkCases(cases: GoldenCase[], tolerance: number) {
  test.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    let state = toState(golden.initialWeights);
    golden.steps.forEach((step, number) => {
      const [errors, next] = stepErrors(golden, step, state);
      const wrong = Object.entries(errors).filter(([, error]) => !(error <= tolerance));
      expect(wrong, `step ${number + 1}`).toEqual([]);
      expect(Object.keys(next)).toEqual(Object.keys(packedState(step.weightsAfter)));
      state = next;
    });
  });
}

describe('agrees with tf-keras in float64', () => {
  const cases = readCases('float64');
  test('in all 13 cases', () => {
    expect(cases).toHaveLength(13);
  });
  checkCases(cases, TOLERANCE.float64);
});

describe('agrees with tf-keras in float32', () => {
  test('in all 239 cases', () => {
    expect(LAYER_GROUPS.flatMap((group) => readCases(group))).toHaveLength(239);
  });
  describe.each(LAYER_GROUPS)('%s', (group) => {
    checkCases(readCases(group), TOLERANCE.float32);
  });
});

describe('shapes and starts its weights as tf-keras does', () => {
  const cases = [...LAYER_GROUPS, 'float64' as const].flatMap((group) => readCases(group));

  test('gives parameters the shape that Keras gives them', () => {
    for (const { args, inputShape, initialWeights } of cases) {
      expect(parameterShape(coreOptions(args), inputShape)).toEqual(initialWeights.moving_mean!.shape);
    }
  });

  test('starts from the values of the default initializers, under the same names, in the same order', () => {
    const defaults = cases.filter(
      ({ initialized, args }) =>
        initialized && !Object.keys(args).some((name) => name.endsWith('initializer')),
    );
    expect(defaults).toHaveLength(10);
    for (const { args, inputShape, initialWeights } of defaults) {
      const state = initialState(coreOptions(args), inputShape);
      expect(state).toEqual(toState(initialWeights));
      expect(Object.keys(state)).toEqual(Object.keys(packedState(initialWeights)));
    }
  });
});

/** Makes the layer and calls it. Shapes that the attempt leaves open do not matter to it. */
function attempt({ args, adjustment, buildShape, callShape, maskShape, training }: GoldenAttempt): void {
  const options = coreOptions(args);
  const built = (buildShape ?? [2, 2, 2, 2]).map((dim, d) => (d === 0 ? (dim ?? 2) : dim!));
  const shape = callShape ?? built;
  const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
  forward({ values: new Float32Array(size(shape)), shape }, initialState(options, built), options, {
    training,
    adjustment: adjustment ? { scale: 1, bias: 0 } : null,
    mask: maskShape ? { values: new Float32Array(size(maskShape)), shape: maskShape } : null,
  });
}

describe('refuses what tf-keras refuses', () => {
  // Types and names that only the layer knows.
  const layerOnly = ['fused with float64', 'unknown initializer', 'unknown constraint'];
  const refused = readAttempts('errors').filter(({ name }) => !layerOnly.includes(name));

  test('in all 27 attempts', () => {
    expect(refused).toHaveLength(27);
  });
  test.each(refused.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    expect(() => {
      attempt(golden);
    }).toThrow(golden.type === 'TypeError' ? TypeError : ValueError);
  });
});

describe('accepts what tf-keras accepts', () => {
  const accepted = readAttempts('accepted');
  test('in all 5 attempts', () => {
    expect(accepted).toHaveLength(5);
  });
  test.each(accepted.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    expect(() => {
      attempt(golden);
    }).not.toThrow();
  });
});
