/** @file Layers within layers: cells, and what wrappers wrap, as configurations and back. */
import type { serialization } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import { registeredClass } from '../../model/tensorflow-internals.js';
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';

type Layer = layers.Layer;

type FromConfig = (cls: unknown, config: serialization.ConfigDict) => Layer;

/** The class and the configuration of a layer. */
export interface LayerDescription extends serialization.ConfigDict {
  className: string;
  config: serialization.ConfigDict;
}

export const describeLayer = (layer: Layer): LayerDescription => ({
  className: layer.getClassName(),
  config: layer.getConfig(),
});

/**
 * The layer of a description, by the class that is registered under its name.
 *
 * @throws ValueError for a class that is not registered
 */
export function makeLayer({ className, config }: LayerDescription): Layer {
  const registered = registeredClass(className);
  if (registered) {
    const [cls, fromConfig] = registered as [unknown, FromConfig];
    return fromConfig(cls, config);
  }
  throw new ValueError(
    `There is no layer ${show(className)}. Register its class by tf.serialization.registerClass first.`,
  );
}

/** A layer like another, with some settings changed; its weights are its own. */
export function makeAlike(layer: Layer, changed: serialization.ConfigDict): Layer {
  const cls = layer.constructor as unknown as { fromConfig: FromConfig };
  return cls.fromConfig(cls, { ...layer.getConfig(), ...changed });
}

/**
 * @throws TypeError for what is no layer
 */
export function expectLayer(argument: string, value: unknown): asserts value is Layer {
  if (typeof value === 'object' && value !== null && 'getClassName' in value && 'getConfig' in value) return;
  refuse(TypeError, argument, 'a layer', value);
}
