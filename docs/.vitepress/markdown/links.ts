/**
 * @file Makes links of a page work on the site as they work on GitHub. A link to a document of the root leads to the page
 * that includes it, one to the folder `playground/` to the playground, and one to a program or any other file to the repository.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';
import type { MarkdownRenderer } from 'vitepress';
import { BASE, REPOSITORY, ROOT } from '../project.js';

/** Pages that show a document of the root, and nothing else. */
const INCLUDING_PAGES: Readonly<Record<string, string>> = {
  'docs/architecture.md': 'ARCHITECTURE.md',
  'docs/changelog.md': 'CHANGELOG.md',
  'docs/compatibility.md': 'COMPATIBILITY.md',
  'docs/contributing.md': 'CONTRIBUTING.md',
  'docs/security.md': 'SECURITY.md',
};

const PAGES = new Map(Object.entries(INCLUDING_PAGES).map(([page, document]) => [document, page]));

interface Target {
  readonly address: string;
  /** It is no page of the site, which then would load it without leaving the page. */
  readonly isElsewhere: boolean;
}

/**
 * @param address as the document has it
 * @param page its path from the repository's folder
 */
function targetOf(address: string, page: string): Target {
  if (address === '' || /^(\w+:|#|\/)/.test(address)) return { address, isElsewhere: false };
  const document = INCLUDING_PAGES[page] ?? page;
  const [path = '', ...anchor] = address.split(/(?=#)/);
  const file = join(dirname(document), decodeURI(path));
  if (file.startsWith('playground/') || file === 'playground')
    return { address: `${BASE}playground/${anchor.join('')}`, isElsewhere: true };
  const shown = PAGES.get(file) ?? file;
  if (shown.startsWith('docs/') && !shown.endsWith('.ts')) {
    const fromPage = relative(dirname(page), shown) + (shown.endsWith('/') ? '/' : '');
    return {
      address: `${fromPage.startsWith('.') ? '' : './'}${fromPage}${anchor.join('')}`,
      isElsewhere: false,
    };
  }
  if (!existsSync(ROOT + file)) throw new Error(`${document} links to ${address}, which does not exist.`);
  const kind = statSync(ROOT + file).isDirectory() ? 'tree' : 'blob';
  return { address: `${REPOSITORY}/${kind}/main/${file}${anchor.join('')}`, isElsewhere: false };
}

export function linksOfRepository(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('links-of-repository', ({ tokens, env }) => {
    const page = `docs/${(env as { relativePath: string }).relativePath}`;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const name = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : null;
      const address = name === null ? null : token.attrGet(name);
      if (name === null || address === null) continue;
      const target = targetOf(address, page);
      token.attrSet(name, target.address);
      if (target.isElsewhere) token.attrSet('target', '_self');
    }
  });
}
