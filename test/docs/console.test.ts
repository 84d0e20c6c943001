/** @file The commands that documents show print what they say they print, one after the other, in one folder a document. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evenkeel, goldenModel, makeFolder, npy, numbers } from '../cli/files.js';
import { DOCUMENTS, blocksOf } from './blocks.js';

const before = process.cwd();
const folder = makeFolder(afterAll);

afterAll(() => {
  process.chdir(before);
});

/** What each document shows of the command, with what it prints. */
const documents = DOCUMENTS.map((path) => ({
  path,
  sessions: blocksOf(path, 'console').flatMap(({ code }) =>
    code
      .split(/^\$ npx evenkeel-cli /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...printed] = text.trimEnd().split('\n');
        return { command, printed: printed.join('\n') };
      }),
  ),
})).filter(({ sessions }) => sessions.length > 0);

/** Shards are named by their content, of which the last bit may be another on another machine. */
const withoutDigests = (text: string) => text.replaceAll(/\.[0-9a-f]{16}\.bin/g, '.bin');

it('shows every command', () => {
  const names = documents.flatMap(({ sessions }) => sessions.map(({ command }) => command.split(' ')[0]));
  expect([...new Set(names)].sort()).toEqual([
    ...['convert', 'fold', 'freeze', 'inspect', 'merge', 'moments', 'recalibrate'],
  ]);
});

describe.each(documents)('$path', ({ path, sessions }) => {
  beforeAll(() => {
    const own = `${folder}/${path.replaceAll('/', '-')}`;
    mkdirSync(own);
    process.chdir(own);
    writeFileSync('model.h5', goldenModel('tf-keras-mlp.h5'));
    const rows = (start: number, end: number) =>
      npy('<f4', [end - start, 6], new Uint8Array(numbers(6000).slice(6 * start, 6 * end).buffer));
    writeFileSync('x_train.npy', rows(0, 1000));
    // Cut where a batch ends.
    writeFileSync('shard-1.npy', rows(0, 640));
    writeFileSync('shard-2.npy', rows(640, 1000));
  });

  it.each(sessions)('npx evenkeel-cli $command', async ({ command, printed }) => {
    const { stdout, stderr } = await evenkeel(command.replaceAll("'", '').split(' '));
    expect(stderr).toBe('');
    expect(withoutDigests(stdout.trimEnd())).toBe(withoutDigests(printed));
  });
});
