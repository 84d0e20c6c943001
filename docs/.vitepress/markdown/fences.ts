/** @file Hides from the site what a block of code says to the tests: that it is compiled only, or only shown, and why. */
import type { MarkdownRenderer } from 'vitepress';

/** After the language and the title: `compiled (why)` or `shown (why)`. */
export const NOT_RUN = / (compiled|shown) \(([^()]+)\)$/;

export function fencesForTests(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('fences-for-tests', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'fence') token.info = token.info.replace(NOT_RUN, '');
  });
}
