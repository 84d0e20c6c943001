/** @file What the page can ask for: it keeps the data and the session, and trains in between. */
import { memory, version_core } from '@tensorflow/tfjs-core';
import { accelerateTensorFlow } from 'evenkeel';
import { drawDigits } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';
import type { Measurement, PageFunctions, Setup, TrainerFunctions } from '../shared/protocol.js';
import type { Settings } from '../shared/settings.js';
import { sessionOfTwo } from './assistant.js';
import { useBackend, useNearestBackend } from './backends.js';
import { type Dataset, imageDataset, pointsOf, samplesOf } from './dataset.js';
import { droppedDataset } from './dropped-files.js';
import { Session } from './session.js';
import { toyDataset } from './toy-sets.js';
import { messageOf } from '../../src/text/refusal.js';
import { isMeasured } from '../../shared/measured-steps.js';

/** Drawing takes a second for 10,000; the charts are as smooth with fewer to test. */
const DRAWN_DIGITS = 6000;

/** Milliseconds between two reports of progress. */
const PROGRESS_INTERVAL = 200;

/** Lets messages in. A channel, since a timer of 0 ms takes 4. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => {
      port2.close();
      resolve();
    };
    port1.postMessage(null);
  });

/** Data, and what it was made of. */
interface Data {
  readonly key: string;
  readonly dataset: Dataset;
}

async function makeDataset({ data, seed }: Settings, files: readonly File[]): Promise<Dataset> {
  if (data === 'files') return droppedDataset(files, new Random(seed, 'split'));
  if (data !== 'digits') return toyDataset(data, new Random(seed, 'digits'));
  const digits = drawDigits(DRAWN_DIGITS, new Random(seed, 'digits'));
  return imageDataset('digits drawn by the page', digits, new Random(seed, 'split'));
}

export class Trainer implements TrainerFunctions {
  readonly #page: PageFunctions;
  readonly #script: string;
  #session: Session | null = null;
  #data: Data | null = null;
  #isRunning = false;
  /** Whether there is a run; it ends a little after it is paused. */
  #hasRun = false;
  /** The end of what was asked for last. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param script the address of the workers' script */
  constructor(page: PageFunctions, script: string) {
    this.#page = page;
    this.#script = script;
    // Convolutions train on wasm only so, and dense layers five times as fast.
    accelerateTensorFlow();
  }

  /** Runs `job` when all before it are done: no two of them ever share the networks. */
  #afterOthers<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** The data at hand, where it is what the settings ask for. Files may be others under the same name. */
  async #dataFor(settings: Settings, files: readonly File[]): Promise<Data> {
    const key = `${settings.data} ${settings.seed}`;
    if (this.#data?.key === key && settings.data !== 'files') return this.#data;
    return { key, dataset: await makeDataset(settings, files) };
  }

  configure(asked: Settings, files: readonly File[]): Promise<Setup> {
    return this.#afterOthers(async () => {
      const before = this.#session?.settings.backend;
      const { backend, notice } = await useNearestBackend(asked.backend);
      const settings = { ...asked, backend };
      let session: Session | undefined;
      try {
        const data = await this.#dataFor(settings, files);
        session =
          settings.threads > 1
            ? sessionOfTwo(settings, data.dataset, this.#script)
            : new Session(settings, data.dataset);
        // The first measurement is also the trial: what the layer refuses only when it is called is refused here.
        const measured = await session.measure();
        this.#session?.dispose();
        const first = { ...measured, tensors: memory().numTensors };
        this.#session = session;
        this.#data = data;
        return { ...describe(session, first), notice };
      } catch (error) {
        session?.dispose();
        if (before) await useBackend(before);
        throw error;
      }
    });
  }

  start(): Promise<void> {
    this.#isRunning = true;
    // Where it was paused for a moment only, the same run goes on.
    if (!this.#hasRun) void this.#run();
    return Promise.resolve();
  }

  pause(): Promise<number> {
    this.#isRunning = false;
    return this.#afterOthers(() => Promise.resolve(this.#session?.stepsDone ?? 0));
  }

  step(): Promise<Measurement> {
    return this.#afterOthers(async () => {
      const session = this.#theSession();
      await session.step();
      return session.measure();
    });
  }

  classify(image: Uint8Array): Promise<number[][]> {
    return this.#afterOthers(() => this.#theSession().classify(image));
  }

  #theSession(): Session {
    if (!this.#session) throw new Error('There are no networks yet.');
    return this.#session;
  }

  /** Trains until paused. */
  async #run(): Promise<void> {
    let [reported, stepsReported] = [performance.now(), this.#theSession().stepsDone];
    this.#hasRun = true;
    while (this.#isRunning) {
      try {
        await this.#afterOthers(async () => {
          if (!this.#isRunning) return;
          const session = this.#theSession();
          await session.step();
          if (isMeasured(session.stepsDone)) this.#page.measured(await session.measure());
          const [now, steps] = [performance.now(), session.stepsDone];
          if (now - reported < PROGRESS_INTERVAL) return;
          this.#page.progressed(steps, (1000 * Math.max(0, steps - stepsReported)) / (now - reported));
          [reported, stepsReported] = [now, steps];
        });
      } catch (error) {
        this.#isRunning = false;
        this.#page.failed(messageOf(error));
      }
      await breathe();
    }
    this.#hasRun = false;
  }
}

function describe({ settings, dataset, networks }: Session, first: Measurement): Omit<Setup, 'notice'> {
  return {
    source: dataset.source,
    trainingCount: dataset.training.length,
    testCount: dataset.test.length,
    points: pointsOf(dataset),
    samples: samplesOf(dataset, settings.kind),
    tensorflow: version_core,
    settings,
    networks: networks.map((network) => network.describe()),
    first,
  };
}
