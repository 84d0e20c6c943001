/**
 * @file How the layers of a functional model are connected: Keras 2's lists and Keras 3's serialized tensors, as the lists
 * that TF.js builds from.
 */
import { camelCase } from '../text/naming.js';
import { ValueError } from '../text/value-error.js';
import type { Findings } from './blockers.js';
import type { LayerConfig } from './layer-config.js';
import { type Json, type JsonObject, expectArray, expectName, isObject } from './json.js';
import { isTensor, isTensorTree, tensorsIn } from './keras-tensors.js';
import { entryOf } from './layer-table.js';
import { type Dialect, REPLACE_ADVICE } from './setting-values.js';
import { show } from '../text/show.js';

/** An output of a layer: its name, which of its nodes, which of that node's tensors. */
type End = [layer: string, node: number, tensor: number];
/** The same, with what the layer that takes it is called with. */
type Inbound = [...End, JsonObject];

interface Graph {
  /** The name in TF.js of a layer in the file. */
  readonly rename: (layer: string) => string;
  /**
   * The index of a layer's call in TF.js, which counts the making of a model as its first call, as Keras 2 does. Keras 3
   * does so only for functional models that give an output of the whole.
   */
  readonly indexOf: (layer: string, index: number) => number;
}

interface CallGraph extends Graph {
  readonly dialect: Dialect;
  readonly findings: Findings;
}

/** A node: its inputs in TF.js, and which call arguments of Keras the last of them are. */
interface ReadNode {
  readonly inputs: Inbound[];
  readonly tensorArguments: readonly string[];
  /** Call arguments that are settings in TF.js. */
  readonly settings: JsonObject;
}

/**
 * Every node of a layer, as a list of its inputs. Call arguments that are tensors become further inputs, where the layer
 * table says so; the layer's setting `tensorArguments` then names them, since TF.js passes no call arguments on when a
 * model runs.
 */
export function readNodes(saved: Json, layer: LayerConfig, graph: CallGraph): Inbound[][] {
  const nodes = expectArray(saved, `The nodes of layer ${show(layer.savedName)}`).map((node) =>
    isObject(node)
      ? readSerialized(node, layer, graph)
      : readListed(expectArray(node, `A node of layer ${show(layer.savedName)}`), layer, graph),
  );
  const distinct = new Map(
    nodes.map(({ tensorArguments, settings }) => [
      JSON.stringify([tensorArguments, settings]),
      { tensorArguments, settings },
    ]),
  );
  const [called, others] = distinct.values();
  if (called && others) {
    const [one, other] = [called, others].map(({ tensorArguments, settings }) => [
      ...tensorArguments,
      ...Object.keys(settings),
    ]);
    throw new ValueError(
      `it is called with ${show(one)} and with ${show(other)}, which TF.js cannot tell apart. Use a layer for each.`,
    );
  }
  if (called && called.tensorArguments.length > 0) layer.config.tensorArguments = called.tensorArguments;
  for (const [name, value] of Object.entries(called?.settings ?? {})) layer.config[camelCase(name)] = value;
  return nodes.map(({ inputs }) => inputs);
}

/** Keras 2 and TF.js: a list of `[name, node, tensor, arguments]`. */
function readListed(node: readonly Json[], layer: LayerConfig, graph: CallGraph): ReadNode {
  const inputs = node.map((input) => expectArray(input, `An input of layer ${show(layer.savedName)}`));
  const called = inputs[0]?.[3];
  const isEnd = (value: Json | undefined): value is Json[] =>
    Array.isArray(value) && typeof value[0] === 'string';
  const { tensors, names, settings, others } = splitArguments(isObject(called) ? called : {}, layer, isEnd);
  const calledWith = callArguments(others, layer, graph);
  return {
    inputs: [...inputs, ...tensors].map((end) => [...readEnd(end, graph), calledWith]),
    tensorArguments: names,
    settings,
  };
}

/** Parts call arguments into tensors that are further inputs in TF.js, settings, and all others. */
function splitArguments<T extends Json>(
  called: JsonObject,
  layer: LayerConfig,
  isOne: (value: Json | undefined) => value is T,
): { tensors: T[]; names: string[]; settings: JsonObject; others: JsonObject } {
  const { tensorArguments = [], callSettings = [] } = entryOf(layer.className) ?? {};
  const names = tensorArguments.filter((name) => isOne(called[name]));
  const isSetting = ([name, value]: [string, Json]) => callSettings.includes(name) && !isNothing(value);
  const entries = Object.entries(called);
  return {
    tensors: names.map((name) => called[name] as T),
    names,
    settings: Object.fromEntries(entries.filter(isSetting)),
    others: Object.fromEntries(
      entries.filter(([name]) => !names.includes(name) && !callSettings.includes(name)),
    ),
  };
}

