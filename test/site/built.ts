/** @file The site as it is published: built into a folder, to stand below a path; its pages, their anchors and their links. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../docs/blocks.js';
import { BASE } from '../playground/site.js';

export interface BuiltSite {
  readonly folder: string;
  /** Paths of its pages in the folder, without the playground and what a server shows where there is none. */
  readonly pages: readonly string[];
  remove(): void;
}

export async function buildSite(): Promise<BuiltSite> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-site-'));
  const program = [`${ROOT}docs/.vitepress/build.ts`, '--out', folder];
  await promisify(execFile)(process.execPath, ['--import', 'tsx', ...program], {
    cwd: ROOT,
    env: { ...process.env, SITE_BASE: BASE, NODE_ENV: 'production' },
  });
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.html') && name !== '404.html' && !name.startsWith('playground/'))
    .sort();
  return {
    folder,
    pages,
    remove() {
      rmSync(folder, { recursive: true });
    },
  };
}

/** Text as it stands in an attribute of HTML. */
const decoded = (text: string): string =>
  text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");

const attributesOf = (html: string, name: string): string[] =>
  [...html.matchAll(new RegExp(`<[a-z][^<>]*? ${name}="([^"]*)"`, 'g'))].map(([, value]) => decoded(value!));

/** Links and pictures of each page, once. */
function linksOf({ folder, pages }: Pick<BuiltSite, 'folder' | 'pages'>): { page: string; link: string }[] {
  return pages.flatMap((page) => {
    const html = readFileSync(join(folder, page), 'utf8');
    const links = new Set([...attributesOf(html, 'href'), ...attributesOf(html, 'src')]);
    return [...links].map((link) => ({ page, link }));
  });
}

/** Addresses of the playground that pages link to, by what follows its folder. */
export const playgroundAddresses = (site: BuiltSite): string[] => [
  ...new Set(
    linksOf(site).flatMap(({ link }) => {
      const [, address] = link.split(`${BASE}playground/`);
      return address === undefined ? [] : [address];
    }),
  ),
];

/** Links and pictures of all pages that lead to nothing in the folder. */
export function deadLinks({ folder, pages }: BuiltSite): string[] {
  const anchors = new Map<string, ReadonlySet<string>>();
  const anchorsOf = (file: string): ReadonlySet<string> => {
    const known = anchors.get(file) ?? new Set(attributesOf(readFileSync(join(folder, file), 'utf8'), 'id'));
    anchors.set(file, known);
    return known;
  };
  return linksOf({ folder, pages })
    .filter(({ link, page }) => !isAlive(link, page))
    .map(({ link, page }) => `${page}: ${link}`);

  function isAlive(link: string, page: string): boolean {
    const { origin, pathname, hash } = new URL(link, `http://site${BASE}${page}`);
    if (origin !== 'http://site') return true;
    if (!pathname.startsWith(BASE)) return false;
    const file = decodeURI(pathname)
      .slice(BASE.length)
      .replace(/(^|\/)$/, '$1index.html');
    if (!existsSync(join(folder, file))) return false;
    // An address of the playground holds settings after `#`.
    return (
      hash === '' || file.startsWith('playground/') || anchorsOf(file).has(decodeURIComponent(hash.slice(1)))
    );
  }
}
