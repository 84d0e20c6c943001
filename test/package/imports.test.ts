/** @file Who imports whom: the arrows of ARCHITECTURE.md. */
import { readdirSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT, readText, sourceFiles } from '../docs/blocks.js';

interface Import {
  readonly from: string;
  /** A path from the repository's folder, or a package's name. */
  readonly to: string;
}

/** Every import of a file, also those of types only, and exports from elsewhere. */
function importsOf(from: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readText(from), true, true);
  return importedFiles.map(({ fileName }) => ({
    from,
    to: fileName.startsWith('.')
      ? posix.join(posix.dirname(from), fileName).replace(/\.js$/, '.ts')
      : fileName,
  }));
}

const files = sourceFiles('src');
const imports = files.flatMap(importsOf);

/** What the files of each folder may import, beside their own: folders, files and packages. From the ground up. */
const ALLOWED: Record<string, readonly string[]> = {
  'src/text/': ['@tensorflow/tfjs-core', 'fastest-levenshtein'],
  'src/node/': [],
  'src/core/': ['src/text/'],
  'src/group/': ['src/core/', 'src/text/'],
  'src/threads/': ['src/group/', 'src/node/', 'src/text/'],
  'src/mpi/': ['src/group/', 'src/node/', 'src/text/', 'koffi'],
  'src/backends/': ['src/group/', 'src/core/', 'src/text/', '@tensorflow/tfjs-core'],
  'src/operation/': ['src/backends/', 'src/group/', 'src/core/', 'src/text/', '@tensorflow/tfjs-core'],
  'src/acceleration/': ['src/operation/', 'src/backends/', 'src/core/', '@tensorflow/tfjs-core'],
  'src/model/': ['src/text/', '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
  'src/layer/': [
    ...['src/model/', 'src/operation/', 'src/backends/', 'src/group/', 'src/core/', 'src/text/'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
  ],
  'src/distributed/': [
    ...['src/model/', 'src/group/', 'src/text/'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
  ],
  'src/data/': [
    'src/node/',
    'src/text/',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-layers',
    '@zip.js/zip.js',
    'pako',
  ],
  'src/tools/': [
    ...['src/layer/', 'src/model/', 'src/text/'],
    // What recalibrate and inspect see batches by.
    ...['src/operation/', 'src/backends/active.ts', 'src/core/passes.ts', 'src/data/limits.ts'],
    'src/group/group.ts',
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
  ],
  'src/keras/': [
    ...['src/data/', 'src/layer/', 'src/model/', 'src/operation/', 'src/text/'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'h5wasm'],
  ],
};

const isWithin = ({ to }: Import, places: readonly string[]) =>
  places.some((place) => to === place || (place.endsWith('/') && to.startsWith(place)));

test('there are imports to look at', () => {
  expect(files.length).toBeGreaterThan(20);
  expect(imports.length).toBeGreaterThan(50);
});

test('every file but the entry is in a folder with a rule', () => {
  const others = files.filter((file) => !Object.keys(ALLOWED).some((folder) => file.startsWith(folder)));
  expect(others).toEqual(['src/index.ts']);
});

test.each(Object.entries(ALLOWED))('%s imports only what it may', (folder, allowed) => {
  const within = imports.filter(({ from }) => from.startsWith(folder));
  expect(within.filter((one) => !isWithin(one, [folder, ...allowed]))).toEqual([]);
});

test('the core runs without a package', () => {
  const reached = new Set(files.filter((file) => file.startsWith('src/core/')));
  for (const file of reached) {
    for (const { from, to } of imports) if (from === file && to.startsWith('src/')) reached.add(to);
  }
  const packages = imports.filter(({ from, to }) => reached.has(from) && !to.startsWith('src/'));
  // A type is gone when it runs.
  const isType = ({ from, to }: Import) => readText(from).includes(`import type { Tensor } from '${to}'`);
  expect(packages.filter((one) => !isType(one))).toEqual([]);
});

test('no folder imports one above it', () => {
  const floors = Object.keys(ALLOWED);
  const floorOf = (file: string) => floors.findIndex((folder) => file.startsWith(folder));
  const rising = imports.filter(({ from, to }) => floorOf(from) >= 0 && floorOf(to) > floorOf(from));
  expect(rising).toEqual([]);
});

/** A circle of imports that `file` leads to, as the files along it; null where there is none. */
function findCircle(file: string, path: readonly string[], done: Set<string>): readonly string[] | null {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return null;
  for (const { from, to } of imports) {
    const circle = from === file ? findCircle(to, [...path, file], done) : null;
    if (circle) return circle;
  }
  done.add(file);
  return null;
}

test('no file imports itself by way of others', () => {
  const done = new Set<string>();
  expect(files.flatMap((file) => findCircle(file, [], done) ?? [])).toEqual([]);
});

interface Manifest {
  readonly dependencies: object;
  readonly peerDependencies?: object;
}

const declaredIn = (path: string): string[] => {
  const { dependencies, peerDependencies } = JSON.parse(readText(path)) as Manifest;
  return Object.keys({ ...dependencies, ...peerDependencies }).sort();
};

test('packages that are imported are declared, and the other way round', () => {
  const packages = imports.map(({ to }) => to).filter((to) => !/^(src\/|node:)/.test(to));
  expect([...new Set(packages)].sort()).toEqual(declaredIn('package.json'));
});

describe('leaves', () => {
  const LEAVES = ['assembly/', 'bench/', 'cli/', 'demo/', 'packaging/', 'playground/'];
  const filesOf = (folder: string): string[] =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tsx?|js)$/.test(name) && !/(^|\/)(dist|node_modules)\//.test(name))
      .map((name) => `${folder}${name}`);
  /** Every relative path that a file names, types and files that are read among them. */
  const namedBy = (from: string): Import[] =>
    [...readText(from).matchAll(/(['"])(\.{1,2}\/[^'"]*)\1/g)].map(([, , path]) => ({
      from,
      to: posix.join(posix.dirname(from), path!),
    }));

  test.each([...LEAVES, 'shared/', 'src/'])('nothing of them is named in %s, its own aside', (folder) => {
    // The benchmark of the kernels times them as they are, and as it compiles them.
    const others = LEAVES.filter((one) => one !== folder && !(folder === 'bench/' && one === 'assembly/'));
    expect(filesOf(folder).length).toBeGreaterThan(0);
    expect(
      filesOf(folder)
        .flatMap(namedBy)
        .filter((one) => isWithin(one, others)),
    ).toEqual([]);
  });

  const OF_COMMAND = sourceFiles('cli/src').flatMap(importsOf);
  const ENTRIES = ['evenkeel', 'evenkeel/core', 'evenkeel/data', 'evenkeel/keras', 'evenkeel/tools'];

  test('the command has of the library what everybody has', () => {
    const others = OF_COMMAND.filter(({ to }) => to.startsWith('src/') || /^evenkeel/.test(to));
    expect(others.length).toBeGreaterThan(10);
    // What names look like on a terminal is compiled into it, since nobody else needs to ask for it.
    expect(others.filter(({ to }) => ![...ENTRIES, 'src/text/show.ts'].includes(to))).toEqual([]);
  });

  test('packages that the command imports are declared as its own, and the other way round', () => {
    const packages = OF_COMMAND.map(({ to }) => to.replace(/^evenkeel\/.*/, 'evenkeel'));
    const known = new Set(packages.filter((to) => !/^(cli\/|shared\/|src\/|node:)/.test(to)));
    expect([...known].sort()).toEqual(declaredIn('cli/package.json'));
  });
});

test('the entries only export', () => {
  for (const entry of [
    'src/index.ts',
    ...['core', 'data', 'distributed', 'keras', 'mpi', 'threads', 'tools'].map(
      (name) => `src/${name}/index.ts`,
    ),
  ]) {
    const file = ts.createSourceFile(entry, readText(entry), ts.ScriptTarget.Latest);
    expect(file.statements.filter((statement) => !ts.isExportDeclaration(statement))).toEqual([]);
  }
});

test('the composed operations share no arithmetic with the core, so that each checks the other', () => {
  const composed = imports.filter(({ from }) => from.startsWith('src/operation/composed/'));
  const allowed = [
    ...['src/operation/composed/', 'src/operation/adjustment.ts', 'src/operation/all-reduce.ts'],
    ...['src/operation/choose.ts', 'src/operation/stop-gradient.ts', 'src/operation/sums.ts'],
    'src/operation/to-float32.ts',
    // Types only.
    ...['src/backends/backend.ts', 'src/group/group.ts', '@tensorflow/tfjs-core'],
  ];
  expect(composed.length).toBeGreaterThan(10);
  expect(composed.filter((one) => !isWithin(one, allowed))).toEqual([]);
});
