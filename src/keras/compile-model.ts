/** @file Compiles a loaded model as it was compiled in Keras, so that training goes on where it stopped. */
import { type Variable, serialization } from '@tensorflow/tfjs-core';
import type { LayerVariable, LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { isContainer } from '../model/graph.js';
import { hasMask } from '../model/masks.js';
import { withinStack } from '../model/stack.js';
import { callMaking, giveOptimizer, propertyOf, variableOf } from '../model/tensorflow-internals.js';
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Training, fileOrder, savedNameOf } from './formats/opened-model.js';
import type { StoredArray } from '../data/elements.js';
import { type Json, type JsonObject, isObject } from './json.js';
import { type Loss, type Metric, readLoss, readMetric } from './losses.js';
import { KerasOptimizer, type SavedSlots } from './optimizers/keras-optimizer.js';
import { RULES, type Rule, type Settings } from './optimizers/rules.js';
import { readSchedule } from './optimizers/schedules.js';
import { type Placed, isTrained, treeOf, weightsByFolder } from './weight-order.js';

const ADVICE = 'Compile it yourself: model.compile({ optimizer, loss }). To leave it out: compile: false';

/**
 * Compiles a model as the file says, with the state of the optimizer. Where TF.js would compute something else, the model
 * stays as it is, and one warning says why.
 */
export function compileModel(model: LayersModel, { config, optimizerWeights }: Training): void {
  try {
    const losses = readLosses(model, config);
    const metrics = readMetrics(model, config, losses);
    checkOthers(model, config);
    const trained = weightsByFolder(treeOf(model, fileOrder)).filter(isTrained);
    const optimizer = readOptimizer(config.optimizer ?? null, trained, optimizerWeights);
    withinStack(model.name, () => {
      giveOptimizer(model, optimizer, losses, metrics);
    });
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    console.warn(`The model ${show(model.name)} is not compiled: ${error.message}. ${ADVICE}.`);
  }
}

/** What a setting of `compile` says of each output: one for all, a list, or by the names of outputs. */
function perOutput(model: LayersModel, saved: Json, what: string): Json[] {
  const outputs = model.outputs.map(({ sourceLayer }) => savedNameOf(sourceLayer));
  if (Array.isArray(saved)) {
    if (saved.length === outputs.length) return saved;
    throw new ValueError(`it has ${saved.length} ${what} for ${outputs.length} outputs`);
  }
  if (!isObject(saved) || 'class_name' in saved) return outputs.map(() => saved);
  return outputs.map((name) => (Object.hasOwn(saved, name) ? saved[name]! : null));
}

function readLosses(model: LayersModel, { loss = null }: JsonObject): Loss[] {
  return perOutput(model, loss, 'losses').map((one, i) => {
    if (one !== null) return readLoss(one, activationOf(model.outputs[i]!));
    throw new ValueError('it has no loss for an output');
  });
}

/** The activation that gives a tensor, through the models that it leaves; null where there is none. */
function activationOf(tensor: SymbolicTensor): string | null {
  const { sourceLayer } = tensor;
  if (isContainer(sourceLayer)) {
    const index = callMaking(tensor).outputs.indexOf(tensor);
    return activationOf(sourceLayer.outputs[index]!);
  }
  if (sourceLayer.getClassName() === 'Softmax') return 'softmax';
  const activation = propertyOf(sourceLayer, 'activation');
  return activation instanceof serialization.Serializable ? activation.getClassName() : null;
}

function readMetrics(
  model: LayersModel,
  { metrics = null }: JsonObject,
  losses: readonly Loss[],
): Metric[][] {
  const isOne = losses.length === 1;
  // tf-keras has a list for each output, even where there is one.
  const isNested = Array.isArray(metrics) && metrics.some(Array.isArray);
  const lists =
    isOne && Array.isArray(metrics) && !isNested ? [metrics] : perOutput(model, metrics, 'metrics');
  return lists.map((list, i) =>
    [list].flat().flatMap((metric) => {
      if (metric === null) return [];
      return [readMetric(metric, losses[i]!, model.outputs[i]!.shape.at(-1) ?? null)];
    }),
  );
}

/** @throws ValueError for what changes losses and TF.js has not */
function checkOthers(
  model: LayersModel,
  { loss_weights: weights, weighted_metrics: weighted }: JsonObject,
): void {
  const given = isObject(weights ?? null) ? Object.values(weights as JsonObject) : [weights ?? []].flat();
  if (given.some((weight) => weight !== null && weight !== 1)) {
    throw new ValueError(`it has loss_weights ${show(weights)}, which TF.js lacks`);
  }
  if ([weighted ?? []].flat().length > 0) throw new ValueError('it has weighted_metrics, which TF.js lacks');
  if (hasMask({ inputs: model.outputs })) {
    throw new ValueError('its output has a mask, which Keras takes into the loss and TF.js does not');
  }
}

