/**
 * @file Agreement with real tf-keras: every golden case, step by step, on every backend, as given and with
 * `fused: false`.
 *
 * With `fused: false` Keras itself computes something else in two places: the moving variance where its fused kernel
 * applies Bessel's correction, and the mask that this kernel ignores. The first is not compared there, the second is
 * not given.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { afterAll, expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import {
  type GoldenAttempt,
  type GoldenCase,
  type GoldenStep,
  LAYER_GROUPS,
  type Packed,
  camelCase,
  readAttempts,
  readCases,
  relativeError,
  unpack,
} from '../golden/index.js';

/** The float32 rounding of Keras and of TF.js in arrays of a hundred elements or so; from the golden cases' design. */
const TOLERANCE = 2e-5;
const ATTEMPTS = readAttempts('errors').length + readAttempts('accepted').length;
const CASES = LAYER_GROUPS.reduce((sum, group) => sum + readCases(group).length, ATTEMPTS);

const tensor = ({ data, shape, dtype }: Packed) =>
  tf.tensor(data.map(Number), shape, dtype === 'int32' || dtype === 'bool' ? dtype : 'float32');

function expectAgreement(got: tf.Tensor, want: Packed, what: string): void {
  expect(got.shape, `shape of ${what}`).toEqual(want.shape);
  expect(relativeError(got.dataSync(), want), what).toBeLessThanOrEqual(TOLERANCE);
}

function makeLayer(golden: GoldenCase, index: number, more: BatchNormalizationArgs): BatchNormalization {
  const args = { ...(camelCase(golden.args) as BatchNormalizationArgs), ...more };
  const { adjustment } = golden;
  if (adjustment) args.adjustment = () => [tensor(adjustment.scale), tensor(adjustment.bias)];
  const layer = layerBatchNormalization(null, args);
  // Every other case goes through its configuration, as a saved model would.
  if (index % 2 === 0 || adjustment) return layer;
  return BatchNormalization.fromConfig<BatchNormalization>(BatchNormalization, layer.getConfig());
}

const weightName = ({ originalName }: { originalName: string }) => originalName.split('/').at(-1)!;

/** Runs `attempt` and puts the weights back. */
function withoutTraces<T>(layer: BatchNormalization, attempt: () => T): T {
  const before = layer.getWeights().map((weight) => weight.clone());
  const result = attempt();
  layer.setWeights(before);
  return result;
}

function runStep(
  layer: BatchNormalization,
  step: GoldenStep,
  at: string,
  skip: (name: string) => boolean,
): void {
  layer.trainable = step.trainable;
  const call = { training: step.training, ...(step.mask && { mask: tensor(step.mask) }) };
  const [x, dy] = [tensor(step.x), tensor(step.dy)];
  const apply = (input: tf.Tensor, more = {}) => layer.apply(input, { ...call, ...more }) as tf.Tensor;

  if (step.gradients.x) {
    const dx = withoutTraces(layer, () => tf.grad((input) => apply(input))(x, dy));
    expectAgreement(dx, step.gradients.x, `${at}: gradient of x`);
  }
  const variables = layer.trainableWeights;
  if (variables.length > 0) {
    const loss = () => tf.sum<tf.Scalar>(tf.mul(apply(x), dy));
    const values = variables.map((variable) => variable.read()) as never;
    const { grads } = withoutTraces(layer, () => tf.variableGrads(loss, values));
    for (const variable of variables) {
      const name = weightName(variable);
      expectAgreement(grads[variable.name]!, step.gradients[name]!, `${at}: gradient of ${name}`);
    }
  }
  if (step.training) {
    const before = layer.getWeights().map((weight) => weight.dataSync());
    expectAgreement(apply(x, { updateMovingStatistics: false }), step.y, `${at}: y without an update`);
    expect(layer.getWeights().map((weight) => weight.dataSync())).toEqual(before);
  }
  expectAgreement(apply(x), step.y, `${at}: y`);
  for (const variable of layer.weights) {
    const name = weightName(variable);
    if (!skip(name)) expectAgreement(variable.read(), step.weightsAfter[name]!, `${at}: ${name}`);
  }
}

