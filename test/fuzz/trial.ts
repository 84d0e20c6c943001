/** @file What is done with each case, and what of that would be a fault. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { readArrays } from 'evenkeel/data';
import {
  type KerasSource,
  type NamedFile,
  type SaveOptions,
  checkKerasModel,
  loadKerasModel,
  loadKerasWeights,
  saveKerasModel,
} from 'evenkeel/keras';
import { fold, inspect } from 'evenkeel/tools';
import { run } from '../../cli/src/program.js';
import type { Case } from './cases.js';
import { plainTopology } from './crafted/topology.js';
import { type Finding, faultOfRefusal } from './finding.js';
import { Guard } from './guard.js';
import { Random } from './random.js';

/** Told before each step, so that whoever watches knows where a case hangs. */
export type Step = (name: string) => void;

/** A file outside the model's folder, which none of a model's weights may come from. */
const SECRET = Float32Array.from({ length: 64 }, () => 77_777.125);

/** What tools may take for a run: by default that is as much as a machine has, and minutes. */
const RUN = { limits: { memory: 2 ** 28, steps: 2 ** 16 } };

const guard = new Guard();

class Trial {
  readonly findings: Finding[] = [];
  readonly #random: Random;

  constructor(
    private readonly one: Case,
    private readonly folder: string,
    private readonly tell: Step,
  ) {
    this.#random = new Random(one.draw, 0);
  }

