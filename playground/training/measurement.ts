/** @file Measures a network: how well it does on test samples, what reaches its units, and its layers' statistics. */
import { type Tensor, dispose, moments, softmax, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { BatchNormalization } from 'evenkeel';
import {
  EXTENT,
  GRID,
  PERCENTILES,
  type LayerReading,
  type Reading,
  type StatisticsReading,
} from '../shared/protocol.js';
import { type Dataset, featuresOf, measuredSamples } from './dataset.js';
import type { Network } from './network.js';
import type { Settings } from '../shared/settings.js';

/** Test samples looked at in one go: few enough to keep memory small. The percentiles are of the first lot. */
const CHUNK = 200;

/** Values of a unit that its percentiles are taken of: a filter of a convolution has one for every position in an image. */
const PERCENTILE_VALUES = 512;

/** Test samples, and batches of them, that are looked at in training mode. */
const MEASURED_IN_TRAINING_MODE = { samples: 300, batches: 40 } as const;

/** What the measurements of one network are made of. */
export interface Measured {
  readonly network: Network;
  readonly dataset: Dataset;
  readonly settings: Pick<Settings, 'kind' | 'activation' | 'batchSize'>;
  readonly shape: readonly number[];
}

const read = async (tensors: readonly Tensor[]): Promise<Float32Array[]> =>
  Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));

/** The values at the percentiles, each the nearest in rank: an array per percentile, a value per unit. */
export function percentilesOf(values: Float32Array, units: number): Float32Array[] {
  const rows = values.length / units;
  const stride = Math.max(1, Math.floor(rows / PERCENTILE_VALUES));
  const result = PERCENTILES.map(() => new Float32Array(units));
  const sorted = new Float32Array(Math.ceil(rows / stride));
  for (let unit = 0; unit < units; unit++) {
    for (let i = 0; i < sorted.length; i++) sorted[i] = values[i * stride * units + unit]!;
    sorted.sort();
    PERCENTILES.forEach((percentile, p) => {
      result[p]![unit] = sorted[Math.round((percentile / 100) * (sorted.length - 1))]!;
    });
  }
  return result;
}

/** Cross-entropy, summed, how many are right, and what each is taken for, of rows of logits. */
function scoreOf(
  logits: Float32Array,
  labels: Uint8Array,
  which: Uint32Array,
  classes: number,
): { loss: number; hits: number; guesses: Uint8Array } {
  let [loss, hits] = [0, 0];
  const guesses = new Uint8Array(which.length);
  which.forEach((sample, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const largest = Math.max(...row);
    const logSum = largest + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
    const label = labels[sample]!;
    loss += logSum - row[label]!;
    // Without a number there is none, which is 255.
    guesses[i] = row.indexOf(largest);
    if (guesses[i] === label) hits++;
  });
  return { loss, hits, guesses };
}

/** The layer's statistics beside those of the batch that `sums` come from. */
async function statisticsOf(layer: BatchNormalization, sums: Tensor): Promise<StatisticsReading> {
  const { renormMean, renormStddev } = layer;
  const axes = [layer.axis].flat().map((axis) => (axis < 0 ? axis + sums.rank : axis));
  const reduced = sums.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const batch = tidy(() => moments(sums, reduced));
  const [batchMean, batchVariance, movingMean, movingVariance, renormMeans, renormStddevs] = await read([
    ...[batch.mean, batch.variance, layer.movingMean.read(), layer.movingVariance.read()],
    ...(renormMean && renormStddev ? [renormMean.read(), renormStddev.read()] : []),
  ]);
  dispose([batch.mean, batch.variance]);
  return {
    batchMean: batchMean!,
    batchDeviation: batchVariance!.map(Math.sqrt),
    movingMean: movingMean!,
    movingDeviation: movingVariance!.map(Math.sqrt),
    renorm:
      renormMeans && renormStddevs
        ? correction(layer, batchMean!, batchVariance!, renormMeans, renormStddevs)
        : null,
  };
}

/** r = σ/σ_renorm and d = (mean − renormMean)/σ_renorm, clipped: what a training step on this batch would use. */
function correction(
  { epsilon, renormClipping: { rmin, rmax, dmax } }: BatchNormalization,
  mean: Float32Array,
  variance: Float32Array,
  renormMean: Float32Array,
  renormStddev: Float32Array,
): { r: Float32Array; d: Float32Array } {
  // Never a variable here: the page's arguments are JSON.
  const limit = (value: unknown, none: number): number => (typeof value === 'number' ? value : none);
  const [least, most, reach] = [limit(rmin, -Infinity), limit(rmax, Infinity), limit(dmax, Infinity)];
  const stddev = renormStddev.map((value) => Math.max(value, Math.sqrt(epsilon)));
  return {
    r: mean.map((_, i) => Math.min(most, Math.max(least, Math.sqrt(variance[i]! + epsilon) / stddev[i]!))),
    d: mean.map((m, i) => Math.min(reach, Math.max(-reach, (m - renormMean[i]!) / stddev[i]!))),
  };
}

