/** @file What holds of moments however they are merged, and what may come for moments from a file. */
import fc from 'fast-check';
import { ValueError } from 'evenkeel/core';
import { type LayerMoments, mergeMoments } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { Population } from '../../src/tools/population.js';
import { numbers } from '../core/reference.js';
import { DRAWS } from './experiments.js';

const OF = ['a', 'b', 'c'].map((digit) => digit.repeat(64)).join('-');

const NAMES = Array.from({ length: 12 }, (_, i) => `${i}.npy`);

interface Shard {
  readonly name: string;
  readonly moments: LayerMoments;
  /** All values, by channel. */
  readonly values: readonly number[][];
}

/** A shard of some batches of two channels, whose first has no values in some of them. */
function makeShard(name: string, sizes: readonly number[], seed: number, layer: string): Shard {
  const population = new Population(2, true);
  const values: number[][] = [[], []];
  sizes.forEach((size, i) => {
    const drawn = [0, 1].map((c) => {
      const count = c === 0 && i % 2 === 1 ? 0 : size;
      const offset = 100 * c + (seed % 10);
      return [...numbers(count, seed + 7 * i + c)].map((value) => offset + 3 * value);
    });
    drawn.forEach((batch, c) => values[c]!.push(...batch));
    const of = (take: (batch: number[]) => number) =>
      Float64Array.from(drawn, (batch) => (batch.length === 0 ? 0 : take(batch)));
    population.add([{ count: of(({ length }) => length), mean: of(meanOf), variance: of(varianceOf) }]);
  });
  const kind = { format: 'evenkeel moments 1', layer, of: OF, order: 'one pass', bessel: true } as const;
  return { name, values, moments: { ...kind, shards: [name], ...population.moments() } };
}

const meanOf = (values: readonly number[]) =>
  values.reduce((total, value) => total + value, 0) / values.length;
const varianceOf = (values: readonly number[]) =>
  meanOf(values.map((value) => (value - meanOf(values)) ** 2));

const SHARDS = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...NAMES),
      sizes: fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 4 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
  )
  .map((shards) =>
    ['bn1', 'bn2'].map((layer) => shards.map(({ name, sizes, seed }) => makeShard(name, sizes, seed, layer))),
  );

const momentsOf = (layers: readonly (readonly Shard[])[]) => layers.flat().map(({ moments }) => moments);

