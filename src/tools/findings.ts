/**
 * @file What can be wrong with a batch normalization, and what cures it. Each rule looks at one layer, or at the model as
 * a whole, and tells of one kind of trouble.
 */
import { type Layer, type NormalizationLayer, channelDimension } from '../model/graph.js';
import {
  type Normalization,
  STOCK_AXIS,
  isEvenkeel,
  isFrozen,
  isStockOffLastAxis,
} from './normalizations.js';
import { type Population, type Statistics, distances, rootMeanSquare } from './population.js';

/**
 * From where on something is worth a word. A healthy, trained model must stay below all of them.
 *
 * | threshold | value | reason |
 * |---|---|---|
 * | hugeVariance | 1e8 | deviations of 10⁴: gradients of x̂ fall by as much, and squares near float32's digits |
 * | zeroGamma | 1e-3 of the layer's largest | a thousandth of what other channels hand on; pruning uses the same order |
 * | constantVariance | 1e-3 of epsilon | the values spread by less than 1/30 of √epsilon: y is beta |
 * | reluReach | 3 deviations | a normal value is above 3 deviations once in 740: the ReLU gives 0 always |
 * | manyChannels | 1/10 of the channels | trained networks of ReLUs have some dead channels; with a tenth, capacity goes |
 * | smallVariances | half of the channels below epsilon | x̂ has a deviation below 0.71 there, so epsilon sets the scale |
 * | invertedMomentum | 0.3 | Keras' momentum is what is kept: 0.1, PyTorch's default, keeps one batch in ten |
 * | foreignEpsilon | 1e-5 | the default of PyTorch, Flax and ONNX; Keras' is 1e-3 |
 * | gap | 0.5 | normalized values off by half a deviation, root of the mean square over channels |
 * | gapNoise | 5/√samples | what the sample itself may be off by, five times over: small data proves little |
 * | youngBias | 0.05 | one part in 20 of the initial 0 and 1 is left after 3/(1 − momentum) steps |
 * | unexplained | 0.5 | the part of the gap that may remain where such a rest is called its cause: weights move meanwhile |
 * | telling | 0.1 | means within 0.3 deviations of 0, variances within 0.3 of 1, all channels: these tell of no rest |
 * | agreeing | 1.5 | how many times 1 − b by variances it is by means; data scaled up by 2 makes it 2, weights that move less than 1 |
 * | nearInitial | 0.1 | without data: moving statistics all within a tenth of a deviation of 0 and 1 |
 * | outputGap | 0.5 | outputs change by half their own deviation between training and inference mode |
 * | unshuffled | 3 | times the variance between batches that samples drawn at random would have, at most |
 * | unshuffledShare | 0.05 | below, batches are so large that what they differ by does no harm |
 * | fewestBatches | 5 | with fewer, batches differ that much by chance |
 * | smallBatch | 8 samples | Wu and He 2018 (arXiv:1803.08494), table 2: the error is 1 % higher with 8 per device than with 32, 4 % with 4, 11 % with 2 |
 * | smallCount | 16 values per channel | the batch's deviation is off by 1/√(2n), 18 % and more |
 */
export const THRESHOLDS = {
  hugeVariance: 1e8,
  zeroGamma: 1e-3,
  constantVariance: 1e-3,
  reluReach: 3,
  manyChannels: 0.1,
  smallVariances: 0.5,
  invertedMomentum: 0.3,
  foreignEpsilon: 1e-5,
  gap: 0.5,
  gapNoise: 5,
  youngBias: 0.05,
  unexplained: 0.5,
  telling: 0.1,
  agreeing: 1.5,
  nearInitial: 0.1,
  outputGap: 0.5,
  unshuffled: 3,
  unshuffledShare: 0.05,
  fewestBatches: 5,
  smallBatch: 8,
  smallCount: 16,
} as const;

export type Severity = 'error' | 'warning' | 'note';

/** The kinds of trouble. */
export const FINDING_NAMES = [
  'not-finite',
  'negative-variance',
  'huge-variance',
  'not-finite-data',
  'stock-axis',
  'impossible-momentum',
  'inverted-momentum',
  'untrained-statistics',
  'young-statistics',
  'statistics-gap',
  'data-shift',
  'zero-gamma',
  'constant-channel',
  'dead-relu',
  'epsilon-dominates',
  'small-batch',
  'unshuffled-batches',
  'output-gap',
  'shared-layer',
  'foreign-epsilon',
  'useless-bias',
] as const;

