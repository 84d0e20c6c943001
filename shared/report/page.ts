/** @file Pages of one file that hold all they need, uPlot's script and style included. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const readBeside = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** A file beside uPlot's main one; its package names no other entry. */
function readUPlot(name: string): string {
  const main = createRequire(import.meta.url).resolve('uplot');
  return readFileSync(join(dirname(main), name), 'utf8');
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for a page, its attributes too. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);

/** JSON that cannot end the script element it stands in. */
const escapeJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** What a page draws. */
export interface Drawing {
  /** The name of the element that holds the data as JSON. */
  readonly id: string;
  readonly data: unknown;
  /** Draws it, with what chart.js has. */
  readonly script: string;
}

/**
 * The template with `{{name}}` replaced by the part of that name, which is HTML; `{{styles}}` and `{{scripts}}` are
 * made here.
 */
export function fillPage(
  template: string,
  parts: Readonly<Record<string, string>>,
  { id, data, script }: Drawing,
): string {
  const styles = [readUPlot('uPlot.min.css'), readBeside('page.css')];
  const all: Readonly<Record<string, string>> = {
    ...parts,
    styles: styles.map((style) => `<style>${style}</style>`).join('\n'),
    scripts: [
      `<script type="application/json" id="${id}">${escapeJson(data)}</script>`,
      `<script>${readUPlot('uPlot.iife.min.js')}</script>`,
      ...[readBeside('chart.js'), script].map((module) => `<script type="module">${module}</script>`),
    ].join('\n'),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = all[name];
    if (part === undefined) throw new Error(`The page's template asks for ${name}, which nothing fills in.`);
    return part;
  });
}
