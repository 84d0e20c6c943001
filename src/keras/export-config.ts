/** @file A TF.js model's configuration as tf-keras or Keras 3 writes it; refused where they would compute something else. */
import type { LayersModel, SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { LONGEST_NAME } from '../data/limits.js';
import { ValueError } from '../text/value-error.js';
import type { Json, JsonObject } from './json.js';
import { writeInputShape } from './layer-hooks.js';
import { type LayerEntry, entryOf } from './layer-table.js';
import { Operation } from './operations/operation.js';
import { writeOperation } from './operations/write-operation.js';
import { isTrained, treeOf, weightsByFolder } from './weight-order.js';
import { registeredNameOf } from './own-classes.js';
import { expandedActivation, isExpanded } from './expanded-activations.js';
import { camelCase, snakeCase } from '../text/naming.js';
import { reasonOf } from '../text/refusal.js';
import { UniqueNames } from '../text/unique-names.js';
import { type Dialect, settingToKeras } from './setting-values.js';
import { activityRegularizerOf } from '../model/activity-penalties.js';
import { callsTo, isContainer, isSequential, layersOf } from '../model/graph.js';
import { isRecurrent, maskOriginOf, mergesMasks } from '../model/masks.js';
import { show } from '../text/show.js';
import { heldLayersOf, propertyOf, withAllInputs } from '../model/tensorflow-internals.js';

type Layer = layers.Layer;

/** What TF.js says of a layer. */
interface Described {
  name?: string;
  className: string;
  config: Record<string, unknown>;
  inboundNodes?: [layer: string, node: number, tensor: number, called?: Record<string, unknown>][][];
}

interface DescribedContainer {
  name: string;
  layers: Described[];
  inputLayers: [string, number, number][];
  outputLayers: [string, number, number][];
}

/** @throws ValueError that names the layer, and the fix */
export function exportModel(model: LayersModel, dialect: Dialect): JsonObject {
  checkLengths(model);
  if (dialect === 'keras3') warnOfRenaming(model);
  return exportContainer(model, dialect);
}

/** @throws ValueError for names that would not be read again */
function checkLengths(model: LayersModel): void {
  const long = [model, ...layersOf(model).map(({ layer }) => layer)].find(
    ({ name }) => name.length > LONGEST_NAME,
  );
  if (!long) return;
  throw new ValueError(
    `The name ${show(long.name)} of ${long.name.length} characters cannot be saved: a file's have at most ` +
      `${LONGEST_NAME}. Give a shorter one.`,
  );
}

function warnOfRenaming(model: LayersModel): void {
  const [first, ...others] = layersOf(model).filter(({ layer }) => layer.name.includes('/'));
  if (!first) return;
  const { name } = first.layer;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  console.warn(
    `Layer ${show(name)}${more}: Keras 3 takes no '/' in names, so there it is ${show(withoutSlashes(name))}, and so on.`,
  );
}

const withoutSlashes = (name: string): string => name.replaceAll('/', '_');

/** The names of a container's layers as the dialect takes them: one for each, and no two the same. */
function namesIn(container: LayersModel, dialect: Dialect): (name: string) => string {
  const own = [...new Set([...container.inputLayers, ...container.layers])].map(({ name }) => name);
  const unique = new UniqueNames(own);
  const names = new Map<string, string>();
  for (const name of own.filter((one) => dialect === 'keras3' && one.includes('/'))) {
    names.set(name, unique.take(withoutSlashes(name)));
  }
  return (name) => names.get(name) ?? name;
}

const nameOfModel = ({ name }: LayersModel, dialect: Dialect): string =>
  dialect === 'keras3' ? withoutSlashes(name) : name;

/** A layer under another name. */
const named = (written: JsonObject, name: string): JsonObject => ({
  ...written,
  config: { ...(written.config as JsonObject), name },
});

function exportLayer(layer: Layer, { className, config }: Described, dialect: Dialect): JsonObject {
  const container = isContainer(layer) ? layer : expandedActivation(layer, dialect);
  if (container) return exportContainer(container, dialect);
  const refuse = (reason: string): never => {
    throw new ValueError(`Layer ${show(layer.name)} (${show(className)}) cannot be saved: ${reason}`);
  };
  if (layer instanceof Operation) {
    return refuse(
      'it is an operation, which Keras has in functional models alone. Make the model by tf.model.',
    );
  }
  const entry = entryOf(className);
  if (!entry) return exportOwn(layer, { className, config }, dialect);
  if (dialect === 'keras3' && entry.notInKeras3) refuse(`${entry.notInKeras3}. Save for: 'tf-keras'.`);
  if (dialect === 'tf-keras' && entry.notInTfKeras) refuse(`${entry.notInTfKeras}. Save for: 'keras3'.`);
  try {
    for (const [name, value] of Object.entries(entry.fixed ?? {})) {
      const own = config[camelCase(name)];
      if (typeof own === 'string' && own !== value) {
        throw new ValueError(
          `its ${camelCase(name)} is ${show(own)}, of which TF.js and Keras give other numbers.`,
        );
      }
    }
    const wrong = entry.miscomputed?.((name) => config[camelCase(name)]) ?? null;
    if (wrong !== null) throw new ValueError(`${wrong}. Use windows as long as the strides.`);
    if (entry.layer && !(layer instanceof entry.layer)) {
      const differs = entry.stockDiffers?.((name) => config[camelCase(name)], layer) ?? null;
      if (differs !== null) throw new ValueError(`it is TF.js' own layer of that name, ${differs}.`);
    }
    const settings = Object.fromEntries(
      settingsOfKeras(entry).map((name): [string, Json] => {
        const tfjsName = entry.renamed?.[name] ?? camelCase(name);
        const kerasName = (dialect === 'tf-keras' ? entry.namedInTfKeras?.[name] : undefined) ?? name;
        return [kerasName, exportSetting(layer, name, valueOf(layer, config, tfjsName), dialect)];
      }),
    );
    const activity = activityRegularizerOf(layer)?.saved;
    const written: JsonObject = {
      name: layer.name,
      ...(isFrozen(layer) ? { trainable: false } : {}),
      dtype: 'float32',
      ...withoutNull({
        ...settings,
        activity_regularizer: settingToKeras('activity_regularizer', activity, dialect),
      }),
    };
    entry.write?.({ layer, config, written, dialect });
    const known = dialect === 'tf-keras' ? withoutOnlyInKeras3(written, entry.onlyInKeras3 ?? {}) : written;
    const { module = 'keras.layers', registeredName = null } = entry.origin?.[dialect] ?? {};
    return inModule(module, className, known, registeredName);
  } catch (error) {
    if (error instanceof ValueError && error.message.startsWith('Layer ')) throw error;
    return refuse(reasonOf(error));
  }
}

/** A class of the user's, which Keras has by the same name. */
function exportOwn(layer: Layer, { className, config }: Described, dialect: Dialect): JsonObject {
  const registeredName = registeredNameOf(className);
  console.warn(
    `Layer ${show(layer.name)} is of a class of your own. Keras needs it to load the file: ` +
      `custom_objects={'${registeredName}': …}, or a class that is registered under this name.`,
  );
  const settings = Object.entries(config)
    .filter(([name]) => !['name', 'trainable', 'dtype', 'batchInputShape'].includes(name))
    .map(([name, value]): [string, Json] => {
      const kerasName = snakeCase(name);
      return [kerasName, settingToKeras(kerasName, value, dialect)];
    });
  const written: JsonObject = {
    name: layer.name,
    ...(isFrozen(layer) ? { trainable: false } : {}),
    dtype: 'float32',
    ...Object.fromEntries(settings),
  };
  return inModule(null, className.replace(/^.*>/, ''), written, registeredName);
}

/** What the classes of this library have besides: which Keras they were made for, and which inputs are call arguments. */
const OF_THIS_LIBRARY = ['dialect', 'tensor_arguments'];

const settingsOfKeras = ({ settings, callSettings = [] }: LayerEntry): string[] =>
  settings.filter((name) => ![...OF_THIS_LIBRARY, ...callSettings].includes(name));

/** The settings of a layer that are call arguments in Keras. */
function callSettingsOf(layer: Layer): JsonObject {
  const names = entryOf(layer.getClassName())?.callSettings ?? [];
  const isSet = names.filter((name) => propertyOf(layer, camelCase(name)) === true);
  return Object.fromEntries(isSet.map((name) => [name, true]));
}

/** @throws ValueError for a setting with a value that tf-keras does not have */
function withoutOnlyInKeras3(written: JsonObject, settings: Readonly<JsonObject>): JsonObject {
  for (const [name, value] of Object.entries(settings)) {
    if (written[name] !== undefined && JSON.stringify(written[name]) !== JSON.stringify(value)) {
      throw new ValueError(
        `its ${name} is ${show(written[name])}, and tf-keras has only ${show(value)}. Save for: 'keras3'.`,
      );
    }
  }
  return Object.fromEntries(Object.entries(written).filter(([name]) => !Object.hasOwn(settings, name)));
}

/** TF.js leaves some settings out of its configurations, such as the depthMultiplier of a separable convolution. */
function valueOf(layer: Layer, config: Record<string, unknown>, name: string): unknown {
  const own = propertyOf(layer, name);
  return config[name] ?? (typeof own === 'number' || typeof own === 'boolean' ? own : undefined);
}

const withoutNull = (settings: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));

