/** @file What the page tells a visitor, and how one gets about: cases of page.test.ts, which brings the browser. */
import type { BrowserContextOptions } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Playground } from './browser.js';

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 800 } };

/** @param openPage opens the page */
export function storyCases(
  openPage: (address?: string, options?: BrowserContextOptions) => Promise<Playground>,
): void {
  const follow = async (playground: Playground, name: string) => {
    await playground.page.getByRole('link', { name, exact: true }).click();
    await playground.until(async () => (await playground.presetTitle()) === name);
    await playground.ready();
  };

  describe('a preset', () => {
    test('is an entry of the history, names its networks by what they are, and can be changed', async () => {
      const playground = await openPage();
      const { page } = playground;
      expect(await playground.networkNames()).toEqual(['without normalization', 'batch normalization']);
      await follow(playground, 'Young moving statistics');
      await playground.until(async () => (await playground.networkNames())[0] === 'momentum 0.99');
      expect(await playground.networkNames()).toEqual(['momentum 0.99', 'momentum 0.9']);
      expect(new URL(page.url()).hash).toBe('#preset=momentum');

      await playground.set('Depth', '2');
      await playground.set('Width', '16');
      expect(new URL(page.url()).hash).toBe('#preset=momentum&depth=2&width=16');
      expect(await page.getByText('You changed what this preset sets').count()).toBe(1);
      await follow(playground, 'Frozen layers');
      await playground.until(async () => (await playground.networkNames()).length === 3);

      await page.goBack();
      await playground.until(async () => (await playground.networkNames()).length === 2);
      expect(await playground.presetTitle()).toBe('Young moving statistics');
      expect(await page.getByLabel('Depth', { exact: true }).inputValue()).toBe('2');
      await page.getByRole('link', { name: 'Set it back' }).click();
      await playground.until(
        async () => (await page.getByLabel('Depth', { exact: true }).inputValue()) === '3',
      );
      await page.goBack();
      await page.goBack();
      await playground.until(async () => (await playground.presetTitle()) === 'Covariate shift');
      expect(page.url()).not.toContain('#');
    });

    test('runs on the backend that was chosen before, which changes nothing that it sets', async () => {
      const playground = await openPage('#backend=cpu&width=16');
      await follow(playground, 'Young moving statistics');
      await playground.until(async () => (await playground.networkNames())[0] === 'momentum 0.99');
      expect(await playground.text('backend').innerText()).toBe('cpu');
      expect(new URL(playground.page.url()).hash).toBe('#preset=momentum&backend=cpu');
      expect(await playground.page.getByText('You changed what this preset sets').count()).toBe(0);
    });

    test('shows the curve in training mode where it differs', async () => {
      const playground = await openPage('#preset=momentum');
      await playground.press('Start');
      await playground.untilStep(50);
      await playground.press('Pause');
      await playground.text('a-training-mode').waitFor();
      expect(await playground.page.getByText('momentum 0.99, in training mode').count()).toBe(1);
      expect(await playground.number('b-accuracy')).toBeGreaterThan(await playground.number('a-accuracy'));
      await playground.picture('preset-momentum');
    });

    test('whose network diverges says so in words', async () => {
      const playground = await openPage('#preset=learning-rate');
      await playground.press('Start');
      await playground.text('a-diverged').waitFor();
      await playground.untilStep(30);
      await playground.press('Pause');
      expect(await playground.text('a-diverged').innerText()).toMatch(
        /^diverged at step \d+: the loss is (no number|over 1,000)$/,
      );
      expect(await playground.number('b-accuracy')).toBeGreaterThan(50);
      expect(await playground.page.locator('body').innerText()).not.toMatch(/NaN|Infinity|e\+\d/);
      await playground.picture('preset-learning-rate');
    });

    test('shows how it goes below Start, on a phone', async () => {
      const playground = await openPage('', PHONE);
      const { page } = playground;
      const isSeen = async (testId: string): Promise<boolean> => {
        const { y, height } = (await playground.text(testId).boundingBox())!;
        return y > 0 && y + height < page.viewportSize()!.height;
      };
      expect(await isSeen('b-accuracy')).toBe(true);
      // With the story out of the way the curve is there too.
      await page.locator('.toolbar').evaluate((toolbar) => {
        toolbar.scrollIntoView();
      });
      await playground.press('Start');
      await playground.untilStep(10);
      expect(await isSeen('b-accuracy')).toBe(true);
      const chart = (await page.locator('.chart').first().boundingBox())!;
      expect(chart.y + chart.height).toBeLessThan(800);
      await playground.picture('phone');
    });
  });

  test('networks are added and removed, and named by what they differ in', async () => {
    const playground = await openPage('#data=circles&width=8&depth=2&b={}');
    await playground.press('Add a network');
    await playground.network('c').waitFor();
    await playground.openArguments('c');
    await playground.set('epsilon', '0.1', playground.network('c'));
    expect(await playground.networkNames()).toEqual([
      'without normalization',
      'epsilon 0.001',
      'epsilon 0.1',
    ]);
    // The default, typed, is none that was given.
    await playground.set('epsilon', '0.001', playground.network('c'));
    expect(await playground.text('c-code').innerText()).toBe('layerBatchNormalization()');
    await playground.set('virtualBatchSize', '10', playground.network('c'));
    await playground.page.getByRole('button', { name: 'Remove the network without normalization' }).click();
    await playground.until(async () => (await playground.networkNames()).length === 2);
    expect(await playground.networkNames()).toEqual(['batch normalization', 'ghost batches of 10']);
    await playground.press('Step');
    await playground.until(async () => (await playground.number('step')) === 1);
  });

  test('a chart that is asked to draw in the moment in which a network goes draws what is left', async () => {
    const playground = await openPage('#data=circles&width=8&depth=2&b={}');
    const losses = playground.page.getByRole('slider', { name: 'Loss' });
    // Between the page's change and its next frame, in which a chart off the screen may come into view, too.
    await losses.evaluate((slider) => {
      new MutationObserver(() => {
        (slider as HTMLElement).focus();
      }).observe(slider.closest('figure')!.querySelector('.legend')!, { childList: true });
    });
    await playground.page.getByRole('button', { name: 'Remove the network without normalization' }).click();
    await playground.until(async () => (await playground.networkNames()).length === 1);
    expect(await losses.evaluate((slider) => slider === document.activeElement)).toBe(true);
    await playground.press('Step');
    await playground.until(async () => (await losses.getAttribute('aria-valuetext'))!.startsWith('step 1:'));
  });

  test('an address that asks for a missing backend is followed on another, and that is said', async () => {
    const playground = await openPage('#data=circles&width=8&depth=2&backend=webgpu');
    expect(await playground.problems()).toEqual([
      expect.stringMatching(/webgpu cannot be used in this browser.*The networks run on wasm instead\.$/),
    ]);
    expect(await playground.text('backend').innerText()).toBe('wasm');
    expect(playground.page.url()).not.toContain('webgpu');
  });

  test('a first visit has a tour that points at things, ends, and stays ended', async () => {
    const playground = await openPage('?first#data=circles&width=8&depth=2');
    const { page } = playground;
    const tour = page.getByRole('complementary', { name: 'Tour' });
    expect(await tour.innerText()).toContain('1 of 5');
    // The page works on beside it.
    await playground.press('Step');
    await playground.until(async () => (await playground.number('step')) === 1);
    await playground.picture('tour');
    expect(await playground.faults()).toEqual([]);
    for (let i = 0; i < 4; i++) await tour.getByRole('button', { name: 'Next' }).press('Enter');
    expect(await tour.innerText()).toContain('The statistics');
    await playground.until(
      async () => (await page.locator('.pointed-at h2').innerText()) === 'Inside the networks',
    );
    await tour.getByRole('button', { name: 'Back' }).press('Escape');
    expect(await tour.count()).toBe(0);
    expect(await page.locator('.pointed-at').count()).toBe(0);
    await page.reload();
    await playground.ready();
    expect(await tour.count()).toBe(0);
    await playground.press('Show me around');
    await tour.waitFor();
    await page.keyboard.press('Tab');
    await tour.getByRole('button', { name: 'Skip' }).press('Space');
    expect(await tour.count()).toBe(0);
    await playground.press('Show me around');
    for (let i = 0; i < 4; i++) await tour.getByRole('button', { name: 'Next' }).press('Enter');
    expect(await tour.getByRole('button').allInnerTexts()).toEqual(['Back', 'Done']);
    await tour.getByRole('button', { name: 'Done' }).press('Enter');
    expect(await tour.count()).toBe(0);
  });
}
