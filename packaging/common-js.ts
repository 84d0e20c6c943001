/**
 * @file Makes the ways in for `require`: beside each entry's `index.js` an `index.cjs`, which is that same module, so that
 * a program that has both has one layer; and an `index.d.cts`, since TypeScript types what it requires by a file of its own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A type as the declarations of the entry have it, from a file that TypeScript takes to be CommonJS. */
const DECLARATIONS = `import('./index.js', { with: { 'resolution-mode': 'import' } })`;

/** A function or class of the entry. A class is a type, too. */
function declarationOf([name, value]: [string, unknown]): string {
  const isClass = typeof value === 'function' && value.toString().startsWith('class ');
  const types = isClass ? `export type ${name} = ${DECLARATIONS}.${name};\n` : '';
  return `${types}export declare const ${name}: typeof ${DECLARATIONS}.${name};\n`;
}

/** Writes those files into the folder of an entry. */
async function makeDoor(folder: string): Promise<void> {
  const values = (await import(pathToFileURL(join(folder, 'index.js')).href)) as Record<string, unknown>;
  writeFileSync(join(folder, 'index.cjs'), "module.exports = require('./index.js');\n");
  writeFileSync(
    join(folder, 'index.d.cts'),
    `export type * from './index.js' with { 'resolution-mode': 'import' };\n` +
      Object.entries(values).map(declarationOf).join(''),
  );
}

/** Writes those files for every entry that package.json names for `import`. */
export async function makeCommonJs(root: string): Promise<void> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { import?: { default: string } }>;
  };
  for (const entry of Object.values(exports)) {
    if (typeof entry === 'object' && entry.import) await makeDoor(join(root, entry.import.default, '..'));
  }
}