  #found(signature: string, what: string): void {
    this.findings.push({ signature, what });
  }

  /** What it gives, or undefined where it is refused; how it is refused is looked at. */
  async #attempt<T>(step: string, act: () => Promise<T> | T, mayThrow?: string): Promise<T | undefined> {
    this.tell(step);
    const before = tf.memory().numTensors;
    try {
      return await act();
    } catch (error) {
      const isTensorFlows = mayThrow !== undefined && error instanceof Error && error.message === mayThrow;
      const fault = isTensorFlows ? null : faultOfRefusal(step, error);
      if (fault) this.findings.push(fault);
      const left = tf.memory().numTensors - before;
      if (left !== 0) {
        this.#found(
          `${step}: leaks when refusing`,
          `${step} left ${left} tensors: ${String(error).slice(0, 500)}`,
        );
      }
      return undefined;
    }
  }

  async run(): Promise<void> {
    const source = this.#give();
    if (this.one.format === 'data') {
      const [{ name, bytes }] = this.one.files as [NamedFile];
      const file = typeof source === 'string' ? source : { name, bytes };
      await this.#attempt('readArrays', () => readArrays(file));
    } else if (this.one.way === 'command') await this.#runCommand(source as string);
    else await this.#runModel(source);
  }

  /** The files, on disk where they are handed over by a path. */
  #give(): KerasSource {
    const { files, way } = this.one;
    if (way === 'memory') return files.length === 1 ? (files[0]!.bytes as Uint8Array) : [...files];
    const inner = join(this.folder, 'model');
    mkdirSync(inner);
    writeFileSync(join(this.folder, 'secret.bin'), new Uint8Array(SECRET.buffer));
    for (const { name, bytes } of files) {
      if (/^\w[\w.-]{0,100}$/.test(name)) writeFileSync(join(inner, name), bytes as Uint8Array);
    }
    guard.begin(inner);
    return join(inner, files[0]!.name);
  }

  async #runModel(source: KerasSource): Promise<void> {
    const before = tf.memory().numTensors;
    const check = await this.#attempt('checkKerasModel', () => checkKerasModel(source));
    const model = await this.#attempt('loadKerasModel', () => loadKerasModel(source));
    if (!model) {
      await this.#loadIntoPlainModel(source);
      return;
    }
    if (check === undefined || check.blockers.length > 0) {
      const blockers = JSON.stringify(check?.blockers).slice(0, 500);
      this.#found('loads what checkKerasModel refuses', `It loads, though checkKerasModel says ${blockers}`);
    }
    const weights = this.#checkWeights(model);
    const report = await this.#attempt('loadKerasWeights', () => loadKerasWeights(model, source));
    if (report && !isSame(weights, valuesOf(model))) {
      this.#found(
        'loadKerasWeights gives other weights',
        'loadKerasWeights gives other weights than loadKerasModel',
      );
    }
    const loaded = tf.memory().numTensors;
    const states = this.#random.once(2) ? await this.#useModel(model) : 0;
    if (this.#random.once(2)) await this.#saveModel(model);
    const left = tf.memory().numTensors - loaded - states;
    if (left !== 0) this.#found('leaks in use', `${left} tensors are left behind by a model in use`);
    this.tell('dispose');
    disposeModel(model);
    const rest = tf.memory().numTensors - before - states;
    if (rest !== 0)
      this.#found('leaks after dispose', `${rest} tensors are left behind by a model that is gone`);
  }

  /** No weight may be NaN unless the file holds one, nor come from outside the folder. */
  #checkWeights(model: LayersModel): Float32Array[] {
    this.tell('read weights');
    const weights = valuesOf(model);
    if (weights.some((values) => values.includes(SECRET[0]!))) {
      this.#found('a secret is read', 'A weight has the numbers of a file outside the folder');
    }
    const hasNaN = weights.some((values) => values.some(Number.isNaN));
    if (hasNaN && !this.one.files.some(({ bytes }) => mayHoldNaN(bytes as Uint8Array))) {
      this.#found('weights are NaN', 'Weights are NaN, and the file holds none');
    }
    return weights;
  }

  async #loadIntoPlainModel(source: KerasSource): Promise<void> {
    const plain = await plainModel();
    const before = valuesOf(plain);
    const report = await this.#attempt('loadKerasWeights into another model', () =>
      loadKerasWeights(plain, source),
    );
    if (!report && !isSame(before, valuesOf(plain))) {
      this.#found('a refusal changes weights', 'loadKerasWeights refused, and changed weights');
    }
    disposeModel(plain);
  }

  /** @returns how many tensors TF.js' own `predict` has left in the model: states of recurrent layers */
  async #useModel(model: LayersModel): Promise<number> {
    const before = tf.memory().numTensors;
    const inputs = inputsFor(model, this.#random);
    const given = tf.memory().numTensors;
    let mayThrow: string | undefined;
    if (inputs && isSmall(model)) {
      // What TF.js itself does with a model is not looked at, but for time and memory.
      this.tell('predict');
      try {
        tf.dispose(tf.tidy(() => model.predict(inputs)));
      } catch (error) {
        mayThrow = error instanceof Error ? error.message : String(error);
      }
    }
    const states = tf.memory().numTensors - given;
    await this.#attempt('inspect', () => inspect(model));
    if (inputs) await this.#attempt('inspect with data', () => inspect(model, inputs, RUN), mayThrow);
    const folded = await this.#attempt('fold', () => fold(model, RUN), mayThrow);
    if (folded) disposeModel(folded.model);
    tf.dispose(inputs ?? []);
    // Without a prediction before, that is all there is to compare with.
    const hasStates = model.layers.some((layer) => layer.stateful);
    return hasStates ? tf.memory().numTensors - before : states;
  }

  async #saveModel(model: LayersModel): Promise<void> {
    // Layers that were called with training=True have learned since it was loaded.
    const weights = valuesOf(model);
    const options = this.#random.pick<SaveOptions>([
      { for: 'tf-keras', format: 'h5' },
      { for: 'tf-keras', format: 'keras' },
      { for: 'keras3', format: 'keras' },
    ]);
    const form = `${options.format!} for ${options.for}`;
    const bytes = await this.#attempt(`save as ${form}`, () => saveKerasModel(model, null, options));
    if (!bytes) return;
    this.tell(`read again ${form}`);
    try {
      const again = await loadKerasModel(bytes, { compile: false });
      if (!isSame(sorted(weights), sorted(valuesOf(again)))) {
        this.#found(`other weights in ${form}`, `Saved as ${form} and read again, it has other weights`);
      }
      disposeModel(again);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      const fault = faultOfRefusal('', Object.assign(new Error(reason.message), { stack: reason.stack }))!;
      this.#found(
        `not read again as ${form}${fault.signature}`,
        `Saved as ${form}, it is not read again: ${fault.what}`,
      );
    }
  }

  /** The command, within this process: what it writes, refuses and leaves behind. */
  async #runCommand(path: string): Promise<void> {
    const folder = join(this.folder, 'model');
    const outputs = join(this.folder, 'out');
    mkdirSync(outputs);
    const output = join(outputs, this.#random.pick(['out.h5', 'out.keras', 'out.json']));
    const report = join(outputs, 'report.html');
    const before = new Map([output, report].map((one) => [one, 'what was here before']));
    for (const [one, text] of before) writeFileSync(one, text);
    const given = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
    const args = this.#random.pick([
      ['fold', path, output],
      ['convert', path, output],
      ['convert', path, output, '--for', 'keras3'],
      ['inspect', path, '--html', report],
      ['inspect', path, '--compatibility'],
      ['freeze', path, output],
    ]);
    const name = args[0]!;
    const limited = name === 'convert' || name === 'freeze' ? [] : ['--limit', 'memory=256MB'];
    let text = '';
    const add = (more: string) => (text += more);
    const terminal = {
      input: () => null,
      out: add,
      note: add,
      progress: null,
      paint: (_style: string, words: string) => words,
      width: 100,
    };
    guard.begin(this.folder);
    this.tell(name);
    const code = await run([...args, '--backend', 'cpu', ...limited], terminal, new AbortController().signal);
    if (code === 70)
      this.#found(
        `${name}: 70: ${/.*\n\s+at.*/.exec(text)?.[0] ?? ''}`.replace(/:\d+:\d+/g, ''),
        `${name} ends with 70: ${text.slice(0, 3000)}`,
      );
    else if (![0, 1, 2, 3].includes(code)) this.#found(`${name}: exit code`, `${name} ends with ${code}`);
    if (text.length > 100_000 && code === 3)
      this.#found(`${name}: a long text`, `${name} prints ${text.length} characters`);
    for (const [one, content] of given) {
      if (!readFileSync(join(folder, one)).equals(content))
        this.#found(`${name}: changes its input`, `${name} changed ${one}`);
    }
    for (const [one, content] of before) {
      if (code > 1 && readFileSync(one, 'utf8') !== content) {
        this.#found(`${name}: loses an output`, `${name} ended with ${code}, and changed ${one}`);
      }
    }
    const left = [...readdirSync(folder).filter((one) => !given.has(one)), ...readdirSync(outputs)].filter(
      (one) => /tmp|draft/.test(one) || (code > 1 && !/^(?:out\.|report\.html)/.test(one)),
    );
    if (left.length > 0)
      this.#found(`${name}: leaves files`, `${name} ended with ${code}, and left ${left.join(', ')}`);
  }
}

