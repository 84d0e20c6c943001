/** @file Loops of one's own on several ranks, and trainings that go on there, do what one process does. */
import { beforeAll, expect, test } from 'vitest';
import { differenceOf } from './comparison.js';
import { runAll } from './programs/loops.js';
import { onRanks } from './ranks.js';

type Results = Awaited<ReturnType<typeof runAll>>;
let alone: Results;
let ranks: Results[];

beforeAll(async () => {
  [alone, ranks] = await Promise.all([
    runAll(null),
    onRanks<typeof runAll>('loops', 'runAll', { size: 2, input: undefined }),
  ]);
});

test('distributedOptimizer takes the step of one process, whichever way it is called', () => {
  expect(alone.loops.length).toBe(5);
  alone.loops.forEach(({ name, losses, weights }, i) => {
    const [first, second] = ranks.map(({ loops }) => loops[i]!);
    expect(second, name).toEqual(first);
    expect(differenceOf(first!.weights, weights), name).toBeLessThan(1e-6);
    expect(differenceOf(first!.losses, losses), name).toBeLessThan(1e-6);
  });
});

test('a weight that no loss depends on stays, and one that some do gets the mean', () => {
  // A step of 0.5 and a decay of 0.25: 2 · 0.75 − 0.5 · 3 / 2, and 3 · 0.75 − 0.5 · (2 + 1) / 2.
  const expected = { none: 1, first: 0.75, all: 1.5 };
  expect(ranks.map(({ unreached }) => unreached)).toEqual([expected, expected]);
});

test("a training goes on with the first rank's weights and optimizer", () => {
  expect(Object.keys(alone.resumed).length).toBe(14);
  for (const [name, weights] of Object.entries(alone.resumed)) {
    const [first, second] = ranks.map(({ resumed }) => resumed[name]!);
    expect(second, name).toEqual(first);
    expect(differenceOf(first!, weights), name).toBeLessThan(1e-6);
  }
});

test('a training begins anew where the first rank does', () => {
  expect(ranks[1]!.restarted).toEqual(ranks[0]!.restarted);
  expect(differenceOf(ranks[0]!.restarted, alone.restarted)).toBeLessThan(1e-6);
});

test('two models train in turns, over one communicator or each over its own', () => {
  for (const name of ['together', 'apart'] as const) {
    expect(ranks[1]![name], name).toEqual(ranks[0]![name]);
    expect(differenceOf(ranks[0]![name].weights, alone[name].weights), name).toBeLessThan(1e-6);
  }
  // Each step: samples, forward, backward, two for the gradients.
  expect(ranks[0]!.apart.sums).toEqual([15, 15]);
});
