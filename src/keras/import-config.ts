/**
 * @file A model's configuration, as tf-keras, Keras 3 or TF.js wrote it, as the one that TF.js builds from; refused where
 * TF.js would compute something else.
 */
import type { Budget } from '../data/limits.js';
import { ValueError } from '../text/value-error.js';
import { withoutImpliedMasks } from './implied-masks.js';
import { readNodes, readEnds } from './import-graph.js';
import { orderGraph } from './order-graph.js';
import { Findings } from './blockers.js';
import { type Json, type JsonObject, expectArray, expectName, expectObject, isObject } from './json.js';
import {
  type LayerEntry,
  FORMER_CLASSES,
  OTHER_NAMES,
  REFUSED,
  WITHOUT_MEANING,
  entryOf,
} from './layer-table.js';
import { type LayerConfig, CONTAINERS, innerConfigs, isContainer } from './layer-config.js';
import { readDataType } from '../layer/data-type.js';
import { resolveRegularizer, serializeObject } from '../layer/keras-objects.js';
import { camelCase } from '../text/naming.js';
import { reasonOf } from '../text/refusal.js';
import { UniqueNames } from '../text/unique-names.js';
import { isOperation, nodesOfOperation, readOperation } from './operations/read-operation.js';
import { type Dialect, REPLACE_ADVICE, settingFromKeras } from './setting-values.js';
import { show } from '../text/show.js';
import { ownClassName } from './own-classes.js';

interface Context {
  readonly dialect: Dialect;
  readonly budget: Budget;
  readonly depth: number;
  /** Types that TF.js lacks, and the layers that ask for them. */
  readonly missingTypes: Map<string, string[]>;
  readonly findings: Findings;
  /** Whether another layer holds the layer, as a wrapper does. */
  readonly isHeld?: boolean;
}

/** A model's configuration, and what is to be said of it. It can be built only where nothing blocks it. */
export interface ImportedModel {
  readonly config: LayerConfig;
  readonly findings: Findings;
}

/**
 * @param saved `{ class_name, config }`, the whole model
 * @param budget of what the file may cost: how many layers, how deep within each other, and steps through their graph
 * @throws ValueError for a damaged file, for what is no model of layers, and for more than the budget has left
 */
export function importModel(saved: Json, dialect: Dialect, budget: Budget): ImportedModel {
  const { class_name: className } = expectObject(saved, "The model's configuration");
  if (!CONTAINERS.includes(ownNameOf(expectName(className, "The model's class")))) {
    throw new ValueError(
      `The file holds ${show(className)}, neither a sequential nor a functional model. Models written as classes are ` +
        `code, which is never run here: rebuild it as a functional model in Keras, and save it again.`,
    );
  }
  const missingTypes = new Map<string, string[]>();
  const findings = new Findings();
  const config = importLayer(saved, { dialect, budget, depth: 0, missingTypes, findings });
  if (findings.blockers.length === 0) takeCalls(config, budget);
  for (const [type, [first = '', ...others]] of missingTypes) {
    const layers = others.length > 0 ? ` and ${others.length} more compute` : ' computes';
    findings.note(`TF.js has no ${show(type)}: layer ${show(first)}${layers} in float32.`);
  }
  return { config, findings };
}

const ownNameOf = (className: string): string =>
  Object.hasOwn(OTHER_NAMES, className) ? OTHER_NAMES[className]! : className;

