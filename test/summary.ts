/** @file The last lines of a run: which tests were skipped, and what would run them. */
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { NEEDS } from './needs.js';

/** What of a test the summary looks at. */
export type SkippedTest = Pick<TestCase, 'tags'> & { readonly options: Pick<TestCase['options'], 'mode'> };

/** What a test that was skipped needs. */
function needOf({ tags, options }: SkippedTest): string {
  if (options.mode !== 'skip') return 'what failed before them, above';
  return (
    NEEDS.findLast(({ name }) => tags.includes(name))?.description ??
    'something that no tag of test/needs.ts names'
  );
}

/** One line for each need, with the number of tests. */
export function summarize(skipped: readonly SkippedTest[]): string[] {
  const counts = new Map<string, number>();
  for (const need of skipped.map(needOf)) counts.set(need, (counts.get(need) ?? 0) + 1);
  const widest = skipped.length.toLocaleString('en').length;
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([need, count]) => {
      const number = count.toLocaleString('en').padStart(widest);
      return `${number} ${count === 1 ? 'needs' : 'need'} ${need}`;
    });
}

export default class SkippedTests implements Reporter {
  #vitest!: Vitest;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // Who names tests skips all others, and knows it.
    if (this.#vitest.getGlobalTestNamePattern() || this.#vitest.config.tagsFilter) return;
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const lines = skipped.length === 0 ? ['nothing'] : summarize(skipped);
    // In the columns of Vitest's own summary.
    const labels = ['     Skipped', ...lines.map(() => ' '.repeat(12))];
    this.#vitest.logger.log(lines.map((line, i) => `${labels[i]!}  ${line}\n`).join(''));
  }
}
