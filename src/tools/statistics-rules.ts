/** @file What can be wrong with a layer's moving statistics: one rule for each kind of trouble. */
import {
  type Diagnosis,
  type Rule,
  type Subject,
  diagnose,
  indicesOf,
  median,
  noiseOf,
  plural,
  round,
  severityOf,
} from './findings.js';
import { type Statistics, distances, rootMeanSquare } from './population.js';
import { quantizationOf } from './quantization.js';
import { THRESHOLDS } from './thresholds.js';

const negativeVariance: Rule = ({ weights: { movingVariance } }) => {
  const channels = indicesOf(movingVariance, (value) => value < 0 && value > -Infinity);
  if (channels.length === 0) return null;
  return diagnose('negative-variance', 'error', {
    channels,
    evidence: { smallest: channels.reduce((least, c) => Math.min(least, movingVariance[c]!), 0) },
    message:
      `The moving variance of ${plural(channels.length, 'channel')} is below 0, which no variance can be: ` +
      'weights were averaged or extrapolated, or moments computed as E[x²] − E[x]².',
    cure: 'Recalibrate.',
  });
};

const hugeVariance: Rule = ({ weights: { movingVariance } }) => {
  const channels = indicesOf(movingVariance, (value) => value > THRESHOLDS.hugeVariance && value < Infinity);
  if (channels.length === 0) return null;
  return diagnose('huge-variance', 'warning', {
    channels,
    evidence: { largest: round(channels.reduce((a, c) => Math.max(a, movingVariance[c]!), 0)) },
    message: `The moving variance of ${plural(channels.length, 'channel')} is huge: inputs were not scaled, or training diverged.`,
    cure: 'Scale the inputs (pixels to 0 … 1); look for an overflow in the data; then recalibrate or train again.',
  });
};

/** Channels whose moving variance, with epsilon, is below what quantization rounds to 0: what it was is unknown. */
export function channelsLostToQuantization({ layer: { epsilon }, weights }: Subject): Set<number> {
  const quantization = quantizationOf(weights.movingVariance);
  if (!quantization) return new Set();
  const isLost = (value: number) => value >= 0 && value + epsilon <= quantization.step / 2;
  return new Set(indicesOf(weights.movingVariance, isLost));
}

const quantizedWeights: Rule = (subject) => {
  const channels = [...channelsLostToQuantization(subject)];
  if (channels.length === 0) return null;
  const { bits, step } = quantizationOf(subject.weights.movingVariance)!;
  return diagnose('quantized-weights', severityOf(channels, subject), {
    channels,
    evidence: {
      channels: channels.length,
      of: subject.weights.movingVariance.length,
      bits,
      step: round(step),
    },
    message:
      `The weights are quantized: moving variances are ${bits}-bit multiples of ${round(step)}. Those of ` +
      `${plural(channels.length, 'channel')} were rounded to 0, so that epsilon takes their place.`,
    cure:
      'Quantize the other weights only (tensorflowjs_converter takes names after --quantize_uint8 and its like), or ' +
      'fold first and quantize after. Recalibrating gives a loaded model right variances.',
  });
};

const isUntrained = ({ weights: { movingMean, movingVariance } }: Subject): boolean =>
  movingMean.every((value) => value === 0) && movingVariance.every((value) => value === 1);

const untrainedStatistics: Rule = (subject) =>
  isUntrained(subject)
    ? diagnose('untrained-statistics', 'warning', {
        evidence: { mean: 0, variance: 1 },
        message:
          'The moving statistics are what they were initialized to, 0 and 1: no training has moved them.',
        cure: 'Recalibrate with some thousand samples; or train, with the layer not frozen.',
      })
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

