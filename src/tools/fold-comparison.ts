/** @file Compares what two models predict, on data or on random inputs that fit. */
import { type Tensor, add, cast, dispose, randomNormal, randomUniform, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { isContainer, normalizationsOf, callsOf } from '../model/graph.js';
import { countNumbers } from '../model/run-cost.js';
import { BorrowedStates, statefulLayersOf } from '../model/states.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';
import { assignExactly } from '../model/weights.js';
import { running } from './observe.js';
import { STOCK_AXIS, isStockOffLastAxis } from './normalizations.js';
import type { RunLimits } from './run-limits.js';

/** Random samples, where the model leaves the batch open. */
const SAMPLES = 8;
/** What free dimensions get: as much as five halvings need, where there are few. */
const FREE_SIZES = [32, 16, 8, 4, 2, 1];
/** Up to so many numbers of a sample are as fast drawn as any. */
const SMALL_SAMPLE = 2 ** 20;
const SEED = 1;

/** The shapes of random inputs that are no larger than they have to be. */
export function randomShapes(model: LayersModel, limits: RunLimits): number[][] {
  const shapes = model.inputs.map(({ shape: [batch, ...sample] }) => {
    const fill = (free: number) => sample.map((size) => size ?? free);
    const isSmall = (free: number) => countNumbers(fill(free)) <= SMALL_SAMPLE;
    return [batch ?? SAMPLES, ...fill(FREE_SIZES.find(isSmall) ?? 1)];
  });
  if (model.inputs.some(({ shape }) => shape[0] != null)) return shapes;
  const take = (samples: number) => shapes.map(([, ...sample]) => [samples, ...sample]);
  return take(samplesThatFit(SAMPLES, (samples) => limits.fits({ inputs: take(samples) })));
}

/** As many samples as fit, halved as often as it takes; 1 where none do. */
export function samplesThatFit(samples: number, fits: (samples: number) => boolean): number {
  let count = samples;
  while (count > 1 && !fits(count)) count = Math.floor(count / 2);
  return count;
}

/** Standard normal numbers for each input; whole numbers where that is its type, or where an embedding looks them up. */
export function randomInputs(model: LayersModel, shapes: readonly number[][]): Tensor[] {
  const looked = entriesLookedUp(model);
  return model.inputs.map((input, i) => {
    const shape = shapes[i]!;
    const entries = looked[i]!;
    if (input.dtype === 'bool')
      return tidy(() => cast(randomUniform(shape, 0, 2, 'int32', SEED + i), 'bool'));
    if (entries === Infinity && input.dtype !== 'int32')
      return randomNormal(shape, 0, 1, 'float32', SEED + i);
    return randomUniform(shape, 0, Math.min(entries, 10), 'int32', SEED + i);
  });
}

/** The entries of the smallest embedding that each input of a model leads to. */
function entriesLookedUp(container: LayersModel, known = new Map<SymbolicTensor, number>()): number[] {
  // From the outputs back, so that what a tensor leads to is known before what it is made from.
  const isKnown = container.inputs.every((input) => known.has(input));
  for (const { layer, inputs, outputs } of isKnown ? [] : callsOf(container).toReversed()) {
    const ofInputs = isContainer(layer) ? entriesLookedUp(layer, known) : null;
    const ofOutputs = Math.min(...outputs.map((output) => known.get(output) ?? Infinity));
    for (const [i, input] of inputs.entries()) {
      const own =
        layer.getClassName() === 'Embedding'
          ? (layer as typeof layer & { readonly inputDim: number }).inputDim
          : (ofInputs?.[i] ?? ofOutputs);
      known.set(input, Math.min(known.get(input) ?? Infinity, own));
    }
  }
  return container.inputs.map((input) => {
    const entries = known.get(input) ?? Infinity;
    known.set(input, entries);
    return entries;
  });
}

/** How the outputs of a model and of its folded copy compare. */
export interface Comparison {
  /** The largest difference between the outputs of the two models. */
  readonly largestDifference: number;
  /** The largest magnitude of an output, to hold the difference against. */
  readonly largestOutput: number;
  /**
   * Why the difference may mean something else than how exact the folding is; most often empty. Named are outputs that are
   * NaN or infinite, in either model; that are saturated, or the same for all samples; layers of TF.js' own that predict
   * wrongly; states of earlier batches.
   */
  readonly warnings: readonly string[];
}

/** Compares what a model gives with what its folded copy gives, each from zero states. */
export async function compare(
  model: LayersModel,
  before: readonly Float32Array[],
  after: readonly Float32Array[],
  samples: number,
): Promise<Comparison> {
  const largestOutput = largestMagnitude(before);
  return {
    largestDifference: largestDifference(before, after),
    largestOutput,
    warnings: [
      ...warningsOfStockLayers(model),
      ...(await warningsOfStates(model)),
      ...(Number.isFinite(largestOutput)
        ? model.outputNames.flatMap((name, i) => warningsOfOutput(name, before[i]!, samples))
        : ['The model gives outputs that are NaN or infinite, which the comparison tells nothing of.']),
      ...(Number.isFinite(largestOutput) && !Number.isFinite(largestMagnitude(after))
        ? [
            'The folded model gives outputs that are NaN or infinite where the model gives numbers: what was subtracted ' +
              'before it was multiplied is so no longer. Do not use it; recalibrate, or scale the weights down.',
          ]
        : []),
    ],
  };
}

function warningsOfStockLayers(model: LayersModel): string[] {
  const wrong = normalizationsOf(model).filter(({ layer }) => isStockOffLastAxis(layer));
  return wrong.map(
    ({ path }) =>
      `'${path}': ${STOCK_AXIS.message} A folded one is right, hence a difference. ${STOCK_AXIS.cure}`,
  );
}

async function warningsOfStates(model: LayersModel): Promise<string[]> {
  const used: string[] = [];
  for (const { layer, path } of statefulLayersOf(model)) {
    const states = await Promise.all(layer.getStates().map((state) => state.data()));
    if (states.some((values) => values.some((value) => value !== 0))) used.push(`'${path}'`);
  }
  if (used.length === 0) return [];
  return [
    `${used.join(', ')}: states of earlier batches stay in the model. Both are compared from zero states, from which ` +
      'the folded model begins.',
  ];
}

/** How near to -1, 0 or 1 all of an output is where an activation is called saturated. */
const SATURATED = 1e-6;

/** Of outputs, all finite, that would be the same whatever the weights were. */
function warningsOfOutput(name: string, values: Float32Array, samples: number): string[] {
  const advice = 'Compare a model that ends before its last activation, or other data.';
  const isSaturated = (value: number) =>
    Math.abs(value - Math.round(value)) < SATURATED && Math.abs(value) < 1.5;
  if (values.every(isSaturated)) {
    return [
      `The output '${name}' is -1, 0 or 1 throughout, as where an activation is saturated: the comparison tells ` +
        `nothing of it. ${advice}`,
    ];
  }
  const size = values.length / samples;
  if (samples > 1 && values.every((value, i) => value === values[i % size])) {
    return [`The output '${name}' is the same for all samples: the comparison tells little of it. ${advice}`];
  }
  return [];
}

/** The numbers that a model predicts from zero states, output by output. */
export async function predictionsOf(
  model: LayersModel,
  inputs: readonly Tensor[],
  batchSize: number,
): Promise<Float32Array[]> {
  // A layer that is called with training: true moves its statistics in every prediction.
  const weights = normalizationsOf(model).flatMap(({ layer }) => ownWeightsOf(layer));
  const values = weights.map((weight) => tidy(() => add(weight.read(), 0)));
  const states = new BorrowedStates(model);
  let outputs: Tensor[] = [];
  try {
    const given = inputs.length === 1 ? inputs[0]! : [...inputs];
    outputs = states.during(() =>
      running(model, () => tidy(() => [model.predict(given, { batchSize })].flat())),
    );
    return await Promise.all(outputs.map(async (output) => Float32Array.from(await output.data())));
  } finally {
    weights.forEach((weight, i) => {
      assignExactly(weight, values[i]!);
    });
    states.dispose();
    dispose([outputs, values]);
  }
}

/** Infinity where a number is NaN. */
function largestMagnitude(outputs: readonly Float32Array[]): number {
  let largest = 0;
  for (const values of outputs) {
    for (const value of values) largest = Math.max(largest, Number.isNaN(value) ? Infinity : Math.abs(value));
  }
  return largest;
}

/** The largest difference between numbers; Infinity where only one of two is not a number. */
function largestDifference(ones: readonly Float32Array[], others: readonly Float32Array[]): number {
  let largest = 0;
  ones.forEach((values, i) => {
    values.forEach((value, j) => {
      const other = others[i]![j]!;
      if (Object.is(value, other) || value === other) return;
      const difference = Math.abs(value - other);
      largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
    });
  });
  return largest;
}
