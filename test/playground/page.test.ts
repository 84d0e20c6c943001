/**
 * @file The playground as a user has it: the published folder in a real browser. Without a Chromium it is skipped, which
 * the test's report shows; EVENKEEL_CHROMIUM names one that is not on PATH.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawDigits } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';
import { findChromium, launch } from '../browser/chromium.js';
import { LOOKS } from '../browser/looks.js';
import { idx, idxImages, idxLabels } from '../demo/files.js';
import { ROOT } from '../docs/blocks.js';
import { Playground } from './browser.js';
import { doctorCases, openModel, unhealthyModel } from './doctor-cases.js';
import { raceCases } from './race-cases.js';
import { safetyCases } from './safety-cases.js';
import { type Site, publish } from './site.js';
import { storyCases } from './story-cases.js';

const executablePath = findChromium();

/** Small and quick, where a test is not about learning. */
const QUICK = '#data=circles&width=8&depth=2&b={}';

/** Text that would do something, were it taken for HTML. */
const MARKUP = '<img src=x onerror=alert(1)>';

const hashOf = (values: Readonly<Record<string, string>>): string =>
  `#${new URLSearchParams(values).toString()}`;

describe.skipIf(!executablePath)(
  `in ${executablePath ?? 'Chromium'}, the page`,
  { tags: ['browser'] },
  () => {
    let site: Site;
    let browser: Browser;
    beforeAll(async () => {
      [site, browser] = await Promise.all([
        publish(),
        // Without the flags that have a graphics card imitated: drawing the page itself would then take most of the time.
        chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] }),
      ]);
    });
    afterAll(async () => {
      await browser.close();
      await site.close();
    });
    const open = (address = '', options = {}): Promise<Playground> =>
      Playground.open(browser, site, address, options);

    test('trains both networks while it stays responsive, and the normalized one is ahead', async () => {
      const playground = await open();
      const { page } = playground;
      expect(await playground.text('backend').innerText()).toBe('wasm');
      expect(await playground.text('b-execution').innerText()).toContain('EvenkeelGradientNormalize');

      const frames = await playground.watchFrames();
      await playground.press('Start');
      await playground.until(async () => (await playground.number('b-accuracy')) > 85);
      expect((await playground.accuracies()).a).toBeLessThan(50);

      expect(await frames.longestTask()).toBeLessThan(100);
      // Other programs may hold up a frame of a machine that they share; a page that waits for training always would.
      await playground.until(async () => (await frames.longest(2000)) < 100, 20);

      // A seven, drawn by mouse while they train.
      await playground.text('sheet').scrollIntoViewIfNeeded();
      const { x, y } = (await playground.text('sheet').boundingBox())!;
      await page.mouse.move(x + 50, y + 40);
      await page.mouse.down();
      await page.mouse.move(x + 130, y + 40, { steps: 4 });
      await page.mouse.move(x + 90, y + 160, { steps: 6 });
      await page.mouse.up();
      await playground.until(async () => (await playground.text('b-answer').innerText()).startsWith('7'));
      expect(await playground.text('a-answer').innerText()).toMatch(/^\d \(\d+ %\)$/);
      await playground.press('Clear');
      expect(await playground.text('b-answer').innerText()).toBe('–');

      // Nothing leaves the machine: all that was asked for is the page's own files.
      const asked = playground.requests.filter((request) => !request.startsWith(`GET ${site.url}`));
      expect(asked).toEqual([]);
    });

    test('pauses, steps and resets, again and again, and holds no tensor more', async () => {
      const playground = await open(QUICK);
      const tensors = await playground.number('tensors');
      const first = await playground.accuracies();
      const seen = [];
      for (let i = 0; i < 3; i++) {
        await playground.press('Start');
        await playground.untilStep(20);
        await playground.press('Pause');
        await playground.page.getByText(/^Paused at step/).waitFor();
        const paused = await playground.number('step');
        await playground.press('Step');
        await playground.until(async () => (await playground.number('step')) === paused + 1);
        await playground.press('Reset');
        await playground.page.getByText('Reset to step 0.').waitFor();
        await playground.ready();
        expect(await playground.number('step')).toBe(0);
        expect(await playground.accuracies()).toEqual(first);
        seen.push(await playground.number('tensors'));
      }
      expect(seen).toEqual([tensors, tensors, tensors]);
    });

    test('gives the same numbers for the same seed, and both networks the same where they are the same', async () => {
      const playground = await open('#data=circles&width=8&depth=2&b=none');
      const run = async (): Promise<string[]> => {
        for (let i = 0; i < 3; i++) {
          await playground.press('Step');
          await playground.until(async () => (await playground.number('step')) === i + 1);
        }
        return playground.page.locator('.numbers').allInnerTexts();
      };
      const once = await run();
      expect(once[0]).toBe(once[1]);
      await playground.press('Reset');
      await playground.page.getByText('Reset to step 0.').waitFor();
      expect(await run()).toEqual(once);
      await playground.set('Seed', '2');
      expect(await run()).not.toEqual(once);
    });

    test('takes every argument of the layer, shows its documentation, and refuses what the layer refuses', async () => {
      const playground = await open(QUICK);
      const { page } = playground;
      const b = playground.network('b');
      await playground.openArguments('b');

      await playground.set('renorm', 'true', b);
      await page.getByText('Renorm’s r over the layer’s channels').waitFor();
      await playground.set('renormClipping', '{"rmax":3,"dmax":5}', b);
      await playground.set('betaInitializer', 'heNormal', b);
      await playground.set('adjustment', '{"scale":0.1}', b);
      expect(await playground.problems()).toEqual([]);
      const code = await playground.text('b-code').innerText();
      expect(code).toBe(
        'layerBatchNormalization({ renorm: true, renormClipping: {"rmax":3,"dmax":5}, betaInitializer: "heNormal", ' +
          'adjustment: {"scale":0.1} })',
      );

      await b.getByRole('button', { name: 'What is momentum?' }).click();
      expect(await b.getByText('How much of the moving mean and variance is kept').isVisible()).toBe(true);

      expect(await b.getByRole('link', { name: 'More about momentum' }).getAttribute('href')).toBe(
        '../arguments/moving-statistics.html#momentum',
      );

      const momentum = b.getByLabel('momentum', { exact: true });
      await playground.set('momentum', MARKUP, b);
      expect(await playground.problems()).toEqual([
        `The second network: momentum: expected a finite number, usually from 0 to 1, received '${MARKUP}'.`,
      ]);
      expect(await momentum.getAttribute('aria-invalid')).toBe('true');
      expect(await momentum.inputValue()).toBe(MARKUP);
      // The networks are as they were, and train.
      expect(await playground.text('b-code').innerText()).toBe(code);
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);

      await playground.set('momentum', '0.9', b);
      expect(await playground.problems()).toEqual([]);
      await playground.set('adjustment', '', b);
      await playground.set('virtualBatchSize', '7', b);
      expect(await playground.problems()).toEqual([
        expect.stringContaining('does not divide the batch of 60'),
      ]);
      await playground.set('virtualBatchSize', '', b);
      await playground.set('Learning rate', '', page);
      expect(await playground.problems()).toEqual([
        "Learning rate: expected a number from 0.000001 to 100, received ''.",
      ]);
    });

    test('shows test digits with what each network takes them for, some wrong ones first', async () => {
      const playground = await open('#width=16&depth=1&activation=relu');
      const { page } = playground;
      const digits = page.locator('.samples > li');
      expect(await digits.count()).toBe(24);
      await playground.press('Start');
      await playground.until(async () => (await playground.number('b-accuracy')) > 80);
      await playground.press('Pause');
      await page.getByText('The first 12 are wrong ones; the other 12 come as in the data.').waitFor();
      await page.getByText('Measured are 1,000 of the 1,200 to test').waitFor();
      const wrong = await playground.text('b-wrong').innerText();
      expect(Number(wrong) / 10).toBeCloseTo(100 - (await playground.number('b-accuracy')), 1);

      const counts = await digits.evaluateAll((items) =>
        items.map((item) => item.querySelectorAll('.wrong').length),
      );
      const first = counts.slice(0, 12);
      expect(first[11]).toBeGreaterThan(0);
      expect(first).toEqual(first.toSorted((a, b) => b - a));
      expect(await digits.first().textContent()).toMatch(
        /^(\d)\. without normalization: (\1|[^]✗, wrong)batch normalization: (\1|[^]✗, wrong)$/,
      );
      // Points in the plane are shown elsewhere.
      await playground.set('Data', 'moons');
      expect(await page.getByTestId('samples').count()).toBe(0);
    });

    test('draws what reaches a unit step by step, in words too, and is read by keyboard', async () => {
      const playground = await open(QUICK);
      const { page } = playground;
      await playground.press('Start');
      await playground.untilStep(100);
      await playground.press('Pause');
      await page.getByText(/^Paused at step/).waitFor();
      const NUMBER = '-?\\d[\\d.e+-]*';
      const parts = `the middle at ${NUMBER}, 70 % from ${NUMBER} to ${NUMBER}, 98 % from ${NUMBER} to ${NUMBER}`;
      expect(await playground.text('a-distribution').innerText()).toMatch(
        new RegExp(`^At step \\d+: ${parts}\\. At step 0: ${parts}\\.$`),
      );
      const chart = page.getByRole('slider', { name: 'batch normalization: input of unit 0' });
      await chart.focus();
      const last = Number(await chart.getAttribute('aria-valuemax'));
      await page.keyboard.press('ArrowLeft');
      await playground.until(async () => Number(await chart.getAttribute('aria-valuenow')) === last - 1);
      await page.keyboard.press('Home');
      await playground.until(async () =>
        /^step 0: 15 % -?[\d.]+, 50 % -?[\d.]+, 85 % -?[\d.]+$/.test(
          (await chart.getAttribute('aria-valuetext'))!,
        ),
      );
      await page.keyboard.press('Escape');
      await playground.until(async () => Number(await chart.getAttribute('aria-valuenow')) === last);
      // Units and channels count from 0, as in the doctor and in the address.
      await page.getByLabel('Unit', { exact: true }).fill('99');
      await page.getByLabel('Unit', { exact: true }).press('Enter');
      await page.getByRole('slider', { name: 'Mean of channel 7' }).waitFor();
      expect(new URL(page.url()).hash).toContain('unit=7');
    });

    test('shows where the networks decide, and lets toy data not be convolved', async () => {
      const playground = await open('#width=8&depth=2&kind=convolutional&activation=tanh');
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
      await playground.set('Data', 'moons');
      expect(await playground.page.getByLabel('Layers', { exact: true }).isDisabled()).toBe(true);
      const picture = (): Promise<string> =>
        playground.text('b-decisions').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
      const before = await picture();
      await playground.press('Start');
      await playground.until(async () => (await playground.number('b-accuracy')) > 90);
      expect(await picture()).not.toBe(before);
    });

    test('trains on dropped files, and refuses bad ones without losing what it had', async () => {
      const playground = await open(QUICK);
      const digits = drawDigits(100, new Random(1, 'digits'));
      const images = { name: 't10k-images-idx3-ubyte.gz', bytes: gzipSync(idxImages(digits)) };
      const labels = { name: 't10k-labels-idx1-ubyte', bytes: idxLabels(digits) };
      await playground.drop([images, labels]);
      await playground.page.getByText('80 to train, 20 to test').waitFor();
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);

      const refused = async (...files: Parameters<Playground['drop']>[0]): Promise<string> => {
        await playground.drop(files);
        await playground.until(async () => (await playground.problems()).length === 1);
        const [problem] = await playground.problems();
        await playground.dismiss();
        await playground.ready();
        return problem!;
      };
      expect(await refused({ name: MARKUP, bytes: Buffer.from('no digits') })).toContain(
        `${MARKUP} is in no format known here. Accepted are .npy, .npz and IDX files, gzipped or not.`,
      );
      expect(await refused(images)).toContain(
        'Expected one file of images beside one of labels, received 1 and 0',
      );
      expect(await refused({ ...images, bytes: images.bytes.subarray(0, 2000) }, labels)).toContain(
        'cannot be unpacked',
      );
      expect(
        await refused({ name: 'images', bytes: idx([0x803, 5, 28, 28], new Uint8Array(9)) }, labels),
      ).toMatch(/Expected one|announces/);
      expect(await playground.text('source').innerText()).toContain('t10k-images-idx3-ubyte.gz');
      expect(await playground.number('step')).toBe(1);
    });

    test('is shared by its address, and says what an address asks in vain', async () => {
      const playground = await open(QUICK);
      const { page } = playground;
      await playground.set('Activation', 'tanh');
      await playground.set('Normalization', 'batch', playground.network('a'));
      await page.getByLabel('Layer', { exact: true }).selectOption('1');
      const shared = new URL(page.url()).hash;

      const other = await open(shared);
      expect(await other.page.getByLabel('Activation', { exact: true }).inputValue()).toBe('tanh');
      expect(await other.text('a-code').innerText()).toBe('layerBatchNormalization()');
      expect(await other.page.getByLabel('Layer', { exact: true }).inputValue()).toBe('1');
      expect(new URL(other.page.url()).hash).toBe(shared);

      const wrong = hashOf({ depth: '99', b: '{"momentun":0.9}', nonsense: MARKUP });
      const corrected = await open(wrong);
      expect(await corrected.problems()).toEqual([
        "The address: Depth: expected a whole number from 1 to 8, received '99'.",
        "The address: there is no setting 'nonsense'.",
        expect.stringContaining("Did you mean 'momentum'?"),
      ]);
      await corrected.press('Step');
      await corrected.until(async () => (await corrected.number('step')) === 1);
    });

    test('has an entry of the history for each view, and what is trained stays when they change', async () => {
      const playground = await open(QUICK);
      const { page } = playground;
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
      await playground.set('Depth', '9');
      expect(await playground.problems()).toEqual([
        "Depth: expected a whole number from 1 to 8, received '9'.",
      ]);
      await playground.show('Doctor');
      expect(await page.title()).toBe('evenkeel doctor');
      expect(await playground.problems()).toEqual([]);
      await page.goBack();
      await playground.ready();
      expect(await page.title()).toBe('evenkeel playground');
      expect(await playground.number('step')).toBe(1);
      await page.goForward();
      await page.locator('.doctor').waitFor();
      await playground.show('Playground');
      expect(await playground.number('step')).toBe(1);
      // What is changed within a view is no entry.
      await playground.set('Depth', '3');
      await playground.set('Width', '9');
      await page.goBack();
      await page.locator('.doctor').waitFor();
    });

    test('is as light or dark as is chosen, here or in the site around it', async () => {
      const playground = await open(QUICK);
      const { page } = playground;
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.getByLabel('Theme').selectOption('dark');
      expect(await ground()).not.toBe(light);
      await page.reload();
      await playground.ready();
      expect(await page.getByLabel('Theme').inputValue()).toBe('dark');
      expect(await page.evaluate(() => localStorage.getItem('vitepress-theme-appearance'))).toBe('dark');
    });

    test('is worked by keyboard alone', async () => {
      const playground = await open('#width=8&depth=1');
      const { page } = playground;
      await playground.button('Start').focus();
      await page.keyboard.press('Space');
      await playground.untilStep(1);
      await page.keyboard.press('Space');
      await page.getByText(/^Paused at step/).waitFor();
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Step');

      await playground.text('sheet').focus();
      await page.keyboard.press('Space');
      for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowDown');
      await playground.until(async () => (await playground.text('a-answer').innerText()) !== '–');
      await page.keyboard.press('Delete');
      expect(await playground.text('a-answer').innerText()).toBe('–');
    });

    test('lifts the pen where the system takes the pointer away, as it does to scroll', async () => {
      const playground = await open('#width=8&depth=1');
      const sheet = playground.text('sheet');
      const pen = playground.page.locator('.paper .pen');
      await sheet.hover();
      await playground.page.mouse.down();
      await playground.until(async () => (await pen.getAttribute('class')) === 'pen down');
      await sheet.dispatchEvent('pointercancel');
      await playground.until(async () => (await pen.getAttribute('class')) === 'pen');
    });

    storyCases(open);
    doctorCases(() => open(QUICK));
    raceCases((hash = QUICK) => open(hash));
    safetyCases((hash = QUICK, options = {}) => open(hash, options));

    test('fits the picture that the README shows', async () => {
      // Narrow, so that it can be read where the picture is small.
      const playground = await open('', { viewport: { width: 820, height: 900 } });
      const { page } = playground;
      await playground.press('Start');
      await playground.untilStep(300);
      await playground.press('Pause');
      await page.getByText(/^Paused at step/).waitFor();
      const results = (await page.locator('.results').boundingBox())!;
      const picture = await page.screenshot({
        clip: { x: 0, y: 0, width: 820, height: Math.ceil(results.y + results.height) + 12 },
      });
      // A blank page would take some 10 kB; more than 200 has no place in a repository.
      expect(picture.length).toBeGreaterThan(30_000);
      expect(picture.length).toBeLessThan(200_000);
      if (process.env.EVENKEEL_PICTURE) writeFileSync(join(ROOT, 'docs/playground.png'), picture);
    });

    test('trains on the backend that is chosen, and shows what runs there', async () => {
      const withGraphics = await launch(executablePath!);
      try {
        const playground = await Playground.open(withGraphics, site, '#data=circles&width=4&depth=1');
        for (const backend of ['cpu', 'webgl', 'webgpu'] as const) {
          await playground.set('Backend', backend);
          expect(await playground.text('backend').innerText()).toBe(backend);
          expect(await playground.text('b-execution').innerText()).toContain(`'${backend}'`);
          await playground.press('Step');
          await playground.until(async () => (await playground.number('step')) === 1);
        }
        expect(await playground.problems()).toEqual([]);
      } finally {
        await withGraphics.close();
      }
    });

    test('trains where its server isolates it from other sites', async () => {
      const playground = await Playground.open(browser, { ...site, url: site.isolatedUrl }, QUICK);
      expect(await playground.page.evaluate(() => crossOriginIsolated)).toBe(true);
      expect(await playground.text('backend').innerText()).toBe('wasm');
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
    });

    test('trains on two threads where it is isolated, along the same curve as on one', async () => {
      const playground = await Playground.open(
        browser,
        { ...site, url: site.isolatedUrl },
        `${QUICK}&optimizer=adam&seed=3`,
      );
      const run = async (): Promise<string[]> => {
        for (let i = 0; i < 4; i++) {
          await playground.press('Step');
          await playground.until(async () => (await playground.number('step')) === i + 1);
        }
        return playground.page.locator('.numbers').allInnerTexts();
      };
      const alone = await run();
      await playground.set('Threads', '2');
      expect(await playground.problems()).toEqual([]);
      expect(new URL(playground.page.url()).hash).toContain('threads=2');
      expect(playground.page.workers()).toHaveLength(2);
      const together = await run();
      // As many numbers, in the same words; the last digit shown of each may differ.
      const wordsOf = (texts: readonly string[]) => texts.map((text) => text.replace(/[\d.]+/g, '#'));
      const numbersOf = (texts: readonly string[]) =>
        texts
          .join(' ')
          .match(/\d[\d.]*/g)!
          .map(Number);
      expect(wordsOf(together)).toEqual(wordsOf(alone));
      // Two networks, of each its loss and its accuracy.
      expect(numbersOf(alone).length).toBeGreaterThanOrEqual(4);
      numbersOf(together).forEach((value, i) => {
        const expected = numbersOf(alone)[i]!;
        expect(Math.abs(value - expected) / Math.max(1, Math.abs(expected))).toBeLessThan(2e-3);
      });
      await playground.press('Start');
      await playground.untilStep(30);
      await playground.press('Pause');
      await playground.picture('two-threads');
      await playground.set('Threads', '1');
      await playground.until(() => Promise.resolve(playground.page.workers().length === 1));

      await playground.set('Threads', '2');
      await playground.set('Batch size', '1');
      expect(await playground.problems()).toEqual([
        'Threads: expected 1, received 2. Two share batches of 2 and more, on the backends wasm and cpu.',
      ]);
    });

    test('has one thread where its server does not isolate it, and says so', async () => {
      const playground = await open(`${QUICK}&threads=2`);
      expect(await playground.page.getByLabel('Threads', { exact: true }).count()).toBe(0);
      expect(await playground.problems()).toEqual([
        expect.stringContaining('this page is not cross-origin isolated. Serve it with the headers'),
      ]);
      expect(await playground.number('step')).toBe(0);
    });

    test('says that a backend is missing, and runs on the next', async () => {
      const playground = await open(QUICK);
      await playground.set('Backend', 'webgpu');
      expect(await playground.problems()).toEqual([
        expect.stringContaining('The backend webgpu cannot be used in this browser'),
      ]);
      expect((await playground.problems())[0]).toMatch(/The networks run on wasm instead\.$/);
      expect(await playground.page.getByLabel('Backend', { exact: true }).inputValue()).toBe('wasm');
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
    });

    test('loads less than 300 kB to begin with, TF.js aside', async () => {
      const playground = await open();
      const files = playground.requests
        .map((request) => request.replace(`GET ${site.url}`, ''))
        .filter((file) => !/tensorflow|\.wasm$/.test(file));
      const sizes = await Promise.all(files.map(async (file) => gzipSync(await site.read(file)).length));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(files.length).toBeGreaterThan(3);
      // The page and the kernels are among it.
      expect(total).toBeGreaterThan(50_000);
      expect(total).toBeLessThan(300_000);
    });

    test.each(LOOKS)(
      'has nothing that axe finds fault with: %s, %i pixels wide',
      async (colorScheme, width) => {
        const playground = await open('#data=circles&width=8&depth=2&b={"renorm":true}', {
          colorScheme,
          viewport: { width, height: 800 },
        });
        await playground.openArguments('b');
        await playground.set('momentum', 'x', playground.network('b'));
        await playground.picture(`train-${colorScheme}-${width}`);
        expect(await playground.faults()).toEqual([]);

        await playground.show('Doctor');
        await openModel(playground, await unhealthyModel());
        await playground.press('Fold');
        await playground.text('folding').waitFor();
        await playground.picture(`doctor-${colorScheme}-${width}`);
        expect(await playground.faults()).toEqual([]);
      },
    );
  },
);
