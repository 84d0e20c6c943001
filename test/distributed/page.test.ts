/** @file Training on threads in a page, in Chromium: where it is isolated, and where it is not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launch } from '../browser/chromium.js';
import { type Site, serve } from '../browser/site.js';
import { ROOT } from '../docs/blocks.js';
import type { functions } from './page/main.js';

const executablePath = findChromium();

type Functions = typeof functions;

describe.skipIf(!executablePath)('threads of a page', { tags: ['browser'] }, () => {
  const outDir = mkdtempSync(join(tmpdir(), 'evenkeel-threads-'));
  let browser: Browser;
  let sites: Site[] = [];
  beforeAll(async () => {
    await build({
      ...{ root: fileURLToPath(new URL('page', import.meta.url)), configFile: false, base: './' },
      logLevel: 'error',
      resolve: { alias: [{ find: /^evenkeel\/(\w+)$/, replacement: `${ROOT}src/$1/index.ts` }] },
      worker: { format: 'es' },
      build: { outDir, target: 'es2023' },
    });
    browser = await launch(executablePath!);
    sites = await Promise.all([serve(outDir, true), serve(outDir, false)]);
  });
  afterAll(async () => {
    await browser.close();
    for (const site of sites) await site.close();
    rmSync(outDir, { recursive: true });
  });

  /** What a function of the page gives, or the message of what it throws. No worker is left then. */
  async function call<Name extends keyof Functions>(
    name: Name,
    args: Parameters<Functions[Name]>,
    isIsolated = true,
  ): Promise<unknown> {
    const page = await browser.newPage();
    await page.goto(sites[isIsolated ? 0 : 1]!.url);
    await page.waitForFunction(() => 'functions' in window);
    const given = await page.evaluate(
      async ([asked, values]) => {
        const { functions: all } = window as unknown as {
          functions: Record<string, (...args: unknown[]) => unknown>;
        };
        try {
          return await all[asked]!(...values);
        } catch (error) {
          return (error as Error).message;
        }
      },
      [name, args] as const,
    );
    await expect.poll(() => page.workers().length).toBe(0);
    await page.close();
    return given;
  }

  test('sum, report and give the result of rank 0', async () => {
    expect(await call('train', ['sum', 3])).toEqual({
      result: [6, 60],
      reports: ['rank 0 is done', 'rank 1 is done', 'rank 2 is done'],
    });
  });

  test('end together where one throws, or leaves a rejection unhandled', async () => {
    expect(await call('train', ['throw', 2])).toBe('Rank 1 of 2 failed: It fails.');
    expect(await call('train', ['reject', 2])).toBe('Rank 1 of 2 failed: Nobody listens.');
  });

  test('end where their script is not there', async () => {
    expect(await call('trainNothing', [])).toMatch(/^Rank \d of 2 failed: Its script could not be loaded\.$/);
  });

  test('are refused on a page that is not isolated, and sums on the page’s own thread', async () => {
    expect(await call('train', ['sum', 2], false)).toContain(
      'this page is not cross-origin isolated. Serve it with the headers',
    );
    expect(await call('wait', [])).toBe(
      'This thread must not wait (Atomics.wait), as a page’s own thread must not: sum over ranks in workers.',
    );
  });
});