function importLayer(saved: Json, context: Context): LayerConfig {
  context.budget.checkDepth(context.depth, 'Layers within layers');
  context.budget.take('entries', 1, 'The layers of the model');
  const { class_name: given, config: content, registered_name: registered } = expectObject(saved, 'A layer');
  const savedClass = expectName(given, "A layer's class");
  const className = ownNameOf(savedClass);
  // The oldest sequential models are lists.
  const config: JsonObject = Array.isArray(content)
    ? { name: 'sequential', layers: content }
    : expectObject(content, `The configuration of ${show(className)}`);
  const savedName = typeof config.name === 'string' ? config.name : '';
  const block = (reason: string): LayerConfig => {
    context.findings.block(savedName, className, reason);
    // What follows it is read, so that all that blocks is told.
    return { className, savedName, config: placement(config, context) };
  };
  if (isOperation(saved as JsonObject, context.dialect)) {
    try {
      const { operation, parameters } = readOperation(saved as JsonObject);
      return {
        className: 'Operation',
        savedName,
        config: { name: expectName(config.name, "A layer's name"), operation, parameters },
      };
    } catch (error) {
      return block(reasonOf(error));
    }
  }
  const inner = { ...context, depth: context.depth + 1 };
  if (CONTAINERS.includes(className)) {
    if (typeof registered === 'string' && registered.includes('>')) {
      return block(
        `it is ${show(registered)}, a class of your own. Rebuild it as a functional model, and save it again.`,
      );
    }
    return className === 'Sequential'
      ? importSequential(saved as JsonObject, config, inner)
      : importFunctional(config, inner);
  }
  if (Object.hasOwn(REFUSED, className)) return block(`${REFUSED[className]!}.`);
  const entry = entryOf(className);
  if (entry) {
    try {
      const activityRegularizer = readActivityRegularizer(config, context);
      const implied = Object.hasOwn(FORMER_CLASSES, savedClass) ? FORMER_CLASSES[savedClass] : undefined;
      return {
        className,
        savedName,
        config: importSettings(entry, { ...config, ...implied }, inner),
        activityRegularizer,
        ...(implied && { savedClass }),
      };
    } catch (error) {
      return block(reasonOf(error));
    }
  }
  const ownClass = ownClassName(savedClass, registered);
  if (ownClass !== undefined) {
    // A class of the user's, written for TF.js.
    const settings = Object.entries(config).map(([key, value]) => [camelCase(key), value]);
    return {
      className: ownClass,
      savedName,
      config: { ...(Object.fromEntries(settings) as object), ...placement(config, context) },
    };
  }
  return block(
    'TF.js has no such layer. Replace it in the model, or write the class in JavaScript and register it with ' +
      'tf.serialization.registerClass before loading (the command: --import).',
  );
}

function importSettings(entry: LayerEntry, config: JsonObject, context: Context): LayerConfig['config'] {
  const { settings, fixed = {}, renamed = {}, unused = [], advice = {} } = entry;
  const result: LayerConfig['config'] = placement(config, context);
  for (const [key, value] of Object.entries(config)) {
    if (key === 'activity_regularizer') continue;
    // TF.js writes its own names in snake_case.
    if (settings.includes(key) || Object.hasOwn(renamed, key)) {
      // Keras computes NaN by it, or takes no value for equal to it.
      if ([value].flat().some(Number.isNaN)) {
        throw new ValueError(
          `its ${key} is ${show(value)}. Give it a number in Keras, and save the model again.`,
        );
      }
      const setting = nested(key, value, context) ?? settingFromKeras(key, value, context);
      if (setting !== undefined) result[renamed[key] ?? camelCase(key)] = setting;
    } else if (Object.hasOwn(fixed, key)) {
      if (!isSame(value, fixed[key]!)) {
        throw new ValueError(
          `its ${key} is ${show(value)}, and TF.js has only ${show(fixed[key])}. ${advice[key] ?? REPLACE_ADVICE}`,
        );
      }
    } else if (isOfCell(config, key)) {
      continue;
    } else if (!isNothing(value) && ![...WITHOUT_MEANING, ...unused].includes(key)) {
      throw new ValueError(
        `it has the setting ${show(key)} (${show(value)}), which TF.js lacks. ${REPLACE_ADVICE}`,
      );
    }
  }
  const wrong = entry.miscomputed?.((name) => config[name]) ?? null;
  if (wrong !== null) throw new ValueError(`${wrong}. ${REPLACE_ADVICE}`);
  entry.read?.({ saved: config, result, dialect: context.dialect });
  return result;
}

function readActivityRegularizer(
  { name, activity_regularizer: given = null }: JsonObject,
  { isHeld, findings }: Context,
): unknown {
  const regularizer = resolveRegularizer('activity_regularizer', given);
  if (!regularizer || !isHeld) return serializeObject(regularizer);
  findings.noteLayer(
    expectName(name, "A layer's name"),
    'there is no penalty on the activity of a layer within another. Predictions are the same; training goes without it.',
  );
  return null;
}

