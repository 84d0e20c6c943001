/** @file How messages show values: short, safe, and so that one can tell what came. */
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { reasonOf } from '../../src/text/refusal.js';
import { escapeControls, isTensor, show } from '../../src/text/show.js';

class Shop {
  readonly open = true;
}
const cyclic: unknown[] = [1];
cyclic.push({ list: cyclic });

test.each<[unknown, string]>([
  [7, '7'],
  ['7', "'7'"],
  [7n, '7n'],
  [null, 'null'],
  [undefined, 'undefined'],
  [Symbol('s'), 'Symbol(s)'],
  [[1, '1', [null, true]], "[1, '1', [null, true]]"],
  [[], '[]'],
  [new Array(2), '[undefined, undefined]'],
  [{ rmax: 3, inner: { a: 'b' } }, "{ rmax: 3, inner: { a: 'b' } }"],
  [{}, '{}'],
  [Object.assign(Object.create(null) as object, { a: 1 }), '{ a: 1 }'],
  [{ constructor: 'x' }, "{ constructor: 'x' }"],
  [new Shop(), 'an object of class Shop'],
  [new Float32Array(3), 'an object of class Float32Array'],
  [/^block[12]_/g, '/^block[12]_/g'],
  [Math.max, 'the function max'],
  [
    (
      () => () =>
        0
    )(),
    'a function',
  ],
  [cyclic, '[1, { list: (itself) }]'],
])('%#: %s', (value, text) => {
  expect(show(value)).toBe(text);
});

test('tensors and variables are shown by their shape, also after they are disposed', () => {
  const x = tf.variable(tf.zeros([2, 3]));
  expect(show([x])).toBe('[a tensor of shape [2, 3]]');
  x.dispose();
  expect(show(x)).toBe('a tensor of shape [2, 3]');
  expect(isTensor(x)).toBe(true);
  expect(isTensor({ shape: [2, 3] })).toBe(false);
});

test('a long string keeps its end quote', () => {
  expect(show('a'.repeat(81))).toBe(`'${'a'.repeat(80)}…'`);
});

test('nothing is walked through further than it is shown', () => {
  let reads = 0;
  const long = new Proxy(new Array<number>(3_000_000), {
    get: (target, key) => (key === 'length' ? target.length : (reads++, 0)),
  });
  expect(show(long)).toBe(`[${'0, '.repeat(33)}…`);
  expect(reads).toBeLessThan(200);
  expect(show(new Array(20_000).fill(1)).length).toBeLessThan(110);
  expect(show('x'.repeat(5_000_000)).length).toBeLessThan(110);
  const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown;
  expect(show(deep)).toBe(`${'['.repeat(100)}…`);
});

// Each would colour, move, hide or turn what a terminal prints after it.
const HOSTILE = [
  ...['\u0000', '\u001b', '\u007f', '\u009b', '\n', '\r', '\u00ad', '\u200b', '\u200e', '\u2028', '\u2029'],
  ...['\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069', '\ufeff'],
  '\u{e0041}',
];

test.each(HOSTILE.map((character) => [character.codePointAt(0)!.toString(16), character]))(
  'U+%s is written out, in names, keys, classes and reasons',
  (code, character) => {
    const escaped = `a\\u{${code}}b`;
    const text = `a${character}b`;
    expect(escapeControls(text)).toBe(escaped);
    expect(show(text)).toBe(`'${escaped}'`);
    expect(show({ [text]: 1 })).toBe(`{ ${escaped}: 1 }`);
    const named = Object.defineProperty(class extends Shop {}, 'name', { value: text });
    expect(show(new named())).toBe(`an object of class ${escaped}`);
    if (character !== '\n') expect(reasonOf(new Error(text))).toBe(escaped);
  },
);

test('a reason is the first line of what was thrown, and not all of a long one', () => {
  expect(reasonOf('thrown\nas a string')).toBe('thrown');
  expect(reasonOf(new Error('x'.repeat(600)))).toBe(`${'x'.repeat(500)}…`);
});
