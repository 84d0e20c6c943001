/** @file What is done while something else is under way: cases of page.test.ts, which brings the browser. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Playground } from './browser.js';
import { MODEL_ZONE, modelFile, openModel, untilDone } from './doctor-cases.js';

declare global {
  interface Window {
    /** Sends so many of the messages that wait. */
    letGo: (count: number) => void;
  }
}

/** Has all that the page sends to its workers wait. */
function hold(): void {
  const { prototype } = Worker;
  const send = Object.getOwnPropertyDescriptor(prototype, 'postMessage')!;
  const waiting: (() => void)[] = [];
  prototype.postMessage = function (...message: unknown[]) {
    waiting.push(() => {
      Reflect.apply(send.value as () => void, this, message);
    });
  };
  window.letGo = (count) => {
    if (count === Infinity) Object.defineProperty(prototype, 'postMessage', send);
    for (const go of waiting.splice(0, count)) go();
  };
}

const letGo = (page: Page, count = Infinity): Promise<void> =>
  page.evaluate((most) => {
    window.letGo(most);
  }, count);

/** Has the server's answers to some requests wait, until what it gives is called. */
async function holdRequests(page: Page, address: RegExp): Promise<() => void> {
  let goOn = (): void => undefined;
  const isFree = new Promise<void>((resolve) => (goOn = resolve));
  await page.route(address, async (route) => {
    await isFree;
    await route.continue();
  });
  return goOn;
}

