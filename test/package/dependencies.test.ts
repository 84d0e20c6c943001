/** @file The table of dependencies in ARCHITECTURE.md is what package.json and its lock say. */
import { expect, test } from 'vitest';
import { readText } from '../docs/blocks.js';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const [, section = ''] = /^## Dependencies\n(.*?)^## /ms.exec(readText('ARCHITECTURE.md')) ?? [];

/** The rows of the tables in that section, with their heads and without their lines. */
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.startsWith('| -'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const [runtime, scripts] = [rows.filter((row) => row.length === 8), rows.filter((row) => row.length === 5)];

const manifestOf = (path: string) => JSON.parse(readText(path)) as Manifest;

test('lists every dependency of the library and the command, and its version', () => {
  const [library, command] = [manifestOf('package.json'), manifestOf('cli/package.json')];
  const versions = { ...command.dependencies, ...library.peerDependencies, ...library.dependencies };
  delete versions.evenkeel;
  const listed = runtime.slice(1).map(([, name = '', version]) => [name, version] as const);
  expect(Object.fromEntries(listed)).toEqual(versions);
  expect(listed.length).toBe(Object.keys(versions).length);
});

test('lists every package that runs a script when it is installed', () => {
  const { packages } = JSON.parse(readText('package-lock.json')) as {
    packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
  };
  const names = Object.entries(packages)
    .filter(([path, { hasInstallScript }]) => path !== '' && path !== 'cli' && hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(scripts.slice(1).map(([, name]) => name)).toEqual([...new Set(names)].sort());
});
