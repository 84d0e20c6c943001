/**
 * @file The layer's arguments as its source documents them, for the page: what stands in `src/layer/arguments.ts` is
 * written nowhere else.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { ArgumentDocumentation } from 'virtual:argument-documentation';
import type { Plugin } from 'vite';

const SOURCE = new URL('../../src/layer/arguments.ts', import.meta.url);

/** A comment's text without its marks. */
const plain = (comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string =>
  (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').replaceAll('`', '');

function documentationOf(member: ts.TypeElement, source: ts.SourceFile): ArgumentDocumentation {
  if (!ts.isPropertySignature(member) || !member.type) throw new Error('An argument has no type.');
  const comments = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  return {
    name: member.name.getText(source),
    type: member.type.getText(source).replace(/ \| null$/, ''),
    text: comments.map(({ comment }) => plain(comment)).join(' '),
  };
}

/** All arguments, in the order of their declaration. */
export function readArgumentDocumentation(): ArgumentDocumentation[] {
  const source = ts.createSourceFile(
    'arguments.ts',
    readFileSync(SOURCE, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const declared = (name: string): readonly ts.TypeElement[] => {
    const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
    if (!found) throw new Error(`${SOURCE.pathname} declares no ${name}.`);
    return found.members;
  };
  return declared('BatchNormalizationArgs').map((member) => documentationOf(member, source));
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
