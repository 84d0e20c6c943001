/** @file The packages as they are installed: what is in them, and that Node, TypeScript and Vite can use them. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { REPOSITORY } from '../../docs/.vitepress/project.js';
import { findChromium, launch } from '../browser/chromium.js';
import { serve } from '../browser/site.js';
import { DOCUMENTS, ROOT, blocksOf, sourceFiles } from '../docs/blocks.js';
import { modelNamed, readModel } from '../keras-files/golden.js';
import { findProgram } from '../programs.js';
import { type Installed, installCommand, installLibrary, run } from './installed.js';

const place = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-'));
let installed: Installed;

/** npm takes half a minute; on a busy machine, several times as long. */
const WHILE_NPM_INSTALLS = 300_000;

beforeAll(() => {
  installed = installLibrary(place);
}, WHILE_NPM_INSTALLS);

afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

/** Writes a file into the project that has installed the package. */
function write(path: string, text: string): string {
  const file = join(installed.folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const runInNode = (...args: string[]): string => run(installed.folder, process.execPath, ...args).trim();

/** As much of a browser as TF.js and Vite ask for; without, TF.js takes itself to be in Node, whose modules no page has. */
const BROWSER = 'globalThis.window = globalThis; globalThis.document = { createElement: () => ({}) };';

const runAsPage = (file: string): string => runInNode('--import', `data:text/javascript,${BROWSER}`, file);

const ENTRIES = ['.', 'core', 'data', 'tools', 'keras', 'distributed', 'threads', 'mpi'];

/** Every file of a folder, by its path from the repository's folder. */
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

/** A training step, on TF.js' parts alone: no page needs all of @tensorflow/tfjs. */
const PROGRAM = `
  import * as tf from '@tensorflow/tfjs-core';
  import { sequential, layers } from '@tensorflow/tfjs-layers';
  import '@tensorflow/tfjs-backend-cpu';
  import { layerBatchNormalization } from 'evenkeel';
  import { forward, initialState } from 'evenkeel/core';
  import { fold, freeze } from 'evenkeel/tools';

  tf.enableProdMode();
  const model = layerBatchNormalization(sequential(), { momentum: 0, scale: false, inputShape: [1] });
  model.add(layers.dense({ units: 1 }));
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const x = tf.tensor2d([[10], [30]]);
  await model.fit(x, x, { epochs: 1, verbose: 0 });
  const [moved] = model.layers[0].movingMean.read().dataSync();

  const values = Float64Array.of(10, 30);
  const { state } = forward({ values, shape: [2, 1] }, initialState({}, [2, 1]), { momentum: 0 }, { training: true });
  const { folded } = await fold(model);
  console.log(moved, state.movingMean[0], folded.length, freeze(model, 'dense*').changed.length);
`;

test('holds what it should and nothing else', () => {
  // Declarations of what a package lacks lead to no module.
  const sources = sourceFiles('src').filter((path) => !path.endsWith('.d.ts'));
  const modules = sources.map((path) => path.replace(/^src\/(.*)\.ts$/, '$1'));
  const built = modules.flatMap((module) =>
    ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((ending) => `dist/${module}${ending}`),
  );
  const pictures = filesIn('docs').filter(
    (path) => /\.(svg|png)$/.test(path) && !path.includes('/.vitepress/'),
  );
  const others = ['LICENSE', 'distributed/keras_worker.py', 'package.json', ...filesIn('examples')];
  const forRequire = ENTRIES.flatMap((entry) =>
    ['index.cjs', 'index.d.cts'].map((file) => posix.join('dist', entry, file)),
  );
  const script = ['', '.map', '.LICENSE.txt'].map((ending) => `dist/evenkeel.min.js${ending}`);
  expect(installed.files).toEqual(
    [...built, ...forRequire, ...script, ...sourceFiles('src'), ...DOCUMENTS, ...pictures, ...others].sort(),
  );
});

const modulesOf = ({ folder }: Installed): string[] =>
  readdirSync(join(folder, 'node_modules'))
    .filter((name) => !name.startsWith('.'))
    .sort();

test('needs, besides TF.js, only what reads and writes files, and finds near names', () => {
  expect(modulesOf(installed)).toEqual(
    ['@tensorflow', '@zip.js', 'evenkeel', 'fastest-levenshtein', 'h5wasm', 'pako'].sort(),
  );
});

test('its source maps lead to source files that are in it', () => {
  const folder = join(installed.folder, 'node_modules/evenkeel');
  for (const file of installed.files.filter((path) => path.endsWith('.map'))) {
    const { sources } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { sources: string[] };
    const own = sources.filter((source) => !source.includes('node_modules/'));
    for (const source of own) expect(existsSync(join(folder, dirname(file), source)), file).toBe(true);
  }
});

describe.each([
  ['bun', findProgram('EVENKEEL_BUN', 'bun'), []],
  ['deno', findProgram('EVENKEEL_DENO', 'deno'), ['run', '--allow-all', '--node-modules-dir=manual']],
] as const)('in %s', (name, program, args) => {
  test.skipIf(!program)('it runs as in Node', { tags: [name] }, () => {
    expect(run(installed.folder, program!, ...args, write('program.js', PROGRAM)).trim()).toBe('20 20 1 1');
  });
});

test('runs in Node', () => {
  expect(runInNode(write('program.js', PROGRAM))).toBe('20 20 1 1');
});

test('gives require the modules that import has, from every entry', () => {
  const program = `
    const entries = ${JSON.stringify(ENTRIES.map((entry) => posix.join('evenkeel', entry)))};
    (async () => {
      for (const entry of entries) {
        if (require(entry) !== (await import(entry))) throw new Error(entry);
      }
      const tf = require('@tensorflow/tfjs-core');
      const { sequential } = require('@tensorflow/tfjs-layers');
      require('@tensorflow/tfjs-backend-cpu');
      const { layerBatchNormalization } = require('evenkeel');
      const model = layerBatchNormalization(sequential(), { inputShape: [2] });
      console.log(entries.length, model.predict(tf.ones([3, 2])).shape);
    })();
  `;
  expect(runInNode('--no-warnings', write('require.cjs', program)).split('\n').at(-1)).toBe('8 [ 3, 2 ]');
});

test("says how to install what 'evenkeel/mpi' needs, and the package does not bring", () => {
  const program = `
    import { mpiCommunicator } from 'evenkeel/mpi';
    await mpiCommunicator().catch((error) => console.log(error.message));
  `;
  const message = runInNode(write('mpi.js', program));
  expect(message).toMatch(/package koffi, which could not be loaded: npm install koffi\..*pip install mpich/);
});

const TYPED = `
  import { BatchNormalization, layerBatchNormalization, type CallArguments } from 'evenkeel';
  import { forward, type State } from 'evenkeel/core';
  import { readArrays, type Limits } from 'evenkeel/data';
  import { fold, type FoldReport } from 'evenkeel/tools';
  import { loadKerasModel, type KerasSource } from 'evenkeel/keras';
  import { distributedDataParallel, type Communicator } from 'evenkeel/distributed';
  import { trainOnThreads, type Thread } from 'evenkeel/threads';
  import { mpiCommunicator, type MpiOptions } from 'evenkeel/mpi';

  class Own extends BatchNormalization {}
  const layer: BatchNormalization = new Own({ momentum: 0.9 });
  const epsilon: number = layerBatchNormalization({ axis: 1 }).epsilon;
  export { epsilon, layer, forward, readArrays, fold, loadKerasModel, distributedDataParallel, trainOnThreads, mpiCommunicator };
  export type { CallArguments, Communicator, FoldReport, KerasSource, Limits, MpiOptions, State, Thread };
`;

test.each<[ending: string, settings: object]>([
  ['ts', { module: 'CommonJS', moduleResolution: 'node10', ignoreDeprecations: '6.0' }],
  ['ts', { module: 'Preserve', moduleResolution: 'bundler' }],
  ['cts', { module: 'Node16' }],
  ['cts', { module: 'NodeNext' }],
  ['mts', { module: 'Node16' }],
  ['mts', { module: 'NodeNext' }],
])('TypeScript finds every entry from a .%s file with %o', (ending, settings) => {
  const file = write(`typed.${ending}`, TYPED);
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    { ...settings, target: 'ES2022', strict: true, noEmit: true, skipLibCheck: true, types: [] },
    installed.folder,
  );
  expect(errors).toEqual([]);
  const problems = ts.getPreEmitDiagnostics(ts.createProgram([file], options));
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});

test('has types for every form of the call', () => {
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        ...{ target: 'ES2022', module: 'NodeNext', strict: true, noEmit: true, skipLibCheck: true },
        ...{ exactOptionalPropertyTypes: true, lib: ['ES2022', 'DOM'], types: [] },
      },
      files: ['types.ts'],
    }),
  );
  write(
    'types.ts',
    `
    import * as tf from '@tensorflow/tfjs-core';
    import { type Sequential, type SymbolicTensor, input, layers, sequential } from '@tensorflow/tfjs-layers';
    import {
      BatchNormalization, ValueError, layerBatchNormalization, registerBatchNormalization,
      type Adjustment, type BatchNormalizationArgs, type CallArguments, type RenormClipping,
    } from 'evenkeel';
    import { type Forward, type State, ValueError as CoreError, backward, forward, initialState } from 'evenkeel/core';
    import { type FoldReport, type FreezeReport, fold, freeze, replaceBatchNormalization } from 'evenkeel/tools';

    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    const same = <A>() => <B>(_: B): Same<A, B> => true as Same<A, B>;

    const args: BatchNormalizationArgs = { axis: [1, -1], renorm: true, renormClipping: { rmax: tf.scalar(3) }, name: null };
    same<BatchNormalization>()(layerBatchNormalization()) satisfies true;
    same<BatchNormalization>()(layerBatchNormalization(null)) satisfies true;
    same<BatchNormalization>()(layerBatchNormalization(null, args)) satisfies true;
    same<BatchNormalization>()(layerBatchNormalization(args)) satisfies true;
    same<Sequential>()(layerBatchNormalization(sequential(), args)) satisfies true;
    same<tf.Tensor2D>()(layerBatchNormalization(tf.tensor2d([[1]]))) satisfies true;
    same<SymbolicTensor>()(layerBatchNormalization(input({ shape: [3] }), args)) satisfies true;
    same<SymbolicTensor>()(layerBatchNormalization(layers.dense({ units: 1 }), null)) satisfies true;

    // @ts-expect-error an argument that does not exist
    layerBatchNormalization({ momentun: 0.9 });
    // @ts-expect-error null means something for every argument but this one
    layerBatchNormalization({ axis: null });
    // @ts-expect-error a model of no kind that it knows
    layerBatchNormalization(3);

    const layer: layers.Layer = new BatchNormalization(args);
    const call: CallArguments = { training: true, mask: null, updateMovingStatistics: false };
    layer.apply(tf.ones([2, 3]), { ...call });
    const adjustment: Adjustment = (shape) => [tf.ones(shape), 0];
    const clipping: RenormClipping = { dmax: 5 };
    const undo: () => void = registerBatchNormalization();
    const error: Error = new ValueError('');

    const state: State = initialState({ momentum: 0.5 }, [2, 1]);
    const result: Forward<Float32Array> = forward({ values: new Float32Array(2), shape: [2, 1] }, state);
    same<Float32Array>()(backward([1, 2], result.saved).dx) satisfies true;
    const report: FoldReport = await fold(sequential(), { data: tf.ones([1]), signal: new AbortController().signal });
    const frozen: FreezeReport = freeze(report.model, /bn/);
    const [names]: [readonly string[]] = [replaceBatchNormalization(report.model).replaced];
    export { CoreError, adjustment, clipping, error, frozen, names, undo };
    `,
  );
  run(installed.folder, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.');
});

