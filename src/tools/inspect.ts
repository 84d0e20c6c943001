/** @file What is wrong with a model's batch normalizations: gathers what the rules look at. */
import { type Tensor, clone, dispose, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Moments } from '../core/passes.js';
import { ValueError } from '../text/value-error.js';
import { type Data, type DataOptions, positiveInteger, sourceOf } from './data.js';
import { type Finding, type OutputGap, type Seen, type Subject, type Weights } from './findings.js';
import { findingsOf } from './model-rules.js';
import { type Normalization, findNormalizations, isEvenkeel, isFrozen } from './normalizations.js';
import {
  type Call,
  type PendingMoments,
  breathe,
  momentsOfCall,
  normalizeByBatch,
  runWith,
} from './observe.js';
import { Population, type Statistics, areFinite, distances, plain } from './population.js';
import type { ToolOptions } from './progress.js';

export interface InspectOptions extends ToolOptions, DataOptions {
  /** How many batches to look at, at most. Default: all of them. */
  readonly batches?: number | undefined;
}

/** A number per channel; null where it is not finite. */
export type PlainNumbers = readonly (number | null)[];

/** What the data showed of a layer's inputs. */
export interface InspectedInputs {
  /** Batches, each place of a shared layer by itself. */
  readonly batches: number;
  /** Values per channel, or the weight that a mask gave them. */
  readonly count: readonly number[];
  /** Statistics of all batches together, with every layer before normalizing by the batch, as in training. */
  readonly training: { readonly mean: PlainNumbers; readonly variance: PlainNumbers };
  /** The same, with every layer before normalizing by its moving statistics. */
  readonly inference: { readonly mean: PlainNumbers; readonly variance: PlainNumbers };
  /**
   * How far from mean 0 and deviation 1 the values of `training` are once the moving statistics have normalized them:
   * √(((mean − moving mean)/σ)² + (√(variance + epsilon)/σ − 1)²), σ = √(moving variance + epsilon).
   */
  readonly distance: PlainNumbers;
  /** The part of the variance of `inference` that lies between batches. */
  readonly shareBetweenBatches: PlainNumbers;
}

/** A batch normalization, in plain data: enough to draw it. */
export interface InspectedLayer {
  /** The layer's name, behind those of the models and wrappers that it is in: `'encoder/bn1'`. */
  readonly layer: string;
  /** Whose layer it is: this library's, or TF.js' own. */
  readonly implementation: 'evenkeel' | 'tfjs';
  readonly axis: number | readonly number[];
  readonly momentum: number;
  readonly epsilon: number;
  readonly renorm: boolean;
  readonly virtualBatchSize: number | null;
  readonly isFrozen: boolean;
  /** How many times a run of the model comes to the layer, but for the steps of a wrapper. */
  readonly places: number;
  /** How many channels there are; all arrays have one number for each. */
  readonly channels: number;
  readonly gamma: PlainNumbers | null;
  readonly beta: PlainNumbers | null;
  readonly movingMean: PlainNumbers;
  readonly movingVariance: PlainNumbers;
  /** null without data. */
  readonly inputs: InspectedInputs | null;
}

/** Plain data: what `JSON.stringify` writes is all of it. */
export interface InspectReport {
  readonly model: string;
  /** How much data was looked at; null without data. */
  readonly data: { readonly batches: number; readonly samples: number } | null;
  /** The batch normalizations, in the order of the graph. */
  readonly layers: readonly InspectedLayer[];
  /** What the statistics do to the outputs; empty without data. */
  readonly outputs: readonly OutputGap[];
  /** The most severe first. */
  readonly findings: readonly Finding[];
}

/**
 * Says what is wrong with a model's batch normalizations, on what evidence, and what cures it. Changes nothing.
 *
 * Without data it looks at weights and options. With data, it runs each batch through the model twice, in inference mode
 * and with every normalization that is not frozen using the batch's statistics, as in training (all else, such as
 * dropout, in inference mode), and compares: moving statistics with those of the data, places of a shared layer with
 * each other, batches with each other, outputs with outputs.
 *
 * `THRESHOLDS` holds from where on something is reported, and why. Give batches as for training: their
 * size and order are looked at too.
 *
 * @param model any layers model, with this library's layer or TF.js' own in it, nested or not
 * @param data some hundred samples or more, prepared as for the model's use, see {@link Data}
 * @throws TypeError for data of an unknown form
 * @throws ValueError for data that is empty or does not fit the model, or options that cannot be
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ momentum: 0.1, inputShape: [4] })] });
 * const { findings } = await inspect(model);
 * console.log(findings.map(({ severity, name }) => `${severity}: ${name}`).join(', '));
 * // warning: inverted-momentum, warning: untrained-statistics
 * ```
 */
