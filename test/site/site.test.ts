/**
 * @file The site as a reader has it: every link leads somewhere, and in Chromium every page can be read by everybody, in light,
 * dark and on a phone, and asks no other site for anything. Without a Chromium that part is skipped.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../browser/chromium.js';
import { faultsOf, takePicture } from '../browser/looks.js';
import { type Served, serve } from '../playground/site.js';
import { type BuiltSite, buildSite, deadLinks, playgroundAddresses } from './built.js';

let site: BuiltSite;

beforeAll(async () => {
  site = await buildSite();
}, 300_000);

afterAll(() => {
  site.remove();
});

test('every link, anchor and picture of every page is there', () => {
  expect(site.pages.length).toBeGreaterThan(10);
  expect(deadLinks(site)).toEqual([]);
});

test('pages link to no file of a package as to one of the repository', () => {
  const links = site.pages.flatMap(
    (page) => readFileSync(join(site.folder, page), 'utf8').match(/href="[^"]*node_modules[^"]*"/g) ?? [],
  );
  expect(links).toEqual([]);
});

test('every page has a description, for search engines and previews', () => {
  const without = site.pages.filter((page) => {
    const html = readFileSync(join(site.folder, page), 'utf8');
    return !/<meta property="og:description" content="[^"]{20,}">/.test(html);
  });
  expect(without).toEqual([]);
});

test.each([
  ['', ['vue', 'minisearch']],
  ['playground/', ['preact', 'uplot', 'pako', '@zip.js/zip.js', '@tensorflow/tfjs-core']],
])('the licences of what is bundled are in /%s', (folder, names) => {
  const text = readFileSync(join(site.folder, folder, 'licences.txt'), 'utf8');
  for (const name of names) expect(text).toMatch(new RegExp(`^${name}$`, 'm'));
});

const executablePath = findChromium();

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 } };
const VIEWS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: PHONE,
};

/** A page of each kind, for what takes long. */
const KINDS = [
  ...['index', 'start', 'benchmarks', 'arguments/index', 'arguments/renorm', 'recipes/bad-validation'],
  ...['findings', 'api/evenkeel/data'],
].map((name) => `${name}.html`);

describe.skipIf(!executablePath)(`in ${executablePath ?? 'Chromium'}`, { tags: ['browser'] }, () => {
  let browser: Browser;
  let served: Served;
  beforeAll(async () => {
    [browser, served] = await Promise.all([
      chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] }),
      serve(site.folder),
    ]);
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  /** Opens pages; what they print as errors, and what they ask other sites for, fails the test at its end. */
  async function openBrowser(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      const isOwn = request.url().startsWith(served.url) || /^(data|blob):/.test(request.url());
      if (!isOwn) complaints.push(`It asks for ${request.url()}.`);
    });
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    return page;
  }

  test.each(['light', 'dark'] as const)(
    'axe finds no fault with any kind of page, %s',
    async (colorScheme) => {
      const page = await openBrowser({ colorScheme });
      const faults: string[] = [];
      for (const path of KINDS) {
        await page.goto(served.url + path);
        await page.locator('.VPDoc').waitFor();
        faults.push(...(await faultsOf(page)).map((fault) => `${path}: ${fault}`));
      }
      expect(faults).toEqual([]);
    },
  );

  test('no page is wider than a phone', async () => {
    const page = await openBrowser(PHONE);
    const wide: string[] = [];
    for (const path of site.pages) {
      await page.goto(served.url + path);
      const { scrollWidth, clientWidth } = await page.evaluate(() => ({
        scrollWidth: document.documentElement.scrollWidth,
        clientWidth: document.documentElement.clientWidth,
      }));
      if (scrollWidth > clientWidth) wide.push(`${path} is ${scrollWidth} pixels wide.`);
    }
    expect(wide).toEqual([]);
  });

  if (process.env.EVENKEEL_PICTURES) {
    test('every page has its pictures made', { timeout: 600_000 }, async () => {
      for (const [view, options] of Object.entries(VIEWS)) {
        const page = await openBrowser(options);
        for (const path of site.pages) {
          await page.goto(served.url + path, { waitUntil: 'networkidle' });
          const name = path.replaceAll('/', '-').replace('.html', '');
          await takePicture(page, `site-${name}-${view}`);
        }
      }
    });
  }

  test('a cell shows what was chosen before its script was there', async () => {
    const page = await openBrowser();
    let goOn = (): void => undefined;
    const isLoaded = new Promise<void>((resolve) => (goOn = resolve));
    await page.route(/\.js$/, async (route) => {
      await isLoaded;
      await route.continue();
    });
    await page.goto(`${served.url}arguments/axis.html`, { waitUntil: 'commit' });
    const axis = page.locator('.cell').getByLabel('axis');
    await axis.selectOption('[0, 2]');
    goOn();
    await page.locator('.cell-says', { hasText: '8 groups of 3 elements' }).waitFor();
    expect(await axis.inputValue()).toBe('4');
  });

  test('the search finds an argument by its name', async () => {
    const page = await openBrowser();
    await page.goto(served.url);
    await page.getByRole('button', { name: 'Search' }).first().click();
    await page.getByRole('searchbox').fill('renormClipping');
    const first = page.locator('#localsearch-list a').first();
    expect(await first.innerText()).toContain('renormClipping');
    await first.click();
    await page.waitForURL(/renorm/);
  });

  test('the playground knows every address of it that pages link to', async () => {
    const addresses = playgroundAddresses(site);
    expect(addresses).toContain('#view=doctor');
    for (const address of addresses) {
      const page = await openBrowser();
      await page.goto(`${served.url}playground/${address}`);
      await page.getByRole('navigation').first().waitFor();
      const complaints = await page.getByRole('alert').allInnerTexts();
      expect(complaints.filter(Boolean), address).toEqual([]);
    }
  });

  test('the header leads to the doctor', async () => {
    const page = await openBrowser();
    await page.goto(served.url);
    await page.getByRole('link', { name: 'Doctor' }).first().click();
    await page.waitForURL(/\/playground\/#view=doctor/);
    await page.getByRole('link', { name: 'Doctor' }).first().waitFor();
  });
});
