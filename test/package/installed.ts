/**
 * @file The package as a user has it: packed by npm from a copy of the repository, and installed by npm from the tarball
 * into an empty folder.
 *
 * Without a network: the package's own dependencies are packed from node_modules and installed with it. TF.js, which is
 * the user's, is linked. What the package imports without declaring it is therefore not there.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../docs/blocks.js';

const MODULES = join(ROOT, 'node_modules');

/** Dependencies come built, and without what their authors build them with. */
const BUILT = '--ignore-scripts';

/** What is not in a clone. */
const NOT_IN_A_CLONE = ['node_modules', 'dist', 'out', '.git'];

export interface Installed {
  /** The folder that the package was installed into. */
  readonly folder: string;
  /** The files in the tarball. */
  readonly files: readonly string[];
}

/** Enough of what a failing program printed; a bundle is one line, which Node repeats. */
const LAST_CHARACTERS = 3000;

/** What a program prints. Where it fails, the error says what it printed. */
export function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(' ')}\n${`${stdout}\n${stderr}`.slice(-LAST_CHARACTERS)}`);
  }
  return stdout;
}

interface Tarball {
  readonly path: string;
  readonly files: readonly string[];
}

function pack(what: string, into: string, ...flags: readonly string[]): Tarball {
  const output = run(what, 'npm', 'pack', '--json', '--loglevel=error', '--pack-destination', into, ...flags);
  // What the build prints comes first.
  const [packed] = JSON.parse(output.slice(output.indexOf('[\n'))) as [
    { filename: string; files: { path: string }[] },
  ];
  return { path: join(into, packed.filename), files: packed.files.map(({ path }) => path).sort() };
}

const namesIn = (folder: string, kind: 'dependencies' | 'peerDependencies'): string[] =>
  Object.keys(
    (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object>)[kind] ?? {},
  );

/** The dependencies of a package, and theirs. */
function dependenciesOf(folder: string): string[] {
  return namesIn(folder, 'dependencies').flatMap((name) => [
    join(MODULES, name),
    ...dependenciesOf(join(MODULES, name)),
  ]);
}

/** @param place an empty folder, to work in */
export function installPackage(place: string): Installed {
  const clone = join(place, 'clone');
  cpSync(ROOT, clone, {
    recursive: true,
    filter: (path) => !NOT_IN_A_CLONE.includes(basename(path)),
  });
  symlinkSync(MODULES, join(clone, 'node_modules'));
  const { path, files } = pack(clone, place);
  const dependencies = [...new Set(dependenciesOf(ROOT))].map((folder) => pack(folder, place, BUILT).path);

  const folder = join(place, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const flags = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  run(folder, 'npm', 'install', ...flags, path, ...dependencies);
  for (const name of namesIn(ROOT, 'peerDependencies')) {
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
  }
  return { folder, files };
}
