/** @file Folders and IDX files for the tests of the demo. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Findings } from '../../demo/experiment.js';
import type { Digits } from '../../shared/digits.js';

/** An empty folder that goes with the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-demo-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The bytes of an IDX file: magic number, sizes, elements. */
export function idx(header: readonly number[], elements: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 * header.length);
  header.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return Buffer.concat([bytes, elements]);
}

export const idxImages = ({ images, labels }: Digits): Buffer => idx([0x803, labels.length, 28, 28], images);
export const idxLabels = ({ labels }: Digits): Buffer => idx([0x801, labels.length], labels);

/** Writes one set as MNIST is published. */
export function writeSet(folder: string, set: string, digits: Digits, isGzipped: boolean): void {
  const pack = (bytes: Buffer): Buffer => (isGzipped ? gzipSync(bytes) : bytes);
  const ending = isGzipped ? '.gz' : '';
  writeFileSync(join(folder, `${set}-images-idx3-ubyte${ending}`), pack(idxImages(digits)));
  writeFileSync(join(folder, `${set}-labels-idx1-ubyte${ending}`), pack(idxLabels(digits)));
}

/** What an experiment of 3 of 10 steps found, with layer arguments and a source as a user typed them. */
export function makeFindings(options: Findings['settings']['options'], source: string): Findings {
  const reading = { accuracy: 0.5, percentiles: [-1, 0, 1] };
  const result = { stepsTo90: null, stepsTo95: null, finalAccuracy: 0.5 };
  return {
    settings: {
      steps: 10,
      seed: 1,
      backend: 'wasm',
      threads: 1,
      options,
      hiddenLayers: 3,
      units: 100,
      weightDeviation: 0.1,
      learningRate: 0.1,
      batchSize: 60,
      tensorflow: '4',
    },
    data: { source, trainingDigits: 60, testDigits: 1, measuredDigits: 1 },
    stepsDone: 3,
    seconds: 1,
    results: { plain: result, normalized: { ...result, stepsTo90: 3 } },
    percentiles: [15, 50, 85],
    unit: 0,
    series: [{ step: 0, plain: reading, normalized: reading }],
  };
}