/** @param openPage opens the page, for quick training unless an address is given */
export function raceCases(openPage: (hash?: string) => Promise<Playground>): void {
  const THREE = '#data=circles&width=8&depth=2&b={}&c={"epsilon":0.1}';
  const removal = ({ page }: Playground) =>
    page.getByRole('button', { name: 'Remove the network without normalization' });

  describe('while networks are being made, the page', () => {
    test('removes and adds one network at a double click', async () => {
      const playground = await openPage(THREE);
      await removal(playground).dblclick();
      await playground.ready();
      expect(await playground.networkNames()).toEqual(['epsilon 0.001', 'epsilon 0.1']);
      await playground.button('Add a network').dblclick();
      await playground.ready();
      expect(await playground.networkNames()).toHaveLength(3);
      await playground.press('Step');
      await playground.until(async () => (await playground.number('step')) === 1);
    });

    test('gives an argument to the network at whose field it was typed', async () => {
      const playground = await openPage(THREE);
      const { page } = playground;
      await playground.openArguments('b');
      await page.evaluate(hold);
      await removal(playground).click();
      const momentum = playground.network('b').getByLabel('momentum', { exact: true });
      await momentum.fill('0.5');
      await momentum.press('Enter');
      await letGo(page);
      await playground.until(async () => (await playground.networkNames()).length === 2);
      await playground.ready();
      expect(await playground.text('a-code').innerText()).toBe('layerBatchNormalization({ momentum: 0.5 })');
      expect(await playground.text('b-code').innerText()).toBe('layerBatchNormalization({ epsilon: 0.1 })');
    });

    test('says of no network what was refused of another', async () => {
      const playground = await openPage(THREE);
      const { page } = playground;
      await playground.openArguments('b');
      await playground.openArguments('c');
      await page.evaluate(hold);
      const momentum = playground.network('b').getByLabel('momentum', { exact: true });
      await momentum.fill('x');
      await momentum.press('Enter');
      await removal(playground).click();
      await letGo(page);
      await playground.until(async () => (await playground.networkNames()).length === 2);
      await playground.ready();
      expect(await playground.problems()).toEqual([]);
      for (const key of ['a', 'b'] as const) {
        const field = playground.network(key).getByLabel('momentum', { exact: true });
        expect(await field.inputValue()).toBe('0.99');
      }
    });

    test('goes back to where it was', async () => {
      const playground = await openPage();
      const { page } = playground;
      const { hash } = new URL(page.url());
      await page.evaluate(hold);
      await page.getByRole('link', { name: 'Young moving statistics' }).click();
      await playground.until(async () => (await playground.presetTitle()) === 'Young moving statistics');
      expect(await page.getByText('You changed what this preset sets').count()).toBe(0);
      await page.goBack();
      await playground.until(async () => (await playground.presetTitle()) === 'Covariate shift');
      await letGo(page);
      await playground.ready();
      expect(await playground.networkNames()).toEqual(['without normalization', 'batch normalization']);
      expect(new URL(page.url()).hash).toBe(hash);
    });

    test('goes to another view and stays with what was asked for', async () => {
      const playground = await openPage();
      const { page } = playground;
      await page.evaluate(hold);
      await page.getByRole('link', { name: 'Young moving statistics' }).click();
      await playground.until(async () => (await playground.presetTitle()) === 'Young moving statistics');
      await playground.show('Doctor');
      await page.locator('.doctor').waitFor();
      await letGo(page);
      await playground.show('Playground');
      await playground.until(async () => (await playground.networkNames())[0] === 'momentum 0.99');
      await playground.ready();
      expect(new URL(page.url()).hash).toBe('#preset=momentum');

      await page.evaluate(hold);
      await page.getByLabel('Depth', { exact: true }).fill('2');
      await playground.show('Doctor');
      await page.locator('.doctor').waitFor();
      await letGo(page);
      await playground.show('Playground');
      await playground.until(
        async () => (await page.getByLabel('Depth', { exact: true }).inputValue()) === '2',
      );
      await playground.ready();
      expect(new URL(page.url()).hash).toBe('#preset=momentum&depth=2');
    });

    test('goes where a link leads, whatever it has to say of where it was', async () => {
      const playground = await openPage();
      const { page } = playground;
      await page.evaluate(() => {
        document.querySelector<HTMLAnchorElement>('.views a:last-child')!.click();
        const unit = document.querySelector<HTMLInputElement>('#unit')!;
        unit.value = '3';
        unit.dispatchEvent(new Event('change', { bubbles: true }));
      });
      await page.locator('.doctor').waitFor();
      expect(new URL(page.url()).hash).toContain('view=doctor');
    });

    test('keeps the preset that was chosen before the first address was refused', async () => {
      const playground = await openPage();
      const { page } = playground;
      await page.addInitScript(hold);
      await page.evaluate(() => {
        history.replaceState(null, '', '#data=files');
      });
      await page.reload();
      await page.getByRole('link', { name: 'Young moving statistics' }).click();
      await playground.until(async () => (await playground.presetTitle()) === 'Young moving statistics');
      await letGo(page);
      await playground.ready();
      await playground.until(async () => (await playground.networkNames())[0] === 'momentum 0.99');
      await playground.ready();
      expect(await playground.networkNames()).toEqual(['momentum 0.99', 'momentum 0.9']);
      expect(new URL(page.url()).hash).toBe('#preset=momentum');
    });

    test('keeps what is being typed', async () => {
      const playground = await openPage();
      const { page } = playground;
      const width = page.getByLabel('Width', { exact: true });
      await page.evaluate(hold);
      await page.getByLabel('Depth', { exact: true }).fill('3');
      await width.focus();
      await page.keyboard.press('Control+A');
      await page.keyboard.type('1');
      await letGo(page);
      await playground.ready();
      await page.keyboard.type('6');
      await page.keyboard.press('Enter');
      await playground.ready();
      expect(await width.inputValue()).toBe('16');
      expect(new URL(page.url()).hash).toContain('width=16&');
    });

    test('counts every press of an arrow', async () => {
      const playground = await openPage();
      const { page } = playground;
      const width = page.getByLabel('Width', { exact: true });
      await page.evaluate(hold);
      await width.focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await letGo(page, 1);
      await playground.until(() => Promise.resolve(new URL(page.url()).hash.includes('width=9&')));
      await page.keyboard.press('ArrowUp');
      await letGo(page);
      await playground.ready();
      await playground.until(() => Promise.resolve(new URL(page.url()).hash.includes('width=11&')));
      expect(await width.inputValue()).toBe('11');
    });

    test('shows no answer of a network that is gone', async () => {
      const playground = await openPage('#width=8&depth=1');
      const { page } = playground;
      const answer = playground.text('a-answer');
      await playground.text('sheet').focus();
      await page.keyboard.press('Space');
      for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowDown');
      await playground.until(async () => (await answer.innerText()) !== '–');
      await page.evaluate(hold);
      await removal(playground).click();
      await letGo(page, 1);
      await playground.until(async () => (await playground.networkNames()).length === 1);
      expect(await answer.innerText()).toBe('–');
      await letGo(page);
      await playground.until(async () => (await answer.innerText()) !== '–');
    });
  });

  describe('while it trains, the page', () => {
    test('says that it trains where it was paused for a moment', async () => {
      const playground = await openPage();
      const { page } = playground;
      await playground.press('Start');
      await playground.untilStep(1);
      await page.evaluate(hold);
      await playground.press('Pause');
      await playground.press('Start');
      await letGo(page);
      const step = await playground.number('step');
      await playground.untilStep(step + 20);
      expect(await page.locator('.toolbar [role="status"]').innerText()).toBe('Training.');
    });

    test('lets a unit be typed', async () => {
      const playground = await openPage('#data=circles&width=16&depth=2&b={}');
      const { page } = playground;
      const unit = page.getByLabel('Unit', { exact: true });
      await unit.focus();
      await page.keyboard.press('Control+A');
      await page.keyboard.type('1');
      await playground.button('Step').evaluate((button) => {
        (button as HTMLElement).click();
      });
      await playground.until(async () => (await playground.number('step')) === 1);
      await page.keyboard.type('2');
      await page.keyboard.press('Enter');
      await page.getByRole('slider', { name: 'Mean of channel 12' }).waitFor();
      expect(await unit.inputValue()).toBe('12');
    });

    test('names the channel that is under the pointer, of the layer as it is', async () => {
      const playground = await openPage();
      const { page } = playground;
      const chart = page.locator('.statistics.b figure', { hasText: 'Mean, all channels now' });
      const svg = chart.locator('svg');
      await svg.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await svg.boundingBox())!;
      await page.mouse.move(x + 0.95 * width, y + height / 2);
      await chart.getByText('channel 7', { exact: true }).waitFor();
      await page.getByLabel('Width', { exact: true }).evaluate((field) => {
        (field as HTMLInputElement).value = '4';
        field.dispatchEvent(new Event('change', { bubbles: true }));
      });
      await playground.ready();
      await playground.until(() => Promise.resolve(new URL(page.url()).hash.includes('width=4&')));
      expect(await chart.locator('li').last().innerText()).toBe('channel 3');
    });
  });

  test('the tour points at what came after it', async () => {
    const playground = await openPage('?first#data=circles&width=8&depth=2&b={}');
    const { page } = playground;
    await page.addInitScript(hold);
    await page.reload();
    const next = page.getByRole('complementary', { name: 'Tour' }).getByRole('button', { name: 'Next' });
    for (let i = 0; i < 4; i++) await next.press('Enter');
    await letGo(page);
    await playground.ready();
    await playground.until(
      async () => (await page.locator('.pointed-at h2').innerText()) === 'Inside the networks',
      3,
    );
  });

  describe('the doctor', () => {
    test('does not leave the page for a file that is dropped before it is loaded', async () => {
      const playground = await openPage();
      const { page } = playground;
      const goOn = await holdRequests(page, /doctor/);
      await playground.show('Doctor');
      await page.getByText('Loading…').waitFor();
      const leaves = await page.evaluate(() =>
        document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true })),
      );
      goOn();
      await page.locator(MODEL_ZONE).waitFor();
      expect(leaves).toBe(false);
    });

    const openDoctor = async (): Promise<Playground> => {
      const playground = await openPage();
      await playground.show('Doctor');
      await playground.page.locator(MODEL_ZONE).waitFor();
      return playground;
    };

    test('keeps a model that was dropped while the sample was on its way', async () => {
      const playground = await openDoctor();
      const { page } = playground;
      const goOn = await holdRequests(page, /\.npy/);
      await playground.press('Open the sample');
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      const arrived = page.waitForResponse(/\.npy/);
      goOn();
      await arrived;
      await playground.press('Fold');
      await playground.text('folding').waitFor();
      await untilDone(playground);
      expect(await page.locator('#findings-title').innerText()).toBe('sequential');
      expect(await playground.problems()).toEqual([]);
    });

    test('gives the data of a sample that was stopped to no other model', async () => {
      const playground = await openDoctor();
      const { page } = playground;
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      page.once('worker', (worker) => {
        worker
          .evaluate(() => {
            setTimeout(() => {
              for (;;);
            });
          })
          .catch(() => undefined);
      });
      await playground.press('Open the sample');
      await playground.press('Stop');
      await playground.until(async () => (await playground.problems()).length > 0);
      await untilDone(playground);
      expect(await playground.problems()).toEqual([
        'Reading the model did not stop by itself, so the doctor was ended.',
      ]);
    });

    test('compares only what it has looked at', async () => {
      const playground = await openDoctor();
      const { page } = playground;
      await openModel(playground, [modelFile('tf-keras-conv.h5')]);
      const titles = await page.evaluateHandle(() => {
        const seen: string[] = [];
        new MutationObserver(() => {
          const shown = document.getElementById('changes-title')?.textContent ?? 'none';
          if (seen.at(-1) !== shown) seen.push(shown);
        }).observe(document.body, { childList: true, subtree: true, characterData: true });
        return seen;
      });
      await playground.press('Freeze');
      await playground.text('changes').waitFor();
      await untilDone(playground);
      await playground.press('Fold');
      await playground.text('folding').waitFor();
      await untilDone(playground);
      await playground.press('Undo');
      await playground.text('folding').waitFor({ state: 'detached' });
      await untilDone(playground);
      const frozen = 'What changed: Froze 1 batch normalization';
      expect(await titles.jsonValue()).toEqual(['none', frozen, 'What changed: Folded 1 of 1', frozen]);
    });
  });
}