export type FindingName = (typeof FINDING_NAMES)[number];

/** Something that is wrong, or worth knowing. */
export interface Finding {
  readonly name: FindingName;
  /** error: results are wrong. warning: they may well be. note: worth knowing. */
  readonly severity: Severity;
  /** The layer's name as in the report's layers; null for the model as a whole. */
  readonly layer: string | null;
  /** Indices of the channels concerned, as in the weights' arrays; empty where it is the layer as a whole. */
  readonly channels: readonly number[];
  /** The numbers behind it. */
  readonly evidence: Readonly<Record<string, number | string>>;
  readonly message: string;
  readonly cure: string;
}

/** A layer's weights as they are, NaN included. */
export interface Weights {
  readonly gamma: Float64Array | null;
  readonly beta: Float64Array | null;
  readonly movingMean: Float64Array;
  readonly movingVariance: Float64Array;
}

/** What the data showed of a layer's inputs. */
export interface Seen {
  /** Where every layer before normalized by the batch's statistics. */
  readonly training: Population;
  /** Where they normalized by the moving ones. */
  readonly inference: Population;
  /** The same for each place by itself, where there are several. */
  readonly places: readonly Population[];
  /** The most samples that a batch had. */
  readonly batchSize: number;
  /** All samples. */
  readonly samples: number;
  /** The first batch that brought NaN or infinity, counted from 1; null if none did. */
  readonly brokenBatch: number | null;
}

/** A layer that is looked at. */
export interface Subject extends Normalization {
  readonly weights: Weights;
  readonly seen: Seen | null;
}

type Told = Omit<Finding, 'layer'>;
type Rule = (subject: Subject) => Told | null;

/** Indices of the values for which something holds. */
const indicesOf = (values: Float64Array, holds: (value: number, index: number) => boolean): number[] =>
  [...values.keys()].filter((i) => holds(values[i]!, i));

const round = (value: number): number => Number(value.toPrecision(4));

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** undefined where there are none. */
const median = (values: Float64Array): number | undefined => values.toSorted()[Math.floor(values.length / 2)];

const notFinite: Rule = ({ weights }) => {
  const broken = Object.entries(weights as unknown as Record<string, Float64Array | null>).flatMap(
    ([name, values]) =>
      values ? [{ name, channels: indicesOf(values, (value) => !Number.isFinite(value)) }] : [],
  );
  const channels = [...new Set(broken.flatMap((one) => one.channels))].sort((a, b) => a - b);
  if (channels.length === 0) return null;
  const evidence = Object.fromEntries(broken.map(({ name, channels: { length } }) => [name, length]));
  return {
    ...{ name: 'not-finite', severity: 'error', channels, evidence },
    message: `NaN or infinity in the weights of ${plural(channels.length, 'channel')}: everything after is NaN.`,
    cure:
      'If gamma and beta are whole, recalibrate. Else go back to an earlier checkpoint, and train with a lower ' +
      'learning rate, clipped gradients and data without NaN.',
  };
};

const negativeVariance: Rule = ({ weights: { movingVariance } }) => {
  const channels = indicesOf(movingVariance, (value) => value < 0 && value > -Infinity);
  if (channels.length === 0) return null;
  return {
    ...{ name: 'negative-variance', severity: 'error', channels },
    evidence: { smallest: channels.reduce((least, c) => Math.min(least, movingVariance[c]!), 0) },
    message:
      `The moving variance of ${plural(channels.length, 'channel')} is below 0, which no variance can be: ` +
      'weights were averaged or extrapolated, or moments computed as E[x²] − E[x]².',
    cure: 'Recalibrate.',
  };
};

const hugeVariance: Rule = ({ weights: { movingVariance } }) => {
  const channels = indicesOf(movingVariance, (value) => value > THRESHOLDS.hugeVariance && value < Infinity);
  if (channels.length === 0) return null;
  return {
    ...{ name: 'huge-variance', severity: 'warning', channels },
    evidence: { largest: round(channels.reduce((a, c) => Math.max(a, movingVariance[c]!), 0)) },
    message: `The moving variance of ${plural(channels.length, 'channel')} is huge: inputs were not scaled, or training diverged.`,
    cure: 'Scale the inputs (pixels to 0 … 1); look for an overflow in the data; then recalibrate or train again.',
  };
};

