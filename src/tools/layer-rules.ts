/** @file What can be wrong with a layer, but for its moving statistics: one rule for each kind of trouble. */
import { type Layer, type NormalizationLayer, channelDimension } from '../model/graph.js';
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
import { STOCK_AXIS, isEvenkeel, isStockOffLastAxis } from './normalizations.js';
import { distances, rootMeanSquare } from './population.js';
import { channelsLostToQuantization } from './statistics-rules.js';
import { THRESHOLDS } from './thresholds.js';
import { isFrozen } from '../model/frozen.js';

const notFinite: Rule = ({ weights }) => {
  const broken = Object.entries(weights as unknown as Record<string, Float64Array | null>).flatMap(
    ([name, values]) =>
      values ? [{ name, channels: indicesOf(values, (value) => !Number.isFinite(value)) }] : [],
  );
  const channels = [...new Set(broken.flatMap((one) => one.channels))].sort((a, b) => a - b);
  if (channels.length === 0) return null;
  const evidence = Object.fromEntries(broken.map(({ name, channels: { length } }) => [name, length]));
  return diagnose('not-finite', 'error', {
    channels,
    evidence,
    message: `NaN or infinity in the weights of ${plural(channels.length, 'channel')}: everything after is NaN.`,
    cure:
      'If gamma and beta are whole, recalibrate. Else go back to an earlier checkpoint, and train with a lower ' +
      'learning rate, clipped gradients and data without NaN.',
  });
};

const zeroGamma: Rule = (subject) => {
  const { gamma } = subject.weights;
  if (!gamma?.every(Number.isFinite)) return null;
  const largest = gamma.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const channels = indicesOf(gamma, (value) => Math.abs(value) <= THRESHOLDS.zeroGamma * largest);
  if (channels.length === 0) return null;
  return diagnose('zero-gamma', severityOf(channels, subject), {
    channels,
    evidence: { channels: channels.length, of: gamma.length, largestGamma: round(largest) },
    message: `gamma is 0 or next to it in ${plural(channels.length, 'channel')}: whatever comes in, beta goes out.`,
    cure:
      'Prune these channels, or set gamma to 1 and train on; lower the regularizer of gamma. A last normalization ' +
      'of a residual block that starts at gamma 0 needs training.',
  });
};

const constantChannel: Rule = (subject) => {
  const { layer, weights } = subject;
  const lost = channelsLostToQuantization(subject);
  const channels = indicesOf(
    weights.movingVariance,
    (value, c) => value >= 0 && value <= THRESHOLDS.constantVariance * layer.epsilon && !lost.has(c),
  );
  if (channels.length === 0) return null;
  return diagnose('constant-channel', severityOf(channels, subject), {
    channels,
    evidence: { channels: channels.length, of: weights.movingVariance.length, epsilon: layer.epsilon },
    message:
      `The inputs of ${plural(channels.length, 'channel')} hardly vary: dead units before, or inputs that are always ` +
      'the same.',
    cure: 'Prune these channels, or give the layer before new weights there; leave constant inputs out of the data.',
  });
};

const RELUS = new Set(['relu', 'relu6']);

/** Whether a layer cuts off what is below 0. */
const isRelu = (layer: Layer): boolean =>
  layer.getClassName() === 'ReLU' ||
  (layer.getClassName() === 'Activation' && RELUS.has(layer.getConfig().activation as string));

const deadRelu: Rule = (subject) => {
  const { calls, weights } = subject;
  const { gamma, beta } = weights;
  const isCut = calls.every(({ followers }) => followers.length > 0 && followers.every(isRelu));
  if (!beta || !isCut) return null;
  const reachOf = (c: number) => beta[c]! + THRESHOLDS.reluReach * Math.abs(gamma ? gamma[c]! : 1);
  // Where gamma is 0 too, another finding says so.
  const channels = indicesOf(beta, (value, c) => value < 0 && reachOf(c) <= 0);
  if (channels.length === 0) return null;
  return diagnose('dead-relu', severityOf(channels, subject), {
    channels,
    evidence: {
      channels: channels.length,
      of: beta.length,
      highest: round(channels.reduce((most, c) => Math.max(most, reachOf(c)), -Infinity)),
    },
    message:
      `beta is so far below 0 in ${plural(channels.length, 'channel')} that values ${String(THRESHOLDS.reluReach)} deviations ` +
      'above the mean do not pass the ReLU after the layer: it gives 0, and no gradient.',
    cure: 'Prune these channels, or set beta to 0 there and train on, with a lower learning rate.',
  });
};

const epsilonDominates: Rule = (subject) => {
  const { epsilon } = subject.layer;
  const { movingVariance } = subject.weights;
  const lost = channelsLostToQuantization(subject);
  const channels = indicesOf(
    movingVariance,
    (value, c) => value > THRESHOLDS.constantVariance * epsilon && value < epsilon && !lost.has(c),
  );
  if (channels.length < THRESHOLDS.smallVariances * movingVariance.length) return null;
  return diagnose('epsilon-dominates', 'warning', {
    channels,
    evidence: {
      epsilon,
      medianVariance: round(median(Float64Array.from(channels, (c) => movingVariance[c]!))!),
    },
    message: `The variance of ${plural(channels.length, 'channel')} is below epsilon, which therefore sets the scale of the output.`,
    cure: 'Scale the inputs up, or use a smaller epsilon and train again. If weights come from another framework, use its epsilon.',
  });
};

const foreignEpsilon: Rule = ({ layer: { epsilon, momentum } }) =>
  epsilon === THRESHOLDS.foreignEpsilon
    ? diagnose('foreign-epsilon', 'note', {
        evidence: { epsilon, momentum },
        message: "epsilon is 1e-5, the default of PyTorch, Flax and ONNX; Keras' is 1e-3.",
        cure: 'Right for weights that were trained with it, wrong for others: look up which these are.',
      })
    : null;

