/** @file Folders, models and data for the tests of the command, and a way to run it without a process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type * as tf from '@tensorflow/tfjs';
import { loadKerasModel } from 'evenkeel/keras';
import { onTestFinished } from 'vitest';
import { run } from '../../cli/src/program.js';
import type { Terminal } from '../../cli/src/terminal.js';
import { modelNamed, readModel } from '../keras-files/golden.js';

/** An empty folder that goes with the test. */
export function makeFolder(removeAfter: (remove: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
  removeAfter(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A module for `--import`, with the layer of test/keras-files/scaled.ts. */
export const SCALED = `export default (tf) => tf.serialization.registerClass(class extends tf.layers.Layer {
  static className = 'Scaled';
  constructor(args) { super(args); this.offsetBy = args.offsetBy; }
  build() { this.scale = this.addWeight('scale', [], 'float32', tf.initializers.ones()); this.built = true; }
  call(x) { return tf.tidy(() => tf.add(tf.mul([x].flat()[0], this.scale.read()), this.offsetBy)); }
  getConfig() { return { ...super.getConfig(), offsetBy: this.offsetBy }; }
});`;

/** The bytes of a file that Keras wrote. */
export const goldenModel = (name: string): Uint8Array => readModel(modelNamed(name));

/** A path of a golden model, in a folder of its own. */
export function modelFile(name: string): string {
  const path = join(makeFolder(), name);
  writeFileSync(path, goldenModel(name));
  return path;
}

/** The bytes of an .npy file, as numpy.save writes them. */
export function npy(type: string, shape: readonly number[], elements: Uint8Array, isFortran = false): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]!},` : shape.join(', ');
  const dictionary = `{'descr': '${type}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': (${sizes}), }`;
  const header = `${dictionary.padEnd(117)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), elements]);
}

/** Numbers that look random and are the same each time. */
export const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 3 + 2 * Math.sin(i * i + 1));

/** The bytes of an .npy file of such numbers. */
export const dataOf = (shape: readonly number[]): Buffer =>
  npy('<f4', shape, new Uint8Array(numbers(shape.reduce((product, size) => product * size, 1)).buffer));

export function dataFile(shape: readonly number[]): string {
  const path = join(makeFolder(), 'data.npy');
  writeFileSync(path, dataOf(shape));
  return path;
}

/** The weights of a model file, by their names: their bytes in hexadecimal, so that every bit counts. */
export async function readWeights(path: string): Promise<Record<string, string>> {
  const model = await loadKerasModel(path);
  const weights = model.weights.map((weight) => [weight.originalName, hexOf(weight.read())] as const);
  model.dispose();
  return Object.fromEntries(weights);
}

const hexOf = (tensor: tf.Tensor): string => Buffer.from(tensor.dataSync().slice().buffer).toString('hex');

/** Streams that are no terminal's, without colours; with a person at the keyboard unless `input` says otherwise. */
export const makeTerminal = (
  streams: Pick<Terminal, 'out' | 'note'> & Partial<Pick<Terminal, 'input'>>,
): Terminal => ({ input: () => null, progress: null, paint: (_, text) => text, width: 100, ...streams });

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command line in this process.
 *
 * @param input what comes in, in pieces; null for a person at a keyboard
 */
export async function evenkeel(
  args: readonly string[],
  signal = new AbortController().signal,
  input: Iterable<string> | null = null,
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const terminal = makeTerminal({
    input: () => input && Readable.from(input),
    out: (text) => (written.stdout += text),
    note: (text) => (written.stderr += text),
  });
  const code = await run(args, terminal, signal);
  return { code, ...written };
}
