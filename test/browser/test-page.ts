/** @file A page in the browser as a test sees it: functions to call, and what the browser says about it. */
import type { Browser, Page } from 'playwright-core';
import type { PageTests } from './page/main.js';

/** Console messages that fail a test. */
const LOUD = ['warning', 'error', 'assert'];

/** A page that is open. */
export class TestPage {
  #messages: string[] = [];
  /** Rejects when the page fails on its own, so that nobody waits for it. */
  readonly #failure: Promise<never>;

  private constructor(private readonly page: Page) {
    page.on('console', (message) => {
      if (LOUD.includes(message.type())) this.#messages.push(`${message.type()}: ${message.text()}`);
    });
    page.on('requestfailed', (request) => this.#messages.push(`not loaded: ${request.url()}`));
    this.#failure = new Promise((_, reject) => {
      const fail = (what: string) => {
        this.#messages.push(what);
        reject(new Error(what));
      };
      page.on('pageerror', (error) => {
        fail(`uncaught: ${error.message}`);
      });
      page.on('crash', () => {
        fail('the page crashed');
      });
    });
    this.#failure.catch(() => {
      // Where nobody waits, the message says it.
    });
  }

  /** Opens a page. It sees as many processor cores as it is told. */
  static async open(browser: Browser, url: string, cores: number): Promise<TestPage> {
    const page = await browser.newPage();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setHardwareConcurrencyOverride', { hardwareConcurrency: cores });
    const opened = new TestPage(page);
    await page.goto(url);
    return opened;
  }

  /** Runs a test in the page. Rejects with what it throws, or when the page fails. */
  call<Name extends keyof PageTests>(
    name: Name,
    ...args: Parameters<PageTests[Name]>
  ): Promise<Awaited<ReturnType<PageTests[Name]>>> {
    const given: readonly unknown[] = args;
    const result = this.page.evaluate<unknown, { name: Name; given: readonly unknown[] }>(
      (asked) => window.runTest(asked.name, asked.given),
      { name, given },
    );
    return Promise.race([result as Promise<Awaited<ReturnType<PageTests[Name]>>>, this.#failure]);
  }

  /** Takes what the browser said since this was last asked. */
  takeMessages(): string[] {
    return this.#messages.splice(0);
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