function exportSetting(layer: Layer, name: string, value: unknown, dialect: Dialect): Json {
  const { layer: inner, forwardLayer, backwardLayer, cell, cells } = heldLayersOf(layer);
  const describe = (part: Layer): Described => ({ className: part.getClassName(), config: part.getConfig() });
  switch (name) {
    case 'layer': {
      if (!forwardLayer) return exportHeld(inner!, describe(inner!), dialect);
      return exportHeld(forwardLayer, value as Described, dialect);
    }
    case 'backward_layer':
      return value == null ? null : exportLayer(backwardLayer!, value as Described, dialect);
    case 'cell':
      return exportHeld(cell!, describe(cell!), dialect);
    case 'cells':
      return cells!.map((part) => exportHeld(part, describe(part), dialect));
    default:
      return settingToKeras(name, value, dialect);
  }
}

/** A layer that a wrapper or a recurrent layer holds. */
function exportHeld(layer: Layer, described: Described, dialect: Dialect): JsonObject {
  const written = exportLayer(layer, described, dialect);
  return dialect === 'keras3' ? named(written, withoutSlashes(layer.name)) : written;
}

/** TF.js freezes the layers of a container by their weights alone. */
function isFrozen(layer: Layer): boolean {
  const own = weightsByFolder(treeOf(layer));
  // Where a layer has nothing to train, only its own word counts.
  const parameters = own.filter(({ variable }) => !/\/(moving|renorm)_\w+$/.test(variable.originalName));
  return own.length > 0 && (!layer.trainable || (parameters.length > 0 && !parameters.some(isTrained)));
}

