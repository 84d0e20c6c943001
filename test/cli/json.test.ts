/** @file What `--json` prints has the fields that the page of the command lists, of those types, and no others. */
import { copyFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Field, printedFields } from '../docs/printed-json.js';
import { dataOf, evenkeel, goldenModel, makeFolder } from './files.js';

const before = process.cwd();
const folder = makeFolder(afterAll);
const fields = printedFields();

beforeAll(async () => {
  process.chdir(folder);
  writeFileSync('model.h5', goldenModel('tf-keras-mlp.h5'));
  // As in a process of the command, where nobody has registered the class of a test.
  delete tf.serialization.SerializationMap.getMap().classNameMap.Scaled;
  writeFileSync('own.keras', goldenModel('keras3-own-class.keras'));
  writeFileSync('x.npy', dataOf([64, 6]));
  copyFileSync('x.npy', 'y.npy');
  await evenkeel('moments model.h5 --data x.npy y.npy --one-pass --output moments.jsonl'.split(' '));
});

afterAll(() => {
  process.chdir(before);
});

/** A type in words, as the page has it, of a value that is here. */
function typeOf(value: unknown): RegExp {
  if (value === null) return /(^| or )null$/;
  if (Array.isArray(value)) return /(^| or )array of /;
  return typeof value === 'string' ? /^string|"/ : new RegExp(`(^| or )${typeof value}\\b`);
}

/** Checks a document against the fields, and gives the paths of those that are in it. */
function pathsIn(value: object, of: readonly Field[], prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, part]: [string, unknown]) => {
    const path = `${prefix}${name}`;
    const field = of.find((one) => one.path === path);
    expect(field, `${path} is not listed`).toBeDefined();
    expect(field!.type, path).toMatch(typeOf(part));
    return [path, ...innerPaths(part, of, path)];
  });
}

function innerPaths(value: unknown, of: readonly Field[], path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one: unknown) => innerPaths(one, of, `${path}[]`));
  if (typeof value !== 'object' || value === null || !of.some((one) => one.path.startsWith(`${path}.`)))
    return [];
  return pathsIn(value, of, `${path}.`);
}

/** Checks that nothing is missing, save within what is null, empty or may be left out. */
function expectWhole(value: object, of: readonly Field[]): void {
  const paths = new Set(pathsIn(value, of));
  for (const { path, isOptional } of of) {
    const parent = path.replace(/(\[\])*\.?[^.]+$/, '');
    const isExpected =
      parent === '' ||
      [...paths].some((one) => one.startsWith(`${parent}.`) || one.startsWith(`${parent}[].`));
    if (isExpected && !isOptional) expect([...paths], path).toContain(path);
  }
}

const LINES: Readonly<Record<string, readonly string[]>> = {
  'inspect --json': [
    'inspect model.h5 --json',
    'inspect model.h5 --data x.npy --json',
    'inspect model.h5 --moments moments.jsonl --json',
  ],
  'inspect --compatibility --json': [
    'inspect --compatibility model.h5 --json',
    'inspect --compatibility own.keras --json',
  ],
  'recalibrate --json': [
    'recalibrate model.h5 out.h5 --data x.npy --json',
    'recalibrate model.h5 out.h5 --moments moments.jsonl --json',
  ],
  'moments --output --json': ['moments model.h5 --data x.npy --one-pass --output x.jsonl --json'],
  'moments --count --json': ['moments model.h5 --count --json'],
  'merge --output --json': ['merge moments.jsonl --output merged.jsonl --json'],
  'fold --json': ['fold model.h5 out.keras --json', 'fold model.h5 out.keras --data x.npy --json'],
  'convert --json': ['convert model.h5 out.json --json', 'convert model.h5 out.h5 --json'],
  'freeze --json': ['freeze model.h5 out.h5 --json'],
  'unfreeze --json': ['unfreeze model.h5 out.h5 --json'],
};

it('is tried for every command line that is listed', () => {
  expect(Object.keys(LINES).sort()).toEqual([...fields.keys()].filter((line) => line !== 'lines').sort());
});

const runs = Object.entries(LINES).flatMap(([line, commands]) =>
  commands.map((command) => ({ line, command })),
);

describe.each(runs)('evenkeel $command', ({ line, command }) => {
  it('prints what is listed, and nothing else', async () => {
    const { code, stdout, stderr } = await evenkeel(command.split(' '));
    expect([code, stderr]).toEqual([command.includes('own.keras') ? 1 : 0, '']);
    expectWhole(JSON.parse(stdout) as object, fields.get(line)!);
  });
});

it.each(['moments model.h5 --data x.npy --one-pass --json', 'merge moments.jsonl --json'])(
  'evenkeel %s prints lines as they are listed',
  async (command) => {
    const { code, stdout } = await evenkeel(command.split(' '));
    expect(code).toBe(0);
    for (const text of stdout.trimEnd().split('\n'))
      expectWhole(JSON.parse(text) as object, fields.get('lines')!);
  },
);
