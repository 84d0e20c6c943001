/**
 * @file Puts the pictures of `docs/pictures` into the page itself, where they have the page's colours, in the dark too. Their
 * alternative text is their label. On GitHub they are images.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import type { MarkdownRenderer } from 'vitepress';
import { ROOT } from '../project.js';

export function pictures(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('pictures', ({ tokens, env }) => {
    const folder = dirname(`docs/${(env as { relativePath: string }).relativePath}`);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const file = token.type === 'image' ? join(folder, token.attrGet('src')!) : '';
      if (!file.startsWith('docs/pictures/')) continue;
      const label = markdown.utils.escapeHtml(token.content);
      token.type = 'html_inline';
      token.content = readFileSync(ROOT + file, 'utf8')
        // Vue leaves out a bare <style>.
        .replace(/<(\/?)style>/g, (_, slash: string) => `<${slash}component${slash ? '' : ' is="style"'}>`)
        .replace('<svg', `<svg role="img" aria-label="${label}"`)
        .trim();
    }
  });
}