/** In an order that the seed draws. */
const shuffled = <T>(values: readonly T[], seed: number): T[] => {
  const keys = numbers(values.length, seed);
  return values
    .map((value, i) => ({ value, key: keys[i]! }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
};

/** Merges in a tree whose form the seed draws. */
function mergeInTree(moments: readonly LayerMoments[], seed: number): LayerMoments[] {
  if (moments.length <= 2) return mergeMoments(moments);
  const cut = 1 + (seed % (moments.length - 1));
  const halves = [moments.slice(0, cut), moments.slice(cut)];
  return mergeMoments(halves.flatMap((half, i) => mergeInTree(half, Math.floor(seed / 3) + i)));
}

const SEED = fc.integer({ min: 1, max: 1e6 });

describe('merged moments', () => {
  test('are the same bits whatever comes first', () => {
    fc.assert(
      fc.property(SHARDS, SEED, (layers, seed) => {
        const moments = momentsOf(layers);
        expect(mergeMoments(shuffled(moments, seed))).toEqual(mergeMoments(moments));
      }),
      DRAWS,
    );
  });

  test('are the same bits where shards come again, through files', () => {
    fc.assert(
      fc.property(SHARDS, SEED, (layers, seed) => {
        const moments = momentsOf(layers);
        const again = moments.filter((_, i) => (seed >> (i % 20)) & 1);
        const all = shuffled([...moments, ...(JSON.parse(JSON.stringify(again)) as LayerMoments[])], seed);
        expect(mergeMoments(all)).toEqual(mergeMoments(moments));
      }),
      DRAWS,
    );
  });

  test('are the same in trees of any form, but for the last places', () => {
    fc.assert(
      fc.property(SHARDS, SEED, (layers, seed) => {
        const moments = momentsOf(layers);
        const flat = mergeMoments(moments);
        const tree = mergeInTree(shuffled(moments, seed), seed);
        tree.forEach((one, i) => {
          const { mean, m2, perBatch, ...others } = flat[i]!;
          expect(one).toMatchObject({ ...others, perBatch: { batches: perBatch!.batches } });
          one.mean.forEach((value, c) => {
            const deviation = Math.sqrt(m2[c]! / others.count[c]!) || 1;
            expect(Math.abs(value - mean[c]!) / (deviation + Math.abs(mean[c]!))).toBeLessThan(1e-14);
            expect(Math.abs(one.m2[c]! - m2[c]!)).toBeLessThanOrEqual(1e-13 * m2[c]!);
          });
        });
      }),
      DRAWS,
    );
  });

  test('are those of all values together', () => {
    fc.assert(
      fc.property(SHARDS, (layers) => {
        mergeMoments(momentsOf(layers)).forEach(({ shards, count, mean, m2, perBatch }, i) => {
          const parts = layers[i]!;
          expect(shards).toEqual(parts.map(({ name }) => name).sort());
          [0, 1].forEach((c) => {
            const values = parts.flatMap((part) => part.values[c]!);
            expect(count[c]).toBe(values.length);
            expect(mean[c]! / meanOf(values)).toBeCloseTo(1, 13);
            expect(m2[c]! / (varianceOf(values) * values.length)).toBeCloseTo(1, 11);
          });
          expect(perBatch!.batches[1]).toBe(parts.reduce((sum, part) => sum + part.moments.batches, 0));
        });
      }),
      DRAWS,
    );
  });

  test('are what they were where they are merged by themselves', () => {
    fc.assert(
      fc.property(SHARDS, (layers) => {
        const merged = mergeMoments(momentsOf(layers));
        expect(mergeMoments(merged)).toEqual(merged);
      }),
      DRAWS,
    );
  });
});

describe('a shard that comes twice', () => {
  const part = (name: string, seed = 1) => makeShard(name, [4, 5], seed, 'bn').moments;

  test('with other numbers is refused', () => {
    expect(() => mergeMoments([part('a'), part('b'), part('a', 2)])).toThrow(
      new ValueError(
        "The shard 'a' comes twice for the layer 'bn', with different numbers. Different shards need different names; a " +
          'shard that has changed needs a new round.',
      ),
    );
  });

  test('by itself and merged with others is refused, whichever comes first', () => {
    const both = mergeMoments([part('a'), part('b', 2)]);
    for (const moments of [
      [...both, part('b', 2)],
      [part('b', 2), ...both],
    ]) {
      expect(() => mergeMoments(moments)).toThrow(
        /^The shard 'b' comes twice for the layer 'bn', and is merged/,
      );
    }
    expect(mergeMoments([...both, ...both])).toEqual(both);
  });
});

describe('what comes for moments', () => {
  const good = makeShard('a', [4, 5], 1, 'bn').moments;
  const perBatch = good.perBatch!;

  const BAD: Record<string, unknown> = {
    'a number': 3,
    null: null,
    'a text': '{}',
    'a list': [good],
    'no field': {},
    'an older format': { ...good, format: 'evenkeel moments 0' },
    'an unknown field': { ...good, perbatch: perBatch },
    'a field __proto__': JSON.parse(
      JSON.stringify(good).replace('{', '{"__proto__":{"count":[9,9]},'),
    ) as unknown,
    'a layer without a name': { ...good, layer: '' },
    'a layer that is a number': { ...good, layer: 3 },
    'a hash of another length': { ...good, of: OF.slice(1) },
    'a list for a hash': { ...good, of: [OF] },
    'another order': { ...good, order: 'layers' },
    'bessel as a number': { ...good, bessel: 1 },
    'no shard': { ...good, shards: [] },
    'a shard without a name': { ...good, shards: ['a', ''] },
    'a shard twice': { ...good, shards: ['a', 'a'] },
    'shards as a text': { ...good, shards: 'a' },
    'shards with a hole': { ...good, shards: Object.assign(new Array(3), { 0: 'a', 2: 'b' }) },
    'no batch': { ...good, batches: 0 },
    'half a batch': { ...good, batches: 1.5 },
    'no channel': { ...good, count: [], mean: [], m2: [] },
    'a count less': { ...good, count: [4] },
    'a mean more': { ...good, mean: [1, 2, 3] },
    'a mean that is null, as JSON has NaN': { ...good, mean: [1, null] },
    'a mean that is a text': { ...good, mean: [1, '2'] },
    'a mean of a hole': { ...good, mean: Object.assign(new Array(2), { 0: 1 }) },
    'an infinite m2': { ...good, m2: [1, Infinity] },
    'an m2 below 0': { ...good, m2: [1, -1e-9] },
    'a count below 0': { ...good, count: [4, -4] },
    'a count of 1, whose mean is the sample': { ...good, count: [1, 4] },
    'a count that nobody can count to': { ...good, count: [4, 1e300] },
    'a mean beyond float32': { ...good, mean: [1, 1e39] },
    'an m2 that no float32 bring': { ...good, m2: [1, 1e300] },
    'a typed array, of which JSON would make an object': { ...good, mean: Float64Array.of(1, 2) },
    'perBatch as null': { ...good, perBatch: null },
    'perBatch as a list': { ...good, perBatch: [] },
    'perBatch with less': { ...good, perBatch: { batches: perBatch.batches } },
    'perBatch with more': { ...good, perBatch: { ...perBatch, more: [1, 2] } },
    'more batches than there are': { ...good, perBatch: { ...perBatch, batches: [1, 3] } },
    'no batch with the values that there are': { ...good, perBatch: { ...perBatch, batches: [1, 0] } },
    'more between batches than in all': { ...good, perBatch: { ...perBatch, m2Between: [0, 1e9] } },
    'a spread of variances below 0': { ...good, perBatch: { ...perBatch, m2OfVariances: [0, -1] } },
    'fewer updates than batches': { ...good, perBatch: { ...perBatch, updates: [1, 1] } },
    'an update and a half': { ...good, perBatch: { ...perBatch, updates: [1.5, 2] } },
    'a mean of means beyond float32': { ...good, perBatch: { ...perBatch, meanOfMeans: [1, -1e39] } },
    'a mean of variances below 0': { ...good, perBatch: { ...perBatch, meanOfVariances: [1, -1] } },
  };

  test.each(Object.entries(BAD))('%s is refused', (_, bad) => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    let error: unknown;
    try {
      mergeMoments([bad as LayerMoments]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(/^moments\b.*expected .*, received /);
    expect((error as Error).message.length).toBeLessThan(400);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });

  test('of which a few characters were changed is refused, or is moments all the same', () => {
    const text = JSON.stringify(good);
    const characters = fc.constantFrom(...Array.from('0123456789-+.eE[]{}",:ntf_', (one) => one));
    const change = fc.record({
      at: fc.nat(text.length - 1),
      removed: fc.nat(3),
      put: fc.array(characters, { maxLength: 3 }),
    });
    let parsed = 0;
    let taken = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
        const changed = changes.reduce(
          (line, { at, removed, put }) => line.slice(0, at) + put.join('') + line.slice(at + removed),
          text,
        );
        let value: LayerMoments;
        try {
          value = JSON.parse(changed) as LayerMoments;
        } catch {
          return;
        }
        parsed++;
        try {
          const [merged] = mergeMoments([value, { ...good, layer: value.layer, shards: ['z'] }]);
          taken++;
          const { perBatch, ...others } = merged!;
          for (const numbersOf of [...Object.values(others), ...Object.values(perBatch ?? {})]) {
            for (const number of [numbersOf].flat()) expect(number).not.toBeNaN();
          }
          expect(mergeMoments([merged!])).toEqual([merged]);
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError);
        }
      }),
      { ...DRAWS, numRuns: 3000 },
    );
    expect(parsed).toBeGreaterThan(300);
    expect(taken).toBeGreaterThan(30);
  });

  test('that is good is taken, as a copy', () => {
    const [copy] = mergeMoments([good]);
    expect(copy).toEqual(good);
    expect(copy).not.toBe(good);
    expect(copy!.mean).not.toBe(good.mean);
  });

  test('a layer that nothing reached in one shard has the correction that it has in others', () => {
    const none = { ...good, shards: ['b'], bessel: false, count: [0, 0], m2: [0, 0], mean: [0, 0] };
    const zeros = { batches: [0, 0], m2Between: [0, 0], m2OfVariances: [0, 0] };
    const empty = {
      ...none,
      perBatch: { ...zeros, updates: [0, 0], meanOfMeans: [0, 0], meanOfVariances: [0, 0] },
    };
    for (const moments of [
      [good, empty],
      [empty, good],
    ]) {
      expect(mergeMoments(moments)[0]).toMatchObject({ bessel: true, count: good.count, mean: good.mean });
    }
    expect(() => mergeMoments([good, { ...good, shards: ['b'], bessel: false }])).toThrow(/Bessel/);
    expect(() =>
      mergeMoments([good, { ...good, shards: ['b'], count: [9], mean: [1], m2: [1], perBatch: undefined! }]),
    ).toThrow(/they are of 1 channel, not 2/);
  });
});
