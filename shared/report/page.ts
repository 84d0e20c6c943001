/**
 * @file Pages of one file that hold all they need, scripts and styles included. Names of models and layers stand in
 * them, which come from anywhere: the page's policy lets these scripts and styles run, known by their hashes, and nothing else.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { shorten } from '../../src/text/show.js';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for a page, its attributes too. */
const escapeMarkup = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);

/** Names are shorter; what is longer would only make the page unreadable. */
const LONGEST_TEXT = 1000;

/** Text for a page, cut where it is long, without what turns the direction or cannot be seen. */
export const escapeHtml = (text: string): string => escapeMarkup(shorten(text, LONGEST_TEXT));

const cutText = (_: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value;

/** JSON that cannot end the script element it stands in, nor a line of a script. */
const escapeJson = (value: unknown): string =>
  JSON.stringify(value, cutText).replace(
    /[<\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** What a Content-Security-Policy calls a script or a style. */
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The policy of a page with these scripts and styles. It needs nothing from anywhere, and may ask for nothing. */
const policyFor = (scripts: readonly string[], styles: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(' ')}`,
    `style-src ${styles.map(hashOf).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

/** What a page holds beside its text. */
export interface PageContent {
  /** The name of the element that holds the data as JSON. */
  readonly id: string;
  readonly data: unknown;
  /** Style sheets, behind the one of all reports. */
  readonly styles: readonly string[];
  /** Scripts of the old kind, before the modules. */
  readonly libraries?: readonly string[];
  readonly modules: readonly string[];
}

/**
 * The template with `{{name}}` replaced by the part of that name, which is HTML; `{{policy}}`, `{{styles}}` and
 * `{{scripts}}` are made here.
 */
export function fillPage(
  template: string,
  parts: Readonly<Record<string, string>>,
  { id, data, libraries = [], modules, ...content }: PageContent,
): string {
  const styles = [readFileSync(new URL('page.css', import.meta.url), 'utf8'), ...content.styles];
  const policy = policyFor([...libraries, ...modules], styles);
  const all: Readonly<Record<string, string>> = {
    ...parts,
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    styles: styles.map((style) => `<style>${style}</style>`).join('\n'),
    scripts: [
      `<script type="application/json" id="${id}">${escapeJson(data)}</script>`,
      ...libraries.map((library) => `<script>${library}</script>`),
      ...modules.map((module) => `<script type="module">${module}</script>`),
    ].join('\n'),
  };
  // By a function, since names may hold what a replacement in a string would obey, such as $&.
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = all[name];
    if (part === undefined) throw new Error(`The page's template asks for ${name}, which nothing fills in.`);
    return part;
  });
}
