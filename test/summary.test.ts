/** @file The summary at the end of a run. */
import { expect, test } from 'vitest';
import { type SkippedTest, summarize } from './summary.js';

const skipped = (...tags: string[]): SkippedTest => ({ tags, options: { mode: 'skip' } });

test('the summary counts what was skipped by what would run it, most first', () => {
  const tests = [skipped('keras'), skipped('browser'), skipped('browser')];
  expect(summarize(tests)).toEqual([
    expect.stringMatching(/^2 need Chromium or Chrome: .*EVENKEEL_CHROMIUM/),
    expect.stringMatching(/^1 needs real Keras.*: oracle\/install\.sh && npm test$/),
  ]);
});

test('a test that needs a browser and time counts as one that needs time', () => {
  expect(summarize([skipped('browser', 'every-case')])).toEqual([
    expect.stringContaining('EVENKEEL_BROWSER=all'),
  ]);
});

test('no skip is left out: not without a tag, nor where a browser is there and its set-up failed', () => {
  const failed: SkippedTest = { tags: ['browser'], options: { mode: 'run' } };
  expect(summarize([skipped(), failed])).toEqual([
    '1 needs something that no tag of test/needs.ts names',
    '1 needs what failed before them, above',
  ]);
});
