/** @file The golden models: files that tf-keras and Keras 3 wrote, and what they computed. */
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { type Packed, unpack } from '../golden/index.js';
import { Scaled } from './scaled.js';

// Some models have a layer of a user's own.
tf.serialization.registerClass(Scaled);

export interface GoldenModel {
  /** The folder that it lies in, with others of its kind. */
  group: string;
  file: string;
  writtenBy: string;
  /** What Keras' model was called with, where it would draw without. */
  training?: boolean;
  savedFor: ('tf-keras' | 'keras3')[];
  inputs: Packed[];
  outputs: Packed[];
  /** By the names of layers that lie directly in the model, in Keras' order. */
  weights: Record<string, Packed[]>;
  /** Those of sum(y·dy), of an untrained model. */
  dy?: Packed[];
  inputGradients?: Packed[];
  /** Of a training by plain gradient descent, at a rate of 0.1, towards `targets`. */
  targets?: Packed[];
  losses?: number[];
  /** The losses of a training by the optimizer in the file, towards `targets`, from where it stopped. */
  resumed?: number[];
}

export const MODELS_FOLDER = new URL('../golden/models/', import.meta.url);

const read = (group: string, name: string): Uint8Array =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`${group}/${name}.gz`, MODELS_FOLDER))));

const readIndex = (group: string): GoldenModel[] =>
  (JSON.parse(new TextDecoder().decode(read(group, 'index.json'))) as GoldenModel[]).map((model) => ({
    ...model,
    group,
  }));

export const MODELS = readdirSync(MODELS_FOLDER).flatMap(readIndex);

export const readModel = ({ group, file }: GoldenModel): Uint8Array => read(group, file);

export function modelNamed(file: string): GoldenModel {
  const found = MODELS.find((model) => model.file === file);
  if (!found) throw new Error(`There is no golden model ${file}.`);
  return found;
}

export const inputsOf = ({ inputs }: Pick<GoldenModel, 'inputs'>): tf.Tensor[] =>
  inputs.map((x) => tf.tensor([...unpack(x)], x.shape, x.dtype as 'float32' | 'int32'));

/** The largest difference of what the model predicts from what Keras did. */
export function predictionError(
  model: tf.LayersModel,
  golden: Pick<GoldenModel, 'inputs' | 'outputs'>,
): number {
  return tf.tidy(() => {
    const inputs = inputsOf(golden);
    const outputs = [model.predict(inputs.length === 1 ? inputs[0]! : inputs)].flat();
    if (outputs.length !== golden.outputs.length) return Infinity;
    const errors = golden.outputs.map((want, i) => {
      const got = outputs[i]!;
      if (got.shape.join() !== want.shape.join()) return Infinity;
      const values = got.dataSync();
      return Math.max(...unpack(want).map((value, j) => Math.abs(value - values[j]!)));
    });
    const error = Math.max(...errors);
    return Number.isNaN(error) ? Infinity : error;
  });
}

/** Predictions agree within this. */
export const TOLERANCE = 1e-5;

/** Folded models round elsewhere, which adds up over the hundred layers of keras.applications. */
export const foldedTolerance = ({ group }: GoldenModel): number =>
  group === 'applications' ? 2 * TOLERANCE : TOLERANCE;
