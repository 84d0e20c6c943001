/**
 * @file Replays the golden cases on the active backend, in Node or in a page: everything that Keras left behind after
 * each step must be left behind here. What differs is thrown.
 *
 * With `fused: false` or `synchronized: true` Keras itself computes something else in two places: the moving variance
 * where its fused kernel applies Bessel's correction, and the mask that this kernel ignores. The first is not compared
 * there, the second is not given.
 */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { check, checkSame } from '../check.js';
import {
  type GoldenAttempt,
  type GoldenCase,
  type GoldenStep,
  type Packed,
  camelCase,
  relativeError,
} from '../golden/format.js';
import { takeWarnings } from '../warnings.js';

/** The float32 rounding of Keras and of TF.js in arrays of a hundred elements or so; from the golden cases' design. */
export const TOLERANCE = 2e-5;

const tensor = ({ data, shape, dtype }: Packed) =>
  tf.tensor(data.map(Number), shape, dtype === 'int32' || dtype === 'bool' ? dtype : 'float32');

/** On ranks: the sum over all of them. */
export type SumOverRanks = (values: Float32Array) => Float32Array;

async function checkAgreement(
  got: tf.Tensor,
  want: Packed,
  what: string,
  sumOverRanks: SumOverRanks = (values) => values,
): Promise<void> {
  checkSame(got.shape, want.shape, `shape of ${what}`);
  const error = relativeError(sumOverRanks(await got.data<'float32'>()), want);
  check(error <= TOLERANCE, `${what}: an error of ${error}, not of at most ${TOLERANCE}`);
}

/** The layer of a golden case. */
export function makeLayer(golden: GoldenCase, more: BatchNormalizationArgs = {}): BatchNormalization {
  const args = { ...(camelCase(golden.args) as BatchNormalizationArgs), ...more };
  const { adjustment } = golden;
  if (adjustment) args.adjustment = () => [tensor(adjustment.scale), tensor(adjustment.bias)];
  return layerBatchNormalization(null, args);
}

/** The tensors of a step, and the arguments of its call. */
export const inputsOf = (step: GoldenStep) => ({
  x: tensor(step.x),
  dy: tensor(step.dy),
  call: { training: step.training, ...(step.mask && { mask: tensor(step.mask) }) },
});

const weightName = ({ originalName }: { originalName: string }) => originalName.split('/').at(-1)!;

/** The numbers of all the layer's weights. */
const valuesOf = (layer: BatchNormalization) =>
  Promise.all(layer.getWeights().map(async (weight) => String(await weight.data())));

/** Runs `attempt` and puts the weights back. */
function withoutTraces<T>(layer: BatchNormalization, attempt: () => T): T {
  const before = layer.getWeights().map((weight) => weight.clone());
  const result = attempt();
  layer.setWeights(before);
  return result;
}

async function replayStep(
  layer: BatchNormalization,
  step: GoldenStep,
  at: string,
  skip: (name: string) => boolean,
  sumOverRanks?: SumOverRanks,
): Promise<void> {
  layer.trainable = step.trainable;
  const { x, dy, call } = inputsOf(step);
  const apply = (input: tf.Tensor, more = {}) => layer.apply(input, { ...call, ...more }) as tf.Tensor;

  if (step.gradients.x) {
    const dx = withoutTraces(layer, () => tf.grad((input) => apply(input))(x, dy));
    await checkAgreement(dx, step.gradients.x, `${at}: gradient of x`);
  }
  const variables = layer.trainableWeights;
  if (variables.length > 0) {
    const loss = () => tf.sum<tf.Scalar>(tf.mul(apply(x), dy));
    const values = variables.map((variable) => variable.read()) as never;
    const { grads } = withoutTraces(layer, () => tf.variableGrads(loss, values));
    for (const variable of variables) {
      const name = weightName(variable);
      const gradient = grads[variable.name]!;
      await checkAgreement(gradient, step.gradients[name]!, `${at}: gradient of ${name}`, sumOverRanks);
    }
  }
  if (step.training) {
    const before = await valuesOf(layer);
    await checkAgreement(apply(x, { updateMovingStatistics: false }), step.y, `${at}: y without an update`);
    checkSame(await valuesOf(layer), before, `${at}: weights without an update`);
  }
  await checkAgreement(apply(x), step.y, `${at}: y`);
  for (const variable of layer.weights) {
    const name = weightName(variable);
    if (!skip(name)) await checkAgreement(variable.read(), step.weightsAfter[name]!, `${at}: ${name}`);
  }
}

