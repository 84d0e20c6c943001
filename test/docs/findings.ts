/**
 * @file The findings of docs/findings.md: when each kind is reported, what it gives as evidence, what cures it; what it
 * means stands in shared/explanations.ts. Thresholds are those of the code, and no kind can be missing;
 * test/tools/inspect.test.ts provokes each kind and holds severities and evidence to this file.
 */
import { FINDING_NAMES, type FindingName, type Severity, THRESHOLDS } from 'evenkeel/tools';
import { UNTOLD_BY_MOMENTS } from '../../src/tools/inspect-by-moments.js';
import { FINDINGS_OF_DATA } from '../../src/tools/inspect.js';
import { FEWEST_VALUES } from '../../src/tools/quantization.js';
import { EXPLANATIONS } from '../../shared/explanations.js';
import { table } from './table.js';

export interface FindingPage {
  readonly severity: Severity;
  /** When it is only a note. */
  readonly noteWhen?: string;
  /** What it takes to tell, where that is not what `untold` of a report says. */
  readonly told?: string;
  readonly condition: string;
  /** What each number of the evidence is. */
  readonly evidence: Readonly<Record<string, string>>;
  readonly cure: string;
  /** Fenced code. */
  readonly code?: string;
}

const ts = (code: string) => `\`\`\`ts\n${code.trim()}\n\`\`\``;
const sh = (code: string) => `\`\`\`sh\n${code.trim()}\n\`\`\``;

const {
  hugeVariance,
  zeroGamma,
  constantVariance,
  reluReach,
  manyChannels,
  smallVariances,
  invertedMomentum,
  foreignEpsilon,
  gap,
  gapNoise,
  youngBias,
  unexplained,
  nearInitial,
  outputGap,
  unshuffled,
  unshuffledShare,
  fewestBatches,
  smallBatch,
  smallCount,
  leastPixelFactor,
  largestPixelFactor,
} = THRESHOLDS;

const percent = (part: number) => `${100 * part} %`;

const ofFewChannels = `fewer than ${percent(manyChannels)} of the channels have it`;
const counts = {
  channels: 'how many channels have it',
  of: 'how many there are',
};

const distant =
  `The distance is more than ${gap}, and more than ${gapNoise}/√samples, which leaves out what the sample itself may be off by. ` +
  'It is the root of the mean square over channels of the ' +
  '[distance of a channel](#the-distance-between-statistics).';

const recalibrateFile = sh('npx evenkeel-cli recalibrate model.h5 better.h5 --data x_train.npy');

