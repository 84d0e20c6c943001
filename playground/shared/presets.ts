/**
 * @file The presets: what each sets, and the story that it tells. `test/playground/presets.test.ts` trains them and holds
 * them to what they say.
 */
import { DEFAULTS, type LayerArguments, type NetworkSettings, type Settings } from './settings.js';

export interface Preset {
  readonly title: string;
  /** What is set, what to look at, and what it shows. */
  readonly story: string;
  readonly settings: Settings;
}

const network = (layer: LayerArguments | null, frozenAfter: number | null = null): NetworkSettings => ({
  layer,
  frozenAfter,
});

const NORMALIZED: LayerArguments = { momentum: 0.9 };

export const PRESETS = {
  'covariate-shift': {
    title: 'Covariate shift',
    story:
      'The network of the paper that introduced batch normalization: three hidden layers of sigmoids and plain gradient ' +
      'descent, without the layer and with it. Press Start and look at the accuracy, then at what reaches a unit, further ' +
      'down. Without normalization the band of its inputs stays narrow, most of all in the last layer: all digits look ' +
      'alike to the unit, and the network stays at guessing for hundreds of steps. With it the band opens within a ' +
      'hundred steps and then keeps its place, and more than 8 of 10 digits are right.',
    settings: DEFAULTS,
  },
  'small-batch': {
    title: 'Small batches',
    story:
      'Batches of 4: plain batch normalization, batch renormalization, and ghost batches of 2 within those 4. The fewer ' +
      'samples a mean is of, the noisier it is. Look at the dashed curves: in training mode, where the batch’s own ' +
      'statistics count, the plain network is right far more seldom, and with ghosts of 2 it hardly learns. Renorm ' +
      'corrects the batch’s statistics towards the moving ones, so both modes agree and it gets ahead after some ' +
      'hundred steps. Ghost batches are for the contrary: to split large batches.',
    settings: {
      ...DEFAULTS,
      batchSize: 4,
      activation: 'relu',
      networks: [network({}), network({ renorm: true }), network({ virtualBatchSize: 2 })],
    },
  },
  'learning-rate': {
    title: 'Ten times the learning rate',
    story:
      'A learning rate of 1, ten times the other presets’. Without normalization the loss grows until it is no number, ' +
      'within the first steps. With it, the same steps lead to more than 8 of 10 right digits at once: larger weights ' +
      'make larger sums, and the division by their deviation takes that back. Set the learning rate to 0.1, and both learn.',
    settings: {
      ...DEFAULTS,
      activation: 'elu',
      learningRate: 1,
      networks: [network(null), network(NORMALIZED)],
    },
  },
  momentum: {
    title: 'Young moving statistics',
    story:
      'Two networks that train exactly alike, with a momentum of 0.99 and of 0.9: in training mode, the dashed curves, they ' +
      'are equally good. In inference mode moving statistics count, which begin at mean 0 and variance 1. With 0.99 they ' +
      'still are mostly that after 50 steps, so the accuracy lags far behind; with 0.9 it has caught up by then. A network that ' +
      'validates badly early on need not be bad: its statistics may be young.',
    settings: {
      ...DEFAULTS,
      networks: [network({ momentum: 0.99 }), network({ momentum: 0.9 })],
    },
  },
  frozen: {
    title: 'Frozen layers',
    story:
      'A frozen layer works with the statistics that it has, in training too. One network is never frozen, one after 50 ' +
      'steps, when its moving statistics fit: it goes on learning nearly as well. The third is frozen from the start, at ' +
      'mean 0 and variance 1, so it does not normalize at all and learns nothing. Freeze layers that were trained, as in ' +
      'fine-tuning, and look at the moving statistics further down, which stay.',
    settings: {
      ...DEFAULTS,
      networks: [network(NORMALIZED), network(NORMALIZED, 50), network({ ...NORMALIZED, trainable: false })],
    },
  },
  'dead-units': {
    title: 'Units that die',
    story:
      'ReLUs and a learning rate of 2. A unit whose input is below 0 for every sample gives 0, gets no gradient, and ' +
      'never comes back. Look at the share of dead units: without normalization more than two thirds are dead within fifty ' +
      'steps, and the network learns nothing any more. With it, the input of every unit is centred in each batch, so for ' +
      'some samples it is above 0, and the units live.',
    settings: {
      ...DEFAULTS,
      activation: 'relu',
      learningRate: 2,
      networks: [network(null), network(NORMALIZED)],
    },
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];