/** TF.js writes what it says of an RNN's cell beside the cell, too. */
const isOfCell = ({ cell }: JsonObject, key: string): boolean =>
  isObject(cell) && isObject(cell.config) && Object.hasOwn(cell.config, key);

const isNothing = (value: Json) => value === null || value === false;

const LAYER_SETTINGS = ['layer', 'backward_layer', 'cell'];

/** Settings that are layers. */
function nested(key: string, value: Json, context: Context): unknown {
  const held = { ...context, isHeld: true };
  if (key === 'cells') return expectArray(value, 'cells').map((cell) => importLayer(cell, held));
  if (!LAYER_SETTINGS.includes(key) || value === null) return undefined;
  const layer = importLayer(value, held);
  // Keras 3 names the layers as they are called within Bidirectional, which does so again.
  const direction = key === 'backward_layer' ? /^backward_/ : /^forward_/;
  if (key !== 'cell') layer.config.name = layer.config.name.replace(direction, '');
  return layer;
}

function isSame(value: Json, fixed: Json): boolean {
  if (value === null || value === fixed) return true;
  if (Array.isArray(value)) return value.every((element) => isSame(element, fixed));
  return Number(value) === fixed; // numbers of NumPy are written as text
}

/** The settings that every layer has. */
function placement(config: JsonObject, { missingTypes }: Context): LayerConfig['config'] {
  const result: LayerConfig['config'] = { name: expectName(config.name, "A layer's name") };
  if (config.trainable === false) result.trainable = false;
  const shape = config.batch_shape ?? config.batch_input_shape;
  if (shape != null) result.batchInputShape = importShape(shape, result.name);
  const dtype = dataType(config.dtype ?? null, result.name, missingTypes);
  // TF.js uses a layer's type for its input.
  if (dtype && (shape != null || dtype !== 'float32')) result.dtype = dtype;
  return result;
}

/** What TF.js cuts into batches has no more. */
const MOST_DIMENSIONS = 6;

function importShape(shape: Json, name: string): (number | null)[] {
  const isDimension = (d: Json) => d === null || (Number.isSafeInteger(d) && (d as number) >= 0);
  if (Array.isArray(shape) && shape.length > MOST_DIMENSIONS) {
    throw new ValueError(
      `The input shape of ${show(name)} has ${shape.length} dimensions, and TF.js takes ${MOST_DIMENSIONS}, with that of ` +
        `the batch. Reshape the input in the model, and save it again.`,
    );
  }
  if (Array.isArray(shape) && shape.every(isDimension)) return shape as (number | null)[];
  throw new ValueError(`The input shape of ${show(name)} is ${show(shape)}. The file is damaged.`);
}

/** A type as a file has it; float32 for the precisions that TF.js lacks. */
function dataType(saved: Json, name: string, missingTypes: Context['missingTypes']): string | null {
  const read = readDataType(saved);
  if (!read) return null;
  if (read.isMissing) {
    const layers = missingTypes.get(read.name);
    if (layers) layers.push(name);
    else missingTypes.set(read.name, [name]);
  }
  return ['int32', 'bool', 'string'].includes(read.type) ? read.type : 'float32';
}

function importSequential(saved: JsonObject, config: JsonObject, context: Context): LayerConfig {
  const name = typeof config.name === 'string' && config.name !== '' ? config.name : 'sequential';
  const layers = expectArray(config.layers, `The layers of ${show(name)}`).map((layer) =>
    importLayer(layer, context),
  );
  const [first] = layers;
  if (first && first.config.batchInputShape === undefined && !isContainer(first)) {
    const built =
      config.build_input_shape ?? (isObject(saved.build_config) ? saved.build_config.input_shape : null);
    if (built == null) {
      throw new ValueError(
        `The sequential model ${show(name)} does not say the shape of its input. Call it on data, or give it an ` +
          `Input layer, and save it again.`,
      );
    }
    first.config.batchInputShape = importShape(built, name);
  }
  const renamed = tfjsNames(layers, context.findings);
  for (const layer of layers) layer.config.name = renamed.get(layer.savedName)!;
  return { className: 'Sequential', savedName: name, config: { name, layers } };
}