/** The points of the decision picture, row by row from the top. */
function gridPoints(): Float32Array {
  const at = (i: number): number => ((i + 0.5) / GRID) * 2 * EXTENT - EXTENT;
  return Float32Array.from({ length: 2 * GRID * GRID }, (_, i) => {
    const point = Math.floor(i / 2);
    return i % 2 === 0 ? at(point % GRID) : -at(Math.floor(point / GRID));
  });
}

/** What the network decides all over the plane. */
async function decide(network: Network): Promise<Uint8Array> {
  const probabilities = tidy(() => softmax(network.infer(tensor2d(gridPoints(), [GRID * GRID, 2])).logits));
  const values = await probabilities.data();
  probabilities.dispose();
  return Uint8Array.from({ length: GRID * GRID }, (_, i) => Math.round(255 * values[2 * i + 1]!));
}

/** How many units nothing of `values`, which reaches their activation, makes answer. */
export function deadUnitsOf(values: Float32Array, units: number): number {
  const isAlive = new Uint8Array(units);
  values.forEach((value, i) => {
    if (value > 0) isAlive[i % units] = 1;
  });
  return units - isAlive.reduce((sum, one) => sum + one, 0);
}

/** How the network does on test samples, in inference mode, and what reaches its units. */
async function test({ network, dataset, settings, shape }: Measured): Promise<{
  loss: number;
  accuracy: number;
  guesses: Uint8Array;
  units: Pick<LayerReading, 'percentiles' | 'deadUnits'>[];
}> {
  const measured = measuredSamples(dataset, settings.kind);
  const guesses = new Uint8Array(measured.length);
  let [loss, hits] = [0, 0];
  let units: Pick<LayerReading, 'percentiles' | 'deadUnits'>[] = [];
  for (let start = 0; start < measured.length; start += CHUNK) {
    const which = measured.subarray(start, start + CHUNK);
    const outputs = tidy(() => {
      const { logits, activationInputs } = network.infer(featuresOf(dataset, which, shape));
      return [logits, ...(start === 0 ? activationInputs : [])];
    });
    const [logits, ...inputs] = await read(outputs);
    const score = scoreOf(logits!, dataset.labels, which, dataset.classes);
    loss += score.loss;
    hits += score.hits;
    guesses.set(score.guesses, start);
    if (start === 0) {
      units = inputs.map((values, i) => {
        const count = outputs[i + 1]!.shape.at(-1)!;
        return {
          percentiles: percentilesOf(values, count),
          deadUnits: settings.activation === 'relu' ? deadUnitsOf(values, count) : null,
        };
      });
    }
    dispose(outputs);
  }
  return { loss: loss / measured.length, accuracy: hits / measured.length, guesses, units };
}

/** The accuracy on test samples in training mode: batches of the training's size are normalized by themselves. */
async function testInTrainingMode({ network, dataset, settings, shape }: Measured): Promise<number | null> {
  if (network.normalizations.length === 0) return null;
  const { samples, batches } = MEASURED_IN_TRAINING_MODE;
  const { batchSize } = settings;
  const most = Math.min(Math.max(1, Math.floor(samples / batchSize)), batches);
  const count = Math.min(most, Math.floor(dataset.test.length / batchSize));
  if (count === 0) return null;
  let hits = 0;
  for (let i = 0; i < count; i++) {
    const which = dataset.test.subarray(i * batchSize, (i + 1) * batchSize);
    const logits = tidy(() => network.rehearse(featuresOf(dataset, which, shape)).logits);
    hits += scoreOf(await logits.data<'float32'>(), dataset.labels, which, dataset.classes).hits;
    logits.dispose();
  }
  return hits / (count * batchSize);
}

/**
 * Measures a network.
 *
 * @param batch the samples last trained on, or about to be
 * @param trainingLoss the mean over the steps since the last measurement; null where there were none
 * @param divergedAt the first step at which the network diverged; null where it never did
 */
export async function measure(
  measured: Measured,
  batch: Uint32Array,
  trainingLoss: number | null,
  divergedAt: number | null,
): Promise<Reading> {
  const { network, dataset, shape } = measured;
  const { loss, accuracy, guesses, units } = await test(measured);
  const isOfPoints = dataset.features instanceof Float32Array;
  const trainingModeAccuracy = await testInTrainingMode(measured);
  const sums = tidy(() => network.rehearse(featuresOf(dataset, batch, shape)).sums);
  const layers: LayerReading[] = [];
  for (const [i, ofUnits] of units.entries()) {
    const layer = network.normalizations[i];
    layers.push({ ...ofUnits, statistics: layer ? await statisticsOf(layer, sums[i]!) : null });
  }
  dispose(sums);
  return {
    trainingLoss,
    testLoss: loss,
    accuracy,
    trainingModeAccuracy,
    divergedAt,
    layers,
    decisions: isOfPoints ? await decide(network) : null,
    guesses: isOfPoints ? null : guesses,
  };
}
