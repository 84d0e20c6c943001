/** @file The trainer's worker, without a page. */
import { expect, test } from 'vitest';
import { DEFAULTS } from '../../playground/shared/settings.js';
import { Trainer } from '../../playground/training/trainer.js';

test('pausing for a moment, however often, leaves one run', async () => {
  const failures: string[] = [];
  const trainer = new Trainer(
    {
      measured: () => undefined,
      progressed: () => undefined,
      failed: (message) => failures.push(message),
    },
    '',
  );
  await trainer.configure({ ...DEFAULTS, data: 'circles', width: 4, depth: 1, backend: 'cpu' }, []);
  await trainer.start();
  for (let i = 0; i < 5; i++) {
    void trainer.pause();
    void trainer.start();
  }
  const steps: number[] = [];
  for (let i = 0; i < 5; i++) steps.push((await trainer.step()).step);
  const done = await trainer.pause();
  // Between two steps that are asked for, a run has one turn at most.
  expect(Math.max(...steps.map((step, i) => step - (steps[i - 1] ?? 0)))).toBeLessThanOrEqual(2);
  await trainer.start();
  await expect.poll(async () => (await trainer.step()).step, { timeout: 20_000 }).toBeGreaterThan(done + 10);
  await trainer.pause();
  expect(failures).toEqual([]);
});