export async function inspect(
  model: LayersModel,
  data?: Data | null,
  options: InspectOptions = {},
): Promise<InspectReport> {
  options.signal?.throwIfAborted();
  const normalizations = findNormalizations(model);
  const weights = await Promise.all(normalizations.map(readWeights));
  const examination = data == null ? null : await examine(model, normalizations, data, options);
  const subjects = normalizations.map((normalization, i): Subject => ({
    ...normalization,
    weights: weights[i]!,
    seen: examination ? examination.seenOf(normalization) : null,
  }));
  const outputs = examination ? examination.outputGaps() : [];
  return {
    model: model.name,
    data: examination && { batches: examination.batches, samples: examination.samples },
    layers: subjects.map(describe),
    outputs,
    findings: findingsOf(subjects, outputs),
  };
}

async function readWeights({ layer }: Normalization): Promise<Weights> {
  const values = async (variable: { read(): Tensor }) => Float64Array.from(await variable.read().data());
  const [movingMean, movingVariance] = await Promise.all(
    [layer.movingMean, layer.movingVariance].map(values),
  );
  return {
    gamma: layer.gamma ? await values(layer.gamma) : null,
    beta: layer.beta ? await values(layer.beta) : null,
    movingMean: movingMean!,
    movingVariance: movingVariance!,
  };
}

async function examine(
  model: LayersModel,
  normalizations: readonly Normalization[],
  data: Data,
  { batches, batchSize, signal, onProgress }: InspectOptions,
): Promise<Examination> {
  const limit = positiveInteger('batches', batches) ?? Infinity;
  const source = sourceOf(model, data, { batchSize });
  const total = source.length === null ? null : Math.min(limit, source.length);
  const examination = new Examination(model, normalizations);
  for await (const inputs of source.batches(signal)) {
    await examination.look(inputs);
    onProgress?.({ done: examination.batches, total, step: `batch ${examination.batches}` });
    await breathe();
    signal?.throwIfAborted();
    if (examination.batches >= limit) break;
  }
  if (examination.batches === 0) {
    throw new ValueError(
      'data: there are no samples in it. Expected are some hundred; leave data out to look at weights and options only.',
    );
  }
  return examination;
}

type Mode = 'training' | 'inference';

/** What one call of a layer showed. */
interface Sight {
  readonly normalization: Normalization;
  readonly mode: Mode;
  readonly hasBessel: boolean;
  /** Which call of the layer in this run of the model, counted from 0. */
  readonly place: number;
  readonly pending: PendingMoments;
}

/** What has been seen of a layer so far. */
interface Record {
  readonly training: Population;
  readonly inference: Population;
  readonly places: Population[];
  brokenBatch: number | null;
}

/** The data's way through the model, batch by batch, in both modes. */
class Examination {
  batches = 0;
  samples = 0;
  #largestBatch = 0;
  readonly #records = new Map<Normalization, Record>();
  readonly #outputs: OutputComparison[];

  constructor(
    private readonly model: LayersModel,
    private readonly normalizations: readonly Normalization[],
  ) {
    this.#outputs = model.outputs.map(({ name }) => new OutputComparison(name.split('/')[0]!));
  }

  /** Runs a batch through the model, in both modes. */
  async look(inputs: readonly Tensor[]): Promise<void> {
    const samples = inputs[0]!.shape[0];
    this.batches++;
    this.samples += samples;
    this.#largestBatch = Math.max(this.#largestBatch, samples);
    const sights: Sight[] = [];
    const outputs: Tensor[] = [];
    try {
      for (const mode of ['inference', 'training'] as const) outputs.push(...this.#run(inputs, mode, sights));
      for (const sight of sights) this.#add(sight, await sight.pending.read());
      const values = await Promise.all(outputs.map((output) => output.data()));
      this.#outputs.forEach((comparison, i) => {
        comparison.add(values[i]!, values[this.#outputs.length + i]!, outputs[i]!.shape);
      });
    } finally {
      dispose(outputs);
      for (const { pending } of sights) pending.dispose();
    }
  }

  #run(inputs: readonly Tensor[], mode: Mode, sights: Sight[]): Tensor[] {
    const calls = new Map<Normalization, number>();
    const normalize = (call: Call): Tensor => {
      const { normalization, plan } = call;
      const { layer } = normalization;
      const place = calls.get(normalization) ?? 0;
      calls.set(normalization, place + 1);
      const pending = momentsOfCall(call, null);
      sights.push({ normalization, mode, hasBessel: plan.fusedInKeras, place, pending });
      const infersAnyway = isEvenkeel(layer) && isFrozen(layer);
      if (mode === 'inference' || infersAnyway) return call.infer();
      // Renorm's training is close to inference on purpose.
      return isEvenkeel(layer) && layer.renorm && layer.virtualBatchSize === null
        ? call.train()
        : normalizeByBatch(call, pending);
    };
    // A model may hand an input or a weight on as its output, and what is given back here is to be disposed.
    return tidy(() => runWith(this.model, inputs, this.normalizations, normalize).map((y) => clone(y)));
  }