const isUntrained = ({ weights: { movingMean, movingVariance } }: Subject): boolean =>
  movingMean.every((value) => value === 0) && movingVariance.every((value) => value === 1);

const untrainedStatistics: Rule = (subject) =>
  isUntrained(subject)
    ? {
        ...{
          name: 'untrained-statistics',
          severity: 'warning',
          channels: [],
          evidence: { mean: 0, variance: 1 },
        },
        message:
          'The moving statistics are what they were initialized to, 0 and 1: no training has moved them.',
        cure: 'Recalibrate with some thousand samples; or train, with the layer not frozen.',
      }
    : null;

/** Whether numbers are such that statistics can be compared with others. */
const isUsable = ({ weights: { movingMean, movingVariance } }: Subject): boolean =>
  movingMean.every(Number.isFinite) && movingVariance.every((value) => value >= 0 && value < Infinity);

interface Gap {
  readonly actual: Statistics;
  /** Root of the mean square of the distances over channels. */
  readonly distance: number;
  /** Indices of channels that are off by more than the threshold. */
  readonly channels: number[];
}

/** How far the moving statistics are from the data's; null where that is no more than chance, or cannot be told. */
function gapOf(subject: Subject): Gap | null {
  const { seen, weights, layer } = subject;
  if (!seen || seen.training.batches === 0 || isUntrained(subject) || !isUsable(subject)) return null;
  const actual = seen.training.whole();
  const used = { mean: weights.movingMean, variance: weights.movingVariance };
  const perChannel = distances(actual, used, layer.epsilon);
  const distance = rootMeanSquare(perChannel);
  const least = Math.max(THRESHOLDS.gap, THRESHOLDS.gapNoise / Math.sqrt(seen.samples));
  return distance > least
    ? { actual, distance, channels: indicesOf(perChannel, (one) => one > least) }
    : null;
}

/**
 * What is left of the initial 0 and 1 in moving averages of these statistics: the b that fits
 * moving mean = (1 − b)·mean and moving variance = (1 − b)·variance + b best. null where the data was scaled up:
 * then 1 − b is the factor's inverse by the means, and the inverse of its square by the variances.
 */
function biasLeft(
  { weights: { movingMean, movingVariance }, layer: { epsilon } }: Subject,
  { mean, variance }: Statistics,
): number | null {
  const [means, variances] = [new Fit(), new Fit()];
  mean.forEach((value, c) => {
    const scale = variance[c]! + epsilon;
    const deviation = Math.sqrt(scale);
    means.add((movingMean[c]! - value) / deviation, -value / deviation);
    variances.add((movingVariance[c]! - variance[c]!) / scale, (1 - variance[c]!) / scale);
  });
  const { telling, agreeing } = THRESHOLDS;
  if (means.square > telling * mean.length && variances.square > telling * mean.length) {
    const factor = (1 - means.factor) / (1 - variances.factor);
    if (!(factor > 0 && factor < agreeing)) return null;
  }
  return (means.product + variances.product) / (means.square + variances.square);
}

/** The factor by which a direction comes nearest to a gap, by least squares. */
class Fit {
  product = 0;
  square = 0;

  add(gap: number, direction: number): void {
    this.product += gap * direction;
    this.square += direction * direction;
  }

  get factor(): number {
    return this.product / this.square;
  }
}

