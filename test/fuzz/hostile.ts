/** @file Names, numbers and values that programs trip over. */
import type { Random } from './random.js';

const NAMES = [
  '',
  '.',
  '..',
  '/',
  'a/b',
  'a//b',
  '/a',
  'a/',
  'a/.',
  'a/..',
  'a/__proto__',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '0',
  '-1',
  '$&',
  "a$'b",
  'a$`b',
  'a$$b',
  'a b',
  'a\u0000b',
  'a\nb',
  '\u001b[31mred',
  'right\u202Eleft',
  'ü',
  'u\u0308',
  '模型',
  '\u{1F600}',
  '\uD800',
  '%2e%2e%2f',
  '<img src=x onerror=alert(1)>',
  'kernel',
  'kernel:0',
  'input',
  'model_weights',
  'layers',
  'vars',
];

export const hostileName = (random: Random): string =>
  random.once(12)
    ? random.pick(['n', 'é', '\\', '"', '/']).repeat(random.pick([213, 256, 5000, 70_000]))
    : random.pick(NAMES);

const SECRETS = [
  '../secret.bin',
  '../../secret.bin',
  '../model.json',
  'sub/../../secret.bin',
  './../secret.bin',
];

/** Paths of files that a model may name; most lie outside its folder. */
export const hostilePath = (random: Random): string =>
  random.pick([
    ...SECRETS,
    '$`../secret.bin',
    "$'../secret.bin",
    '$&/../secret.bin',
    '..\\secret.bin',
    '%2e%2e/secret.bin',
    '/etc/hostname',
    '/dev/zero',
    'file:///etc/hostname',
    'http://127.0.0.1:9/secret.bin',
    '//127.0.0.1/secret.bin',
    'data:application/octet-stream;base64,AAAA',
    'weights.bin/',
    './weights.bin',
    'sub/weights.bin',
    'model.json',
    '.',
    '',
    hostileName(random),
  ]);

/** Sizes, counts and lengths. */
export const hostileNumber = (random: Random): number =>
  random.pick([
    ...[-1, 0, 1, 2, 3, 7, 0.5, 255, 256, 1000, 65_535, 65_536, 1e5, 1e7, 1e9],
    ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, -1e9, NaN, Infinity],
  ]);

/** With a number behind it, stands for so many lists within each other; {@link toJson} writes them. */
const DEEP = '«deep»';

export const hostileValue = (random: Random): unknown =>
  random.pick([
    () => hostileNumber(random),
    () => hostileName(random),
    () => hostilePath(random),
    () => random.pick([null, true, false, [], {}, [[]], [[[]]], [null], { config: {} }]),
    () => Array.from({ length: random.count(2000) }, () => hostileNumber(random)),
    () => ({ class_name: hostileName(random), config: { name: hostileName(random) } }),
    () => `${DEEP}${random.count(20_000)}`,
    () => 'x'.repeat(random.count(1_000_000)),
  ])();

/**
 * JSON as Python writes it, which knows numbers that JSON has not. Of any depth, for which JSON.stringify has no stack.
 */
export function toJson(root: unknown): string {
  let json = '';
  // What is still to be written: values, and texts between them.
  const open: ({ readonly value: unknown } | string)[] = [{ value: root }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') json += next;
    else if (isList(next.value)) {
      open.push(
        ']',
        ...next.value.flatMap((value: unknown, i) => (i > 0 ? [',', { value }] : [{ value }])).reverse(),
      );
      json += '[';
    } else if (typeof next.value === 'object' && next.value !== null) {
      const entries = Object.entries(next.value as Record<string, unknown>).filter(
        ([, value]) => value !== undefined,
      );
      const parts = entries.flatMap(([key, value], i) => [
        `${i > 0 ? ',' : ''}${JSON.stringify(key)}:`,
        { value },
      ]);
      open.push('}', ...parts.reverse());
      json += '{';
    } else json += toJsonValue(next.value);
  }
  return json;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

function toJsonValue(value: unknown): string {
  if (value === undefined) return 'null';
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : 'Infinity';
  if (typeof value === 'string' && value.startsWith(DEEP)) {
    const depth = Number(value.slice(DEEP.length));
    return '['.repeat(depth) + ']'.repeat(depth);
  }
  return JSON.stringify(value);
}