/** How far the moving statistics are from the data's; null where that is no more than chance, or unknown. */
function gapOf(subject: Subject): Gap | null {
  const { inputs, weights, layer } = subject;
  if (!inputs || inputs.training.batches === 0 || isUntrained(subject) || !isUsable(subject)) return null;
  const actual = inputs.training.whole();
  const moving = { mean: weights.movingMean, variance: weights.movingVariance };
  const lost = channelsLostToQuantization(subject);
  const perChannel = distances(actual, moving, layer.epsilon).map((one, c) => (lost.has(c) ? 0 : one));
  const distance = rootMeanSquare(perChannel);
  const least = Math.max(THRESHOLDS.gap, THRESHOLDS.gapNoise * noiseOf(inputs, layer.epsilon));
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

const youngStatistics = (subject: Subject): Diagnosis | null => {
  const { layer, weights, inputs } = subject;
  const { momentum } = layer;
  const cure = `Recalibrate; or train on; or lower the momentum, with which an average needs some ${String(Math.ceil(3 / (1 - momentum)))} steps.`;
  if (isUntrained(subject) || !isUsable(subject) || !(momentum > 0 && momentum < 1)) return null;
  if (!inputs) {
    const initial = { mean: weights.movingMean.map(() => 0), variance: weights.movingMean.map(() => 1) };
    const moving = { mean: weights.movingMean, variance: weights.movingVariance };
    const distance = rootMeanSquare(distances(initial, moving, layer.epsilon));
    if (distance > THRESHOLDS.nearInitial) return null;
    return diagnose('young-statistics', 'note', {
      evidence: { distance: round(distance), momentum },
      message:
        'The moving statistics are still near 0 and 1, where they began: either the inputs have that mean and ' +
        'variance, or the averages are young.',
      cure: `Inspect with data, which tells. ${cure}`,
    });
  }
  const gap = gapOf(subject);
  if (!gap) return null;
  const bias = biasLeft(subject, gap.actual);
  if (bias === null || !(bias >= THRESHOLDS.youngBias && bias < 1)) return null;
  const blended = {
    mean: gap.actual.mean.map((mean) => (1 - bias) * mean),
    variance: gap.actual.variance.map((variance) => (1 - bias) * variance + bias),
  };
  const moving = { mean: weights.movingMean, variance: weights.movingVariance };
  const unexplained = rootMeanSquare(distances(blended, moving, layer.epsilon));
  if (unexplained > THRESHOLDS.unexplained * gap.distance) return null;
  const steps = Math.round(Math.log(bias) / Math.log(momentum));
  return diagnose('young-statistics', 'warning', {
    channels: gap.channels,
    evidence: { initialValueLeft: round(bias), steps, momentum, distance: round(gap.distance) },
    message:
      `The moving averages are too young: ${(100 * bias).toFixed(0)} % of their value is still the initial one, as after ` +
      `about ${plural(steps, 'step')} with momentum ${momentum}.`,
    cure,
  });
};

/** Whether what reaches the layer is the same in training and in inference mode; null where that is not known. */
function isUnaffected({ inputs }: Subject): boolean | null {
  if (!inputs?.inference) return null;
  const [training, inference] = [inputs.training.whole(), inputs.inference.whole()];
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
  const isSame = isUnaffected(subject);
  if (!isSame) {
    const cause =
      isSame === null
        ? ': the moving averages lag behind the weights, or were computed from other data. Moments do not tell which.'
        : ', even if all layers before normalize by the batch: the moving averages lag behind the weights.';
    return diagnose('statistics-gap', 'warning', {
      channels: gap.channels,
      evidence,
      message: `${off}${cause}`,
      cure: 'Recalibrate; for the next training, a lower learning rate at the end or a lower momentum.',
    });
  }
  const isPixels =
    ratio !== undefined &&
    Math.abs(Math.log(ratio)) > Math.log(THRESHOLDS.leastPixelFactor) &&
    Math.abs(Math.log(ratio)) < Math.log(THRESHOLDS.largestPixelFactor);
  return diagnose('data-shift', 'warning', {
    channels: gap.channels,
    evidence,
    message:
      `${off}: other data, or other weights before the layer, were what they were computed from.` +
      (isPixels
        ? ' The factor between the deviations is near 255, that of pixels that were not scaled alike.'
        : ''),
    cure: 'Prepare the data as for training (scale, order of channels). If it is so, or new data by intent, recalibrate.',
  });
};

export const STATISTICS_RULES: readonly Rule[] = [
  negativeVariance,
  hugeVariance,
  quantizedWeights,
  untrainedStatistics,
  youngStatistics,
  statisticsGap,
];