function importFunctional(config: JsonObject, context: Context): LayerConfig {
  const name = expectName(config.name, "A model's name");
  const saved = withoutImpliedMasks(
    expectArray(config.layers, `The layers of ${show(name)}`).map((layer) =>
      expectObject(layer, `A layer of ${show(name)}`),
    ),
  );
  const layers = saved.map((layer) => {
    const imported = importLayer(layer, context);
    // Keras goes by the name beside the configuration.
    if (typeof layer.name === 'string' && layer.name !== '') imported.savedName = layer.name;
    return imported;
  });
  const renamed = tfjsNames(layers, context.findings);
  const classes = new Map(layers.map(({ savedName, className }) => [savedName, className]));
  const rename = (layer: string) => {
    const found = renamed.get(layer);
    if (found !== undefined) return found;
    throw new ValueError(`The model ${show(name)} uses a layer ${show(layer)} that it does not have.`);
  };
  const isKeras3 = context.dialect === 'keras3';
  const ofCalls = {
    dialect: context.dialect,
    findings: context.findings,
    rename,
    indexOf: (layer: string, index: number) =>
      isKeras3 && CONTAINERS.includes(classes.get(layer)!) ? index + 1 : index,
  };
  const ofEnds = {
    rename,
    indexOf: (layer: string, index: number) =>
      isKeras3 && classes.get(layer) === 'Sequential' ? index + 1 : index,
  };
  layers.forEach((layer, i) => {
    layer.name = layer.config.name = rename(layer.savedName);
    // What blocks an operation has been said.
    const isRead = isOperation(saved[i]!, context.dialect);
    if (isRead && layer.className !== 'Operation') return;
    try {
      const nodes = isRead ? nodesOfOperation(saved[i]!) : (saved[i]!.inbound_nodes ?? []);
      layer.inboundNodes = readNodes(nodes, layer, ofCalls);
    } catch (error) {
      context.findings.block(layer.savedName, layer.className, reasonOf(error));
    }
  });
  const inputLayers = readEnds(config.input_layers ?? null, ofEnds);
  const outputLayers = readEnds(config.output_layers ?? null, ofEnds);
  if (context.findings.blockers.length === 0) {
    orderGraph(name, layers, [...inputLayers, ...outputLayers], context.budget);
  }
  if (new Set(outputLayers.map((end) => JSON.stringify(end))).size < outputLayers.length) {
    throw new ValueError(
      `The model ${show(name)} gives the same output twice, which TF.js cannot. Leave one out, and save it again.`,
    );
  }
  return { className: 'Functional', savedName: name, config: { name, layers, inputLayers, outputLayers } };
}

/** TF.js' lists by name are plain objects, which have these already. */
const isOfEveryObject = (name: string): boolean => name in Object.prototype;

/** Names that TF.js takes, one for each of Keras'. */
function tfjsNames(layers: readonly LayerConfig[], findings: Findings): Map<string, string> {
  const names = new Map<string, string>();
  const unique = new UniqueNames(layers.map(({ savedName }) => savedName));
  for (const { savedName } of layers) {
    if (names.has(savedName)) {
      throw new ValueError(`Two layers of the model have the name ${show(savedName)}. The file is damaged.`);
    }
    const valid = savedName.replace(/[^-A-Za-z0-9._/]/g, '_').replace(/^[^A-Za-z0-9]/, 'x$&');
    const isKept = valid === savedName && !isOfEveryObject(savedName);
    const name = isKept ? savedName : unique.take(valid);
    if (!isKept) findings.noteName(savedName, name);
    names.set(savedName, name);
  }
  return names;
}

/**
 * Takes a step for each call of a layer when the model runs once: TF.js goes through all of a model whenever it is called
 * in another, and calls within calls multiply.
 *
 * @returns how many calls there are
 * @throws ValueError where they are more than the budget has left
 */
function takeCalls(layer: LayerConfig, budget: Budget): number {
  let calls = 1;
  for (const inner of innerConfigs(layer)) calls += takeCalls(inner, budget);
  if (isContainer(layer)) budget.take('steps', calls, `The calls of layers in ${show(layer.savedName)}`);
  return calls * Math.max(1, layer.inboundNodes?.length ?? 1);
}