export const FINDINGS: Readonly<Record<FindingName, FindingPage>> = {
  'not-finite': {
    severity: 'error',
    condition: 'Any value of gamma, beta, the moving mean or the moving variance is not finite.',
    evidence: {
      gamma: 'in how many channels gamma is not finite; likewise the next three',
      beta: '',
      movingMean: '',
      movingVariance: '',
    },
    cure:
      'If gamma and beta are whole, new statistics are enough: recalibrate. Else go back to an earlier checkpoint and ' +
      'train on with a lower learning rate, clipped gradients, and data without NaN.',
    code: recalibrateFile,
  },
  'negative-variance': {
    severity: 'error',
    condition: 'A moving variance is below 0.',
    evidence: { smallest: 'the lowest moving variance' },
    cure: 'Recalibrate.',
    code: recalibrateFile,
  },
  'not-finite-data': {
    severity: 'error',
    told: 'data; moments of such data are refused',
    condition: 'The mean or variance of a batch, at the input of the layer, is not finite.',
    evidence: { batch: 'the first batch that did, counted from 1' },
    cure: 'Take such samples out of the data, or have [a mask](arguments/call.md) hide them. If the data has none, look at the weights of the layers before.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';

const x = tf.tensor2d([
  [1, 2],
  [3, NaN],
  [5, 6],
]);
const clean = await tf.booleanMaskAsync(x, tf.all(tf.isFinite(x), 1));
console.log(clean.arraySync()); // [ [ 1, 2 ], [ 5, 6 ] ]
`),
  },
  'stock-axis': {
    severity: 'error',
    condition: "The layer is TF.js' own, and its axis is not the last.",
    evidence: { axis: 'its axis' },
    cure: 'Replace the layer. The weights stay as they are.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { replaceBatchNormalization } from 'evenkeel/tools';

const stock = tf.sequential({ layers: [tf.layers.batchNormalization({ axis: 1, inputShape: [3, 8, 8] })] });
const { model, replaced } = replaceBatchNormalization(stock);
const y = model.predict(tf.ones([2, 3, 8, 8])) as tf.Tensor;
console.log(replaced.length, y.shape); // 1 [ 2, 3, 8, 8 ]
`),
  },
  'impossible-momentum': {
    severity: 'error',
    condition: 'The momentum is below 0 or above 1.',
    evidence: { momentum: 'the momentum' },
    cure: 'Choose one from 0 to 1, such as 0.99, as [under the next kind](#inverted-momentum). Then recalibrate.',
    code: recalibrateFile,
  },
  'inverted-momentum': {
    severity: 'warning',
    condition: `The momentum is above 0 and at most ${invertedMomentum}. (0 is taken for intended.)`,
    evidence: { momentum: 'the momentum', likelyMeant: '1 − momentum' },
    cure: 'Set the momentum that was meant, then recalibrate.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { inspect, recalibrate } from 'evenkeel/tools';

const model = tf.sequential({ layers: [layerBatchNormalization({ momentum: 0.1, inputShape: [4] })] });
for (const layer of model.layers) {
  if (layer instanceof BatchNormalization) layer.momentum = 0.9;
}
await recalibrate(model, tf.randomNormal([1000, 4], 5, 2));
console.log((await inspect(model)).findings); // []
`),
  },
  'huge-variance': {
    severity: 'warning',
    condition: `A moving variance is above ${hugeVariance.toLocaleString('en-US')}, and finite.`,
    evidence: { largest: 'the largest moving variance' },
    cure:
      'Scale the inputs, pixels to 0 … 1 for example; look for an overflow in the data. Then recalibrate, or train ' +
      'again. If the model was trained on scaled data and only recalibrated on raw data, this is all:',
    code: sh('npx evenkeel-cli recalibrate model.h5 better.h5 --data x_train.npy --divide-by 255'),
  },
  'untrained-statistics': {
    severity: 'warning',
    condition: 'Every moving mean is 0 and every moving variance is 1, exactly.',
    evidence: { mean: '0', variance: '1' },
    cure: 'Recalibrate with some thousand samples; or train, with the layer not frozen.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { inspect, recalibrate } from 'evenkeel/tools';

const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [4] })] });
const x = tf.randomNormal([2000, 4], 5, 2);
console.log((await inspect(model, x)).findings.map(({ name }) => name)); // [ 'untrained-statistics', 'output-gap' ]

await recalibrate(model, x);
console.log((await inspect(model, x)).findings); // []
`),
  },
  'young-statistics': {
    severity: 'warning',
    noteWhen: `there is no data, and all moving statistics lie within ${nearInitial} deviations of 0 and 1`,
    told: 'weights and settings; only data makes it certain',
    condition:
      'The statistics are off as under [statistics-gap](#statistics-gap), and what is left of the initial values explains ' +
      `it: a blend of the data's statistics with at least ${percent(youngBias)} of 0 and 1 leaves at most ` +
      `${percent(unexplained)} of the distance.`,
    evidence: {
      initialValueLeft: 'the part of the moving statistics that is still 0 and 1',
      steps: 'after about how many steps that is so',
      momentum: 'the momentum',
      distance: 'the distance, in deviations',
    },
    cure: 'Recalibrate; or train on; or lower the momentum: with 0.9, 30 steps are enough.',
    code: recalibrateFile,
  },
  'statistics-gap': {
    severity: 'warning',
    condition: `${distant} And layers before this one give it something else in training than in inference; if not, it is [data-shift](#data-shift).`,
    evidence: {
      distance: 'the distance, in deviations',
      deviationRatio: "the median over channels of the data's deviation divided by the moving one",
    },
    cure: 'Recalibrate. For the next training: a lower learning rate at the end, or a lower momentum.',
    code: recalibrateFile,
  },
  'data-shift': {
    severity: 'warning',
    condition:
      `${distant} And what reaches the layer is the same in training and in inference mode. If the ratio of the deviations is ` +
      `from ${leastPixelFactor} to ${largestPixelFactor}, or one by that, the message speaks of pixels that were not divided by 255.`,
    evidence: {
      distance: 'the distance, in deviations',
      deviationRatio: "the median over channels of the data's deviation divided by the moving one",
    },
    cure:
      'Prepare the data as for training: its scale, the order of its channels. If it is so, or is new data by ' +
      'intent, recalibrate.',
    code: sh(`
npx evenkeel-cli inspect model.h5 --data x.npy --divide-by 255      # does it fit, if scaled?
npx evenkeel-cli recalibrate model.h5 better.h5 --data x.npy        # or: this is the data from now on
`),
  },
  'zero-gamma': {
    severity: 'warning',
    noteWhen: ofFewChannels,
    condition: `|gamma| is at most ${zeroGamma} of the layer's largest.`,
    evidence: { ...counts, largestGamma: "the layer's largest |gamma|" },
    cure: 'Prune these channels, or set gamma to 1 there and train on; lower the regularizer of gamma.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';

const layer = layerBatchNormalization({ inputShape: [3], weights: [[1, 0, 1.2], [0, 0.5, 0], [0, 0, 0], [1, 1, 1]] });
layer.build([null, 3]);
const gamma = layer.gamma!.read();
layer.gamma!.write(tf.where(tf.lessEqual(tf.abs(gamma), ${zeroGamma}), tf.onesLike(gamma), gamma));
console.log(layer.gamma!.read().dataSync()); // Float32Array(3) [ 1, 1, 1.2000000476837158 ]
`),
  },
  'quantized-weights': {
    severity: 'warning',
    noteWhen: ofFewChannels,
    condition:
      `The moving variances have at least ${FEWEST_VALUES + 2} different values, all of them whole multiples of a 255th or ` +
      'a 65535th of their range, and variance + epsilon is at most half of such a step in some channels.',
    evidence: { ...counts, bits: 'of the quantization', step: 'the distance between neighbouring values' },
    cure:
      'Fold first and quantize after: then there are no variances to lose. Or quantize the other weights only, which ' +
      'tensorflowjs_converter does by names. If the model is loaded and the original is lost, recalibrate.',
    code: sh(`
npx evenkeel-cli fold model.h5 folded.h5
tensorflowjs_converter --input_format=keras --quantize_uint8 '*' folded.h5 web
`),
  },
  'constant-channel': {
    severity: 'warning',
    noteWhen: ofFewChannels,
    condition: `The moving variance is from 0 to ${constantVariance} of epsilon, and not because of [quantization](#quantized-weights).`,
    evidence: { ...counts, epsilon: 'epsilon' },
    cure: 'Prune these channels, or give the layer before new weights there; leave constant inputs out of the data. Which they are:',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { inspect, recalibrate } from 'evenkeel/tools';

const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [3] })] });
const x = tf.mul(tf.randomNormal([500, 3]), tf.tensor1d([1, 0, 2]));
await recalibrate(model, x);
const { findings } = await inspect(model, x);
console.log(findings.map(({ name, channels }) => [name, ...channels].join(' '))); // [ 'constant-channel 1' ]
`),
  },
  'dead-relu': {
    severity: 'warning',
    noteWhen: ofFewChannels,
    condition:
      'All that takes the output is a ReLU or ReLU6, beta is below 0, and ' +
      `beta + ${reluReach}·|gamma| is at most 0: a normal value is above ${reluReach} deviations once in 740.`,
    evidence: { ...counts, highest: `the largest beta + ${reluReach}·|gamma| among them` },
    cure: 'Prune these channels, or set beta to 0 there and train on, with a lower learning rate.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';

const layer = layerBatchNormalization({ inputShape: [2], weights: [[1, 1], [-5, 0.5], [0, 0], [1, 1]] });
layer.build([null, 2]);
const [gamma, beta] = [layer.gamma!.read(), layer.beta!.read()];
const isDead = tf.lessEqual(tf.add(beta, tf.mul(${reluReach}, tf.abs(gamma))), 0);
layer.beta!.write(tf.where(isDead, tf.zerosLike(beta), beta));
console.log(layer.beta!.read().arraySync()); // [ 0, 0.5 ]
`),
  },
  'epsilon-dominates': {
    severity: 'warning',
    condition: `The moving variance is below epsilon, but above ${constantVariance} of it, in at least ${percent(smallVariances)} of the channels.`,
    evidence: { epsilon: 'epsilon', medianVariance: 'the median of these moving variances' },
    cure:
      'Scale the inputs up, or use a smaller epsilon and train again. If the weights come from another framework, use ' +
      "the epsilon that they were trained with: PyTorch's is 1e-5.",
    code: ts(`
import { layerBatchNormalization } from 'evenkeel';

const layer = layerBatchNormalization({ epsilon: 1e-5, inputShape: [4] });
console.log(layer.epsilon); // 0.00001
`),
  },
  'small-batch': {
    severity: 'warning',
    condition:
      `The layer is not frozen, and the largest batch (or ghost batch) has fewer than ${smallBatch} samples, or a channel ` +
      `has fewer than ${smallCount} values in it. Batches of images have a value for each pixel.`,
    evidence: {
      samples: 'samples of the largest batch, or of a ghost batch',
      valuesPerChannel: 'how many values a channel has in it',
    },
    cure:
      'Train with larger batches. Where memory forbids it: renorm, or freeze the layer for the last epochs, or ' +
      '[synchronize it](clusters.md) over several ranks. If only the data given to inspect is in small pieces, give it in larger ones.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { freeze } from 'evenkeel/tools';

const model = tf.sequential();
model.add(tf.layers.dense({ units: 8, useBias: false, inputShape: [4] }));
layerBatchNormalization(model, { name: 'bn', renorm: true, renormClipping: { rmax: 3, rmin: 1 / 3, dmax: 5 } });
console.log(freeze(model, 'bn').changed); // [ 'bn' ]
`),
  },
  'unshuffled-batches': {
    severity: 'warning',
    condition:
      `There are at least ${fewestBatches} batches, at least ${percent(unshuffledShare)} of the variance lies between them, and that ` +
      `is at least ${unshuffled} times what samples drawn at random would have at most, which is 1/samples of a batch. Means over ` +
      'channels; one finding, for the layer that shows it most.',
    evidence: {
      shareBetweenBatches: 'the part of the variance that lies between batches',
      timesExpected: 'times what samples drawn at random would have at most',
    },
    cure: 'Shuffle samples before they are put into batches. `model.fit` does so with tensors; with a dataset you do:',
    code: ts(`
import * as tf from '@tensorflow/tfjs';

const sorted = tf.data.array(Array.from({ length: 1000 }, (_, i) => i));
const batches = sorted.shuffle(1000).batch(32); // a buffer of all samples: shuffled whole
console.log(batches.size); // 32
`),
  },
  'output-gap': {
    severity: 'warning',
    condition: `The root of the mean squared difference is at least ${outputGap} of the output's own deviation in inference mode.`,
    evidence: {
      output: 'the name of the output',
      relativeDifference: "the difference, in the output's deviations",
      agreement:
        'the part of the samples whose largest value stands in the same column; for outputs of rank 2',
    },
    cure: 'Cure the findings of the layers first, beginning with the first layer. Recalibrate, and inspect again.',
    code: sh(`
npx evenkeel-cli recalibrate model.h5 better.h5 --data x_train.npy
npx evenkeel-cli inspect better.h5 --data x_train.npy
`),
  },
  'shared-layer': {
    severity: 'warning',
    noteWhen: 'the inputs of the calls are alike, or there is no data to tell',
    told: 'weights and settings; only data makes it certain',
    condition:
      `The layer is called at least twice. A warning where the statistics of a call are more than ${gap} deviations, and more than ` +
      `${gapNoise}/√samples, from those of all calls together.`,
    evidence: { calls: 'how many times it is called', distance: 'the largest distance of a call' },
    cure: 'Give each call a normalization of its own; the layers around it can stay shared.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';

const [left, right] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
const encode = tf.layers.dense({ units: 8, useBias: false }); // shared
const outputs = [left, right].map((input) =>
  layerBatchNormalization(encode.apply(input) as tf.SymbolicTensor), // one for each
);
console.log(tf.model({ inputs: [left, right], outputs }).layers.length); // 5
`),
  },
  'foreign-epsilon': {
    severity: 'note',
    condition: `Epsilon is ${foreignEpsilon.toExponential()}.`,
    evidence: {
      epsilon: 'epsilon',
      momentum: 'the momentum, which tells more of where the layer comes from',
    },
    cure: 'Look up what the weights were trained with. If it was another one, make the layer anew with it, and the same weights.',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';

const model = tf.sequential({ layers: [layerBatchNormalization({ epsilon: 1e-5, inputShape: [4] })] });
const layer = model.layers[0] as BatchNormalization;
const weights = layer.getWeights();
const again = layerBatchNormalization({ epsilon: 1e-3, axis: layer.axis as number, weights });
console.log(again.epsilon); // 0.001
`),
  },
  'useless-bias': {
    severity: 'note',
    condition:
      'The normalization is not frozen, and all that comes to it is the output of a dense or convolutional layer with a bias along its axis and no activation, ' +
      'which nothing else takes.',
    evidence: { before: 'the name of that layer' },
    cure: 'Use useBias: false there; beta takes its part. A finished model loses it by [fold](recipes/deploy.md).',
    code: ts(`
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { inspect } from 'evenkeel/tools';

const model = tf.sequential();
model.add(tf.layers.dense({ units: 8, useBias: false, inputShape: [4] }));
layerBatchNormalization(model);
console.log((await inspect(model)).findings.map(({ name }) => name)); // [ 'untrained-statistics' ]
`),
  },
};