const youngStatistics = (subject: Subject): Told | null => {
  const { layer, weights, seen } = subject;
  const { momentum } = layer;
  const cure = `Recalibrate; or train on; or lower the momentum, with which an average needs some ${String(Math.ceil(3 / (1 - momentum)))} steps.`;
  if (isUntrained(subject) || !isUsable(subject) || !(momentum > 0 && momentum < 1)) return null;
  if (!seen) {
    const initial = { mean: weights.movingMean.map(() => 0), variance: weights.movingMean.map(() => 1) };
    const used = { mean: weights.movingMean, variance: weights.movingVariance };
    const distance = rootMeanSquare(distances(initial, used, layer.epsilon));
    if (distance > THRESHOLDS.nearInitial) return null;
    return {
      ...{
        name: 'young-statistics',
        severity: 'note',
        channels: [],
        evidence: { distance: round(distance), momentum },
      },
      message:
        'The moving statistics are still near 0 and 1, where they began: either the inputs have that mean and ' +
        'variance, or the averages are young.',
      cure: `Inspect with data, which tells. ${cure}`,
    };
  }
  const gap = gapOf(subject);
  if (!gap) return null;
  const bias = biasLeft(subject, gap.actual);
  if (bias === null || !(bias >= THRESHOLDS.youngBias && bias < 1)) return null;
  const blended = {
    mean: gap.actual.mean.map((mean) => (1 - bias) * mean),
    variance: gap.actual.variance.map((variance) => (1 - bias) * variance + bias),
  };
  const used = { mean: weights.movingMean, variance: weights.movingVariance };
  const unexplained = rootMeanSquare(distances(blended, used, layer.epsilon));
  if (unexplained > THRESHOLDS.unexplained * gap.distance) return null;
  const steps = Math.round(Math.log(bias) / Math.log(momentum));
  return {
    ...{ name: 'young-statistics', severity: 'warning', channels: gap.channels },
    evidence: { initialValueLeft: round(bias), steps, momentum, distance: round(gap.distance) },
    message:
      `The moving averages are too young: ${(100 * bias).toFixed(0)} % of them is still the initial value, as after ` +
      `about ${plural(steps, 'step')} with momentum ${momentum}.`,
    cure,
  };
};

/** Whether what reaches the layer is the same in training and in inference mode. */
function isUnaffected({ seen }: Subject): boolean {
  const [training, inference] = [seen!.training.whole(), seen!.inference.whole()];
  const isSame = (a: Float64Array, b: Float64Array) =>
    a.every((value, c) => Math.abs(value - b[c]!) <= 1e-6 * (1 + Math.abs(value)));
  return isSame(training.mean, inference.mean) && isSame(training.variance, inference.variance);
}

const statisticsGap: Rule = (subject) => {
  const gap = gapOf(subject);
  if (!gap || youngStatistics(subject)) return null;
  const { weights } = subject;
  const ratios = gap.actual.variance.map((value, c) => Math.sqrt(value / weights.movingVariance[c]!));
  const ratio = median(ratios.filter((one) => one > 0 && one < Infinity));
  const evidence = {
    distance: round(gap.distance),
    ...(ratio !== undefined && { deviationRatio: round(ratio) }),
  };
  const off = `Values normalized by the moving statistics are off by ${gap.distance.toFixed(1)} deviations on this data`;
  if (!isUnaffected(subject)) {
    return {
      ...{ name: 'statistics-gap', severity: 'warning', channels: gap.channels, evidence },
      message: `${off}, even if all layers before normalize by the batch: the moving averages lag behind the weights.`,
      cure: 'Recalibrate; for the next training, a lower learning rate at the end or a lower momentum.',
    };
  }
  const isPixels =
    ratio !== undefined &&
    Math.abs(Math.log(ratio)) > Math.log(150) &&
    Math.abs(Math.log(ratio)) < Math.log(400);
  return {
    ...{ name: 'data-shift', severity: 'warning', channels: gap.channels, evidence },
    message:
      `${off}: other data, or other weights before the layer, were what they were computed from.` +
      (isPixels
        ? ' The factor between the deviations is near 255, that of pixels that were not scaled alike.'
        : ''),
    cure: 'Prepare the data as for training (scale, order of channels). If it is so, or new data by intent, recalibrate.',
  };
};

const severityOf = (channels: readonly number[], { weights }: Subject): Severity =>
  channels.length >= THRESHOLDS.manyChannels * weights.movingMean.length ? 'warning' : 'note';

const zeroGamma: Rule = (subject) => {
  const { gamma } = subject.weights;
  if (!gamma?.every(Number.isFinite)) return null;
  const largest = gamma.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const channels = indicesOf(gamma, (value) => Math.abs(value) <= THRESHOLDS.zeroGamma * largest);
  if (channels.length === 0) return null;
  return {
    ...{ name: 'zero-gamma', severity: severityOf(channels, subject), channels },
    evidence: { channels: channels.length, of: gamma.length, largestGamma: round(largest) },
    message: `gamma is 0 or next to it in ${plural(channels.length, 'channel')}: whatever comes in, beta goes out.`,
    cure:
      'Prune these channels, or set gamma to 1 and train on; lower the regularizer of gamma. A last normalization ' +
      'of a residual block that starts at gamma 0 needs training.',
  };
};

