/** @file What the page can ask for: it keeps a model and data, and hands both to the tools. */
import { type Tensor, clone, dispose, memory } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { accelerateTensorFlow } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { type InspectReport, type ToolOptions, fold, inspect, recalibrate } from 'evenkeel/tools';
import {
  type DoctorFunctions,
  type DoctorPageFunctions,
  type Done,
  type Examination,
  FORMATS,
  type Folding,
  type FormatName,
  type Repair,
} from '../shared/doctor-protocol.js';
import { useNearestBackend } from '../training/backends.js';
import { shorten } from '../../src/text/show.js';
import { LONGEST_TEXT, limitsFor } from '../shared/limits.js';
import { writeArchive } from '../../src/data/archive.js';
import { findNormalizations } from '../../src/tools/normalizations.js';
import { plural } from '../../shared/numbers.js';
import { splitModel } from '../../shared/tfjs-files.js';
import { cutExamination, cutFolding } from './cut.js';
import { readData } from './data.js';

interface Data {
  readonly source: string;
  readonly tensors: readonly Tensor[];
}

/** Something that was done to the model, and can be taken back. */
interface Step extends Done {
  /** What it was done with. */
  readonly data: Data | null;
  readonly undo: () => void;
}

/** Nearer than that to mean 0 and deviation 1, there is nothing to gain. */
const NEAR = 0.01;

const shapesOf = (model: LayersModel): (number | null)[][] => model.inputs.map(({ shape }) => shape);

const describeData = (data: Data | null): string | null =>
  data && `${data.source}: ${data.tensors[0]!.shape[0]} samples`;

/** TF.js' files of a model, in one archive. */
async function archiveOf(model: LayersModel): Promise<Uint8Array> {
  const { shards, topology } = await splitModel(model);
  const parts = new Map(shards.map((bytes, i) => [`group1-shard${i + 1}of${shards.length}.bin`, bytes]));
  return writeArchive(new Map([...parts, ['model.json', topology([...parts.keys()])]]));
}

export class Doctor implements DoctorFunctions {
  readonly #page: DoctorPageFunctions;
  readonly #ready: Promise<unknown>;
  #model: LayersModel | null = null;
  #data: Data | null = null;
  /** The last at the end. */
  readonly #steps: Step[] = [];
  #controller = new AbortController();
  /** The end of what was asked for last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(page: DoctorPageFunctions) {
    this.#page = page;
    accelerateTensorFlow();
    this.#ready = useNearestBackend('wasm');
  }

  /** Runs `job` when all before it are done. It can be cancelled. */
  #afterOthers<T>(job: (options: ToolOptions) => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      await this.#ready;
      this.#controller = new AbortController();
      const onProgress = this.#page.progressed.bind(this.#page);
      return job({ signal: this.#controller.signal, onProgress });
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  #theModel(): LayersModel {
    if (!this.#model) throw new Error('There is no model yet. Drop one.');
    return this.#model;
  }

  async #examine(model: LayersModel, data: Data | null, options: ToolOptions): Promise<Examination> {
    const report = await inspect(model, data && [...data.tensors], options);
    return cutExamination({
      inputs: shapesOf(model),
      parameters: model.countParams(),
      data: describeData(data),
      report,
      steps: this.#steps.map(({ repair, what }) => ({ repair, what })),
      left: this.#leftToDo(report, data),
      tensors: memory().numTensors,
    });
  }

  #leftToDo({ layers }: InspectReport, data: Data | null): Examination['left'] {
    const isDone = (repair: Repair) =>
      this.#steps.some((step) => step.repair === repair && (repair === 'fold' || step.data === data));
    const isNear = layers.every(({ inputs }) => inputs?.distance.every((one) => one !== null && one < NEAR));
    return {
      recalibrate: layers.length > 0 && data !== null && !isNear && !isDone('recalibrate'),
      fold: layers.length > 0 && !isDone('fold'),
      freeze: layers.some(({ isFrozen }) => !isFrozen),
    };
  }

  open(files: readonly File[]): Promise<Examination> {
    return this.#afterOthers(async (options) => {
      const model = await loadKerasModel(files, { ...options, limits: limitsFor(files), compile: false });
      const examination = await this.#examine(model, null, options);
      this.#model = model;
      return examination;
    });
  }

  takeData(files: readonly File[]): Promise<Examination> {
    return this.#afterOthers(async (options) => {
      const model = this.#theModel();
      const tensors = await readData(files, model);
      const source = shorten(files.map(({ name }) => name).join(', '), LONGEST_TEXT);
      const data = { source, tensors };
      const before = this.#data;
      try {
        const examination = await this.#examine(model, data, options);
        this.#data = data;
        if (before) dispose([...before.tensors]);
        return { ...examination, tensors: memory().numTensors };
      } catch (error) {
        dispose(tensors);
        throw error;
      }
    });
  }

  fold(): Promise<Folding> {
    return this.#afterOthers(async (options) => {
      const before = this.#theModel();
      const data = this.#data ? { data: this.#data.tensors } : {};
      const { model, ...folding } = await fold(before, { ...options, ...data });
      this.#model = model;
      this.#did(
        'fold',
        `Folded ${folding.folded.length} of ${folding.folded.length + folding.kept.length}`,
        () => {
          model.dispose();
          this.#model = before;
        },
      );
      return cutFolding(folding);
    });
  }

  recalibrate(): Promise<void> {
    return this.#afterOthers(async (options) => {
      const model = this.#theModel();
      if (!this.#data) throw new Error('Recalibrating takes data: drop some first.');
      // Copies share their numbers with the weights until those get others.
      const before = model.weights.map((weight) => ({ weight, value: clone(weight.read()) }));
      const forget = () => {
        dispose(before.map(({ value }) => value));
      };
      try {
        await recalibrate(model, [...this.#data.tensors], options);
      } catch (error) {
        forget();
        throw error;
      }
      this.#did('recalibrate', `Recalibrated with ${this.#data.source}`, () => {
        for (const { weight, value } of before) {
          if (weight.read().dataId !== value.dataId) weight.write(value);
        }
        forget();
      });
    });
  }

  freeze(): Promise<void> {
    return this.#afterOthers(() => {
      const layers = findNormalizations(this.#theModel())
        .map(({ layer }) => layer)
        .filter(({ trainable }) => trainable);
      for (const layer of layers) layer.trainable = false;
      this.#did('freeze', `Froze ${plural(layers.length, 'batch normalization')}`, () => {
        for (const layer of layers) layer.trainable = true;
      });
      return Promise.resolve();
    });
  }

  undo(): Promise<void> {
    return this.#afterOthers(() => {
      this.#steps.pop()?.undo();
      return Promise.resolve();
    });
  }

  #did(repair: Repair, what: string, undo: () => void): void {
    this.#steps.push({ repair, what, data: this.#data, undo });
  }

  examine(): Promise<Examination> {
    return this.#afterOthers(async (options) => {
      const model = this.#theModel();
      try {
        return await this.#examine(model, this.#data, options);
      } catch (error) {
        // The model is another by now: report at least what is known without data.
        if (error !== options.signal?.reason) throw error;
        return { ...(await this.#examine(model, null, {})), data: describeData(this.#data) };
      }
    });
  }

  save(name: FormatName): Promise<Uint8Array> {
    const format = FORMATS[name];
    return this.#afterOthers(() =>
      format.for === null
        ? archiveOf(this.#theModel())
        : saveKerasModel(this.#theModel(), null, { for: format.for, format: format.format }),
    );
  }

  cancel(): void {
    this.#controller.abort(new Error('Stopped. The model is as it was.'));
  }
}
