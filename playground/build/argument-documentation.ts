/**
 * @file The layer's arguments as their source documents them, for the page: what stands in `src/core/options.ts` and
 * `src/layer/arguments.ts` is written nowhere else.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';
import type { ArgumentDocumentation } from 'virtual:argument-documentation';
import type { Plugin } from 'vite';

/** A comment's text without its marks. */
const plain = (comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string =>
  (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').replaceAll('`', '');

/** The default that a comment ends with; nothing where that is null or none. */
function defaultIn(text: string): string {
  const [, found = ''] = /Default (true|false|-?[\d.]*\d|'[^']*')/.exec(text) ?? [];
  return found.replaceAll("'", '');
}

const PAGES = new URL('../../docs/arguments/', import.meta.url);

/** The page of the site whose heading is this argument; the beginning of these pages where there is none. */
function pageOf(name: string): string {
  const pages = existsSync(PAGES) ? readdirSync(PAGES) : [];
  const page = pages.find((file) => readFileSync(new URL(file, PAGES), 'utf8').includes(`\n## ${name}\n`));
  return page ? `arguments/${page.replace(/\.md$/, '.html')}#${name.toLowerCase()}` : 'arguments/';
}

function documentationOf(member: ts.TypeElement, source: ts.SourceFile): ArgumentDocumentation {
  if (!ts.isPropertySignature(member) || !member.type) throw new Error('An argument has no type.');
  const comments = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  const name = member.name.getText(source);
  const text = comments.map(({ comment }) => plain(comment)).join(' ');
  return {
    name,
    type: member.type.getText(source).replace(/ \| null$/, ''),
    text,
    defaultText: defaultIn(text),
    page: pageOf(name),
  };
}

/** What an interface of a file in `src` declares. */
function declaredIn(file: string, name: string): ArgumentDocumentation[] {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
  if (!found) throw new Error(`${file} declares no ${name}.`);
  return found.members.map((member) => documentationOf(member, source));
}

/** All arguments, in the order of their declaration; the layer's own words come before those of the core. */
export function readArgumentDocumentation(): ArgumentDocumentation[] {
  const all = [
    ...declaredIn('core/options.ts', 'BatchNormalizationOptions'),
    ...declaredIn('layer/arguments.ts', 'BatchNormalizationArgs'),
  ];
  return [...new Map(all.map((one) => [one.name, one])).values()];
}

const MODULE = 'virtual:argument-documentation';

/** Gives the page the module `virtual:argument-documentation`. */
export const argumentDocumentation = (): Plugin => ({
  name: 'argument-documentation',
  resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
  load: (id) =>
    id === `\0${MODULE}`
      ? `export const ARGUMENTS = ${JSON.stringify(readArgumentDocumentation())};`
      : undefined,
});