/** The model's numbers, in the order of its weights. */
const valuesOf = (model: LayersModel): Float32Array[] =>
  model.weights.map((weight) => Float32Array.from(weight.read().dataSync<'float32'>()));

/** Formats have orders of their own. */
const sorted = (weights: readonly Float32Array[]): Float32Array[] => {
  const keyed = weights.map((values) => ({ values, key: Buffer.from(values.buffer).toString('latin1') }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ values }) => values);
};

const isSame = (some: readonly Float32Array[], others: readonly Float32Array[]): boolean =>
  some.length === others.length &&
  some.every((values, i) => Buffer.from(values.buffer).equals(Buffer.from(others[i]!.buffer)));

/** Whether a NaN of 32 or 64 bits may stand in there, at any place, or packed in a way that hides it. */
function mayHoldNaN(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    ['NaN', 'Infinity', 'null', 'deflate', 'float16', 'x\u009c', 'x\u0001', 'x\u00da', 'x^'].some((word) =>
      text.includes(word, 0, 'latin1'),
    )
  )
    return true;
  for (let at = 0; at + 4 <= text.length; at++) {
    // Both orders of the bytes, and 16 bits; all ones are addresses that HDF5 leaves undefined.
    const [first, second, third, fourth] = [text[at]!, text[at + 1]!, text[at + 2]!, text[at + 3]!];
    if ((fourth & 0x7f) === 0x7f && third >= 0x80 && !(first === 255 && second === 255 && third === 255))
      return true;
    if ((first & 0x7f) === 0x7f && second >= 0x80 && !(second === 255 && third === 255 && fourth === 255))
      return true;
  }
  return false;
}

