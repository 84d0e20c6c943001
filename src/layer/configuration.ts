/**
 * @file The layer's configuration: Keras' keys in camelCase, which TF.js saves in snake_case; and how the
 * configurations of other writers (tf-keras, Keras 3, stock TF.js) are read.
 */
import { type serialization, Tensor } from '@tensorflow/tfjs-core';
import {
  ARGUMENT_NAMES,
  type BatchNormalizationArgs,
  type Options,
  type RenormClipping,
} from './arguments.js';
import { readDataType } from './data-type.js';
import { serializeObject } from './keras-objects.js';
import { camelCase } from '../text/naming.js';
import { show } from '../text/show.js';

type ConfigDict = serialization.ConfigDict;

/** What is saved of the options. `renorm…`, `virtualBatchSize`, `fused` and `synchronized` only where they are set. */
export function configurationOf(options: Options): ConfigDict {
  const { axis, momentum, epsilon, center, scale } = options;
  const config: ConfigDict = {
    axis,
    momentum,
    epsilon,
    center,
    scale,
    betaInitializer: serializeObject(options.betaInitializer),
    gammaInitializer: serializeObject(options.gammaInitializer),
    movingMeanInitializer: serializeObject(options.movingMeanInitializer),
    movingVarianceInitializer: serializeObject(options.movingVarianceInitializer),
    betaRegularizer: serializeObject(options.betaRegularizer),
    gammaRegularizer: serializeObject(options.gammaRegularizer),
    betaConstraint: serializeObject(options.betaConstraint),
    gammaConstraint: serializeObject(options.gammaConstraint),
  };
  if (options.renorm) {
    config.renorm = true;
    config.renormClipping = clippingAsNumbers(options.renormClipping);
    config.renormMomentum = options.renormMomentum;
  }
  if (options.fused !== null) config.fused = options.fused;
  if (options.virtualBatchSize !== null) config.virtualBatchSize = options.virtualBatchSize;
  // Keras before 2.12 refuses the key.
  if (options.synchronized) config.synchronized = true;
  return config;
}

function clippingAsNumbers(clipping: RenormClipping): ConfigDict {
  const numbers: ConfigDict = {};
  for (const [key, limit] of Object.entries(clipping) as [string, Tensor | number | null][]) {
    if (limit != null) numbers[key] = limit instanceof Tensor ? limit.dataSync()[0]! : limit;
  }
  return numbers;
}

/** Keys that are dropped without a warning: they say how the file was written, or what holds here anyway. */
const SILENTLY_DROPPED = new Set(['customObjects', 'autocast', 'inputDType']);

/** Arguments that no configuration carries. */
const NEVER_SAVED = new Set<string>(['weights', 'adjustment']);

/**
 * The constructor's arguments from a configuration, which may come from Keras 2 or 3 or TF.js, in camelCase or
 * snake_case. Keys that mean nothing here are dropped, with a warning that names them.
 */
export function argumentsOf(config: ConfigDict): BatchNormalizationArgs {
  const args: Record<string, unknown> = {};
  const dropped: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    const name = camelCase(key);
    if (value === null || SILENTLY_DROPPED.has(name)) continue;
    if (ARGUMENT_NAMES.includes(name) && !NEVER_SAVED.has(name)) args[name] = value;
    else dropped.push(key);
  }
  const dtype = args.dtype ?? config.inputDType;
  const read = readDataType(dtype);
  if (read?.isMissing) {
    console.warn(
      `BatchNormalization ${show(config.name)}: TF.js has no ${read.name}; the layer computes in float32.`,
    );
  }
  // What cannot be read, the constructor refuses.
  if (dtype != null) args.dtype = read?.type ?? dtype;
  if (dropped.length > 0) {
    console.warn(
      `BatchNormalization ${show(config.name)}: its configuration has ${show(dropped)}, which mean nothing here ` +
        `and were dropped.`,
    );
  }
  return args;
}
