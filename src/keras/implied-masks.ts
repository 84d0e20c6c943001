/**
 * @file Keras 3 writes masks into the graph of a functional model: beside an Embedding or Masking stand operations
 * (`NotEqual`, `Any`), and the layers that use the mask are called with their output. TF.js makes the same masks anew when the model runs.
 */
import { isTensor, tensorsIn } from './keras-tensors.js';
import { type Json, type JsonObject, isObject } from './json.js';
import { passesMask } from '../model/masks.js';

const historyOf = (value: Json | undefined): Json[] | null => {
  if (value === undefined || !isTensor(value) || !isObject(value.config)) return null;
  const history = value.config.keras_history;
  return Array.isArray(history) ? history : null;
};

/** The arguments of a layer at one of its nodes. */
function argumentsAt(layer: JsonObject | undefined, index: Json | undefined): Json[] {
  const nodes = layer?.inbound_nodes;
  const node = Array.isArray(nodes) && typeof index === 'number' ? nodes[index] : undefined;
  return isObject(node) && Array.isArray(node.args) ? node.args : [];
}

/**
 * The layers of a functional model, without those masks that TF.js makes of its own accord. Masks of other origin stay,
 * and are refused where they are used.
 */
export function withoutImpliedMasks(saved: readonly JsonObject[]): readonly JsonObject[] {
  const byName = new Map(saved.map((layer) => [layer.name, layer]));

  /** What makes a mask, by operations: one for an Embedding, two for Masking. */
  const madeBy = (mask: Json[]): string | null => {
    const layer = byName.get(mask[0]);
    const [input, value] = argumentsAt(layer, mask[1]);
    const from = historyOf(input);
    if (!from) return null;
    if (layer?.class_name === 'NotEqual') return JSON.stringify([from, value]);
    const inner = layer?.class_name === 'Any' && byName.get(from[0])?.class_name === 'NotEqual';
    return inner ? `any ${madeBy(from)}` : null;
  };

  /** What is known of tensors, by their layers and nodes. */
  const known = new Map<string, string | null>();

  /** The same for the mask of a tensor, by the layer that it comes from. */
  const expectedFor = (tensor: Json[] | null): string | null => {
    const way: string[] = [];
    const expected = follow(tensor, way);
    for (const key of way) known.set(key, expected);
    return expected;
  };

  const follow = (tensor: Json[] | null, way: string[]): string | null => {
    let end = tensor;
    while (end) {
      const key = JSON.stringify([end[0], end[1]]);
      const answer = known.get(key);
      if (answer !== undefined) return answer;
      // A damaged file may run in circles: there is no mask.
      known.set(key, null);
      way.push(key);
      const layer = byName.get(end[0]);
      const input = historyOf(argumentsAt(layer, end[1])[0]);
      const config = isObject(layer?.config) ? layer.config : {};
      if (layer?.class_name === 'Embedding')
        return config.mask_zero === true ? JSON.stringify([input, 0]) : null;
      if (layer?.class_name === 'Masking') return `any ${JSON.stringify([input, config.mask_value])}`;
      const inner = isObject(config.layer) && isObject(config.layer.config) ? config.layer.config : config;
      const passes = typeof layer?.class_name === 'string' && passesMask(layer.class_name);
      end = passes && inner.return_sequences !== false ? input : null;
    }
    return null;
  };

  const implied = new Set<Json>();
  const readNode = (node: Json): Json => {
    if (!isObject(node) || !isObject(node.kwargs) || !Array.isArray(node.args)) return node;
    const { mask, ...kwargs } = node.kwargs;
    const given = historyOf(mask);
    const made = given && madeBy(given);
    if (!made || made !== expectedFor(historyOf(node.args[0]))) return node;
    implied.add(given[0]!);
    // Of Masking, the operation before it.
    const before = historyOf(argumentsAt(byName.get(given[0]), given[1])[0])?.[0];
    if (byName.get(before)?.class_name === 'NotEqual') implied.add(before!);
    return { ...node, kwargs };
  };
  const layers = saved.map((layer) =>
    Array.isArray(layer.inbound_nodes)
      ? { ...layer, inbound_nodes: layer.inbound_nodes.map(readNode) }
      : layer,
  );
  const used = new Set(
    layers
      .filter(({ name }) => !implied.has(name ?? null))
      .flatMap(({ inbound_nodes: nodes }) => (Array.isArray(nodes) ? nodes : []))
      .filter(isObject)
      .flatMap(({ args, kwargs }) => [args ?? null, ...(isObject(kwargs) ? Object.values(kwargs) : [])])
      .flatMap(tensorsIn)
      .map((tensor) => historyOf(tensor)?.[0]),
  );
  return layers.filter(({ name }) => !implied.has(name ?? null) || used.has(name));
}