function inModule(
  module: string | null,
  className: string,
  config: JsonObject,
  registeredName: string | null = null,
): JsonObject {
  return { module, class_name: className, config, registered_name: registeredName };
}

function exportContainer(container: LayersModel, dialect: Dialect): JsonObject {
  const config = container.getConfig();
  return isSequential(container)
    ? exportSequential(container, config as unknown as DescribedContainer, dialect)
    : exportFunctional(container, withAllInputs(container, config) as unknown as DescribedContainer, dialect);
}

function exportSequential(
  container: LayersModel,
  described: DescribedContainer,
  dialect: Dialect,
): JsonObject {
  const nameOf = namesIn(container, dialect);
  const members = container.layers.map((layer, i) =>
    named(exportLayer(layer, described.layers[i]!, dialect), nameOf(layer.name)),
  );
  if (container.layers[0]?.getClassName() !== 'InputLayer') {
    const input = container.inputs[0]!;
    const config: JsonObject = { name: `${container.name}_input`, dtype: input.dtype };
    writeInputShape(config, input.shape, dialect);
    members.unshift(inModule('keras.layers', 'InputLayer', config));
  }
  return inModule('keras', 'Sequential', { name: nameOfModel(container, dialect), layers: members });
}

function exportFunctional(
  container: LayersModel,
  described: DescribedContainer,
  dialect: Dialect,
): JsonObject {
  const byName = new Map([...container.inputLayers, ...container.layers].map((layer) => [layer.name, layer]));
  const nameOf = namesIn(container, dialect);
  const isKeras3 = dialect === 'keras3';
  const isModel = (layer: string) => isContainer(byName.get(layer)!);
  // Keras 3 counts the making of a model as its first call only where a functional one gives an output of the whole.
  // tf-keras does so always, as TF.js does, which knows nothing of what becomes a model in the file.
  const expanded = new Set([...byName.values()].filter((layer) => isExpanded(layer, dialect)));
  const becomesModel = (layer: string) => expanded.has(byName.get(layer)!);
  const nodeOf = (layer: string, index: number) =>
    becomesModel(layer) ? index + 1 : isKeras3 && isModel(layer) ? index - 1 : index;
  const nodeOfEnd = (layer: string, index: number) =>
    isKeras3 && !isSequential(byName.get(layer)!) ? index : nodeOf(layer, index);
  const ends = (list: DescribedContainer['outputLayers']): Json => {
    const written = list.map(([layer, index, tensor]): Json => [
      nameOf(layer),
      nodeOfEnd(layer, index),
      tensor,
    ]);
    // To Keras 3 a list of one is a model that takes or gives a list, which no sequential model may begin with.
    return isKeras3 && written.length === 1 ? written[0]! : written;
  };
  const members = described.layers.map((member) => {
    const layer = byName.get(member.name!)!;
    if (isKeras3) checkMergedMasks(layer);
    const trainsByDefault = entryOf(member.className)?.trainsByDefault === true;
    const calls = callsTo(layer);
    const nodes = (member.inboundNodes ?? []).map((inputs) =>
      inputs.map(([name, index, tensor]): End => [nameOf(name), nodeOf(name, index), tensor]),
    );
    if (layer instanceof Operation) return exportOperation(layer, nameOf(layer.name), dialect, nodes);
    const inbound = nodes.map((given, node): Json => {
      const saved = member.inboundNodes![node]![0]?.[3] as JsonObject | undefined;
      const called = { ...saved, ...callSettingsOf(layer) };
      if (isKeras3 && trainsByDefault && called.training === true) {
        throw new ValueError(
          `Layer ${show(layer.name)} (${show(member.className)}) cannot be saved: it is called with training: true, ` +
            `over which Keras 3 takes what the whole model is called with. Save for: 'tf-keras'.`,
        );
      }
      const byName = tensorArgumentsOf(layer);
      if (dialect === 'tf-keras') {
        const further = given.slice(given.length - byName.length);
        const tensors = Object.fromEntries(byName.map((argument, i) => [argument, further[i]!]));
        return given
          .slice(0, given.length - byName.length)
          .map((end): Json => [...end, { ...called, ...tensors }]);
      }
      return inboundOfKeras3(layer, given, calls[node]!.inputs, called);
    });
    const name = nameOf(layer.name);
    return { ...named(exportLayer(layer, member, dialect), name), name, inbound_nodes: inbound };
  });
  return inModule(
    dialect === 'keras3' ? 'keras.src.models.functional' : 'tf_keras.src.engine.functional',
    'Functional',
    {
      name: nameOfModel(container, dialect),
      trainable: true,
      layers: members,
      input_layers: ends(described.inputLayers),
      output_layers: ends(described.outputLayers),
    },
  );
}

