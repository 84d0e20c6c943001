/** @file The recipe of training in a worker, bundled as a user's page: the page draws while the worker trains. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'vite';
import { afterAll, describe, expect, test } from 'vitest';
import { ROOT, blocksOf } from '../docs/blocks.js';
import { findChromium, launch } from './chromium.js';
import { serve } from './site.js';

const chromium = findChromium();

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
