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

const VALUE_ERROR = 'src/text/value-error.ts';

/** Of the command alone. */
const BACKENDS = ['@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm'];
const ofNode = (name: string) => `node:${name}`;

/** Whose files the command puts into its pages. */
const INLINED = ['uplot'];

/** What the files of each folder may import: folders, files and packages. */
const ALLOWED: Record<string, readonly string[]> = {
  'src/core/': ['src/core/'],
  'src/backends/': ['src/backends/', 'src/core/', '@tensorflow/tfjs-core'],
  'src/operation/': ['src/operation/', 'src/backends/', 'src/core/', '@tensorflow/tfjs-core'],
  'src/acceleration/': [
    ...['src/acceleration/', 'src/operation/', 'src/backends/', 'src/core/', '@tensorflow/tfjs-core'],
  ],
  'src/layer/': [
    ...['src/layer/', 'src/operation/', 'src/backends/', 'src/core/layout.ts', VALUE_ERROR],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'fastest-levenshtein'],
  ],
  'src/tools/': [
    ...['src/tools/', 'src/layer/', VALUE_ERROR],
    // What recalibrate and inspect see batches by.
    ...['src/operation/', 'src/backends/active.ts', 'src/core/passes.ts'],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'fastest-levenshtein'],
  ],
  'src/keras/': [
    ...['src/keras/', 'src/layer/', VALUE_ERROR, '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'],
    ...['@zip.js/zip.js', 'h5wasm', 'jsfive'],
  ],
  'src/cli/': [
    ...['src/cli/', 'src/keras/', 'src/tools/', 'src/text/show.ts', 'src/acceleration/', VALUE_ERROR],
    ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', ...BACKENDS],
    ...['commander', 'cli-table3', 'cli-progress', ...['console', 'fs', 'fs/promises', 'module'].map(ofNode)],
    ...['os', 'path', 'tty', 'zlib'].map(ofNode),
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
  expect(imports.filter((one) => one.from.startsWith(folder) && !isWithin(one, allowed))).toEqual([]);
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
  const composed = [
    'composed',
    'arrangement',
    'moments',
    'renorm',
    'statistics',
    'stop-gradient',
    'choose',
    'to-float32',
  ];
  const from = composed.map((name) => `src/operation/${name}.ts`);
  expect(from.every((file) => files.includes(file))).toBe(true);
  expect(imports.filter((one) => from.includes(one.from) && one.to.startsWith('src/core/'))).toEqual([]);
});