type Constraint = LayerVariable['constraint'];

/** What every optimizer may have, and what is done about it. */
const UNSUPPORTED = ['use_ema', 'loss_scale_factor', 'gradient_accumulation_steps', 'adaptive_epsilon'];
const COMMON = ['weight_decay', 'clipnorm', 'clipvalue', 'global_clipnorm', 'decay'];

function readOptimizer(
  saved: Json,
  trained: readonly Placed[],
  optimizerWeights: Training['optimizerWeights'],
): KerasOptimizer {
  const { class_name: className, config, module } = isObject(saved) ? saved : { class_name: saved };
  const name = (typeof className === 'string' ? className : '').replace(/^.*>/, '');
  const key = Object.keys(RULES).find((one) => one.toLowerCase() === name.toLowerCase());
  if (key === undefined) {
    throw new ValueError(`its optimizer is ${show(className)}; known are ${Object.keys(RULES).join(', ')}`);
  }
  const rule = RULES[key]!;
  const given = isObject(config) ? config : {};
  // A name alone means the optimizers of today.
  const isLegacy =
    module === 'keras.optimizers.legacy' ||
    (isObject(saved) &&
      module === undefined &&
      given.is_legacy_optimizer !== false &&
      !('weight_decay' in given));
  if (isLegacy && rule.isLegacyUnknown) {
    throw new ValueError(
      `its optimizer is ${key} of TensorFlow before 2.11, which computes otherwise than today's`,
    );
  }
  const schedule = isObject(given.learning_rate ?? null)
    ? readSchedule(given.learning_rate as JsonObject)
    : null;
  const settings = readSettings(rule, given);
  const { iterations, slots } = readState(rule, settings, isLegacy, trained, optimizerWeights);
  const constrained = new Map(
    trained.flatMap(({ variable }) => {
      const constraint = variable.constraint as Constraint | null;
      return constraint ? [[variableOf(variable), constraint] as const] : [];
    }),
  );
  return new KerasOptimizer({
    name: key,
    rule,
    settings,
    schedule,
    isLegacy,
    iterations,
    slots,
    constrained,
  });
}

function readSettings({ defaults }: Rule, given: JsonObject): Settings {
  const settings: Record<string, number | boolean> = { ...defaults };
  for (const name of UNSUPPORTED) {
    if (given[name] != null && given[name] !== false) {
      throw new ValueError(`its optimizer has ${name} ${show(given[name])}, which is not known here`);
    }
  }
  for (const name of [...Object.keys(defaults), ...COMMON]) {
    // Before 2.3, the learning rate was called lr.
    const value = given[name] ?? (name === 'learning_rate' ? given.lr : null);
    if (value == null || isObject(value)) continue;
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw new ValueError(`its optimizer has ${name} ${show(value)}, where a number is expected`);
    }
    settings[name] = value;
  }
  // No weight decay is another thing than the default of AdamW.
  if (given.weight_decay === null) delete settings.weight_decay;
  return settings;
}

/** What the optimizer kept of each weight; of none where the file does not say. */
function readState(
  rule: Rule,
  settings: Settings,
  isLegacy: boolean,
  trained: readonly Placed[],
  optimizerWeights: Training['optimizerWeights'],
): { iterations: number; slots: SavedSlots } {
  const fresh = { iterations: 0, slots: new Map() as SavedSlots };
  try {
    const [first, ...others] = optimizerWeights();
    if (!first) return fresh;
    if (first.shape.length > 0) throw new ValueError('it does not begin with the number of steps');
    const iterations = first.values[0]!;
    // Learning rates and products of Nadam's, which its number of steps tells.
    const arrays = others.filter(({ shape }) => shape.length > 0);
    const groups = isLegacy
      ? rule
          .slots(settings)
          .flat()
          .map((slot) => [slot])
      : rule.slots(settings);
    // tf-keras keeps momenta also where they are not used.
    if (groups.length === 0) return { iterations, slots: fresh.slots };
    const slots = new Map<Variable, Record<string, Float32Array>>();
    const left = arrays.values();
    for (const group of groups) {
      for (const { variable } of trained) {
        const kept = slots.get(variableOf(variable)) ?? {};
        slots.set(variableOf(variable), kept);
        for (const slot of group) kept[slot] = expectShape(left.next().value, variable.shape as number[]);
      }
    }
    if (!left.next().done) throw new ValueError('it keeps more than the weights that are trained');
    return { iterations, slots };
  } catch (error) {
    console.warn(
      `The optimizer begins anew, since its state in the file does not fit the model: ${reasonOf(error)}.`,
    );
    return fresh;
  }
}

function expectShape(array: StoredArray | undefined, shape: readonly number[]): Float32Array {
  if (array?.shape.join() === shape.join()) return array.values;
  throw new ValueError(
    `it keeps numbers of shape ${show(array?.shape)} for a weight of shape ${show(shape)}`,
  );
}
