/** @file Trainings on several ranks end where those of one process with the whole batches do. */
import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf, flat } from './comparison.js';
import { BATCH, CASES, type CaseName, type Trained, trainAll } from './programs/trainings.js';
import { onRanks } from './ranks.js';

const NAMES = Object.keys(CASES) as CaseName[];
const EVEN = NAMES.map((name) => ({ name, cuts: [BATCH / 2] }));
/** Cases whose statistics are each rank's own. */
const APART: readonly CaseName[] = ['not synchronized', "TF.js' own normalization"];
const UNEVEN = NAMES.filter((name) => !APART.includes(name)).map((name) => ({ name, cuts: [3] }));
const NONE: typeof EVEN = [
  { name: 'plain', cuts: [0] },
  { name: 'renorm', cuts: [BATCH] },
  { name: 'without normalization, with penalties', cuts: [BATCH] },
  { name: 'masked sequences', cuts: [0] },
  { name: 'separable convolutions and global pooling', cuts: [0] },
  { name: 'adjustment', cuts: [0] },
  { name: 'a loss and a metric that are NaN without samples', cuts: [0] },
  { name: "TF.js' own normalization", cuts: [0] },
];
const trainings = [...EVEN, ...UNEVEN, ...NONE];

let alone: Map<CaseName, Trained>;
let ranks: Trained[][];

beforeAll(async () => {
  const [one, several] = await Promise.all([
    trainAll(null, EVEN),
    onRanks<typeof trainAll>('trainings', 'trainAll', { size: 2, input: trainings }),
  ]);
  alone = new Map(NAMES.map((name, i) => [name, one[i]!]));
  ranks = several;
});

describe.each(
  trainings.map((training, i) => ({ ...training, i })).filter(({ name }) => !APART.includes(name)),
)('$name, with $cuts of 16 samples on the first rank', ({ name, i }) => {
  test('all ranks have the same bits, and no tensors are left', () => {
    const [first, ...others] = ranks.map((trained) => trained[i]!);
    for (const other of others) expect(other).toEqual(first);
    expect(first!.leaked).toBe(0);
  });

  test('losses, metrics and weights are those of one process', () => {
    const [actual, expected] = [ranks[0]![i]!, alone.get(name)!];
    expect(differenceOf(flat(actual.logs), flat(expected.logs))).toBeLessThan(2e-6);
    expect(differenceOf(flat(actual.weights), flat(expected.weights))).toBeLessThan(2e-6);
  });
});

test("a rank without samples leaves the statistics of TF.js' own layer alone", () => {
  const [first, second] = ranks.map((trained) => trained.at(-1)!.weights);
  expect(differenceOf(flat(second!), flat(alone.get("TF.js' own normalization")!.weights))).toBeLessThan(
    2e-6,
  );
  const isFirstVariance = (values: Float32Array) =>
    values.length === 64 && values.every((value) => value === 1);
  expect([first!.filter(isFirstVariance).length, second!.filter(isFirstVariance).length]).toEqual([1, 0]);
});

test('without synchronized, a training is another one, and statistics differ by rank', () => {
  const i = NAMES.indexOf('not synchronized');
  const [first, second] = ranks.map((trained) => trained[i]!);
  expect(differenceOf(flat(first!.weights), flat(alone.get('not synchronized')!.weights))).toBeGreaterThan(
    1e-3,
  );
  expect(second!.weights).not.toEqual(first!.weights);
  expect(second!.logs).toEqual(first!.logs);
});
