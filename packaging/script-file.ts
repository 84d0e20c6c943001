/**
 * @file Bundles `evenkeel.min.js`, for pages that load TensorFlow.js by `<script>`: it takes TF.js from the global `tf` and
 * leaves a global `evenkeel`. The licences of what is in it beside evenkeel go into a file next to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, type Rolldown, build } from 'vite';
import { licencesOf } from '../shared/licences.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE = 'evenkeel.min.js';
const LICENCES = `${FILE}.LICENSE.txt`;
const CDN = 'https://cdn.jsdelivr.net/npm';

interface Manifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const { version, peerDependencies, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as Manifest;

/** The oldest version of a range such as ^4.22.0. */
const oldestIn = (range = ''): string => range.replace(/^\D+/, '');

const oldest = oldestIn(peerDependencies['@tensorflow/tfjs-core']);
const tested = oldestIn(devDependencies['@tensorflow/tfjs']);
const tensorflowScript = `<script src="${CDN}/@tensorflow/tfjs@${tested}/dist/tf.min.js"></script>`;
const hdf5Script = `<script src="${CDN}/h5wasm@${oldestIn(dependencies.h5wasm)}/dist/iife/h5wasm.js"></script>`;

/** Stands before everything else, since the first class extends one of `tf`. */
const CHECK = `
(() => {
  const { tf } = globalThis;
  const fix = ${JSON.stringify(`Put ${tensorflowScript} before the script of evenkeel, both without async.`)};
  if (!tf?.layers) {
    throw new Error('evenkeel needs TensorFlow.js, and the global tf is ' + (tf ? 'something else' : 'missing') + '. ' + fix);
  }
  const isOlder = ([major, minor], [otherMajor, otherMinor]) => major - otherMajor || minor - otherMinor;
  if (isOlder(tf.version_core.split('.'), '${oldest}'.split('.')) < 0) {
    throw new Error('evenkeel needs TensorFlow.js ${oldest} or newer, and the global tf is ' + tf.version_core + '. ' + fix);
  }
})();
`;

/** h5wasm is some megabytes, which only saving as .h5 needs. It has a script of its own. */
const HDF5 = `
if (!globalThis.h5wasm) throw new Error(${JSON.stringify(`its script is not in the page: ${hdf5Script}`)});
export const { File, ready } = globalThis.h5wasm;
`;

/** zip.js without what it has for old browsers, and without its workers. */
const ZIP = `
export { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter } from '@zip.js/zip.js/lib/zip-core-custom.js';
`;

const MODULES = new Map([
  ['h5wasm', HDF5],
  ['@zip.js/zip.js', ZIP],
]);

const modulesInstead: Plugin = {
  name: 'other modules in the place of some packages',
  enforce: 'pre',
  resolveId: (source) => (MODULES.has(source) ? `\0${source}` : null),
  load: (id) => MODULES.get(id.slice(1)) ?? null,
};

/** Writes the script, its source map and its licences into the folder `outDir`, and leaves what else is there. */
export async function buildScript(outDir: string): Promise<void> {
  const [{ output }] = (await build({
    ...{ root: ROOT, configFile: false, logLevel: 'warn', publicDir: false },
    plugins: [modulesInstead],
    build: {
      ...{ outDir, emptyOutDir: false, target: 'es2022', sourcemap: true, reportCompressedSize: false },
      lib: {
        ...{ entry: join(ROOT, 'packaging/script.ts'), name: 'evenkeel', formats: ['iife'] },
        fileName: () => FILE,
      },
      rolldownOptions: {
        external: /^@tensorflow\/tfjs-(core|layers)$/,
        // Where zip.js would look for its workers, which are not used.
        transform: { define: { 'import.meta.url': 'undefined' } },
        output: {
          globals: { '@tensorflow/tfjs-core': 'tf', '@tensorflow/tfjs-layers': 'tf' },
          banner: CHECK,
          postBanner: `/*! evenkeel ${version}, Apache-2.0. What else is in it: see ${LICENCES}. */`,
        },
      },
    },
  })) as [Rolldown.RolldownOutput];
  writeFileSync(join(outDir, LICENCES), licencesOf(output[0].moduleIds));
}
