/** @file Loading a model of many layers, and one of many numbers, against TF.js' own loading of the same model. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { median } from './measure.js';

export interface LoadingRow {
  model: string;
  format: string;
  ms: number;
  msPerLayer: number;
  /** The longest time in which a page would have stood still. */
  longestBlockMs: number;
}

const ROUNDS = 5;

/** Pairs of a dense layer and a normalization. */
function network(pairs: number, units: number): tf.Sequential {
  const model = tf.sequential();
  for (let i = 0; i < pairs; i++) {
    const inputShape = i === 0 ? { inputShape: [units] } : {};
    model.add(tf.layers.dense({ units, useBias: false, kernelInitializer: 'zeros', ...inputShape }));
    layerBatchNormalization(model);
  }
  return model;
}

async function artifactsOf(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  return saved;
}

function asFiles({ modelTopology, weightSpecs, weightData }: tf.io.ModelArtifacts) {
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  const json = JSON.stringify({ modelTopology, weightsManifest });
  return [
    { name: 'model.json', bytes: new TextEncoder().encode(json) },
    { name: 'weights.bin', bytes: weightData as ArrayBuffer },
  ];
}

/** How long one loading takes, and the longest time in it in which no timer had its turn. */
async function time(load: () => Promise<tf.LayersModel>): Promise<{ ms: number; block: number }> {
  const start = performance.now();
  let [last, block] = [start, 0];
  const look = () => {
    const now = performance.now();
    [last, block] = [now, Math.max(block, now - last)];
  };
  const timer = setInterval(look, 1);
  const model = await load();
  look();
  clearInterval(timer);
  model.dispose();
  return { ms: last - start, block };
}

/** Medians of some loadings of each kind, in turn. */
export async function raceLoading(): Promise<LoadingRow[]> {
  const rows: LoadingRow[] = [];
  for (const [name, pairs, units] of [
    ['400 small layers', 200, 4],
    ['12 layers, 100 MB', 6, 2048],
  ] as const) {
    const model = network(pairs, units);
    const h5 = await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' });
    const keras = await saveKerasModel(model, null, { for: 'keras3' });
    const artifacts = await artifactsOf(model);
    model.dispose();
    const contenders: Record<string, () => Promise<tf.LayersModel>> = {
      '.h5': () => loadKerasModel(h5),
      '.keras': () => loadKerasModel(keras),
      'model.json': () => loadKerasModel(asFiles(artifacts)),
      "model.json, TF.js' own loading": () => tf.loadLayersModel(tf.io.fromMemory(artifacts)),
    };
    const times = Object.keys(contenders).map((format) => ({
      format,
      found: [] as { ms: number; block: number }[],
    }));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { format, found } of times) {
        const one = await time(contenders[format]!);
        if (round > 0) found.push(one);
      }
    }
    for (const { format, found } of times) {
      const ms = median(found.map((one) => one.ms));
      const longestBlockMs = median(found.map(({ block }) => block));
      rows.push({ model: name, format, ms, msPerLayer: ms / (2 * pairs), longestBlockMs });
    }
  }
  return rows;
}
