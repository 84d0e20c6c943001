/**
 * @file Recipes for pages, in a page: of training in a worker, which is bundled, and of a model from R, which is one file
 * that is opened from the disk.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { build } from 'vite';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFolder } from '../cli/files.js';
import { type Block, ROOT, blocksOf } from '../docs/blocks.js';
import { unpack } from '../golden/index.js';
import { modelNamed, readModel } from '../keras-files/golden.js';
import { findChromium, launch } from './chromium.js';
import { serve } from './site.js';

const chromium = findChromium();

describe.skipIf(!chromium)('docs/recipes/r.md', { tags: ['browser'] }, () => {
  const folder = makeFolder(afterAll);

  test('loads a model in a page that is opened from the disk, and predicts what Keras did', async () => {
    const model = modelNamed('tf-keras-mlp-renorm.h5');
    const [x, y] = [model.inputs[0]!, model.outputs[0]!].map((packed) =>
      tf.tensor([...unpack(packed)], packed.shape).arraySync(),
    );
    writeFileSync(`${folder}/model.h5`, readModel(model));
    writeFileSync(`${folder}/check.json`, JSON.stringify({ x, y }));
    const [{ code }] = blocksOf('docs/recipes/r.md', 'html') as [Block];
    const local = code
      .replace(/https:.*(?=\/dist\/tf\.min)/, `${ROOT}node_modules/@tensorflow/tfjs`)
      .replace(/https:.*(?=\/dist\/evenkeel)/, ROOT.slice(0, -1));
    writeFileSync(`${folder}/model.html`, local);
    const browser = await launch(chromium!);
    try {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(`${folder}/model.html`).href);
      await page.locator('input').setInputFiles([`${folder}/model.h5`, `${folder}/check.json`]);
      const told = page.getByText('differs by');
      await told.waitFor({ timeout: 60_000 });
      expect(Number((await told.innerText()).split(' ').at(-1))).toBeLessThan(1e-5);
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(!chromium)('docs/recipes/worker.md', { tags: ['browser'] }, () => {
  // Within the repository, so that the page finds TF.js.
  mkdirSync(`${ROOT}out`, { recursive: true });
  const root = mkdtempSync(`${ROOT}out/worker-`);
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  test('trains in a worker, and the page goes on drawing', async () => {
    for (const { title, code } of blocksOf('docs/recipes/worker.md', 'ts'))
      writeFileSync(`${root}/${title}`, code);
    writeFileSync(`${root}/index.html`, '<body><script type="module" src="./main.ts"></script></body>');
    const outDir = `${root}/site`;
    await build({
      ...{ root, configFile: false, logLevel: 'error', base: './', worker: { format: 'es' } },
      resolve: { alias: { evenkeel: `${ROOT}src/index.ts` } },
      build: { outDir, target: 'esnext', chunkSizeWarningLimit: 10_000 },
    });
    const site = await serve(outDir, false);
    const browser = await launch(chromium!);
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      await page.goto(site.url);
      const told = page.getByText('frames drawn');
      await Promise.race([
        told.waitFor({ timeout: 60_000 }),
        page.waitForEvent('pageerror', { timeout: 60_000 }),
      ]);
      expect(errors).toEqual([]);
      const [frames, inside] = (await told.innerText()).match(/[\d.]+\d/g)!.map(Number);
      expect(frames).toBeGreaterThan(10);
      expect(inside).toBeGreaterThan(0.8);
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
