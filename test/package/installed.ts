/**
 * @file The library and the command as a user has them: packed by npm from a copy of the repository, and installed by npm
 * from the tarballs, each into an empty folder.
 *
 * Without a network: the packages' own dependencies are packed from node_modules and installed with them. TF.js, which is
 * the library's user's, is linked. What a package imports without declaring it is therefore not there. The cache that npm
 * gets is empty, so that nobody's full one hides what is missing.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { ROOT } from '../docs/blocks.js';

const MODULES = join(ROOT, 'node_modules');

/** Dependencies come built. npm 10 would build a folder nevertheless, but for a shell that does nothing. */
const WITHOUT_SCRIPTS = ['--ignore-scripts', '--script-shell=true'];

/** What is not in a clone. */
const NOT_IN_A_CLONE = ['node_modules', 'dist', 'out', '.git'];

const COMMAND = join(ROOT, 'cli');

export interface Installed {
  readonly tarball: string;
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

/** Packs the packages of `folders`, all in one call. */
function pack(
  cwd: string,
  folders: readonly string[],
  place: string,
  ...flags: readonly string[]
): Tarball[] {
  const quiet = ['--json', '--loglevel=error'];
  const output = run(cwd, 'npm', 'pack', ...quiet, '--pack-destination', place, ...flags, ...folders);
  // What the build prints comes first.
  const packed = JSON.parse(output.slice(output.indexOf('[\n'))) as {
    filename: string;
    files: { path: string }[];
  }[];
  return packed.map(({ filename, files }) => ({
    path: join(place, filename),
    files: files.map(({ path }) => path).sort(),
  }));
}

type DependencyKind = 'dependencies' | 'optionalDependencies' | 'peerDependencies' | 'peerDependenciesMeta';

type Manifest = { readonly name: string; readonly version: string } & Readonly<
  Partial<Record<DependencyKind, object>>
>;

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

const namesIn = (folder: string, kind: DependencyKind): string[] =>
  Object.keys(manifestOf(folder)[kind] ?? {});

/** Where Node finds the package `name` for code in `folder`: in that folder's own node_modules, else in those above. */
const findPackage = (name: string, folder: string): string | undefined =>
  (createRequire(join(folder, 'package.json')).resolve.paths(name) ?? [])
    .map((modules) => join(modules, name))
    .find((path) => existsSync(join(path, 'package.json')));

/** Adds the folders of a package's dependencies, and of theirs, to `folders`. */
function addDependencies(folder: string, folders = new Set<string>()): Set<string> {
  const optional = namesIn(folder, 'optionalDependencies');
  for (const name of new Set([...namesIn(folder, 'dependencies'), ...optional])) {
    if (name === manifestOf(ROOT).name) {
      // The command's, and packed from the copy.
      addDependencies(ROOT, folders);
      continue;
    }
    const found = findPackage(name, folder);
    if (found === undefined) {
      if (optional.includes(name)) continue;
      throw new Error(`${folder} depends on '${name}', which is not installed: run npm ci.`);
    }
    if (folders.has(found)) continue;
    folders.add(found);
    addDependencies(found, folders);
  }
  return folders;
}

/** The folders of all dependencies. Two versions of one package cannot both be installed from tarballs by their names. */
function dependenciesOf(folder: string): string[] {
  const folders = [...addDependencies(folder)];
  const byName = new Map<string, string>();
  for (const one of folders) {
    const { name, version } = manifestOf(one);
    const other = byName.get(name);
    if (other !== undefined) {
      throw new Error(
        `The package depends on two copies of '${name}': ${other} (${manifestOf(other).version}) and ${one} (${version}). ` +
          'This test installs one of each: choose dependencies that agree, or teach it to nest them.',
      );
    }
    byName.set(name, one);
  }
  return folders;
}

const cacheIn = (place: string): string[] => ['--cache', join(place, 'cache'), '--offline'];

/** Installs tarballs into an empty folder, with the dependencies of the package in `source`. */
function install(place: string, name: string, source: string, ...tarballs: readonly string[]): string {
  const cache = cacheIn(place);
  const dependencies = pack(place, dependenciesOf(source), place, ...cache, ...WITHOUT_SCRIPTS);
  const folder = join(place, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const flags = [...cache, '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  run(folder, 'npm', 'install', ...flags, ...tarballs, ...dependencies.map((tarball) => tarball.path));
  return folder;
}

/** What else of TF.js the library's user has. */
const BACKENDS = ['cpu', 'wasm', 'webgl', 'webgpu'].map((name) => `@tensorflow/tfjs-backend-${name}`);

const cloneIn = (place: string): string => join(place, 'clone');

/** @param place an empty folder, to work in */
export function installLibrary(place: string): Installed {
  const clone = cloneIn(place);
  cpSync(ROOT, clone, {
    recursive: true,
    filter: (path) => !NOT_IN_A_CLONE.includes(basename(path)),
  });
  symlinkSync(MODULES, join(clone, 'node_modules'));
  const [{ path, files }] = pack(clone, ['.'], place, ...cacheIn(place)) as [Tarball];
  const folder = install(place, 'project', ROOT, path);
  // A peer of which there is something to say is optional.
  const optional = namesIn(ROOT, 'peerDependenciesMeta');
  const peers = namesIn(ROOT, 'peerDependencies').filter((name) => !optional.includes(name));
  for (const name of [...peers, ...BACKENDS]) {
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
  }
  return { tarball: path, folder, files };
}

/** The command, in a folder of its own beside the library, which was installed into `place` and is installed with it. */
export function installCommand(place: string, { tarball }: Installed): Installed {
  const [{ path, files }] = pack(cloneIn(place), ['./cli'], place, ...cacheIn(place)) as [Tarball];
  return { tarball: path, folder: install(place, 'command', COMMAND, tarball, path), files };
}