describe('in a page that Vite bundles,', () => {
  /** The script of the page, which is the only one unless it loads `parts` when it needs them. */
  async function bundle(name: string, program: string, parts = 0): Promise<string> {
    const root = dirname(write(`${name}/main.js`, program));
    write(`${name}/index.html`, '<!doctype html><script type="module" src="/main.js"></script>');
    await build({
      root,
      configFile: false,
      logLevel: 'error',
      build: { target: 'esnext', modulePreload: false, chunkSizeWarningLimit: 10_000 },
    });
    const scripts = readdirSync(join(root, 'dist/assets')).filter((file) => file.endsWith('.js'));
    expect(scripts).toHaveLength(1 + parts);
    return join(
      root,
      'dist/assets',
      scripts.find((file) => file.startsWith('index-'))!,
    );
  }

  test('it trains', async () => {
    expect(runAsPage(await bundle('page', PROGRAM))).toBe('20 20 1 1');
  });

  test('what is not imported is left out', async () => {
    const program = `
      import { ValueError } from 'evenkeel';
      console.log(new ValueError('message').name);
    `;
    const script = await bundle('page-without-layer', program);
    expect(runAsPage(script)).toBe('ValueError');
    expect(readFileSync(script, 'utf8').length).toBeLessThan(1000);
  });

  test('it loads files of Keras and saves them, with no trace of Node', async () => {
    const encode = (file: string) => Buffer.from(readModel(modelNamed(file))).toString('base64');
    const program = `
      import '@tensorflow/tfjs-backend-cpu';
      import { enableProdMode } from '@tensorflow/tfjs-core';
      import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';

      enableProdMode();
      const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const model = await loadKerasModel(decode('${encode('tf-keras-mlp-renorm.h5')}'));
      const other = await loadKerasModel(new Blob([decode('${encode('keras3-mlp.keras')}')]));
      const again = await loadKerasModel(await saveKerasModel(model, null, { for: 'keras3' }));
      const refused = await loadKerasModel('model.h5').catch((error) => error.name);
      console.log(again.layers.length, other.layers.length, refused);
    `;
    const script = await bundle('page-with-files', program, 5);
    expect(readFileSync(script, 'utf8')).not.toMatch(/(from|import\()\s*['"]node:/);
    expect(runAsPage(script)).toBe('5 5 ValueError');
  });
});

const chromium = findChromium();

/** Where the pages of the documents have packages from. */
const CDN = /https:\/\/cdn\.jsdelivr\.net\/npm\/((?:@[^/]+\/)?[^/@]+)@([\d.]+)\//g;

describe.skipIf(!chromium)('in Chromium, from a server of files,', { tags: ['browser'] }, () => {
  beforeAll(() => {
    // The project has its parts alone.
    const whole = 'node_modules/@tensorflow/tfjs';
    symlinkSync(join(ROOT, whole), join(installed.folder, whole));
  });

  test.each(
    blocksOf('docs/install.md', 'html').map(({ code }, i) => [
      [/^Loss: \d+\.\d\d at first, [01]\.\d\d in the end$/, /InputLayer BatchNormalization/][i]!,
      code,
    ]),
  )('the page that says %s in docs/install.md works', async (said, code) => {
    const browser = await launch(chromium!);
    onTestFinished(() => browser.close());
    for (const [, name, version] of code.matchAll(CDN)) {
      const folder = name === 'evenkeel' ? ROOT : join(ROOT, 'node_modules', name!);
      expect([name, version]).toEqual([
        name,
        (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version,
      ]);
    }
    const served = code.replaceAll(CDN, (_, name: string) => `/node_modules/${name}/`);
    write('page.html', `<!doctype html><meta charset="utf-8"><title>page</title><body></body>\n${served}`);
    const site = await serve(installed.folder, false);
    onTestFinished(() => site.close());
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(`${site.url}page.html`);
    await expect.poll(() => page.locator('body').innerText(), { timeout: 100_000 }).toMatch(said);
    expect(errors).toEqual([]);
  });
});

/** The links of a document that lead to files. */
const linksIn = (text: string): string[] =>
  [...text.matchAll(/\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"/g)]
    .map(([, inText, inTag]) => (inText ?? inTag!).replace(/#.*/, ''))
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link));

test("every link of the package's README leads to a file in it", () => {
  const text = readFileSync(join(installed.folder, 'node_modules/evenkeel/README.md'), 'utf8');
  expect(linksIn(text).filter((link) => !installed.files.includes(link))).toEqual([]);
});

describe('the command', () => {
  let command: Installed;

  beforeAll(() => {
    command = installCommand(place, installed);
  }, WHILE_NPM_INSTALLS);

  test('holds its own modules, what its pages are made of, and nothing else', () => {
    const ofOthers = [
      'shared/channel-chart',
      'shared/explanations',
      'shared/findings',
      'shared/interrupt',
      'shared/numbers',
      'shared/output-streams',
      'shared/report/page',
      'shared/tfjs-files',
      'shared/usage-error',
      'src/text/show',
    ].map((module) => `dist/${module}.js`);
    const modules = sourceFiles('cli/src').map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
    const pages = [
      ...['inspection.css', 'inspection.html', 'inspection.js'].map((name) => `dist/cli/src/report/${name}`),
      ...['channel-chart.css', 'page.css'].map((name) => `dist/shared/report/${name}`),
    ];
    const documents = ['LICENSE', 'README.md', 'package.json'];
    expect(command.files).toEqual([...modules, ...ofOthers, ...pages, ...documents].sort());
  });

  test('has a README whose links lead to files in it, or in the repository', () => {
    const text = readFileSync(join(command.folder, 'node_modules/evenkeel-cli/README.md'), 'utf8');
    expect(linksIn(text).filter((link) => !command.files.includes(link))).toEqual([]);
    const inRepository = text.match(/(?<=\]\()https:[^()]+/g)!.filter((one) => one.startsWith(REPOSITORY));
    expect(inRepository.length).toBeGreaterThan(0);
    for (const address of inRepository) {
      const [, path] = address.split(`${REPOSITORY}/blob/main/`);
      expect(path !== undefined && existsSync(join(ROOT, path)), address).toBe(true);
    }
  });

  test('runs, on every backend, by the name that npm gives it', () => {
    const model = join(command.folder, 'model.h5');
    writeFileSync(model, readModel(modelNamed('tf-keras-mlp.h5')));
    const evenkeel = join(command.folder, 'node_modules/.bin/evenkeel');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'cli/package.json'), 'utf8')) as {
      version: string;
    };
    expect(run(command.folder, evenkeel, '--version').trim()).toBe(version);
    for (const backend of ['wasm', 'cpu']) {
      const printed = run(command.folder, evenkeel, 'fold', model, 'folded.keras', '--backend', backend);
      expect(printed).toMatch(/^1 normalization folded, 0 kept\./);
    }
    run(command.folder, evenkeel, 'inspect', model, '--html', 'report.html');
    expect(readFileSync(join(command.folder, 'report.html'), 'utf8')).toContain('<svg');
  });
});
