/**
 * @file Every backend of TF.js in a real browser, from a bundle as a user's page has it: golden cases, whole trainings,
 * which kernels run, and leaks. Whatever the browser warns of fails a test.
 *
 * SwiftShader compiles and computes on the processor, so that on webgpu and webgl a spread of the cases has to do, and
 * the others are skipped; `EVENKEEL_BROWSER=all` has all of them replayed.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { COMPOSED, FUSED, type KernelsInUse } from '../fused/kernels-in-use.js';
import { LAYER_GROUPS, readAttempts, readCases, readRuns } from '../golden/index.js';
import { canTrain } from '../keras/runs.js';
import { USES } from '../models/leaks.js';
import { findChromium, launch } from './chromium.js';
import { type Site, bundlePage, serve } from './site.js';
import { TestPage } from './test-page.js';

interface Setup {
  readonly backend: string;
  /** What golden cases run on it. */
  readonly kernels: KernelsInUse;
  /** More than 1: on a page that is isolated from other sites, since only there memory is shared. */
  readonly threads: number;
  readonly isOnGpu: boolean;
  /** Of how many cases, and of how many trainings, one is replayed, unless all are. Odd, so that both ways come up. */
  readonly stride: number;
}

const SETUPS: Record<string, Setup> = {
  webgpu: { backend: 'webgpu', kernels: FUSED, threads: 1, isOnGpu: true, stride: 9 },
  webgl: { backend: 'webgl', kernels: COMPOSED, threads: 1, isOnGpu: true, stride: 19 },
  wasm: { backend: 'wasm', kernels: FUSED, threads: 1, isOnGpu: false, stride: 1 },
  'wasm with threads': { backend: 'wasm', kernels: FUSED, threads: 2, isOnGpu: false, stride: 1 },
  cpu: { backend: 'cpu', kernels: FUSED, threads: 1, isOnGpu: false, stride: 1 },
};

/** TF.js' wasm backend makes half as many threads as there are cores, at most. */
const CORES = 4;

const CASES = LAYER_GROUPS.flatMap((group) =>
  readCases(group).map(({ name, args }, index) => ({ group, name, args, index })),
);
const withIndices = <T>(list: readonly T[]) => list.map((item, index) => ({ ...item, index }));
const [REFUSED, ACCEPTED] = [withIndices(readAttempts('errors')), withIndices(readAttempts('accepted'))];
const RUNS = withIndices(readRuns());
/** Whose layers a run has: the first with which it can be trained. */
const LAYERS = ['TF.js', 'Keras'] as const;

const chromium = findChromium();

describe.skipIf(!chromium)('in Chromium', { tags: ['browser'] }, () => {
  const place = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-'));
  let browser: Browser;
  let sites: { isolated: Site; open: Site };

  beforeAll(async () => {
    const folder = await bundlePage(place);
    sites = { isolated: await serve(folder, true), open: await serve(folder, false) };
    browser = await launch(chromium!);
  });

  afterAll(async () => {
    await browser.close();
    await sites.isolated.close();
    await sites.open.close();
    rmSync(place, { recursive: true, force: true });
  });

  describe.each(Object.entries(SETUPS))('on %s', (_, { backend, kernels, threads, isOnGpu, stride }) => {
    const step = process.env.EVENKEEL_BROWSER === 'all' ? 1 : stride;
    /** A test of each in the spread; the others are skipped. */
    function testSpread<T>(list: readonly T[], name: string, run: (item: T) => Promise<void>): void {
      test.each(list.filter((_, i) => i % step === 0))(name, run);
      test.skip.each(list.filter((_, i) => i % step !== 0))(name, { tags: ['every-case'] }, run);
    }
    const hasKernels = kernels !== COMPOSED;
    let page: TestPage;

    beforeAll(async () => {
      page = await TestPage.open(browser, (threads > 1 ? sites.isolated : sites.open).url, CORES);
    });
    afterEach(() => {
      expect(page.takeMessages(), 'what the browser said').toEqual([]);
    });
    afterAll(async () => {
      // A GPU complains late.
      const messages = page.takeMessages();
      await page.close();
      expect(messages, 'what the browser said').toEqual([]);
    });

    test('is what runs', async () => {
      expect(await page.call('start', backend, threads)).toEqual({
        ...{ backend, isOnGpu, hasKernels },
        threads: backend === 'wasm' ? threads : 0,
        hasSharedMemory: threads > 1,
      });
    });

    testSpread(CASES, 'agrees with Keras in $group: $name', async ({ group, index }) => {
      await page.call('replayCase', group, index, {});
    });

    test.each(REFUSED)('refuses what Keras refuses, no later: $name', async ({ index }) => {
      await page.call('replayRefusal', index);
    });

    test.each(ACCEPTED)('accepts what Keras accepts: $name', async ({ index }) => {
      await page.call('replayAcceptance', index);
    });

    testSpread(
      // Where there are no kernels of ours, one case tells as much as all.
      hasKernels ? CASES : CASES.slice(0, 1),
      'runs the kernels that it should in $group: $name',
      async ({ group, index }) => {
        await page.call('checkKernels', group, index, kernels);
      },
    );

    testSpread(
      hasKernels ? CASES.filter(({ args }) => args.fused !== false) : [],
      'agrees with Keras in $group with fused: false: $name',
      async ({ group, index }) => {
        await page.call('replayCase', group, index, { fused: false });
      },
    );

    const accelerate = backend === 'wasm';
    testSpread(
      RUNS.flatMap((run) => {
        const layers = LAYERS.find((these) => canTrain(backend, run, { layers: these, accelerate }));
        return layers ? [{ ...run, layers }] : [];
      }),
      'trains as Keras does, with the layers of $layers: $name',
      async ({ index, layers }) => {
        await page.call('replayRun', index, { layers, accelerate });
      },
    );

    testSpread(Object.keys(USES), 'leaves no tensors: %s', async (use) => {
      await page.call('checkLeaks', use);
    });

    test('hundreds of steps of fit and predict leave nothing', async () => {
      await page.call('checkLeaksOfTraining');
    });
  });
});