  #add({ normalization, mode, hasBessel, place }: Sight, moments: Moments): void {
    const record = this.#recordOf(normalization, hasBessel);
    if (!areFinite(moments)) {
      record.brokenBatch ??= this.batches;
      return;
    }
    record[mode].add(moments);
    if (mode === 'inference') record.places[place]?.add(moments);
  }

  #recordOf(normalization: Normalization, hasBessel: boolean): Record {
    let record = this.#records.get(normalization);
    if (!record) {
      const { layer, places, isWrapped } = normalization;
      const make = () => new Population(layer.movingMean.read().size, hasBessel);
      const apart = places.length > 1 && !isWrapped ? places.map(make) : [];
      record = { training: make(), inference: make(), places: apart, brokenBatch: null };
      this.#records.set(normalization, record);
    }
    return record;
  }

  seenOf(normalization: Normalization): Seen | null {
    const record = this.#records.get(normalization);
    return record ? { ...record, batchSize: this.#largestBatch, samples: this.samples } : null;
  }

  outputGaps(): OutputGap[] {
    return this.#outputs.flatMap((comparison) => comparison.result() ?? []);
  }
}

/** Compares an output in inference mode with the same in training mode. */
class OutputComparison {
  #count = 0;
  #squaredDifference = 0;
  #largest = 0;
  /** Of the output in inference mode. */
  readonly #values = new Population(1, false);
  #rows = 0;
  #agreeing = 0;

  constructor(private readonly name: string) {}

  add(inference: ArrayLike<number>, training: ArrayLike<number>, shape: readonly number[]): void {
    this.#count += inference.length;
    const count = inference.length;
    const mean = Array.from(inference).reduce((total, value) => total + value / count, 0);
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const difference = training[i]! - inference[i]!;
      this.#squaredDifference += difference * difference;
      this.#largest = Math.max(this.#largest, Math.abs(difference));
      squares += (inference[i]! - mean) ** 2;
    }
    this.#values.add({
      count: Float64Array.of(count),
      mean: Float64Array.of(mean),
      variance: Float64Array.of(squares / count),
    });
    const columns = shape.length === 2 ? shape[1]! : 1;
    if (columns < 2) return;
    for (let start = 0; start < count; start += columns) {
      this.#rows++;
      if (largestAt(inference, start, columns) === largestAt(training, start, columns)) this.#agreeing++;
    }
  }

  /** null where values were not finite, or there were none. */
  result(): OutputGap | null {
    if (this.#count === 0 || !Number.isFinite(this.#squaredDifference)) return null;
    const deviation = Math.sqrt(this.#values.whole().variance[0]!);
    const difference = Math.sqrt(this.#squaredDifference / this.#count);
    if (deviation === 0) return null;
    return {
      output: this.name,
      relativeDifference: difference / deviation,
      largestDifference: this.#largest,
      agreement: this.#rows > 0 ? this.#agreeing / this.#rows : null,
    };
  }
}

function largestAt(values: ArrayLike<number>, start: number, length: number): number {
  let place = 0;
  for (let i = 1; i < length; i++) if (values[start + i]! > values[start + place]!) place = i;
  return place;
}

const plainStatistics = ({ mean, variance }: Statistics) => ({
  mean: plain(mean),
  variance: plain(variance),
});

function describe({ layer, name, places, weights, seen }: Subject): InspectedLayer {
  const { gamma, beta, movingMean, movingVariance } = weights;
  const isOurs = isEvenkeel(layer);
  return {
    layer: name,
    implementation: isOurs ? 'evenkeel' : 'tfjs',
    axis: layer.axis,
    momentum: layer.momentum,
    epsilon: layer.epsilon,
    renorm: isOurs && layer.renorm,
    virtualBatchSize: isOurs ? layer.virtualBatchSize : null,
    isFrozen: isFrozen(layer),
    places: places.length,
    channels: movingMean.length,
    gamma: gamma && plain(gamma),
    beta: beta && plain(beta),
    movingMean: plain(movingMean),
    movingVariance: plain(movingVariance),
    inputs: seen && describeInputs(seen, { mean: movingMean, variance: movingVariance }, layer.epsilon),
  };
}

function describeInputs({ training, inference }: Seen, used: Statistics, epsilon: number): InspectedInputs {
  return {
    batches: inference.batches,
    count: [...inference.count],
    training: plainStatistics(training.whole()),
    inference: plainStatistics(inference.whole()),
    distance: plain(distances(training.whole(), used, epsilon)),
    shareBetweenBatches: plain(inference.shareBetweenBatches()),
  };
}