const constantChannel: Rule = (subject) => {
  const { layer, weights } = subject;
  const channels = indicesOf(
    weights.movingVariance,
    (value) => value >= 0 && value <= THRESHOLDS.constantVariance * layer.epsilon,
  );
  if (channels.length === 0) return null;
  return {
    ...{ name: 'constant-channel', severity: severityOf(channels, subject), channels },
    evidence: { channels: channels.length, of: weights.movingVariance.length, epsilon: layer.epsilon },
    message:
      `The inputs of ${plural(channels.length, 'channel')} hardly vary: dead units before, or inputs that are always ` +
      'the same.',
    cure: 'Prune these channels, or give the layer before new weights there; leave constant inputs out of the data.',
  };
};

const RELUS = new Set(['relu', 'relu6']);

/** Whether a layer cuts off what is below 0. */
const isRelu = (layer: Layer): boolean =>
  layer.getClassName() === 'ReLU' ||
  (layer.getClassName() === 'Activation' && RELUS.has(layer.getConfig().activation as string));

const deadRelu: Rule = (subject) => {
  const { places, weights } = subject;
  const { gamma, beta } = weights;
  const isCut = places.every(({ followers }) => followers.length > 0 && followers.every(isRelu));
  if (!beta || !isCut) return null;
  const reachOf = (c: number) => beta[c]! + THRESHOLDS.reluReach * Math.abs(gamma ? gamma[c]! : 1);
  // Where gamma is 0 too, that is told of already.
  const channels = indicesOf(beta, (value, c) => value < 0 && reachOf(c) <= 0);
  if (channels.length === 0) return null;
  return {
    ...{ name: 'dead-relu', severity: severityOf(channels, subject), channels },
    evidence: {
      channels: channels.length,
      of: beta.length,
      highest: round(channels.reduce((most, c) => Math.max(most, reachOf(c)), -Infinity)),
    },
    message:
      `beta is so far below 0 in ${plural(channels.length, 'channel')} that values ${String(THRESHOLDS.reluReach)} deviations ` +
      'above the mean do not pass the ReLU after the layer: it gives 0, and no gradient.',
    cure: 'Prune these channels, or set beta to 0 there and train on, with a lower learning rate.',
  };
};

const epsilonDominates: Rule = ({ layer: { epsilon }, weights: { movingVariance } }) => {
  const channels = indicesOf(
    movingVariance,
    (value) => value > THRESHOLDS.constantVariance * epsilon && value < epsilon,
  );
  if (channels.length < THRESHOLDS.smallVariances * movingVariance.length) return null;
  return {
    ...{ name: 'epsilon-dominates', severity: 'warning', channels },
    evidence: {
      epsilon,
      medianVariance: round(median(Float64Array.from(channels, (c) => movingVariance[c]!))!),
    },
    message: `The variance of ${plural(channels.length, 'channel')} is below epsilon, which therefore sets the scale of the output.`,
    cure: 'Scale the inputs up, or use a smaller epsilon and train again. If weights come from another framework, use its epsilon.',
  };
};

const foreignEpsilon: Rule = ({ layer: { epsilon, momentum } }) =>
  epsilon === THRESHOLDS.foreignEpsilon
    ? {
        ...{ name: 'foreign-epsilon', severity: 'note', channels: [], evidence: { epsilon, momentum } },
        message: "epsilon is 1e-5, the default of PyTorch, Flax and ONNX; Keras' is 1e-3.",
        cure: 'Right for weights that were trained with it, wrong for others: look up which these are.',
      }
    : null;