/** What it takes to tell. */
function needsOf(name: FindingName): string {
  const { told } = FINDINGS[name];
  if (told !== undefined) return told;
  if (!FINDINGS_OF_DATA.includes(name)) return 'weights and settings';
  return UNTOLD_BY_MOMENTS.includes(name) ? 'data' : 'data, or moments of it';
}

const severityOf = ({ severity, noteWhen }: FindingPage) =>
  noteWhen === undefined ? severity : `${severity}, or note`;

function sectionOf(name: FindingName): string[] {
  const page = FINDINGS[name];
  const { title, meaning } = EXPLANATIONS[name];
  const { noteWhen, condition, evidence, cure, code } = page;
  const numbers = Object.entries(evidence).map(([key, what]) => `\`${key}\`${what && ` (${what})`}`);
  return [
    `### ${name}`,
    '',
    `**${title}.** ${meaning}`,
    '',
    `- **Reported when:** ${condition}`,
    ...(noteWhen === undefined ? [] : [`- **Only a note when** ${noteWhen}.`]),
    `- **Told from:** ${needsOf(name)}.`,
    `- **Evidence:** ${numbers.join(', ')}.`,
    `- **Cure:** ${cure}`,
    '',
    ...(code === undefined ? [] : [code, '']),
  ];
}

const SEVERITIES: readonly { severity: Severity; heading: string; text: string }[] = [
  { severity: 'error', heading: 'Errors', text: 'Results are wrong.' },
  { severity: 'warning', heading: 'Warnings', text: 'Results may well be wrong.' },
  { severity: 'note', heading: 'Notes', text: 'Worth knowing.' },
];

/** Everything between the marks of docs/findings.md. */
export function findingLines(): string[] {
  const groups = SEVERITIES.map((group) => ({
    ...group,
    names: FINDING_NAMES.filter((name) => FINDINGS[name].severity === group.severity),
  }));
  const rows = groups
    .flatMap(({ names }) => names)
    .map((name) => [
      `[${name}](#${name})`,
      severityOf(FINDINGS[name]),
      EXPLANATIONS[name].title,
      needsOf(name),
    ]);
  return [
    ...table(['kind', 'severity', 'what it is', 'told from'], rows),
    ...groups.flatMap(({ heading, text, names }) => [
      '',
      `## ${heading}`,
      '',
      text,
      '',
      ...names.flatMap(sectionOf),
    ]),
  ];
}
