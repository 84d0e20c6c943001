/** @file Who imports whom: the arrows of ARCHITECTURE.md. */
import { posix } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { readText, sourceFiles } from '../docs/blocks.js';

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

/** Of the command alone. */
const BACKENDS = ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm'];
const ofNode = (name: string) => `node:${name}`;

/** Whose files the command puts into its pages. */
const INLINED = ['uplot'];

/** What the files of each folder may import, beside their own: folders, files and packages. From the ground up. */
const ALLOWED: Record<string, readonly string[]> = {
  'src/text/': ['@tensorflow/tfjs-core'],
  'src/core/': ['src/text/'],
  'src/backends/': ['src/core/', 'src/text/', '@tensorflow/tfjs-core'],
  'src/operation/': ['src/backends/', 'src/core/', 'src/text/', '@tensorflow/tfjs-core'],
  'src/acceleration/': ['src/operation/', 'src/backends/', 'src/core/', '@tensorflow/tfjs-core'],
  'src/model/': ['src/text/', '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
  'src/layer/': [
    ...['src/model/', 'src/operation/', 'src/backends/', 'src/core/', 'src/text/'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'fastest-levenshtein'],
  ],
  'src/data/': [
    ...['src/text/', '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@zip.js/zip.js'],
    ...['fs', 'os', 'zlib'].map(ofNode),
  ],
  'src/tools/': [
    ...['src/layer/', 'src/model/', 'src/text/'],
    // What recalibrate and inspect see batches by.
    ...['src/operation/', 'src/backends/active.ts', 'src/core/passes.ts'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'fastest-levenshtein'],
  ],
  'src/keras/': [
    ...['src/data/', 'src/layer/', 'src/model/', 'src/text/', '@tensorflow/tfjs-core'],
    ...['@tensorflow/tfjs-layers', 'h5wasm', 'jsfive'],
  ],
  'src/cli/': [
    ...['src/keras/', 'src/tools/', 'src/data/', 'src/text/', 'src/acceleration/'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', ...BACKENDS],
    ...['commander', 'cli-table3', 'cli-progress', ...['console', 'fs', 'fs/promises', 'module'].map(ofNode)],
    ...['os', 'path', 'tty'].map(ofNode),
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

test('the core, and what it imports, needs nothing of TF.js to run', () => {
  const framework = imports.filter(
    ({ from, to }) => /^src\/(core|text)\//.test(from) && !to.startsWith('src/'),
  );
  const needed = framework.filter(
    ({ from, to }) => !readText(from).includes(`import type { Tensor } from '${to}'`),
  );
  expect(needed).toEqual([]);
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

test('packages that are imported are declared, and the other way round', () => {
  const { dependencies, peerDependencies } = JSON.parse(readText('package.json')) as Record<
    'dependencies' | 'peerDependencies',
    object
  >;
  const packages = imports.map(({ to }) => to).filter((to) => !/^(src\/|node:)/.test(to));
  expect([...new Set([...packages, ...INLINED])].sort()).toEqual(
    Object.keys({ ...dependencies, ...peerDependencies }).sort(),
  );
});

test('the entries only export', () => {
  for (const entry of ['src/index.ts', 'src/core/index.ts', 'src/tools/index.ts', 'src/keras/index.ts']) {
    const file = ts.createSourceFile(entry, readText(entry), ts.ScriptTarget.Latest);
    expect(file.statements.filter((statement) => !ts.isExportDeclaration(statement))).toEqual([]);
  }
});

test('the composed operations share no arithmetic with the core, so that each checks the other', () => {
  const composed = imports.filter(({ from }) => from.startsWith('src/operation/composed/'));
  const allowed = [
    ...['src/operation/composed/', 'src/operation/stop-gradient.ts', 'src/operation/to-float32.ts'],
    // Types only.
    ...['src/backends/backend.ts', '@tensorflow/tfjs-core'],
  ];
  expect(composed.length).toBeGreaterThan(10);
  expect(composed.filter((one) => !isWithin(one, allowed))).toEqual([]);
});
