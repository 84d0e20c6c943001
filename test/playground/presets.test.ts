/** @file Every preset shows what its story says: trained in Node, for as long as that takes. */
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow } from 'evenkeel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PRESETS, PRESET_NAMES, type PresetName } from '../../playground/shared/presets.js';
import { PERCENTILES, type Reading } from '../../playground/shared/protocol.js';
import { type Dataset, imageDataset } from '../../playground/training/dataset.js';
import { Session } from '../../playground/training/session.js';
import { drawDigits } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';

let digits: Dataset;
let undo: () => void;

beforeAll(async () => {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  undo = accelerateTensorFlow();
  // As the page draws them.
  digits = imageDataset('digits', drawDigits(6000, new Random(1, 'digits')), new Random(1, 'split'));
});

afterAll(() => {
  undo();
});

/** What is measured of each network of a preset after so many steps. */
async function* train(name: PresetName, steps: readonly number[]): AsyncGenerator<readonly Reading[]> {
  const session = new Session(PRESETS[name].settings, digits);
  try {
    for (const until of steps) {
      while (session.stepsDone < until) await session.step();
      yield (await session.measure()).readings;
    }
  } finally {
    session.dispose();
  }
}

async function after(name: PresetName, steps: number): Promise<readonly Reading[]> {
  for await (const readings of train(name, [steps])) return readings;
  throw new Error('Nothing was measured.');
}

const deadShare = ({ layers }: Reading): number =>
  layers.reduce((sum, { deadUnits }) => sum + deadUnits!, 0) / (layers.length * 64);

/** How far apart the paper's percentiles of what reaches a unit of a layer are, on the average. */
function widthOfBand({ layers }: Reading, layer: number): number {
  const [low, high] = ([15, 85] as const).map(
    (percentile) => layers.at(layer)!.percentiles[PERCENTILES.indexOf(percentile)]!,
  );
  return high!.reduce((sum, value, unit) => sum + value - low![unit]!, 0) / high!.length;
}

const SHOWN: Readonly<Record<PresetName, () => Promise<void>>> = {
  async 'covariate-shift'() {
    for await (const [without, normalized] of train('covariate-shift', [100, 200])) {
      expect(without!.accuracy).toBeLessThan(0.3);
      expect(normalized!.accuracy).toBeGreaterThan(0.8);
      expect(widthOfBand(without!, -1)).toBeLessThan(0.1);
      expect(widthOfBand(without!, 0)).toBeLessThan(0.7);
      for (const layer of [0, 1, 2]) {
        expect(widthOfBand(normalized!, layer)).toBeGreaterThan(1.5);
        expect(widthOfBand(normalized!, layer)).toBeLessThan(2.7);
      }
    }
  },
  async 'small-batch'() {
    const [plain, renorm, ghost] = await after('small-batch', 500);
    expect(renorm!.accuracy).toBeGreaterThan(plain!.accuracy);
    expect(plain!.accuracy).toBeGreaterThan(ghost!.accuracy + 0.2);
    expect(plain!.accuracy - plain!.trainingModeAccuracy!).toBeGreaterThan(0.1);
    expect(Math.abs(renorm!.accuracy - renorm!.trainingModeAccuracy!)).toBeLessThan(0.08);
  },
  async 'learning-rate'() {
    const [without, normalized] = await after('learning-rate', 30);
    expect(without!.divergedAt).toBeGreaterThan(0);
    expect(normalized!.divergedAt).toBeNull();
    expect(normalized!.accuracy).toBeGreaterThan(0.75);
  },
  async momentum() {
    const [slow, quick] = await after('momentum', 50);
    expect(slow!.trainingModeAccuracy).toBe(quick!.trainingModeAccuracy);
    expect(slow!.trainingModeAccuracy).toBeGreaterThan(slow!.accuracy + 0.4);
    expect(quick!.accuracy).toBeGreaterThan(quick!.trainingModeAccuracy! - 0.1);
  },
  async frozen() {
    const seen: (readonly Reading[])[] = [];
    for await (const readings of train('frozen', [50, 120])) seen.push(readings);
    const [never, late, early] = seen[1]!;
    expect(late!.accuracy).toBeGreaterThan(never!.accuracy - 0.08);
    expect(early!.accuracy).toBeLessThan(0.3);
    const movingMeans = seen.map((readings) => readings[1]!.layers[0]!.statistics!.movingMean);
    expect(movingMeans[1]).toEqual(movingMeans[0]);
  },
  async 'dead-units'() {
    for await (const [without, normalized] of train('dead-units', [50, 200])) {
      // Of what is no number, units would seem dead too.
      expect(without!.divergedAt).toBeNull();
      expect(without!.accuracy).toBeLessThan(0.2);
      expect(deadShare(without!)).toBeGreaterThan(2 / 3);
      expect(deadShare(normalized!)).toBeLessThan(0.05);
      expect(normalized!.accuracy).toBeGreaterThan(without!.accuracy + 0.5);
    }
  },
};

test.each(PRESET_NAMES)('the preset %s shows what it says', (name) => SHOWN[name]());

test('every story is two sentences or more, and short', () => {
  for (const name of PRESET_NAMES) {
    const { story } = PRESETS[name];
    expect(story.match(/[.:] /g)!.length).toBeGreaterThan(1);
    expect(story.length).toBeLessThan(600);
  }
});
