/**
 * @file The list of layers in COMPATIBILITY.md, made of the table that loading and saving go by. `npm run docs` writes it,
 * and a test holds the document to it.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { LAYER_NAMES, REFUSED, entryOf } from '../../src/keras/layer-table.js';
import { Operation } from '../../src/keras/operations/operation.js';
import { OPERATION_NAMES, operationEntry } from '../../src/keras/operations/table.js';
import { show } from '../../src/text/show.js';
import { ROOT, readText } from './blocks.js';

const DOCUMENT = 'COMPATIBILITY.md';
const START = '<!-- made by npm run docs -->';
const END = '<!-- until here -->';

const WIDTH = 118;

const code = (text: string) => `\`${text}\``;

/** A value as Python writes it. */
const python = (value: unknown): string =>
  value === null ? 'None' : typeof value === 'boolean' ? (value ? 'True' : 'False') : show(value);

/** What a layer of Keras is limited to here. */
function limitsOf(name: string): string {
  const { fixed = {}, notInKeras3 } = entryOf(name)!;
  const settings = Object.entries(fixed).map(([setting, value]) => code(`${setting}=${python(value)}`));
  const limits = [
    settings.length > 0 ? `only ${settings.join(', ')}` : '',
    notInKeras3 === undefined ? '' : 'for tf-keras only',
  ];
  return limits.filter(Boolean).join('; ');
}

/** Layers by their limits, which some share. */
function layersByLimits(): Map<string, string[]> {
  const byLimits = new Map<string, string[]>();
  for (const name of LAYER_NAMES.filter((one) => one !== Operation.className)) {
    const limits = limitsOf(name);
    byLimits.set(limits, [...(byLimits.get(limits) ?? []), code(name) + (entryOf(name)!.layer ? '*' : '')]);
  }
  return byLimits;
}

/** Breaks lines where a word would go beyond the width that the documents have. */
function wrap(words: readonly string[]): string {
  return words.reduce((text, word) => {
    const line = text.length - text.lastIndexOf('\n');
    return text + (line + word.length > WIDTH ? '\n' : ' ') + word;
  });
}

/** Operations that stand bare in a graph: which Keras writes them. */
function operationRows(): string[] {
  const names = (isThis: (inTfKeras: boolean, inKeras3: boolean) => boolean) =>
    OPERATION_NAMES.filter((name) => {
      const { tfKeras, keras3 } = operationEntry(name)!;
      return isThis(tfKeras !== undefined, keras3 !== undefined);
    }).map(code);
  return [
    `| both | ${names((one, other) => one && other).join(' ')} |`,
    `| tf-keras | ${names((one, other) => one && !other).join(' ')} |`,
    `| Keras 3 | ${names((one, other) => !one && other).join(' ')} |`,
  ];
}

const refusedRows = () => Object.entries(REFUSED).map(([name, reason]) => `| ${code(name)} | ${reason}. |`);

/** The document as it should be. */
export async function documentWithLayers(): Promise<string> {
  const text = readText(DOCUMENT);
  const [before, after] = [text.split(START)[0]!, text.split(END)[1]!];
  const { '': whole = [], ...limited } = Object.fromEntries(layersByLimits());
  const made = [
    'Whole (* by a class of this library):',
    wrap(whole),
    '',
    '| with limits | |',
    '| --- | --- |',
    ...Object.entries(limited).map(([limits, names]) => `| ${names.join(' ')} | ${limits} |`),
    '',
    '| operations of | names here |',
    '| --- | --- |',
    ...operationRows(),
    '',
    '| refused | why, and what to do |',
    '| --- | --- |',
    ...refusedRows(),
  ];
  const document = `${before}${START}\n\n${made.join('\n')}\n\n${END}${after}`;
  return format(document, { ...(await resolveConfig(ROOT + DOCUMENT)), filepath: DOCUMENT });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(ROOT + DOCUMENT, await documentWithLayers());
