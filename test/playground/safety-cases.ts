/** @file What the page lets neither in nor out, whatever it is given: cases of page.test.ts, which brings the browser. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import type { BrowserContextOptions, Worker } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Playground } from './browser.js';
import { loadKerasModel } from '../../src/keras/index.js';
import {
  DATA_ZONE,
  MODEL_ZONE,
  bytesOf,
  modelFile,
  npy,
  openModel,
  tfjsFiles,
  untilDone,
} from './doctor-cases.js';

/** Another site, and what it was asked for. */
async function elsewhere(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

/** Ways to have a script run or a request leave, for one who got markup into the page. */
const MARKUP: Readonly<
  Record<string, { readonly html: (url: string) => string; readonly refusedBy: string | null }>
> = {
  'an attribute with a script': { html: () => '<b onclick="ran = true">', refusedBy: 'script-src-attr' },
  'an image that fails': {
    html: () => '<img src="data:," onerror="ran = true">',
    refusedBy: 'script-src-attr',
  },
  'an address with a script': {
    html: () => '<a href="javascript:ran = true">',
    refusedBy: 'script-src-elem',
  },
  'an image': { html: (url) => `<img src="${url}">`, refusedBy: 'img-src' },
  'a frame': { html: (url) => `<iframe src="${url}"></iframe>`, refusedBy: 'frame-src' },
  'a frame with a script': {
    html: () => '<iframe srcdoc="<script>parent.ran = true</script>"></iframe>',
    // Told to the frame's own document.
    refusedBy: null,
  },
  'a style sheet': { html: (url) => `<link rel="stylesheet" href="${url}">`, refusedBy: 'style-src-elem' },
  'a style': { html: () => '<style>b { color: red }</style>', refusedBy: 'style-src-elem' },
  'a style as attribute': { html: () => '<b style="color: red">', refusedBy: 'style-src-attr' },
  'an object': { html: (url) => `<object data="${url}"></object>`, refusedBy: 'object-src' },
  'a video': { html: (url) => `<video src="${url}"></video>`, refusedBy: 'media-src' },
  'a form': { html: (url) => `<form action="${url}"><button></button></form>`, refusedBy: 'form-action' },
  'another base': { html: (url) => `<base href="${url}">`, refusedBy: 'base-uri' },
};

/** The same for one who got a script to run. */
const SCRIPTS: Readonly<Record<string, { readonly run: string; readonly refusedBy: string }>> = {
  'code from text': { run: 'eval("ran = true")', refusedBy: 'script-src' },
  'a function from text': { run: 'new Function("ran = true")()', refusedBy: 'script-src' },
  'a script from elsewhere': { run: 'return import(url)', refusedBy: 'script-src-elem' },
  'a script in its address': {
    run: 'return import("data:text/javascript,ran = true")',
    refusedBy: 'script-src-elem',
  },
  'a request': { run: 'return fetch(url)', refusedBy: 'connect-src' },
  'a request of the old kind': {
    run: 'const r = new XMLHttpRequest(); r.open("GET", url); r.send()',
    refusedBy: 'connect-src',
  },
  'a socket': { run: 'new WebSocket(url.replace("http", "ws"))', refusedBy: 'connect-src' },
  'a stream of events': { run: 'new EventSource(url)', refusedBy: 'connect-src' },
};

/** A program that runs `script`, and tells whether what it smuggles in ran, and which directives refused. */
const attempting = (
  script: string,
  url: string,
  directive: string | null,
): string => `new Promise((resolve) => {
  const refusedBy = [];
  const listen = ({ effectiveDirective }) => refusedBy.push(effectiveDirective);
  globalThis.addEventListener('securitypolicyviolation', listen);
  globalThis.ran = false;
  const url = ${JSON.stringify(url)};
  // Later, since what a test has evaluated may evaluate text whatever the policy says.
  setTimeout(async () => {
    try {
      await (() => { ${script} })();
    } catch {}
  });
  const expected = ${JSON.stringify(directive)};
  // A refusal that is expected is waited for: a slow machine tells of it late.
  const end = (left) => {
    if (left > 0 && expected !== null && !refusedBy.includes(expected)) {
      setTimeout(end, 50, left - 50);
      return;
    }
    globalThis.removeEventListener('securitypolicyviolation', listen);
    resolve({ ran: globalThis.ran, refusedBy });
  };
  setTimeout(end, 300, 10_000);
})`;

interface Outcome {
  readonly ran: boolean;
  readonly refusedBy: readonly string[];
}

/** Has a worker compute for ever. */
function hang(worker: Worker): void {
  // Later, since what a debugger evaluates goes on when its worker is ended.
  const begun = worker.evaluate(() => {
    setTimeout(() => {
      for (;;);
    });
  });
  begun.catch(() => undefined);
}

/** @param openPage opens the page, for quick training unless an address is given */
export function safetyCases(
  openPage: (hash?: string, options?: BrowserContextOptions) => Promise<Playground>,
): void {
  describe('its policy', () => {
    const check = async (
      playground: Playground,
      context: { evaluate: (script: string) => Promise<unknown> },
      attempts: readonly (readonly [name: string, script: string, refusedBy: string | null])[],
    ) => {
      const site = await elsewhere();
      for (const [name, script, refusedBy] of attempts) {
        const outcome = (await context.evaluate(attempting(script, site.url, refusedBy))) as Outcome;
        expect({ name, ran: outcome.ran }).toEqual({ name, ran: false });
        if (refusedBy !== null) expect(outcome.refusedBy, name).toContain(refusedBy);
      }
      expect(site.asked).toEqual([]);
      // So every other test fails where the policy refuses what the page or a worker itself does.
      expect(playground.takeComplaints()).not.toEqual([]);
    };

    test('lets no markup run a script or send a request', async () => {
      const playground = await openPage();
      await check(
        playground,
        playground.page,
        Object.entries(MARKUP).map(([name, { html, refusedBy }]) => [
          name,
          `const host = document.createElement('div');
          host.innerHTML = ${JSON.stringify(html('URL'))}.replaceAll('URL', url);
          document.body.append(host);
          host.firstChild.click?.();
          host.querySelector('button')?.click();`,
          refusedBy,
        ]),
      );
      await check(playground, playground.page, [
        [
          'a script element',
          `const script = document.createElement('script');
          script.textContent = 'ran = true';
          document.body.append(script);`,
          'script-src-elem',
        ],
      ]);
    });

    test('lets no script fetch another or send a request, in the page and in its workers', async () => {
      const playground = await openPage();
      const { page } = playground;
      await playground.show('Doctor');
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      expect(page.workers()).toHaveLength(2);
      const attempts = Object.entries(SCRIPTS).map(
        ([name, { run, refusedBy }]) => [name, run, refusedBy] as const,
      );
      for (const context of [page, ...page.workers()]) await check(playground, context, attempts);
    });
  });

  describe('a worker that hangs or fails', () => {
    const openDoctor = async (): Promise<Playground> => {
      const playground = await openPage();
      await playground.show('Doctor');
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      return playground;
    };
    const other = modelFile('keras3-conv.keras');
    const untilTold = (playground: Playground, text: string): Promise<void> =>
      playground.until(async () => (await playground.problems()).includes(text));

    test('is ended by Stop, and the model that was there stays', async () => {
      const playground = await openDoctor();
      playground.page.once('worker', hang);
      await playground.drop([other], MODEL_ZONE);
      await playground.press('Stop');
      await untilTold(playground, 'Reading the model did not stop by itself, so the doctor was ended.');
      expect(await playground.button('Stop').count()).toBe(0);
      await playground.press('Fold');
      await playground.text('folding').waitFor();
      // Another file is examined at once.
      await playground.drop([other], MODEL_ZONE);
      await playground.text('folding').waitFor({ state: 'detached' });
      expect(await playground.text('summary').innerText()).toContain('1 batch normalization');
      // Of the doctor's workers one is left.
      await playground.until(() => Promise.resolve(playground.page.workers().length === 2));
    });

    test('is ended when nothing comes of it for a minute', async () => {
      const playground = await openDoctor();
      const { page } = playground;
      await page.clock.install();
      page.once('worker', hang);
      await playground.drop([other], MODEL_ZONE);
      await playground.button('Stop').waitFor();
      await page.clock.runFor(58_000);
      expect(await playground.problems()).toEqual([]);
      await page.clock.runFor(3000);
      await untilTold(playground, 'The doctor gave no sign of life for 60 seconds and was stopped.');
      await playground.press('Fold');
      await playground.text('folding').waitFor();
    });

    test('while it cures a model reads that one again', async () => {
      const playground = await openDoctor();
      await playground.press('Fold');
      await playground.text('folding').waitFor();
      hang(playground.page.workers().at(-1)!);
      await playground.drop([{ name: 'data.npy', bytes: npy([2, 3], new Float32Array(6)) }], DATA_ZONE);
      await playground.press('Stop');
      await untilTold(playground, 'Looking at the data did not stop by itself, so the doctor was ended.');
      await untilTold(
        playground,
        'The model is read again, as its file has it: what was done to it since has to be done again.',
      );
      await playground.until(async () =>
        (await playground.text('summary').innerText()).includes('1 batch normalization'),
      );
      await playground.press('Fold');
      await playground.text('folding').waitFor();
    });

    test('by an error of its own is told, and another takes its place', async () => {
      const playground = await openDoctor();
      await playground.page
        .workers()
        .at(-1)!
        .evaluate(() => {
          setTimeout(() => {
            throw new RangeError('Array buffer allocation failed');
          });
        });
      await untilTold(playground, 'The doctor failed: Uncaught RangeError: Array buffer allocation failed.');
      await playground.press('Fold');
      await playground.page.getByText('The model is read again').waitFor();
      await untilDone(playground);
      await playground.press('Fold');
      await playground.text('folding').waitFor();
    });

    test('while it trains begins anew with the same networks', async () => {
      const playground = await openPage();
      const { page } = playground;
      await page.clock.install();
      await page.reload();
      await playground.ready();
      await playground.set('Activation', 'tanh');
      hang(page.workers()[0]!);
      await playground.press('Start');
      await page.clock.runFor(61_000);
      await untilTold(playground, 'The trainer gave no sign of life for 60 seconds and was stopped.');
      await playground.ready();
      expect(await page.getByLabel('Activation', { exact: true }).inputValue()).toBe('tanh');
      expect(await playground.number('step')).toBe(0);
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
    });
  });

  describe('files', () => {
    test('are refused before they are read, where they are too many or too large', async () => {
      const playground = await openPage();
      const { page } = playground;
      const drop = (files: 'many' | 'large') =>
        page.evaluate((what) => {
          const dataTransfer = new DataTransfer();
          const part = new Blob([new Uint8Array(2 ** 24)]);
          const made =
            what === 'many'
              ? Array.from({ length: 10_000 }, (_, i) => new File([], `${i}`))
              : [new File(Array<Blob>(65).fill(part), 'large')];
          for (const file of made) dataTransfer.items.add(file);
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
        }, files);
      for (const view of ['Playground', 'Doctor'] as const) {
        await playground.show(view);
        await page.locator('.drop').waitFor();
        await drop('many');
        await playground.until(async () => (await playground.problems()).length === 1);
        expect(await playground.problems()).toEqual([
          'The page takes at most 1,000 files of 1,073,741,824 bytes together, received 10,000 of 0. Drop fewer, or use ' +
            'the command, evenkeel-cli, which has no such limits.',
        ]);
        await drop('large');
        await playground.until(async () => (await playground.problems())[0]!.includes('1 of 1,090,519,040'));
        await playground.dismiss();
      }
    });

    test('that unpack to far more than they are, are refused', async () => {
      const playground = await openPage();
      const bomb = { name: 'bomb.npy.gz', bytes: gzipSync(npy([25_000_000], new Float32Array(25_000_000))) };
      const refuse = async (zone?: string) => {
        await playground.drop([bomb], zone);
        await playground.until(async () => (await playground.problems()).length === 1);
        expect((await playground.problems())[0]).toMatch(/bomb\.npy\.gz.* at most \d+ are accepted/);
        await playground.dismiss();
      };
      await refuse();
      await playground.show('Doctor');
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      await refuse(DATA_ZONE);
      await playground.press('Fold');
      await playground.text('folding').waitFor();
    });

    test('that once had the doctor compute for ever are examined or refused', async () => {
      const playground = await openPage();
      const { page } = playground;
      await playground.show('Doctor');
      await page.locator(MODEL_ZONE).waitFor();

      const input = tf.input({ shape: [3, 2] });
      let sum = tf.layers.masking({ maskValue: 0 }).apply(input) as tf.SymbolicTensor;
      for (let i = 0; i < 60; i++) sum = tf.layers.add().apply([sum, sum]) as tf.SymbolicTensor;
      const outputs = layerBatchNormalization(sum, { name: 'a/__proto__' });
      await openModel(playground, await tfjsFiles(tf.model({ inputs: input, outputs })));
      expect(await playground.text('summary').innerText()).toContain('1 batch normalization');
      // Of a name that is no group's, in HDF5.
      await page.getByLabel('as', { exact: true }).selectOption({ label: '.h5 for tf-keras and R' });
      const started = page.waitForEvent('download', { timeout: 10_000 });
      await playground.press('Download');
      const saved = await loadKerasModel(await bytesOf(await started));
      expect(saved.layers).toHaveLength(63);

      const { bytes } = modelFile('tf-keras-conv.h5');
      const at = Buffer.from(bytes).indexOf('layer_names');
      expect(at).toBeGreaterThan(0);
      for (let offset = -8; offset < 40; offset += 6) {
        const damaged = Uint8Array.from(bytes, (byte, i) => (i === at + offset ? byte ^ 0xff : byte));
        await playground.drop([{ name: `${offset}.h5`, bytes: damaged }], MODEL_ZONE);
        await playground.button('Stop').waitFor();
        await untilDone(playground);
      }
      // None of it was ended by force.
      expect((await playground.problems()).filter((problem) => /doctor|wait/.test(problem))).toEqual([]);
    });
  });
}