/** Keras 3: `{ args, kwargs }`, in which tensors stand as objects. */
function readSerialized({ args, kwargs }: JsonObject, layer: LayerConfig, graph: CallGraph): ReadNode {
  const { initial_state: states, mask = null, ...called } = isObject(kwargs) ? kwargs : {};
  const [inputs, ...more] = expectArray(args, `The arguments of layer ${show(layer.savedName)}`);
  if (more.some((value) => value !== null && !isTensorTree(value))) {
    throw new ValueError(`it is called with ${show(more)}, which TF.js cannot pass on. ${REPLACE_ADVICE}`);
  }
  const known = entryOf(layer.className)?.tensorArguments ?? [];
  const byPosition = more.slice(0, known.length).map((value, i): [string, Json] => [known[i]!, value]);
  const { tensors, names, settings, others } = splitArguments(
    { ...called, ...Object.fromEntries(byPosition) },
    layer,
    (value): value is JsonObject => value !== undefined && isTensor(value),
  );
  const isKept = ([, value]: [string, Json]) => inputs != null || !isTensorTree(value);
  const kept = Object.fromEntries(Object.entries(others).filter(isKept));
  // Keras 3 writes its default, and goes by what the whole model is called with.
  if (entryOf(layer.className)?.trainsByDefault) delete kept.training;
  const calledWith = callArguments({ ...kept, mask }, layer, graph);
  // TF.js takes the first states of a recurrent layer as further inputs.
  const taken = [
    inputs ?? Object.values(others).filter(isTensorTree),
    more.slice(known.length),
    states ?? [],
    tensors,
  ].flatMap(tensorsIn);
  return {
    inputs: taken.map((tensor) => [...readTensor(tensor, graph), calledWith]),
    tensorArguments: names,
    settings,
  };
}

function readTensor({ config }: JsonObject, graph: Graph): End {
  const history = isObject(config) ? config.keras_history : null;
  return readEnd(expectArray(history ?? null, 'An input of a layer'), graph);
}

function readEnd(saved: readonly Json[], graph: Graph): End {
  const [name, node, tensor] = saved;
  const layer = expectName(name, "A layer's name");
  const isIndex = (value: Json | undefined): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isIndex(node) || !isIndex(tensor)) {
    throw new ValueError(`A layer takes ${show(saved)} as its input. The file is damaged.`);
  }
  return [graph.rename(layer), graph.indexOf(layer, node), tensor];
}

/** The inputs or outputs of a model: one end, a list of them, or a dictionary. */
export function readEnds(saved: Json, graph: Graph): End[] {
  if (isObject(saved)) return Object.values(saved).flatMap((end) => readEnds(end, graph));
  const ends = expectArray(saved, "A model's inputs and outputs");
  return typeof ends[0] === 'string' ? [readEnd(ends, graph)] : ends.flatMap((end) => readEnds(end, graph));
}

/** What says nothing: Keras 3 writes a model's masks as a list, one for each input. */
const isNothing = (value: Json): boolean =>
  value === null || value === false || (Array.isArray(value) && value.every((one) => one === null));

/** What is left of call arguments in TF.js: `training`, which this library's layer honours. */
function callArguments(saved: JsonObject, layer: LayerConfig, { dialect, findings }: CallGraph): JsonObject {
  const { training, ...others } = saved;
  const unsupported = Object.entries(others).filter(([, value]) => !isNothing(value));
  if (unsupported.length > 0) {
    throw new ValueError(
      `it is called with ${show(Object.fromEntries(unsupported))}, which TF.js cannot pass on. ${REPLACE_ADVICE}`,
    );
  }
  if (training === undefined || training === null) return {};
  if (typeof training !== 'boolean' && typeof training !== 'number') {
    throw new ValueError(
      `it is called with training=${show(training)}, which is neither true nor false. The file is damaged.`,
    );
  }
  if (entryOf(layer.className)?.isRandom) {
    // Keras 3 writes it whether it was given or not.
    if (dialect === 'keras3' && !training) return {};
    // TF.js cannot set the training mode of these for a single call.
    findings.noteLayer(
      layer.savedName,
      `called with training=${training}, which TF.js does not honour for ${layer.className}: it draws in fit, and ` +
        `not in predict.`,
    );
  }
  // Python takes numbers by their truth: `training=1` is older than booleans there.
  return { training: Boolean(training) };
}
