/** @file Opens the published playground in a browser and watches it: what it prints, what fails, what it asks for. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { faultsOf, takePicture } from '../browser/looks.js';
import type { Site } from './site.js';

/** A warning that says nothing about the page. */
const HARMLESS = [
  // Software rendering, for want of a graphics card.
  /GPU stall due to ReadPixels/,
  /WebGPU is experimental/,
  /powerPreference option is currently ignored/,
  /Automatic fallback to software WebGL/,
];

export class Playground {
  readonly page: Page;
  /** What the page and its workers asked a server for, beside the page itself. */
  readonly requests: string[] = [];
  readonly #complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (!HARMLESS.some((harmless) => harmless.test(message.text()))) this.#complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    // The browser tells of what the policy refuses to the page, but not of what it refuses to a worker.
    page.on('worker', (worker) => {
      const listening = worker.evaluate(() => {
        self.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
          console.error(`The policy's ${effectiveDirective} refuses ${blockedURI}.`);
        });
      });
      // Some are ended at once.
      listening.catch(() => undefined);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('blob:')) this.requests.push(`${request.method()} ${request.url()}`);
    });
  }

  /** Opens the page; whatever it prints or throws until the test's end fails the test. */
  static async open(
    browser: Browser,
    site: Site,
    address = '',
    options: BrowserContextOptions = {},
  ): Promise<Playground> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    // The tour is for a first visit.
    if (!address.startsWith('?first')) {
      await context.addInitScript(() => {
        // Of frames that have no place to store it, none has a tour.
        if (location.protocol === 'http:') localStorage.setItem('evenkeel-tour', 'ended');
      });
    }
    context.setDefaultTimeout(20_000);
    const playground = new Playground(await context.newPage());
    onTestFinished(async () => {
      await context.close();
      expect(playground.#complaints).toEqual([]);
    });
    await playground.page.goto(site.url + address);
    await playground.ready();
    return playground;
  }

  /** What the page printed or threw so far, which a test that provoked it takes. */
  takeComplaints(): string[] {
    return this.#complaints.splice(0);
  }

  /** Waits until the networks are made. */
  async ready(): Promise<void> {
    await this.text('backend').waitFor();
    await this.page.getByText('preparing…').waitFor({ state: 'detached' });
  }

  text(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  async press(name: string): Promise<void> {
    await this.button(name).click();
  }

  /** What the networks are called. */
  networkNames(): Promise<string[]> {
    return this.page.locator('.result h3').allInnerTexts();
  }

  /** Of the preset whose story is told. */
  presetTitle(): Promise<string> {
    return this.page.locator('.presets h2').innerText();
  }

  /** A number that the page shows. */
  async number(testId: string): Promise<number> {
    const shown = await this.text(testId).innerText();
    return Number(shown.replace(/[^\d.]/g, ''));
  }

  async accuracies(): Promise<{ a: number; b: number }> {
    return { a: await this.number('a-accuracy'), b: await this.number('b-accuracy') };
  }

  /** Waits until something that the page shows holds. */
  async until(holds: () => Promise<boolean>, seconds = 40): Promise<void> {
    await expect.poll(holds, { timeout: 1000 * seconds, interval: 50 }).toBe(true);
  }

  async untilStep(step: number): Promise<void> {
    await this.until(async () => (await this.number('step')) >= step);
  }

  /** Chooses or types a setting, and waits until it is taken or refused. */
  async set(label: string | RegExp, value: string, within: Locator | Page = this.page): Promise<void> {
    const control = within.getByLabel(label, { exact: true });
    if ((await control.evaluate((element) => element.tagName)) === 'SELECT')
      await control.selectOption(value);
    else {
      await control.fill(value);
      await control.press('Enter');
    }
    await this.ready();
  }

  /** Goes to a view. */
  async show(view: 'Playground' | 'Doctor'): Promise<void> {
    await this.page.getByRole('link', { name: view, exact: true }).click();
  }

  /** What the page complains of, to the user: on top, and at its fields. */
  problems(): Promise<string[]> {
    return this.page.locator('.problems p > span, .refusal:not(:empty)').allInnerTexts();
  }

  /** Has what the page complains of on top go away, if there is something. */
  async dismiss(): Promise<void> {
    const button = this.page.getByRole('button', { name: /^Dismiss/ });
    if ((await button.count()) > 0) await button.click();
  }

  /** Drops files as a hand would: on the page itself. */
  async drop(
    files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
    selector = 'body',
  ): Promise<void> {
    const carried = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
    const transfer = await this.page.evaluateHandle((list) => {
      const made = new DataTransfer();
      for (const { name, base64 } of list) {
        made.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name));
      }
      return made;
    }, carried);
    await this.page.dispatchEvent(selector, 'drop', { dataTransfer: transfer });
  }

  /** Watches the page's frames, and its own tasks, from now on. */
  async watchFrames(): Promise<{
    longest: (milliseconds: number) => Promise<number>;
    longestTask: () => Promise<number>;
  }> {
    await this.page.evaluate(() => {
      const watched = { frames: [] as number[], tasks: [0] };
      let before = performance.now();
      const watch = (now: number) => {
        watched.frames.push(now - before);
        before = now;
        requestAnimationFrame(watch);
      };
      requestAnimationFrame(watch);
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          const { scripts } = entry as unknown as { scripts: { duration: number }[] };
          watched.tasks.push(...scripts.map(({ duration }) => duration));
        }
      }).observe({ type: 'long-animation-frame' });
      Object.assign(window, { watched });
    });
    const longest = (of: 'frames' | 'tasks'): Promise<number> =>
      this.page.evaluate(
        (name) => Math.max(...(window as unknown as { watched: Record<string, number[]> }).watched[name]!),
        of,
      );
    return {
      longest: async (milliseconds) => {
        await this.page.evaluate(() => {
          (window as unknown as { watched: { frames: number[] } }).watched.frames = [];
        });
        await this.page.waitForTimeout(milliseconds);
        return longest('frames');
      },
      longestTask: () => longest('tasks'),
    };
  }

  /** What axe finds fault with, and whether anything sticks out of the screen. */
  async faults(): Promise<string[]> {
    const faults = await faultsOf(this.page);
    const { scrollWidth, clientWidth } = await this.page.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth,
      clientWidth: document.documentElement.clientWidth,
    }));
    return scrollWidth > clientWidth ? [...faults, `The page is ${scrollWidth} pixels wide.`] : faults;
  }

  async picture(name: string): Promise<void> {
    await takePicture(this.page, name);
  }

  /** Where a network's own settings are. */
  network(key: 'a' | 'b' | 'c'): Locator {
    return this.page.locator(`section.network.${key}`);
  }

  /** Opens all groups of a network's arguments. */
  async openArguments(key: 'a' | 'b' | 'c'): Promise<void> {
    const closed = this.network(key).locator('details:not([open]) > summary');
    while ((await closed.count()) > 0) await closed.first().click();
  }
}
