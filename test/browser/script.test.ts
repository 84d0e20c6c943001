/**
 * @file Pages without a bundler: TF.js and evenkeel by `<script>`, opened from files, or from a server that sends nothing but
 * files.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { buildScript } from '../../packaging/script-file.js';
import { ROOT } from '../docs/blocks.js';
import { findChromium, launch } from './chromium.js';
import { type Site, serve } from './site.js';

const chromium = findChromium();
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-script-'));
const pathOf = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(pathOf(name), 'utf8');

const SCRIPTS = [
  '@tensorflow/tfjs/dist/tf.min.js',
  '@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js',
  '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  'h5wasm/dist/iife/h5wasm.js',
];

beforeAll(async () => {
  await buildScript(folder);
  for (const path of SCRIPTS) copyFileSync(join(ROOT, 'node_modules', path), pathOf(basename(path)));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('the source map of the script leads to the lines of src', () => {
  const code = read('evenkeel.min.js').split('\n');
  const map = JSON.parse(read('evenkeel.min.js.map')) as ConstructorParameters<typeof SourceMap>[0] & {
    sources: string[];
    sourcesContent: string[];
  };
  expect(code.at(-1)).toBe('//# sourceMappingURL=evenkeel.min.js.map');
  const text = 'expected a tf.Sequential, a tensor';
  const line = code.findIndex((one) => one.includes(text));
  const entry = new SourceMap(map).findEntry(line, code[line]!.indexOf(text));
  if (!('originalSource' in entry)) throw new Error('nothing is mapped there');
  expect(entry.originalSource).toMatch(/\/src\/layer\/layer-batch-normalization\.ts$/);
  const source = map.sourcesContent[map.sources.indexOf(entry.originalSource)]!;
  expect(
    source
      .split('\n')
      .slice(entry.originalLine, entry.originalLine + 3)
      .join('\n'),
  ).toContain(text);
});

test('the licences of what else is in the script are beside it', () => {
  expect(read('evenkeel.min.js').split('\n')[0]).toMatch(
    /^\/\*! evenkeel [\d.]+, Apache-2\.0\..* see evenkeel\.min\.js\.LICENSE\.txt/,
  );
  const licences = read('evenkeel.min.js.LICENSE.txt');
  for (const copyright of ['Gildas Lormeau', 'Kasper Unn Weihe', 'Vitaly Puzrin'])
    expect(licences).toContain(copyright);
});

const tensorflow = '<script src="tf.min.js"></script>';
const evenkeel = '<script src="evenkeel.min.js"></script>';

describe.skipIf(!chromium)('in Chromium, a page', { tags: ['browser'] }, () => {
  let browser: Browser;
  let site: Site;
  beforeAll(async () => {
    [browser, site] = await Promise.all([launch(chromium!), serve(folder, false)]);
  });
  afterAll(() => Promise.all([browser.close(), site.close()]));

  let pages = 0;
  /** What a page with these scripts answers, and the first error in it. */
  async function run(scripts: readonly string[], isServed = false) {
    const name = `page${pages++}.html`;
    writeFileSync(
      pathOf(name),
      `<!doctype html><meta charset="utf-8"><title>page</title>\n${scripts.join('\n')}`,
    );
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(isServed ? `${site.url}${name}` : pathToFileURL(pathOf(name)).href);
    const answer = await page.evaluate(() => (globalThis as { answer?: unknown }).answer);
    return { answer, error: errors[0] };
  }
  const program = (code: string) =>
    `<script>answer = (async () => { ${code} })().catch((error) => String(error))</script>`;
  const train = (backend: string) =>
    program(`
      await tf.setBackend('${backend}');
      const model = evenkeel.layerBatchNormalization(tf.sequential(), { momentum: 0, scale: false, inputShape: [1] });
      model.add(tf.layers.dense({ units: 1 }));
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      const x = tf.tensor2d([[10], [30]]);
      await model.fit(x, x, { epochs: 1, verbose: 0 });
      const { folded } = await evenkeel.tools.fold(model);
      const [layer] = model.layers;
      return [layer.movingMean.read().dataSync()[0], folded.length, layer.describe().backend, layer.describe().reason];
    `);

  test('opened from files trains and folds', async () => {
    const { answer, error } = await run([tensorflow, evenkeel, train('cpu')]);
    expect(error).toBeUndefined();
    expect(answer).toEqual([20, 1, 'cpu', expect.stringContaining('kernels')]);
  });

  test("trains on TF.js' wasm backend, by its script", async () => {
    const backend = '<script src="tf-backend-wasm.min.js"></script>';
    const { answer, error } = await run([tensorflow, backend, evenkeel, train('wasm')], true);
    expect(error).toBeUndefined();
    expect(answer).toEqual([20, 1, 'wasm', expect.stringContaining('kernels')]);
  });

  test('loads a file of Keras; says what saving one needs, and saves with it', async () => {
    const sample = readFileSync(join(ROOT, 'examples/digits/model.h5')).toString('base64');
    const save = program(`
      await tf.setBackend('cpu');
      const bytes = Uint8Array.from(atob('${sample}'), (letter) => letter.charCodeAt(0));
      const model = await evenkeel.keras.loadKerasModel(new File([bytes], 'model.h5'));
      const saved = await evenkeel.keras.saveKerasModel(model, null, { for: 'keras3', format: 'keras' });
      return (await evenkeel.keras.loadKerasModel(saved)).layers.map((layer) => layer.name).join(' ');
    `);
    const without = await run([tensorflow, evenkeel, save]);
    expect(without.answer).toMatch(
      /^ValueError: Saving as \.h5 or \.keras takes the package h5wasm, which did not load: its script is not in the page: <script src="https:[^"]+h5wasm@[\d.]+\/dist\/iife\/h5wasm\.js">/,
    );
    const { answer, error } = await run([tensorflow, evenkeel, '<script src="h5wasm.js"></script>', save]);
    expect(error).toBeUndefined();
    expect(answer).toMatch(/ conv1 bn1 relu1 pool conv2 bn2 relu2 flatten digit$/);
  });

  test('has it in a worker', async () => {
    writeFileSync(
      pathOf('worker.js'),
      `importScripts('tf.min.js', 'evenkeel.min.js');
       postMessage(evenkeel.layerBatchNormalization().getClassName());`,
    );
    const ask = program(`
      const worker = new Worker('worker.js');
      return new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve(message);
      });
    `);
    expect((await run([ask], true)).answer).toBe('BatchNormalization');
  });

  test.each([
    ['missing', [evenkeel], 'the global tf is missing'],
    ['loaded later', [evenkeel, tensorflow], 'the global tf is missing'],
    ['something else', ['<script>tf = {}</script>', evenkeel], 'the global tf is something else'],
    ['too old', ['<script>tf = { layers: {}, version_core: "4.9.0" }</script>', evenkeel], 'tf is 4.9.0'],
  ])('says so where TF.js is %s', async (_, scripts, cause) => {
    const { error } = await run(scripts);
    expect(error).toContain(cause);
    expect(error).toMatch(
      /Put <script src="https:\/\/[^"]+\/@tensorflow\/tfjs@[\d.]+\/dist\/tf\.min\.js"><\/script> before the script of evenkeel/,
    );
  });
});
