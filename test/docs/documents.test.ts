/** @file What the documents name must exist: files, commands, arguments, anchors. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, describe, test } from 'vitest';
import { anchorOf } from '../../docs/.vitepress/markdown/anchor.js';
import { ARGUMENT_NAMES } from '../../src/layer/arguments.js';
import { DOCUMENTS, ROOT, blocksOf, readText } from './blocks.js';
import { MADE_FILES, madeFile } from './made.js';

const scripts = Object.keys((JSON.parse(readText('package.json')) as { scripts: object }).scripts);

/** Of npm itself, with nothing in package.json. */
const NPM_COMMANDS = ['ci', 'cit', 'init', 'ls', 'pack', 'install', 'start', 'test'];

describe.each(DOCUMENTS)('%s', (path) => {
  const text = readText(path);

  test('links to files and headings that exist', () => {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [relative, anchor] = target!.split('#');
      const file = relative === '' ? path : join(dirname(path), relative!);
      // Made with the site, whose own test follows the links to it.
      if (file.startsWith('docs/api/')) continue;
      expect(existsSync(`${ROOT}${file}`), target).toBe(true);
      // An address of the playground holds settings after `#`.
      if (anchor === undefined || file === 'playground/') continue;
      const headings = [...readText(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      expect(headings, target).toContain(anchor);
    }
  });

  test('names files and folders that exist', () => {
    for (const [, file] of text.matchAll(/`((?:src|test|oracle|demo|distributed)\/[\w\-./]*?)`/g)) {
      expect(existsSync(`${ROOT}${file!}`), file).toBe(true);
    }
  });

  test('names commands that exist', () => {
    const code = [...text.matchAll(/```.*?```|`[^`\n]+`/gs)].map(([piece]) => piece).join('\n');
    for (const [, run, name] of code.matchAll(/\bnpm (run )?([\w:]+)/g)) {
      expect(run ? scripts : NPM_COMMANDS, `npm ${run ?? ''}${name!}`).toContain(name);
    }
    for (const [, name] of text.matchAll(/`(check:\w+)`/g)) expect(scripts).toContain(name);
  });

  test('runs the command by npx under the name of its package', () => {
    const { name } = JSON.parse(readText('cli/package.json')) as { name: string };
    for (const [, run] of text.matchAll(/\bnpx (evenkeel[\w-]*)/g)) expect(run).toBe(name);
  });
});

test('COMPATIBILITY.md has one row for every argument', () => {
  const section = readText('COMPATIBILITY.md')
    .split('\n## ')
    .find((part) => part.startsWith('Arguments'))!;
  const rows = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name!);
  for (const name of ARGUMENT_NAMES)
    expect(
      rows.filter((row) => row === name),
      name,
    ).toHaveLength(1);
});

test.each(MADE_FILES)('%s is as `npm run docs` writes it', async (path) => {
  expect(readText(path)).toBe(await madeFile(path));
});

const clusterScripts = blocksOf('docs/clusters.md', 'sh');

test.each(clusterScripts)('the script at $place is one', ({ code }) => {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
});

test('docs/clusters.md names options that the worker of Keras and the command have', () => {
  const optionsIn = (code: string) => [...code.matchAll(/(?<= )--[a-z][a-z-]+/g)].map(([option]) => option);
  const programs = [
    { start: 'keras_worker.py', source: 'distributed/keras_worker.py' },
    { start: 'evenkeel moments', source: 'cli/src/commands/moments.ts' },
    { start: 'evenkeel recalibrate', source: 'cli/src/commands/recalibrate.ts' },
  ];
  for (const { start, source } of programs) {
    const commands = clusterScripts
      .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
      .filter((line) => line.includes(start))
      .map((line) => line.slice(line.indexOf(start)));
    expect(commands.length, start).toBeGreaterThan(0);
    const declared = readText(source) + readText('cli/src/options.ts');
    for (const option of commands.flatMap(optionsIn))
      expect(declared, `${start} ${option}`).toContain(option);
  }
});

test('the changelog tells of the version in package.json, or of what comes after it', () => {
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  expect(readText('CHANGELOG.md')).toMatch(new RegExp(`^## (Unreleased|\\[?${version})`, 'm'));
});
