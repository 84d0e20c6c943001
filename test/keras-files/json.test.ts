/** @file JSON of models: as Python writes it, and as nobody should. */
import { ValueError } from 'evenkeel';
import type { Limits } from 'evenkeel/data';
import { loadKerasModel } from 'evenkeel/keras';
import { describe, expect, test } from 'vitest';
import { Budget } from '../../src/data/limits.js';
import { type Json, parseJson, readJson, writeJson } from '../../src/keras/json.js';

const text = new TextEncoder();

/** What is read, with a budget of the text's size. */
function read(json: string | Uint8Array, limits?: Partial<Limits>): Json {
  const budget = new Budget(limits);
  budget.take('size', json.length, 'The text');
  return typeof json === 'string' ? parseJson(json, 'The text', budget) : readJson(json, 'The text', budget);
}

function refusal(json: string | Uint8Array, limits?: Partial<Limits>): string {
  try {
    read(json, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return (error as ValueError).message;
  }
  return 'none';
}

describe('the words of Python', () => {
  test.each<[string, Json]>([
    ['NaN', NaN],
    ['[NaN, Infinity, -Infinity]', [NaN, Infinity, -Infinity]],
    ['{"a":NaN,"b":[-Infinity]}', { a: NaN, b: [-Infinity] }],
    ['["NaN", "-Infinity", "\\"NaN", "\\\\", NaN]', ['NaN', '-Infinity', '"NaN', '\\', NaN]],
    ['{"NaN": NaN}', { NaN: NaN }],
  ])('%s', (json, expected) => {
    expect(read(json)).toEqual(expected);
  });

  test('are written, since null would be another value', () => {
    expect(writeJson({ a: NaN, b: [-Infinity, null], c: 'NaN' })).toBe(
      '{"a":NaN,"b":[-Infinity,null],"c":"NaN"}',
    );
  });

  test.each([
    ...[
      '-NaN',
      'NaN5',
      'xNaN',
      '5NaN',
      'Infinity5',
      '1Infinity',
      '1.Infinity',
      '.Infinity',
      'Infinity.5',
      '+Infinity',
    ],
    ...[
      '1e-Infinity',
      '1eInfinity',
      'Infinity_',
      'nan',
      'inf',
      '[Infinity Infinity]',
      'NaN NaN',
      '--Infinity',
      'None',
    ],
  ])('are not %s', (json) => {
    expect(refusal(json)).toMatch(/^The text is not JSON: /);
  });
});

describe('in time', { timeout: 5000 }, () => {
  test.each<[string, string]>([
    ['an unclosed string of escapes', `[NaN, "${'\\"'.repeat(1_000_000)}`],
    ['an unclosed string of backslashes', `[NaN, "${'\\'.repeat(1_000_001)}`],
    ['unclosed strings', `[NaN, ${'"a" '.repeat(500_000)}`],
    ['white space after long strings', `["${'a'.repeat(20_000)}"${' '.repeat(2_000_000)}`],
    ['dashes', `[NaN, ${'-'.repeat(2_000_000)}`],
    ['letters', `[NaN, ${'N'.repeat(2_000_000)}`],
    ['brackets that close', ']'.repeat(2_000_000)],
    ['a number without an end', `[NaN, ${'9'.repeat(2_000_000)}`],
  ])('%s', (_, json) => {
    expect(refusal(json)).toMatch(/^The text is not JSON: /);
    expect(refusal(json).length).toBeLessThan(1000);
  });

  test('many words', () => {
    expect(read(`[${'NaN,'.repeat(500_000)}-Infinity]`)).toHaveLength(500_001);
  });

  test('keys that engines tell apart only by comparing them in full', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `"${'a'.repeat(20_000)}${i}":0`);
    expect(refusal(`{${keys.join()}}`)).toMatch(
      /^The text has a key of 20\d+ characters\. Accepted are 16383/,
    );
    expect(read(`["${'a'.repeat(20_000)}"]`)).toHaveLength(1);
  });
});

describe('limits', () => {
  test('of depth', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(refusal(nested(200))).toBe('none');
    expect(refusal(nested(201))).toMatch(/^The text: takes 201 levels, and at most 200 are accepted/);
    expect(refusal(nested(300), { depth: 300 })).toBe('none');
    expect(refusal('{"a":'.repeat(1_000_000))).toMatch(/takes 201 levels/);
    // Those of strings are none.
    expect(refusal(JSON.stringify('['.repeat(1000)))).toBe('none');
  });

  test('of steps, where an archive unpacks to a long text', () => {
    const budget = new Budget();
    expect(() => parseJson(`[${'0,'.repeat(2 ** 20)}0]`, 'The text', budget)).toThrow(
      /^The text: takes 1048577 steps, and at most 1048576 are accepted of a file of 0 bytes/,
    );
  });

  test('of what a string can hold', () => {
    expect(refusal(new Uint8Array(2 ** 28 + 1).fill(0x20))).toMatch(
      /^The text has 268435457 bytes\. A text may have 268435456\./,
    );
  });
});

describe('other encodings', () => {
  const json = '{"a": "é"}';
  const utf16 = (order: 'le' | 'be', mark: boolean) => {
    const bytes = Buffer.from(`${mark ? '\ufeff' : ''}${json}`, 'utf16le');
    return new Uint8Array(order === 'le' ? bytes : bytes.swap16());
  };

  test('UTF-8 is read, with a mark too', () => {
    expect(read(text.encode(json))).toEqual({ a: 'é' });
    expect(read(text.encode(`\ufeff${json}`))).toEqual({ a: 'é' });
  });

  test('UTF-16 is told', async () => {
    for (const bytes of [utf16('le', true), utf16('be', true), utf16('le', false), utf16('be', false)]) {
      expect(refusal(bytes)).toBe(
        'The text is not UTF-8. It seems to be UTF-16, as PowerShell writes it: save it as UTF-8.',
      );
      await expect(loadKerasModel(bytes)).rejects.toThrow(/UTF-16|no format known/);
    }
    await expect(loadKerasModel(utf16('le', true))).rejects.toThrow(
      /begins as a text of UTF-16 does: save it as UTF-8/,
    );
  });

  test('what is no UTF-8 is refused, and not read with other characters', () => {
    expect(refusal(new Uint8Array([...text.encode('{"a": "'), 0xe9, ...text.encode('"}')]))).toBe(
      'The text is not UTF-8. It is damaged, or of another encoding: save it as UTF-8.',
    );
  });
});

test('a key called __proto__ changes no other object', async () => {
  const json =
    '{"__proto__": {"polluted": 1}, "modelTopology": {"__proto__": {"config": {}}, "class_name": "Sequential"}}';
  const { __proto__: own } = read(json) as { ['__proto__']: Json };
  expect(own).toEqual({ polluted: 1 });
  await expect(loadKerasModel(text.encode(json))).rejects.toThrow(ValueError);
  expect('polluted' in {}).toBe(false);
});
