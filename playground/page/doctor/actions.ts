/** @file What the doctor shows, as signals, and what can be done: every action of the view ends up here. */
import { batch, signal } from '@preact/signals';
import type { Progress } from 'evenkeel/tools';
import {
  type DoctorFunctions,
  type DoctorPageFunctions,
  type Examination,
  FORMATS,
  type Folding,
  type FormatName,
  type Repair,
} from '../../shared/doctor-protocol.js';
import { summarizeReport } from '../../../shared/findings.js';
import { messageOf } from '../../../src/text/refusal.js';
import { announcement, forget, tell } from '../state.js';
import { WatchedWorker } from '../watched-worker.js';

export const examination = signal<Examination | null>(null);
/** What the model was like before each thing that was done to it. */
export const earlier = signal<readonly Examination[]>([]);
/** What folding did; null where the last thing that was done is another. */
export const folding = signal<Folding | null>(null);
export const progress = signal<Progress | null>(null);
export const layerLookedAt = signal(0);

/** The fields of the view at which problems stand. */
export const FIELDS = { model: 'model-files', data: 'data-files', repairs: 'repairs' } as const;

/** The name of the file that the model came in, without its ending. */
let fileName = 'model';

/** What a file is called by what was done to the model in it, so that it is not taken for the original. */
const SUFFIXES: Readonly<Record<Repair, string>> = {
  recalibrate: '-repaired',
  fold: '-folded',
  freeze: '-frozen',
};

type DoctorWorker = WatchedWorker<DoctorFunctions, DoctorPageFunctions>;

/** Which worker has the model that is shown, and the files that it read it from; null without a model. */
let holder: { readonly worker: DoctorWorker; readonly files: readonly File[] } | null = null;

const beginWorker = (): DoctorWorker =>
  new WatchedWorker(
    'doctor',
    {
      progressed: (now) => {
        progress.value = now;
      },
    },
    tell,
  );

interface Task {
  /** In words. */
  readonly what: string;
  readonly worker: DoctorWorker;
}
/** What is being done; null where nothing is. */
export const task = signal<Task | null>(null);

/** Has a worker do something that takes a while, and tells what goes wrong, at the field that asked for it. */
async function during(
  what: string,
  about: string,
  worker: DoctorWorker,
  job: (doctor: DoctorWorker['functions']) => Promise<string>,
): Promise<void> {
  task.value = { what, worker };
  progress.value = null;
  for (const field of Object.values(FIELDS)) forget({ about: field });
  try {
    announcement.value = await job(worker.functions);
  } catch (error) {
    // What ended a worker stays to be read while the next one begins.
    tell(messageOf(error), worker.isEnded ? null : about);
  } finally {
    task.value = null;
  }
}

/** Milliseconds in which a task that is stopped may end by itself, which leaves the model as it was. */
const GRACE = 2000;

export function stop(stopped: Task): void {
  const { worker } = stopped;
  // Where the worker has ended meanwhile, there is nothing left to stop.
  worker.functions.cancel.asEvent().catch(() => undefined);
  setTimeout(() => {
    if (task.value === stopped)
      worker.end(`${stopped.what} did not stop by itself, so the doctor was ended.`);
  }, GRACE);
}

/**
 * Reads a model in a worker of its own: whatever becomes of that one, the model that is shown stays where it is until
 * there is another.
 *
 * @returns whether it is the model that is shown now
 */
export async function open(files: readonly File[]): Promise<boolean> {
  if (task.value !== null) {
    tell(`${task.value.what}: wait until it is done, or stop it.`, FIELDS.model);
    return false;
  }
  const worker = beginWorker();
  await during('Reading the model', FIELDS.model, worker, async (doctor) => {
    const examined = await doctor.open(files);
    holder?.worker.end('Another model was opened.');
    holder = { worker, files };
    const main = files.find(({ name }) => /\.(h5|hdf5|keras|json)$/i.test(name)) ?? files[0]!;
    fileName = main.name.replace(/\.[^.]*$/, '');
    batch(() => {
      folding.value = null;
      earlier.value = [];
      layerLookedAt.value = 0;
      examination.value = examined;
    });
    return summarizeReport(examined.report);
  });
  const isShown = holder?.worker === worker;
  if (!isShown) worker.end('The model could not be read.');
  return isShown;
}