function runCase(golden: GoldenCase, index: number, more: BatchNormalizationArgs = {}): void {
  const layer = makeLayer(golden, index, more);
  const [batch, ...rest] = golden.inputShape;
  const keepsBatch = [golden.args.axis ?? -1]
    .flat()
    .some((axis) => axis === 0 || axis === -golden.inputShape.length);
  layer.build([keepsBatch ? batch! : null, ...rest]);
  expect(layer.weights.map(weightName)).toEqual(golden.weightOrder);
  if (golden.initialized) {
    layer.weights.forEach((w) => {
      expectAgreement(w.read(), golden.initialWeights[weightName(w)]!, `initial ${weightName(w)}`);
    });
  }
  layer.setWeights(golden.weightOrder.map((name) => tensor(golden.initialWeights[name]!)));
  const plainInsteadOfFused = golden.fusedInKeras && more.fused === false;
  golden.steps.forEach((step, i) => {
    const { mask, ...unmasked } = step;
    const taken = plainInsteadOfFused || !mask ? unmasked : step;
    runStep(layer, taken, `step ${i + 1}`, (name) => plainInsteadOfFused && name === 'moving_variance');
    // So that the next step starts from what Keras' fused kernel left.
    if (plainInsteadOfFused)
      layer.setWeights(golden.weightOrder.map((name) => tensor(step.weightsAfter[name]!)));
  });
  const ignoresMask = golden.fusedInKeras && !plainInsteadOfFused && golden.steps.some((step) => step.mask);
  expect(takeWarnings().filter((warning) => !warning.includes('not saved'))).toHaveLength(
    ignoresMask ? 1 : 0,
  );
}

/** The error of an attempt and how far it came. */
function attempt(golden: GoldenAttempt): { error?: unknown; when?: 'construct' | 'build' | 'call' } {
  const args = camelCase(golden.args) as BatchNormalizationArgs;
  if (golden.adjustment) args.adjustment = () => [1, 0];
  let when: 'construct' | 'build' | 'call' = 'construct';
  try {
    const layer = layerBatchNormalization(null, args);
    when = 'build';
    if (golden.buildShape) layer.build(golden.buildShape);
    when = 'call';
    const mask = golden.maskShape ? tf.ones(golden.maskShape, 'bool') : null;
    if (golden.callShape) layer.apply(tf.zeros(golden.callShape), { training: golden.training, mask });
  } catch (error) {
    return { error, when };
  }
  return {};
}

describeBackends((backend) => {
  let ran = 0;

  for (const group of LAYER_GROUPS) {
    test.each(readCases(group).map((golden, index) => ({ golden, index })))(
      `agrees with Keras in ${group}: $golden.name`,
      ({ golden, index }) => {
        runCase(golden, index);
        ran++;
      },
    );
    const unlikeGiven = readCases(group).filter(({ args }) => args.fused !== false);
    test.each(unlikeGiven.map((golden, index) => ({ golden, index })))(
      `agrees with Keras in ${group} with fused: false: $golden.name`,
      ({ golden, index }) => {
        runCase(golden, index, { fused: false });
      },
    );
  }

  test.each(readAttempts('errors'))('refuses what Keras refuses, no later: $name', (golden) => {
    const { error, when } = attempt(golden);
    expect((error as Error | undefined)?.name).toBe(golden.type === 'TypeError' ? 'TypeError' : 'ValueError');
    const order = ['construct', 'build', 'call'];
    expect(order.indexOf(when!)).toBeLessThanOrEqual(order.indexOf(golden.when!));
    ran++;
  });

  test.each(readAttempts('accepted'))('accepts what Keras accepts: $name', (golden) => {
    expect(attempt(golden).error).toBeUndefined();
    ran++;
  });

  afterAll(() => {
    process.stdout.write(`golden cases on ${backend}: ${ran} of ${CASES} agree with Keras\n`);
    expect(CASES).toBe(274);
  });
});

test('a golden array that differs is told from one that agrees', () => {
  const want: Packed = { shape: [2], dtype: 'float32', data: [1, 'NaN'] };
  expect(relativeError([1 + 1e-5, NaN], want)).toBeLessThanOrEqual(TOLERANCE);
  expect(relativeError([1 + 1e-4, NaN], want)).toBeGreaterThan(TOLERANCE);
  expect(relativeError([1, 0], want)).toBeGreaterThan(TOLERANCE);
  expect(unpack(want)).toEqual(Float64Array.of(1, NaN));
});