const momentumRule = ({ layer: { momentum } }: Subject): Told | null => {
  if (momentum > 1 || momentum < 0) {
    return {
      ...{ name: 'impossible-momentum', severity: 'error', channels: [], evidence: { momentum } },
      message: `The momentum is ${momentum}: moving averages run away from what they should follow.`,
      cure: 'Choose a momentum from 0 to 1, such as 0.99, then recalibrate.',
    };
  }
  if (momentum === 0 || momentum > THRESHOLDS.invertedMomentum) return null;
  const meant = round(1 - momentum);
  return {
    ...{
      name: 'inverted-momentum',
      severity: 'warning',
      channels: [],
      evidence: { momentum, likelyMeant: meant },
    },
    message:
      `The momentum is ${momentum}. Here, as in Keras, it is the part that is kept, so the moving statistics are those ` +
      `of the last batch or two; in PyTorch it is the part that is new.`,
    cure: `Use ${meant}, then recalibrate.`,
  };
};

const sharedLayer: Rule = (subject) => {
  const { places, seen, layer } = subject;
  if (places.length < 2) return null;
  const evidence = { places: places.length };
  const cure = 'Give each place a normalization of its own; the layers around it can stay shared.';
  if (seen && seen.places.length > 1 && seen.places.every(({ batches }) => batches > 0)) {
    const together = seen.inference.whole();
    const apart = seen.places.map((place) =>
      rootMeanSquare(distances(place.whole(), together, layer.epsilon)),
    );
    const distance = Math.max(...apart);
    if (distance > Math.max(THRESHOLDS.gap, THRESHOLDS.gapNoise / Math.sqrt(seen.samples))) {
      return {
        ...{
          name: 'shared-layer',
          severity: 'warning',
          channels: [],
          evidence: { ...evidence, distance: round(distance) },
        },
        message:
          `The layer stands at ${places.length} places whose inputs differ by ${distance.toFixed(1)} deviations from ` +
          'what they are together, and one set of moving statistics cannot fit them all.',
        cure,
      };
    }
  }
  return {
    ...{ name: 'shared-layer', severity: 'note', channels: [], evidence },
    message: `The layer stands at ${places.length} places: its moving statistics mix the inputs of all.`,
    cure: `Fine as long as the inputs are alike; inspect with data tells. ${cure}`,
  };
};

/** Whether a layer adds a bias along the axis of the normalization behind it, which then subtracts it. */
function hasUselessBias(layer: Layer, { axis }: NormalizationLayer): boolean {
  const { useBias, units, filters, activation } = layer.getConfig();
  if (useBias !== true || activation !== 'linear' || (units ?? filters) === undefined) return false;
  const rank = (layer.outputShape as (number | null)[]).length;
  const axes = [axis].flat().map((one) => (one + rank) % rank);
  return axes.includes(channelDimension(layer, rank - 1) + 1);
}

const uselessBias: Rule = ({ places, layer }) => {
  if (isFrozen(layer)) return null;
  if (!places.every(({ source, isOnlyUser }) => isOnlyUser && hasUselessBias(source, layer))) return null;
  const names = [...new Set(places.map(({ source }) => source.name))].join(', ');
  return {
    ...{ name: 'useless-bias', severity: 'note', channels: [], evidence: { before: names } },
    message: `The bias of '${names}' before the layer does nothing: the mean that is subtracted takes it away again.`,
    cure: 'Use useBias: false there; beta takes its part.',
  };
};

const notFiniteData: Rule = ({ seen }) =>
  seen?.brokenBatch
    ? {
        ...{
          name: 'not-finite-data',
          severity: 'error',
          channels: [],
          evidence: { batch: seen.brokenBatch },
        },
        message: `Batch ${seen.brokenBatch} brings NaN or infinity to the layer.`,
        cure: 'Look for it in the data, and in the weights of the layers before.',
      }
    : null;

const stockAxis: Rule = ({ layer }) =>
  isStockOffLastAxis(layer)
    ? {
        ...{ name: 'stock-axis', severity: 'error', channels: [], ...STOCK_AXIS },
        evidence: { axis: Number(layer.axis) },
      }
    : null;