/** A model that is at hand, and data for it. */
const SAMPLE = {
  'digits.h5': new URL('../../../examples/digits/model.h5', import.meta.url),
  'digits.npy': new URL('../../../examples/digits/x.npy', import.meta.url),
} as const;

/** Opens the sample, as if its files had been dropped, unless another model comes before they are there. */
export async function openSample(): Promise<void> {
  const before = holder;
  try {
    const [model, data] = await Promise.all(
      Object.entries(SAMPLE).map(async ([name, url]) => {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`The sample cannot be loaded: ${response.status}.`);
        return new File([await response.blob()], name);
      }),
    );
    if (task.value !== null || holder !== before) return;
    if (await open([model!])) await takeData([data!]);
  } catch (error) {
    tell(messageOf(error), FIELDS.model);
  }
}

/** Does something with the model. Where that ended its worker, the model is read again. */
async function withModel(
  what: string,
  about: string,
  job: (doctor: DoctorWorker['functions']) => Promise<string>,
): Promise<void> {
  if (task.value !== null || holder === null) return;
  const { worker, files } = holder;
  if (!worker.isEnded) await during(what, about, worker, job);
  if (!worker.isEnded) return;
  holder = null;
  examination.value = null;
  tell('The model is read again, as its file has it: what was done to it since has to be done again.');
  await open(files);
}

export const takeData = (files: readonly File[]): Promise<void> =>
  withModel('Looking at the data', FIELDS.data, async (doctor) => {
    examination.value = await doctor.takeData(files);
    return summarizeReport(examination.value.report);
  });

/** Does something to the model that can be taken back, and looks at what became of it. */
const repair = (
  what: string,
  job: (doctor: DoctorWorker['functions']) => Promise<Folding | null>,
): Promise<void> =>
  withModel(what, FIELDS.repairs, async (doctor) => {
    const before = examination.value!;
    const folded = await job(doctor);
    const after = await doctor.examine();
    batch(() => {
      folding.value = folded;
      earlier.value = [...earlier.value, before];
      examination.value = after;
    });
    return `${after.steps.at(-1)?.what ?? what}. ${summarizeReport(after.report)}`;
  });

export const recalibrate = (): Promise<void> =>
  repair('Recalibrating', async (doctor) => {
    await doctor.recalibrate();
    return null;
  });

export const fold = (): Promise<void> => repair('Folding', (doctor) => doctor.fold());

export const freeze = (): Promise<void> =>
  repair('Freezing', async (doctor) => {
    await doctor.freeze();
    return null;
  });

/** Takes back what was done last. */
export const undo = (): Promise<void> =>
  withModel('Undoing', FIELDS.repairs, async (doctor) => {
    await doctor.undo();
    const after = await doctor.examine();
    batch(() => {
      folding.value = null;
      earlier.value = earlier.value.slice(0, -1);
      examination.value = after;
    });
    return `Taken back. ${summarizeReport(after.report)}`;
  });

export const download = (format: FormatName): Promise<void> =>
  withModel('Writing the file', FIELDS.repairs, async (doctor) => {
    const bytes = await doctor.save(format);
    const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    const link = document.createElement('a');
    link.href = url;
    const done = new Set(examination.value!.steps.map(({ repair }) => SUFFIXES[repair]));
    link.download = `${fileName}${[...done].join('')}.${FORMATS[format].format}`;
    link.click();
    URL.revokeObjectURL(url);
    return `Saved as ${link.download}.`;
  });