/** A weight may be shared; TF.js counts who holds it. */
function disposeModel(model: LayersModel): void {
  tf.dispose(model.weights.map((weight) => weight.read()));
  const { optimizer } = model as { optimizer?: tf.Optimizer };
  optimizer?.dispose();
}

let plainArtifacts: tf.io.ModelArtifacts | undefined;

/** A small model of TF.js' own. */
function plainModel(): Promise<LayersModel> {
  const { model, weights } = plainTopology();
  plainArtifacts ??= {
    modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: model },
    weightSpecs: weights as tf.io.WeightsManifestEntry[],
    weightData: new Float32Array(14).buffer,
  };
  return loadLayersModel(tf.io.fromMemory(plainArtifacts));
}

const MOST_ELEMENTS = 300_000;

const sizeOf = (shape: readonly (number | null)[], open: number): number =>
  shape.reduce<number>((product, size) => product * (size ?? open), 1);

/** A batch of two, where that is small. */
function inputsFor(model: LayersModel, random: Random): tf.Tensor[] | null {
  const open = random.integer(1, 4);
  const shapes = model.inputs.map(({ shape }) => [2, ...shape.slice(1).map((size) => size ?? open)]);
  if (shapes.some((shape) => shape.length > 6 || !(sizeOf(shape, open) <= MOST_ELEMENTS))) return null;
  return model.inputs.map(({ dtype }, i) =>
    dtype === 'float32' ? tf.ones(shapes[i]!) : tf.zeros(shapes[i]!, 'int32'),
  );
}

/** Whether TF.js would compute it in a moment. */
function isSmall(model: LayersModel): boolean {
  const outputs = model.layers.flatMap((layer) => {
    try {
      return layer.output;
    } catch {
      // A layer that is called several times has several.
      return [];
    }
  });
  const elements = outputs.reduce((sum, { shape }) => sum + 2 * Math.abs(sizeOf(shape.slice(1), 4)), 0);
  return model.layers.length < 300 && elements < MOST_ELEMENTS && model.countParams() < MOST_ELEMENTS;
}

/**
 * Tries one case.
 *
 * @param folder an empty folder of its own, which it may fill; it is removed
 */
export async function tryCase(one: Case, folder: string, tell: Step): Promise<Finding[]> {
  if (tf.getBackend() !== 'cpu') await tf.setBackend('cpu');
  if (one.way !== 'memory') mkdirSync(folder, { recursive: true });
  guard.begin(folder);
  const trial = new Trial(one, folder, tell);
  try {
    await trial.run();
  } catch (error) {
    // Whatever escapes is looked at as well: no step should.
    trial.findings.push(
      faultOfRefusal('the trial', error) ?? { signature: 'the trial', what: String(error) },
    );
  }
  trial.findings.push(...guard.end());
  if (one.way !== 'memory') rmSync(folder, { recursive: true, force: true });
  return trial.findings;
}
