/** @file The report of `inspect --html`: what is in the page, and how it looks in a browser and on paper. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { FINDING_NAMES, type Finding, type InspectReport, inspect } from 'evenkeel/tools';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { renderReport } from '../../cli/src/report/write-report.js';
import { chartsOf, drawChannels } from '../../shared/channel-chart.js';
import { EXPLANATIONS } from '../../shared/explanations.js';
import { countSeverities, describeChannels, describeEvidence } from '../../shared/findings.js';
import { findChromium, launch } from '../browser/chromium.js';
import { LOOKS, faultsOf, takePicture } from '../browser/looks.js';
import { evenkeel, makeFolder, modelFile } from './files.js';

/** A report of a model of so many layers, all of which ail alike. */
async function inspectDeep(layers: number): Promise<InspectReport> {
  const model = tf.sequential({ name: 'deep' });
  for (let i = 0; i < layers; i++) {
    layerBatchNormalization(model, { name: `bn${i}`, momentum: 0.1, ...(i === 0 && { inputShape: [32] }) });
  }
  const report = await inspect(model, tf.randomNormal([64, 32], 3, 2, 'float32', 1));
  model.dispose();
  return report;
}

describe('what was found, in words,', () => {
  test('numbers channels from 0, neighbours together', () => {
    expect(describeChannels([])).toBe('');
    expect(describeChannels([0])).toBe('channel 0');
    expect(describeChannels([0, 1, 2, 5, 7, 8])).toBe('channels 0–2, 5, 7–8');
    expect(describeChannels(Array.from({ length: 20 }, (_, i) => 2 * i))).toBe(
      'channels 0, 2, 4, 6, 8, 10, 12, 14 and 12 more',
    );
    expect(describeChannels([3, 4], true)).toBe('channels 3–4 and more');
  });

  test('counts once what many layers have', async () => {
    const report = await inspectDeep(3);
    expect(report.findings.length).toBeGreaterThan(3);
    expect(countSeverities(report.findings)).toBe('3 warnings');
  });

  test('gives the range of numbers, and different texts one by one', () => {
    const evidence: Finding['evidence'][] = [
      { share: 0.5, before: 'a' },
      { share: 0.25, before: 'b' },
      { before: 'a' },
    ];
    expect(describeEvidence(evidence.map((one) => ({ evidence: one })))).toBe(
      'share 0.25 … 0.5, before a, b',
    );
  });

  test('explains every kind of finding', () => {
    expect(Object.keys(EXPLANATIONS)).toEqual(FINDING_NAMES);
  });
});

describe('a chart over channels', () => {
  const pathsOf = (values: readonly (number | null)[], mark: 'bar' | 'point' | 'dash') =>
    drawChannels('Mean', [{ label: 'moving', mark, values }]).shapes.flatMap(({ tag, attributes }) =>
      tag === 'path' ? [{ class: String(attributes.class), d: String(attributes.d) }] : [],
    );

  test.each(['bar', 'point', 'dash'] as const)('has a %s for each channel, and none to the next', (mark) => {
    const [path] = pathsOf([1, -2, 0.5, 3], mark);
    expect(path!.d.split('M')).toHaveLength(5);
    // Up or down, or across within a channel's room.
    expect(path!.d).toMatch(/^(M[\d.]+ [\d.]+(V[\d.]+|h0|h6))+$/);
  });

  test.each(['bar', 'point', 'dash'] as const)('has each %s as high as its value', (mark) => {
    const [path] = pathsOf([3, 0.5, -2], mark);
    const ends = [...path!.d.matchAll(/M[\d.]+ ([\d.]+)(?:V([\d.]+)|h\d)/g)].map(([, y, bar]) =>
      Number(bar ?? y),
    );
    const [high, middle, low] = ends as [number, number, number];
    expect(low - high).toBeGreaterThan(50);
    // Halves of a pixel are rounded to.
    expect(Math.abs((high + low) / 2 - middle)).toBeLessThanOrEqual(0.5);
  });

  test('marks what is not finite, and draws the rest', () => {
    expect(pathsOf([1, null, 2], 'bar').map((path) => [path.class, path.d.split('M').length - 1])).toEqual([
      ['bar series-0', 2],
      ['missing', 1],
    ]);
    expect(pathsOf([null, null], 'bar').map((path) => path.class)).toEqual(['missing']);
  });

  test('stays small, however many channels there are', () => {
    const [path] = pathsOf(
      Array.from({ length: 100_000 }, (_, i) => Math.sin(i)),
      'bar',
    );
    expect(path!.d.length).toBeLessThan(2_000_000);
  });

  test('begins at 0, and goes by orders of magnitude where values lie far apart', () => {
    const ticksOf = (values: readonly number[]) =>
      drawChannels('Deviation', [{ label: 'moving', mark: 'bar', values }]).shapes.flatMap(
        ({ tag, attributes, children }) =>
          tag === 'text' && attributes['text-anchor'] === 'end' ? children : [],
      );
    expect(ticksOf([2, 3.5])).toEqual(['0', '1', '2', '3', '4']);
    expect(ticksOf([0.001, 10])).toEqual(['0.001', '0.01', '0.1', '1', '10']);
    expect(ticksOf([-3, -1])).toEqual(['-3', '-2', '-1', '0']);
    expect(ticksOf([0, 0])).toEqual(['0', '0.5', '1']);
  });

  test('of a layer tells in words what it shows', () => {
    const layer = { gamma: null, beta: null, movingMean: [1, null], movingVariance: [4, -1], inputs: null };
    expect(chartsOf(layer).map(([title, series]) => drawChannels(title, series).label)).toEqual([
      'Mean, 2 channels: moving 1, 1 not finite',
      'Deviation, 2 channels: moving 2, 1 not finite',
    ]);
  });
});

