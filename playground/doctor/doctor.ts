/** @file What the page can ask for: it keeps a model and data, and hands both to the tools. */
import { type Tensor, dispose, memory } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { accelerateTensorFlow } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { type ToolOptions, fold, inspect, recalibrate } from 'evenkeel/tools';
import {
  type DoctorFunctions,
  type DoctorPageFunctions,
  type Examination,
  FORMATS,
  type Folding,
  type FormatName,
} from '../shared/doctor-protocol.js';
import { useBackend } from '../training/backends.js';
import { shorten } from '../../src/text/show.js';
import { LONGEST_TEXT, limitsFor } from '../shared/limits.js';
import { cutExamination, cutFolding } from './cut.js';
import { readData } from './data.js';

interface Data {
  readonly source: string;
  readonly tensors: readonly Tensor[];
}

const shapesOf = (model: LayersModel): (number | null)[][] => model.inputs.map(({ shape }) => shape);

export class Doctor implements DoctorFunctions {
  readonly #page: DoctorPageFunctions;
  readonly #ready: Promise<void>;
  #model: LayersModel | null = null;
  #data: Data | null = null;
  #controller = new AbortController();
  /** The end of what was asked for last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(page: DoctorPageFunctions) {
    this.#page = page;
    accelerateTensorFlow();
    this.#ready = useBackend('wasm').catch(() => useBackend('cpu'));
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
    return cutExamination({ ...this.#describe(model, data), report, tensors: memory().numTensors });
  }

  #describe(model: LayersModel, data: Data | null): Pick<Examination, 'inputs' | 'parameters' | 'data'> {
    return {
      inputs: shapesOf(model),
      parameters: model.countParams(),
      data: data && `${data.source}: ${data.tensors[0]!.shape[0]} samples`,
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
      before.dispose();
      this.#model = model;
      return cutFolding(folding);
    });
  }

  recalibrate(): Promise<void> {
    return this.#afterOthers(async (options) => {
      const model = this.#theModel();
      if (!this.#data) throw new Error('Recalibrating takes data: drop some first.');
      await recalibrate(model, [...this.#data.tensors], options);
    });
  }

  examine(): Promise<Examination> {
    return this.#afterOthers(async (options) => {
      const model = this.#theModel();
      try {
        return await this.#examine(model, this.#data, options);
      } catch (error) {
        // The model is another by now: report at least what is known without data.
        if (error !== options.signal?.reason) throw error;
        const { data } = this.#describe(model, this.#data);
        return { ...(await this.#examine(model, null, {})), data };
      }
    });
  }

  save(format: FormatName): Promise<Uint8Array> {
    const { for: dialect, format: ending } = FORMATS[format];
    return this.#afterOthers(() => saveKerasModel(this.#theModel(), null, { for: dialect, format: ending }));
  }

  cancel(): void {
    this.#controller.abort(new Error('Stopped. The model is as it was.'));
  }
}
