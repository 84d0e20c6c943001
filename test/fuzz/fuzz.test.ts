/** @file Hostile files, a few of them here and the found ones always; and that the program sees what it is to see. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Case, FORMATS, formatOf, makeCase } from './cases.js';
import { faultOfRefusal } from './finding.js';
import { LIMITS, Runner } from './runner.js';
import { shrink } from './shrink.js';
import { keepFinding, readFindings } from './store.js';

const FINDINGS = fileURLToPath(new URL('findings', import.meta.url));
const found = existsSync(FINDINGS) ? readFindings(FINDINGS) : [];

describe('hostile files', () => {
  const runner = new Runner();
  afterAll(() => {
    runner.close();
  });

  test.each(found)('$name does no harm any more', async ({ case: one }) => {
    const { findings } = await runner.run({ seed: 0, number: 0, case: one });
    expect(findings).toEqual([]);
  });

  test('some of every format are refused, or loaded and used', async () => {
    for (let number = 0; number < 60; number++) {
      const { findings, recipe } = await runner.run({ seed: 2026, number });
      expect(findings, `2026:${number}, ${recipe}`).toEqual([]);
    }
  });
});

test('a seed and a number always make the same case, of every format', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const makeAt = (date: string, number: number) => {
    vi.setSystemTime(date);
    return makeCase(5, number);
  };
  for (const format of FORMATS) {
    const number = Array.from({ length: 100 }, (_, i) => i).find((i) => formatOf(5, i) === format)!;
    const one = await makeAt('2026-01-01', number);
    expect(one.format).toBe(format);
    expect(await makeAt('2027-02-02T02:02:02', number)).toEqual(one);
  }
});

const saying = (text: string): Case => ({
  format: 'json',
  recipe: 'planted',
  files: [{ name: 'model.json', bytes: new TextEncoder().encode(text) }],
  way: 'memory',
  draw: 0,
});

describe('the runner', () => {
  const limits = { ...LIMITS, ms: 1000, idleMs: 3000, memoryBytes: 300e6 };
  const runner = new Runner(limits, fileURLToPath(new URL('planted.ts', import.meta.url)));
  afterAll(() => {
    runner.close();
  });
  const signaturesOf = async (text: string) => {
    const { findings } = await runner.run({ seed: 0, number: 0, case: saying(text) });
    return findings.map(({ signature }) => signature);
  };

  test.each([
    ['hang', /^more than 1000 ms: do as the file says/],
    ['wait', /^more than 1000 ms: do as the file says/],
    ['heap', /^(?:more than 300000000 bytes of memory|crash): do as the file says/],
    ['bytes', /memory/],
    ['exit', /^crash: do as the file says/],
    ['rejection', /^an unhandled rejection/],
    ['throw', /^read: RangeError: too deep/],
  ])('sees %s, and goes on', async (text, expected) => {
    expect((await signaturesOf(text)).join()).toMatch(expected);
    expect(await signaturesOf('nothing')).toEqual([]);
  });

  test('makes what does harm small, and keeps it', async () => {
    const config = {
      layers: Array.from({ length: 30 }, (_, i) => ({ name: i === 17 ? 'throw' : `layer_${i}` })),
    };
    const large = saying(JSON.stringify(config));
    const smallest = await shrink(
      large,
      async (one) => (await runner.run({ seed: 0, number: 0, case: one })).findings.length > 0,
      performance.now() + 30_000,
    );
    expect(new TextDecoder().decode(smallest.files[0]!.bytes as Uint8Array)).toBe(
      '{"layers":[{"name":"throw"}]}',
    );
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-kept-'));
    keepFinding(folder, '1:2', smallest, { signature: 'read: RangeError', what: 'too deep' });
    expect(readFindings(folder).map((kept) => kept.case.files)).toEqual([smallest.files]);
  });

  test('makes bytes small that are no text', async () => {
    const bytes = new Uint8Array(2000).fill(7);
    bytes.set([255, 1, 2, 255], 1234);
    const hasFault = (one: Case) =>
      Promise.resolve(Buffer.from(one.files[0]!.bytes as Uint8Array).includes('ff0102ff', 0, 'hex'));
    const smallest = await shrink(
      { ...saying(''), files: [{ name: 'a', bytes }] },
      hasFault,
      performance.now() + 5000,
    );
    expect(smallest.files[0]!.bytes.byteLength).toBeLessThan(20);
  });
});

test('the same fault in other files has the same signature', () => {
  class ValueError extends Error {
    override name = 'ValueError';
  }
  const signature = (error: unknown) => faultOfRefusal('load', error)?.signature;
  const at = (message: string, name = 'Error') =>
    Object.assign(new Error(message), {
      name,
      stack: `${name}: ${message}\n    at read (/a/src/data/npy.ts:5:7)`,
    });
  expect(signature(at("'a' has 5 bytes"))).toBe(signature(at("'it' has 77.5 bytes")));
  expect(signature(at('is empty'))).not.toBe(signature(at('is full')));
  expect(signature(new ValueError('the file is damaged'))).toBeUndefined();
  expect(signature(new ValueError('x'.repeat(5000)))).toMatch(/^load: a long message/);
  expect(signature(new ValueError(''))).toMatch(/^load: an empty message/);
  expect(signature('a text')).toBe('load: not an Error');
});
