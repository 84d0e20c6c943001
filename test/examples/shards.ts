/** @file A model with three batch normalizations, data for it in shards, and what one process makes of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { saveKerasModel } from 'evenkeel/keras';
import { evenkeel, npy, readWeights } from '../cli/files.js';

/** Uneven, and whole batches but for the last, so that in one process the batches are the same. */
const BATCH_SIZE = 8;
const SHARD_ROWS = [8, 40, 16, 24, 8, 64, 16, 19];

const FEATURES = 5;
const LABELS = 4;

/** Of the command, beside what a test adds. */
export const OPTIONS = ['--batch-size', String(BATCH_SIZE)] as const;

export interface Task {
  readonly model: string;
  /** The folder of the shards. */
  readonly shards: string;
  /** All of them in one file. */
  readonly data: string;
}

/** Makes the files of a task in an empty folder. */
export async function makeTask(folder: string): Promise<Task> {
  const task = {
    model: join(folder, 'model.h5'),
    shards: join(folder, 'the shards'),
    data: join(folder, 'all.npy'),
  };
  await saveKerasModel(makeModel(), task.model, { for: 'tf-keras' });
  mkdirSync(task.shards);
  const rows = drawRows(SHARD_ROWS.reduce((sum, count) => sum + count));
  let start = 0;
  SHARD_ROWS.forEach((count, i) => {
    writeRows(join(task.shards, `shard-${i}.npy`), rows.slice(start, start + count));
    start += count;
  });
  writeRows(task.data, rows);
  return task;
}

function makeModel(): tf.LayersModel {
  const model = tf.sequential();
  [7, 6, 5].forEach((units, i) => {
    const kernelInitializer = tf.initializers.randomNormal({ seed: i + 1 });
    const inputShape = i === 0 ? { inputShape: [FEATURES] } : {};
    model.add(tf.layers.dense({ units, kernelInitializer, ...inputShape }));
    model.add(tf.layers.batchNormalization());
    model.add(tf.layers.reLU());
  });
  return model;
}

/** Sorted by their label, as the files of many data sets are: each shard has others, about other means. */
const drawRows = (count: number): number[][] =>
  Array.from({ length: count }, (_, row) => {
    const label = Math.floor((row * LABELS) / count);
    return Array.from(
      { length: FEATURES },
      (_, feature) => label * (feature - 2) + Math.sin((row * FEATURES + feature + 1) ** 2),
    );
  });

function writeRows(path: string, rows: readonly number[][]): void {
  const values = new Float32Array(rows.flat());
  writeFileSync(path, npy('<f4', [rows.length, FEATURES], new Uint8Array(values.buffer)));
}

/** The weights of the model that `recalibrate` makes of all data in one process. */
export async function recalibrateAlone(
  { model, data }: Task,
  ...options: readonly string[]
): Promise<Record<string, string>> {
  const output = join(model, '..', 'alone.h5');
  const args = ['recalibrate', model, output, '--data', data, ...OPTIONS, ...options];
  const { code, stderr } = await evenkeel(args);
  if (code !== 0) throw new Error(stderr);
  return readWeights(output);
}