const smallBatch: Rule = ({ seen, layer }) => {
  if (!seen || isFrozen(layer) || seen.training.batches === 0) return null;
  const ghost = isEvenkeel(layer) ? layer.virtualBatchSize : null;
  const samples = Math.min(ghost ?? Infinity, seen.batchSize);
  const perSample = seen.training.count.reduce((most, count) => Math.max(most, count), 0) / seen.samples;
  const values = Math.round(samples * perSample);
  if (samples >= THRESHOLDS.smallBatch && values >= THRESHOLDS.smallCount) return null;
  return {
    ...{
      name: 'small-batch',
      severity: 'warning',
      channels: [],
      evidence: { samples, valuesPerChannel: values },
    },
    message:
      `A ${ghost === null ? '' : 'ghost '}batch has ${plural(samples, 'sample')}, ${plural(values, 'value')} per ` +
      'channel: too few for their mean and variance to be those of the data.',
    cure:
      'Train with larger batches. Where memory forbids it: renorm: true, or freeze the layer for the last epochs. If ' +
      'only the data given here is in small pieces, give it in larger ones.',
  };
};

const RULES: readonly Rule[] = [
  notFinite,
  negativeVariance,
  hugeVariance,
  notFiniteData,
  stockAxis,
  momentumRule,
  untrainedStatistics,
  youngStatistics,
  statisticsGap,
  zeroGamma,
  constantChannel,
  deadRelu,
  epsilonDominates,
  smallBatch,
  sharedLayer,
  foreignEpsilon,
  uselessBias,
];

/** Of batches that are not shuffled there is one finding, for the layer that shows it most. */
function unshuffledBatches(subjects: readonly Subject[]): Finding[] {
  const candidates = subjects.flatMap(({ name, seen }) => {
    if (!seen || seen.inference.batches < THRESHOLDS.fewestBatches) return [];
    const shares = seen.inference.shareBetweenBatches();
    const share = shares.reduce((total, one) => total + one, 0) / shares.length;
    return [{ name, share, times: share * seen.batchSize }];
  });
  const worst = candidates.sort((a, b) => b.share - a.share)[0];
  if (!worst || worst.times < THRESHOLDS.unshuffled || worst.share < THRESHOLDS.unshuffledShare) return [];
  return [
    {
      ...{ name: 'unshuffled-batches', severity: 'warning', layer: worst.name, channels: [] },
      evidence: { shareBetweenBatches: round(worst.share), timesExpected: round(worst.times) },
      message:
        `${(100 * worst.share).toFixed(0)} % of the variance lies between batches, at least ` +
        `${worst.times.toFixed(0)} times as much as where samples are drawn at random: the batches are sorted in some way.`,
      cure: 'Shuffle samples before they are put into batches, in training above all.',
    },
  ];
}

/** How a model's output changes between training and inference mode. */
export interface OutputGap {
  /** The output's name. */
  readonly output: string;
  /** The root of the mean squared difference, in deviations of the output in inference mode. */
  readonly relativeDifference: number;
  readonly largestDifference: number;
  /** The share of samples whose largest value stands at the same place; null unless the output has rank 2, and columns. */
  readonly agreement: number | null;
}

function outputGaps(gaps: readonly OutputGap[]): Finding[] {
  return gaps.flatMap(({ output, relativeDifference, agreement }): Finding[] => {
    if (relativeDifference < THRESHOLDS.outputGap) return [];
    const classes =
      agreement === null
        ? ''
        : ` The largest value is the same in ${(100 * agreement).toFixed(0)} % of the samples.`;
    return [
      {
        ...{ name: 'output-gap', severity: 'warning', layer: null, channels: [] },
        evidence: {
          output,
          relativeDifference: round(relativeDifference),
          ...(agreement !== null && { agreement: round(agreement) }),
        },
        message:
          `The output '${output}' differs between training and inference mode by ${relativeDifference.toFixed(1)} of ` +
          `its deviations.${classes}`,
        cure: 'Cure what is found in the layers, first of all the first; recalibrate; inspect again.',
      },
    ];
  });
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

/** All findings, the most severe first, and within a severity in the order of the graph. */
export function findingsOf(subjects: readonly Subject[], outputs: readonly OutputGap[]): Finding[] {
  const ofLayers = subjects.flatMap((subject) =>
    RULES.flatMap((rule) => {
      const finding = rule(subject);
      return finding ? [{ ...finding, layer: subject.name }] : [];
    }),
  );
  const all = [...ofLayers, ...unshuffledBatches(subjects), ...outputGaps(outputs)];
  return SEVERITIES.flatMap((severity) => all.filter((finding) => finding.severity === severity));
}
