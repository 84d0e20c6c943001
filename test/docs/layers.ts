/** @file The list of layers in COMPATIBILITY.md, made of the table that loading and saving go by. */
import { LAYER_NAMES, REFUSED, entryOf } from '../../src/keras/layer-table.js';
import { Operation } from '../../src/keras/operations/operation.js';
import { OPERATION_NAMES, operationEntry } from '../../src/keras/operations/table.js';
import { show } from '../../src/text/show.js';
import { table } from './table.js';

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
function operationRows(): string[][] {
  const names = (isThis: (inTfKeras: boolean, inKeras3: boolean) => boolean) =>
    OPERATION_NAMES.filter((name) => {
      const { tfKeras, keras3 } = operationEntry(name)!;
      return isThis(tfKeras !== undefined, keras3 !== undefined);
    })
      .map(code)
      .join(' ');
  return [
    ['both', names((one, other) => one && other)],
    ['tf-keras', names((one, other) => one && !other)],
    ['Keras 3', names((one, other) => !one && other)],
  ];
}

const refusedRows = () => Object.entries(REFUSED).map(([name, reason]) => [code(name), `${reason}.`]);

export function layerLines(): string[] {
  const { '': whole = [], ...limited } = Object.fromEntries(layersByLimits());
  return [
    'Whole (* by a class of this library):',
    wrap(whole),
    '',
    ...table(
      ['with limits', ''],
      Object.entries(limited).map(([limits, names]) => [names.join(' '), limits]),
    ),
    '',
    ...table(['operations of', 'names here'], operationRows()),
    '',
    ...table(['refused', 'why, and what to do'], refusedRows()),
  ];
}