const momentumRule = ({ layer: { momentum } }: Subject): Diagnosis | null => {
  if (momentum > 1 || momentum < 0) {
    return diagnose('impossible-momentum', 'error', {
      evidence: { momentum },
      message: `The momentum is ${momentum}: moving averages run away from what they should follow.`,
      cure: 'Choose a momentum from 0 to 1, such as 0.99, then recalibrate.',
    });
  }
  if (momentum === 0 || momentum > THRESHOLDS.invertedMomentum) return null;
  const meant = round(1 - momentum);
  return diagnose('inverted-momentum', 'warning', {
    evidence: { momentum, likelyMeant: meant },
    message:
      `The momentum is ${momentum}. Here, as in Keras, it is the part that is kept, so the moving statistics are those ` +
      `of the last batch or two; in PyTorch it is the part that is new.`,
    cure: `Use ${meant}, then recalibrate.`,
  });
};

const sharedLayer: Rule = (subject) => {
  const { calls, inputs, layer } = subject;
  if (calls.length < 2) return null;
  const evidence = { calls: calls.length };
  const cure = 'Give each call a normalization of its own; the layers around it can stay shared.';
  if (inputs?.inference && inputs.perCall.length > 1 && inputs.perCall.every(({ batches }) => batches > 0)) {
    const together = inputs.inference.whole();
    const apart = inputs.perCall.map((call) =>
      rootMeanSquare(distances(call.whole(), together, layer.epsilon)),
    );
    const distance = Math.max(...apart);
    if (distance > Math.max(THRESHOLDS.gap, THRESHOLDS.gapNoise * noiseOf(inputs, layer.epsilon))) {
      return diagnose('shared-layer', 'warning', {
        evidence: { ...evidence, distance: round(distance) },
        message:
          `The layer is called ${calls.length} times, on inputs that differ by ${distance.toFixed(1)} deviations from ` +
          'what they are together, and one set of moving statistics cannot fit them all.',
        cure,
      });
    }
  }
  return diagnose('shared-layer', 'note', {
    evidence,
    message: `The layer is called ${calls.length} times: its moving statistics mix the inputs of all calls.`,
    cure: `Fine as long as the inputs are alike; inspect with data tells. ${cure}`,
  });
};

/** Whether a layer adds a bias along the axis of the normalization behind it, which then subtracts it. */
function hasUselessBias(layer: Layer, { axis }: NormalizationLayer): boolean {
  const { useBias, units, filters, activation } = layer.getConfig();
  if (useBias !== true || activation !== 'linear' || (units ?? filters) === undefined) return false;
  const rank = (layer.outputShape as (number | null)[]).length;
  const axes = [axis].flat().map((one) => (one + rank) % rank);
  return axes.includes(channelDimension(layer, rank - 1) + 1);
}

const uselessBias: Rule = ({ calls, layer }) => {
  if (isFrozen(layer)) return null;
  if (!calls.every(({ source, isOnlyUser }) => isOnlyUser && hasUselessBias(source, layer))) return null;
  const names = [...new Set(calls.map(({ source }) => source.name))].join(', ');
  return diagnose('useless-bias', 'note', {
    evidence: { before: names },
    message: `The bias of '${names}' before the layer does nothing: the mean that is subtracted takes it away again.`,
    cure: 'Use useBias: false there; beta takes its part.',
  });
};

const notFiniteData: Rule = ({ inputs }) =>
  inputs?.brokenBatch
    ? diagnose('not-finite-data', 'error', {
        evidence: { batch: inputs.brokenBatch },
        message: `Batch ${inputs.brokenBatch} brings NaN or infinity to the layer.`,
        cure: 'Look for it in the data, and in the weights of the layers before.',
      })
    : null;

const stockAxis: Rule = ({ layer }) =>
  isStockOffLastAxis(layer)
    ? diagnose('stock-axis', 'error', { ...STOCK_AXIS, evidence: { axis: Number(layer.axis) } })
    : null;

const smallBatch: Rule = ({ inputs, layer }) => {
  if (!inputs || isFrozen(layer) || inputs.training.batches === 0) return null;
  const { training, batchSize, samples: all } = inputs;
  if (batchSize === null || all === null) return null;
  const ghost = isEvenkeel(layer) ? layer.virtualBatchSize : null;
  const samples = Math.min(ghost ?? Infinity, batchSize);
  const perCall = training.countPerUpdate.reduce((most, count) => Math.max(most, count || 0), 0);
  const values = Math.round((perCall * training.batches * samples) / all);
  if (samples >= THRESHOLDS.smallBatch && values >= THRESHOLDS.smallCount) return null;
  return diagnose('small-batch', 'warning', {
    evidence: { samples, valuesPerChannel: values },
    message:
      `A ${ghost === null ? '' : 'ghost '}batch has ${plural(samples, 'sample')}, ${plural(values, 'value')} per ` +
      'channel: too few for their mean and variance to be those of the data.',
    cure:
      'Train with larger batches. Where memory forbids it: renorm: true, or freeze the layer for the last epochs. If ' +
      'only the data given here is in small pieces, give it in larger ones.',
  });
};

export const LAYER_RULES: readonly Rule[] = [
  notFinite,
  notFiniteData,
  stockAxis,
  momentumRule,
  zeroGamma,
  constantChannel,
  deadRelu,
  epsilonDominates,
  smallBatch,
  sharedLayer,
  foreignEpsilon,
  uselessBias,
];