/** An output of a layer: its name, which of its nodes, which of that node's tensors. */
type End = [layer: string, node: number, tensor: number];

function exportOperation(
  layer: Operation,
  name: string,
  dialect: Dialect,
  nodes: readonly (readonly End[])[],
): JsonObject {
  const made = callsTo(layer);
  const calls = nodes.map((ends, node) =>
    ends.map((end, i) => {
      const tensor = made[node]!.inputs[i]!;
      const written = dialect === 'keras3' ? tensorOfKeras3(end, tensor) : end;
      return { written, rank: tensor.shape.length, type: tensor.dtype };
    }),
  );
  try {
    return { ...writeOperation(layer, name, dialect, calls), name };
  } catch (error) {
    throw new ValueError(
      `Layer ${show(layer.name)} (the operation ${show(layer.operation)}) cannot be saved: ${reasonOf(error)}.`,
    );
  }
}

const tensorOfKeras3 = (end: End, { shape, dtype }: SymbolicTensor): JsonObject => ({
  class_name: '__keras_tensor__',
  config: { shape, dtype, keras_history: [...end] },
});

/** Where masks of several makers meet, TF.js and tf-keras keep what all let through, Keras 3 what any does. */
function checkMergedMasks(layer: Layer): void {
  if (!mergesMasks(layer.getClassName())) return;
  for (const { inputs } of callsTo(layer)) {
    const [origin, ...others] = new Set(inputs.map(maskOriginOf));
    if (origin === 'several' || others.length > 0) {
      throw new ValueError(
        `Layer ${show(layer.name)} (${show(layer.getClassName())}) cannot be saved: its inputs have different masks, ` +
          `or some have none, and Keras 3 joins them to another mask. Save for: 'tf-keras'.`,
      );
    }
  }
}

/** The call arguments of Keras that the last inputs of a layer are. */
const tensorArgumentsOf = (layer: Layer): readonly string[] =>
  entryOf(layer.getClassName())?.tensorArguments
    ? (propertyOf(layer, 'tensorArguments') as readonly string[])
    : [];

function inboundOfKeras3(
  layer: Layer,
  ends: readonly End[],
  tensors: readonly SymbolicTensor[],
  called: JsonObject,
): JsonObject {
  const serialized = ends.map((end, i) => tensorOfKeras3(end, tensors[i]!));
  const byName = tensorArgumentsOf(layer);
  if (byName.length > 0) {
    const further = serialized.splice(serialized.length - byName.length);
    called = { ...called, ...Object.fromEntries(byName.map((argument, i) => [argument, further[i]!])) };
  }
  if (serialized.length === 1) return { args: serialized, kwargs: called };
  // The first states of a recurrent layer are further inputs in TF.js, and an argument in Keras 3.
  if (!isRecurrent(layer.getClassName())) return { args: [serialized], kwargs: called };
  const [input, ...states] = serialized;
  return { args: [input!], kwargs: { ...called, initial_state: states } };
}
