/**
 * @file The reports of the command and of the experiment, opened as a user opens them: whatever names they show are text,
 * their policy lets nothing but their own scripts and styles in, and these work under it.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { renderReport as renderExperiment } from '../../demo/report.js';
import { type InspectReport, inspect } from 'evenkeel/tools';
import { renderReport as renderInspection } from '../../cli/src/report/write-report.js';
import { makeFolder } from '../cli/files.js';
import { makeFindings } from '../demo/files.js';
import { findChromium, launch } from './chromium.js';
import { takePicture } from './looks.js';

/** Would do something, were it taken for more than text; or leaves something of the page out, were it a replacement. */
const HOSTILE = [
  '</script><img src=x onerror=document.title=1>',
  '<b style="color:red" onclick=alert(1)>bold</b>',
  'javascript:alert(1)',
  '"><a href="javascript:alert(1)">',
  "'-alert(1)-'",
  '<!--<script>',
  '&lt;b&gt;',
  "$&$`$'$$",
  '{{styles}}',
];
/** Ten million characters. */
const LONG = 'long '.repeat(2_000_000);

/** Stands for all that a report would ask for or complain of. */
interface Opened {
  readonly page: Page;
  readonly complaints: string[];
}

const chromium = findChromium();

/** What `inspect` finds in a model of a healthy and an unhealthy normalization, under other names. */
async function inspection(names: readonly string[]): Promise<InspectReport> {
  const layers = [
    tf.layers.batchNormalization({ inputShape: [2] }),
    tf.layers.batchNormalization({ movingVarianceInitializer: 'zeros' }),
  ];
  const report = await inspect(tf.sequential({ layers }));
  const named = (layer: string | null, name: string): string | null =>
    layer?.replace(/.*/s, () => name) ?? null;
  return {
    ...report,
    model: names[0]!,
    layers: names.map((layer, i) => ({ ...report.layers[i % 2]!, layer })),
    findings: names.flatMap((name) =>
      report.findings.map((finding) => ({
        ...finding,
        layer: named(finding.layer, name),
        message: `${name}: ${finding.message}`,
        cure: `${finding.cure} ${name}`,
      })),
    ),
    outputs: names.map((output) => ({
      output,
      relativeDifference: 0.1,
      largestDifference: 1,
      agreement: 0.5,
    })),
  };
}

const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe.skipIf(!chromium)('in Chromium, a report', { tags: ['browser'] }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(chromium!);
  });
  afterAll(() => browser.close());

  /** @param drawn what is there once the page's scripts have drawn */
  async function open(
    html: string,
    drawn: 'svg.channels' | 'canvas',
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<Opened> {
    const file = join(makeFolder(), 'report.html');
    writeFileSync(file, html);
    const address = pathToFileURL(file).href;
    const page = await browser.newPage({ colorScheme, viewport: { width: 1000, height: 900 } });
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push('A script ran.');
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.url() !== address) complaints.push(request.url());
    });
    await page.goto(address);
    await page.locator(drawn).first().waitFor();
    return { page, complaints };
  }

  /** Each script that runs and each style, by the hash of what stands in the page. */
  async function hashes(page: Page, selector: string): Promise<string[]> {
    return (await page.locator(selector).allTextContents()).map(digest);
  }

  async function checkPolicy({ page, complaints }: Opened, scriptCount: number): Promise<void> {
    const policy = await page.locator('meta[http-equiv]').getAttribute('content');
    const scripts = await hashes(page, 'script:not([type="application/json"])');
    const styles = await hashes(page, 'style');
    expect(policy).toBe(
      `default-src 'none'; script-src ${scripts.join(' ')}; style-src ${styles.join(' ')}; base-uri 'none'; ` +
        "form-action 'none'",
    );
    expect(scripts).toHaveLength(scriptCount);
    expect(complaints).toEqual([]);
    // The policy stands before all that it is to hold for, and is what keeps others out.
    await page.evaluate(() => {
      document.body.insertAdjacentHTML(
        'beforeend',
        '<img src="data:," onerror="alert(1)"><i onclick="alert(1)"></i><a href="javascript:alert(1)"></a>',
      );
      const script = document.createElement('script');
      script.textContent = 'alert(1)';
      document.body.append(script);
      for (const element of document.querySelectorAll<HTMLElement>('i, a')) element.click();
    });
    await expect.poll(() => complaints.filter((text) => text.includes('violates')).length).toBeGreaterThan(3);
    expect(complaints).not.toContain('A script ran.');
  }

  test.each(['light', 'dark'] as const)(
    'of the command shows names from files as text: %s',
    async (scheme) => {
      const html = renderInspection(await inspection(HOSTILE), '$&model.json');
      const opened = await open(html, 'svg.channels', scheme);
      const { page, complaints } = opened;
      await takePicture(page, `inspection-${scheme}`);
      expect(await page.title()).toBe(`Batch normalization in ${HOSTILE[0]!}`);
      expect(await page.locator('.layer h3').allInnerTexts()).toEqual(HOSTILE);
      expect(await page.locator('dd').first().innerText()).toBe('$&model.json');
      // The page's own legends have numbers in <b>.
      const markup = 'img, b:not(figcaption b), [onclick], [onerror], a[href^="javascript"]';
      expect(await page.locator(markup).count()).toBe(0);
      await page.locator('.finding a').last().click();
      expect(complaints).toEqual([]);
      await checkPolicy(opened, 1);
    },
  );

  test('of the command cuts names of ten million characters', async () => {
    const html = renderInspection(await inspection([LONG]), LONG);
    expect(html.length).toBeLessThan(500_000);
    const { page, complaints } = await open(html, 'svg.channels');
    expect((await page.locator('.layer h3').innerText()).length).toBeLessThan(1100);
    expect(complaints).toEqual([]);
  });

  test.each(['light', 'dark'] as const)('of the experiment shows arguments as text: %s', async (scheme) => {
    const html = renderExperiment(makeFindings({ name: HOSTILE.join(' ') }, HOSTILE[0]!));
    const opened = await open(html, 'canvas', scheme);
    await takePicture(opened.page, `experiment-${scheme}`);
    expect(await opened.page.locator('dd').first().innerText()).toContain(HOSTILE[0]);
    expect(await opened.page.locator('dl').innerText()).toContain(JSON.stringify(HOSTILE[7]).slice(1, -1));
    expect(await opened.page.locator('img, b, [onclick], [onerror], a[href^="javascript"]').count()).toBe(0);
    await checkPolicy(opened, 3);
  });
});
