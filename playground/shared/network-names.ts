/**
 * @file What the page calls the networks: by what they are, as "without normalization" or "renorm"; where several are
 * normalized, by what they differ in.
 */
import { OPTION_NAMES, resolveOptions } from '../../src/core/options.js';
import { show } from '../../src/text/show.js';
import type { LayerArguments, NetworkSettings, Settings } from './settings.js';

const USUAL: LayerArguments = { ...resolveOptions({}), renormClipping: null, axis: -1, trainable: true };

/** An argument in words; undefined where it says nothing, such as `renorm: false`. */
function describeArgument(name: string, value: unknown): string | undefined {
  if (value == null) return undefined;
  switch (name) {
    case 'renorm':
      return value === true ? 'renorm' : undefined;
    case 'virtualBatchSize':
      return `ghost batches of ${show(value)}`;
    case 'trainable':
      return value === false ? 'frozen' : undefined;
    case 'center':
    case 'scale':
      return value === false ? `no ${name === 'center' ? 'beta' : 'gamma'}` : undefined;
    default:
      return typeof value === 'object' ? name : `${name} ${typeof value === 'string' ? value : show(value)}`;
  }
}

const describeFreezing = (frozenAfter: number | null): string | undefined =>
  frozenAfter === null ? undefined : `frozen after ${frozenAfter} steps`;

const sameJson = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** What makes a normalization one of another kind. */
const KINDS = ['renorm', 'virtualBatchSize', 'trainable', 'center', 'scale'] as const;

/** The arguments that tell normalized networks apart; of a single one those that tell its kind. */
function tellingNames(layers: readonly LayerArguments[]): readonly string[] {
  if (layers.length === 1) return KINDS;
  const given = [...new Set([...OPTION_NAMES, ...layers.flatMap((layer) => Object.keys(layer))])];
  const valueOf = (layer: LayerArguments, name: string) => layer[name] ?? USUAL[name];
  const [first] = layers;
  return given.filter((name) =>
    layers.some((layer) => !sameJson(valueOf(layer, name), valueOf(first!, name))),
  );
}

function nameOf({ layer, frozenAfter }: NetworkSettings, telling: readonly string[]): string {
  if (layer === null) return 'without normalization';
  const words = telling.map((name) => describeArgument(name, layer[name] ?? USUAL[name]));
  const said = [...words, describeFreezing(frozenAfter)].filter((word) => word !== undefined);
  return said.length > 0 ? said.join(', ') : 'batch normalization';
}

/** A name for each network, and no two the same. */
export function namesOf({ networks }: Settings): readonly string[] {
  const telling = tellingNames(networks.map(({ layer }) => layer).filter((layer) => layer !== null));
  const names = networks.map((network) => nameOf(network, telling));
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((one) => one === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}