/**
 * Replays all steps of a case.
 *
 * @param index every other case goes through its configuration, as a saved model would
 * @param more arguments beside those of the case
 * @param sumOverRanks where the case is a part of one, and other ranks have the other parts
 */
export async function replayCase(
  golden: GoldenCase,
  index: number,
  more: BatchNormalizationArgs = {},
  sumOverRanks?: SumOverRanks,
): Promise<void> {
  let layer = makeLayer(golden, more);
  if (index % 2 === 1 && !golden.adjustment) {
    layer = BatchNormalization.fromConfig<BatchNormalization>(BatchNormalization, layer.getConfig());
  }
  const [batch, ...rest] = golden.inputShape;
  const keepsBatch = [golden.args.axis ?? -1]
    .flat()
    .some((axis) => axis === 0 || axis === -golden.inputShape.length);
  layer.build([keepsBatch ? batch! : null, ...rest]);
  checkSame(layer.weights.map(weightName), golden.weightOrder, 'order of the weights');
  if (golden.initialized) {
    for (const weight of layer.weights) {
      const name = weightName(weight);
      await checkAgreement(weight.read(), golden.initialWeights[name]!, `initial ${name}`);
    }
  }
  layer.setWeights(golden.weightOrder.map((name) => tensor(golden.initialWeights[name]!)));
  const plainInsteadOfFused = golden.fusedInKeras && (more.fused === false || more.synchronized === true);
  for (const [i, step] of golden.steps.entries()) {
    const { mask, ...unmasked } = step;
    const taken = plainInsteadOfFused || !mask ? unmasked : step;
    await replayStep(
      layer,
      taken,
      `step ${i + 1}`,
      (name) => plainInsteadOfFused && name === 'moving_variance',
      sumOverRanks,
    );
    // So that the next step starts from what Keras' fused kernel left.
    if (plainInsteadOfFused)
      layer.setWeights(golden.weightOrder.map((name) => tensor(step.weightsAfter[name]!)));
  }
  const ignoresMask = golden.fusedInKeras && !plainInsteadOfFused && golden.steps.some((step) => step.mask);
  const warnings = takeWarnings().filter((warning) => !warning.includes('not saved'));
  check(warnings.length === (ignoresMask ? 1 : 0), `warnings: ${JSON.stringify(warnings)}`);
}

const STAGES = ['construct', 'build', 'call'] as const;

/** The error of an attempt and how far it came. */
function attempt(golden: GoldenAttempt): { error: unknown; when: (typeof STAGES)[number] } | null {
  const args = camelCase(golden.args) as BatchNormalizationArgs;
  if (golden.adjustment) args.adjustment = () => [1, 0];
  let when: (typeof STAGES)[number] = 'construct';
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
  return null;
}

/** Attempts what Keras refuses: it must be refused here, no later. */
export function replayRefusal(golden: GoldenAttempt): void {
  const refused = attempt(golden);
  check(refused !== null, 'not refused');
  const { name, message } = refused.error as Error;
  checkSame(name, golden.type === 'TypeError' ? 'TypeError' : 'ValueError', `error "${message}"`);
  const { when } = refused;
  check(
    STAGES.indexOf(when) <= STAGES.indexOf(golden.when!),
    `refused by ${when}, in Keras by ${golden.when!}`,
  );
}

/** Attempts what Keras accepts. */
export function replayAcceptance(golden: GoldenAttempt): void {
  const refused = attempt(golden);
  if (refused) throw refused.error;
}
