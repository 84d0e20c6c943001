/** @file Makes MathML of `$…$` and `$$…$$` while the site is built, so that a page needs no program to show a formula. */
import { tex } from '@mdit/plugin-tex';
import temml from 'temml';
import type { MarkdownRenderer } from 'vitepress';

export function formulas(markdown: MarkdownRenderer): void {
  // The same class, whose types VitePress brings in another version.
  tex(markdown as unknown as Parameters<typeof tex>[0], {
    render: (content, displayMode) => {
      const mathml = temml.renderToString(content, { displayMode, throwOnError: true, annotate: false });
      // Vue takes what it does not know for a component of its own, unless told not to look.
      return mathml.replace('<math', '<math v-pre');
    },
  });
}