test('the page tells once what 60 layers have, links to each, and says what it did not look at', async () => {
  const report = await inspectDeep(60);
  const page = renderReport(report, 'deep.h5');
  expect(page.match(/<article/g)).toHaveLength(3);
  const [card] = /<article[^]*?<\/article>/.exec(page)!;
  for (const i of [0, 31, 59]) expect(card).toContain(`<a href="#layer-${i}">bn${i}</a>`);
  expect(page.match(/<details class="layer" id="layer-\d+">/g)).toHaveLength(60);
  expect(page).toContain('60 batch normalizations: 3 warnings.');
  expect(page).toContain('<dd>Layers of other kinds.</dd>');
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links.filter((id) => !ids.has(id))).toEqual([]);
});

const executablePath = findChromium();

describe.skipIf(!executablePath)('the page in a browser', { tags: ['browser'] }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(executablePath!);
  });
  afterAll(() => browser.close());

  /** Whatever the page prints, throws or asks for fails the test. */
  async function open(layers: number, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => complaints.push(request.url()));
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    await page.setContent(renderReport(await inspectDeep(layers), 'deep.h5'));
    return page;
  }

  const visibleCharts = (page: Page): Promise<number> =>
    page
      .locator('svg')
      .evaluateAll(
        (charts) =>
          charts.filter((chart) => chart.checkVisibility() && chart.getBoundingClientRect().height > 50)
            .length,
      );

  test('is no longer than a person scrolls, and whole on paper, in dark colours too', async () => {
    const page = await open(60, { colorScheme: 'dark' });
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(8000);
    expect(await visibleCharts(page)).toBe(0);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await visibleCharts(page)).toBe(180);
    const style = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(style).toBe('rgb(255, 255, 255)');
  });

  test('tells a channel’s numbers where somebody points at it, and opens a layer that is jumped to', async () => {
    const page = await open(60);
    await page.locator('a[href="#layer-31"]').last().click();
    const figure = page.locator('#layer-31 figure').first();
    await figure.locator('svg').hover();
    expect(await figure.locator('figcaption').innerText()).toMatch(
      /moving 0\s+of the data [\d.e-]+\s+channel \d+$/,
    );
    await page.mouse.move(0, 0);
    expect(await figure.locator('figcaption').innerText()).not.toContain('channel');
  });

  test.each(LOOKS)(
    'has nothing that axe finds fault with: %s, %i pixels wide',
    async (colorScheme, width) => {
      const page = await open(13, { colorScheme, viewport: { width, height: 800 } });
      await page.evaluate(() => {
        for (const layer of document.querySelectorAll('details')) if (layer.id < 'layer-3') layer.open = true;
      });
      await takePicture(page, `report-${colorScheme}-${width}`);
      expect(await faultsOf(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    },
  );
});

test('the command writes the page', async () => {
  const path = join(makeFolder(), 'report.html');
  expect((await evenkeel(['inspect', modelFile('tf-keras-mlp.h5'), '--html', path])).code).toBe(0);
  expect(readFileSync(path, 'utf8')).toMatch(/^<!doctype html>[^]*<svg class="channels"/);
});
