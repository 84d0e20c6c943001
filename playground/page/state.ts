/** @file What the page shows, as signals, and what can be done: every action of the page ends up here. */
import { batch, computed, signal } from '@preact/signals';
import type { BirpcReturn } from 'birpc';
import { HOME, type Place, beginningOf, writeAddress } from '../shared/address.js';
import { LONGEST_TEXT, MOST_PROBLEMS } from '../shared/limits.js';
import type { Measurement, PageFunctions, Setup, TrainerFunctions } from '../shared/protocol.js';
import { namesOf } from '../shared/network-names.js';
import type { PresetName } from '../shared/presets.js';
import { DEFAULTS, NETWORK_KEYS, type NetworkSettings, type Settings } from '../shared/settings.js';
import { withMeasurement } from './history.js';
import { WatchedWorker } from './watched-worker.js';
import { messageOf } from '../../src/text/refusal.js';

/** Something that went wrong, and what it is about: the id of a field, where it then stands, or null. */
export interface Problem {
  readonly text: string;
  readonly about: string | null;
}

/** What the page shows is of; the address follows it. */
export const place = signal<Place>(HOME);
/** Where the page is going, while the networks of there are made; null where it is there. */
export const destination = signal<Place | null>(null);
export const setup = signal<Setup | null>(null);
export const measurements = signal<readonly Measurement[]>([]);
export const progress = signal({ step: 0, rate: 0 });
export const isRunning = signal(false);
/** Whether networks are being made. */
export const isPreparing = signal(true);
export const problems = signal<readonly Problem[]>([]);
/** What screen readers say of the run. */
export const announcement = signal('');
/** Each network's probabilities for the drawn digit; null where nothing is drawn. */
export const answers = signal<readonly (readonly number[])[] | null>(null);

export const settings = computed(() => place.value.settings);
/** What each network is called. */
export const names = computed(() => namesOf(settings.value));
/** Where a preset begins; what networks run on stays as it is, which changes no results. */
export function placeOfPreset(preset: PresetName): Place {
  const beginning = beginningOf(preset);
  const { backend, threads } = settings.value;
  return { ...beginning, settings: { ...beginning.settings, backend, threads } };
}

/** Whether the settings differ from the preset's. */
export const isChanged = computed(() => {
  const beginning = placeOfPreset(place.value.preset);
  return writeAddress({ ...beginning, settings: settings.value }) !== writeAddress(beginning);
});
export const latest = computed(() => measurements.value.at(-1) ?? null);

/** Files that were dropped, which no address can carry. */
let files: readonly File[] = [];
/** The drawn digit. */
let drawing: Uint8Array | null = null;

const page: PageFunctions = {
  measured: (measurement) => {
    measurements.value = withMeasurement(measurements.value, measurement);
    progress.value = { ...progress.value, step: measurement.step };
    void answer();
  },
  progressed: (step, rate) => {
    progress.value = { step, rate };
  },
  failed: (message) => {
    isRunning.value = false;
    tell(message);
  },
};

/** Begun when it is first asked, and again after its end. */
let trainer: WatchedWorker<TrainerFunctions, PageFunctions> | null = null;

function askTrainer(): BirpcReturn<TrainerFunctions, PageFunctions> {
  trainer ??= new WatchedWorker('trainer', page, (reason) => {
    trainer = null;
    isRunning.value = false;
    tell(reason);
    // The networks are gone with it. What could be made once can be made again; what could not is not tried again.
    const couldBeMade = setup.value !== null;
    setup.value = null;
    if (couldBeMade) void change(null, (same) => same);
  });
  return trainer.functions;
}

/** Shows a problem, instead of any other about the same field. */
export function tell(text: string, about: string | null = null): void {
  const told = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  const others = problems.value.filter((one) => one.text !== told && (about === null || one.about !== about));
  problems.value = [...others, { text: told, about }].slice(-MOST_PROBLEMS);
}

export function dismiss(problem: Problem): void {
  problems.value = problems.value.filter((one) => one !== problem);
}

/** Takes back what was said of one field, of all fields, or all that was said. */
export function forget(what: { readonly about: string } | 'fields' | 'all'): void {
  const isForgotten = ({ about }: Problem): boolean =>
    what === 'all' || (what === 'fields' ? about !== null : about === what.about);
  problems.value = problems.value.filter((problem) => !isForgotten(problem));
}

/** The end of what was asked for last: changes come one after the other. */
let last: Promise<unknown> = Promise.resolve();

/** Makes the networks that `next` asks for. What is refused is reported, and changes nothing. */
async function configure(next: Settings, about: string | null): Promise<boolean> {
  isPreparing.value = true;
  try {
    const made = await askTrainer().configure(next, next.data === 'files' ? files : []);
    batch(() => {
      setup.value = made;
      measurements.value = [made.first];
      progress.value = { step: 0, rate: 0 };
      // They were those of the networks before.
      answers.value = null;
      if (about !== null) forget({ about });
      if (made.notice !== null) tell(made.notice, about);
      place.value = { ...place.value, settings: { ...next, backend: made.settings.backend } };
    });
    void answer();
    return true;
  } catch (error) {
    tell(messageOf(error), about);
    return false;
  } finally {
    isPreparing.value = false;
  }
}

function afterOthers<T>(job: () => Promise<T>): Promise<T> {
  const done = last.then(job);
  last = done.catch(() => undefined);
  return done;
}

/**
 * Changes the settings and begins anew; a run goes on with them.
 *
 * @param about the field that asks for it, if one
 */
export const change = (about: string | null, update: (settings: Settings) => Settings): Promise<boolean> =>
  afterOthers(() => configure(update(settings.value), about));

/** Whether the networks at hand are those that these settings ask for. */
export const isSet = (asked: Settings): boolean =>
  setup.value !== null && writeAddress({ ...place.value, settings: asked }) === writeAddress(place.value);

/** Makes the networks of an address, unless they are at hand once all is done that was asked for before. */
export const changeTo = (asked: Settings): Promise<boolean> =>
  afterOthers(async () => {
    forget('fields');
    return isSet(asked) || (await configure(asked, null));
  });

/** Makes the usual networks, unless there are some once all is done that was asked for before. */
export const makeAny = (): Promise<boolean> =>
  afterOthers(
    async () =>
      setup.value !== null || (await configure({ ...DEFAULTS, backend: settings.value.backend }, null)),
  );

/** What tells networks apart: their indices change when one goes, and all else of them can be changed. */
const identities = new WeakMap<NetworkSettings, object>();

export function identityOf(network: NetworkSettings): object {
  const identity = identities.get(network) ?? {};
  identities.set(network, identity);
  return identity;
}

/** The id of a network's field. */
export const fieldOf = (index: number, name: string): string => `${NETWORK_KEYS[index]!}.${name}`;

/**
 * Changes the network that has this index now, wherever it stands once all is done that was asked for before.
 *
 * @param name of the field that asks for it
 */
export function changeNetwork(
  name: string,
  index: number,
  update: (network: NetworkSettings) => NetworkSettings,
): Promise<boolean> {
  const identity = identityOf(settings.value.networks[index]!);
  return afterOthers(async () => {
    const { networks } = settings.value;
    const at = networks.findIndex((network) => identityOf(network) === identity);
    if (at < 0) return true;
    const changed = update(networks[at]!);
    identities.set(changed, identity);
    return configure({ ...settings.value, networks: networks.with(at, changed) }, fieldOf(at, name));
  });
}

/** Adds a network, unless there are as many as there can be. */
export const addNetwork = (): Promise<boolean> =>
  afterOthers(async () => {
    const networks = [...settings.value.networks, { layer: {}, frozenAfter: null }];
    return networks.length > NETWORK_KEYS.length || configure({ ...settings.value, networks }, null);
  });

/** Removes the network that has this index now, unless it is gone by then, or the only one. */
export function removeNetwork(index: number): Promise<boolean> {
  const identity = identityOf(settings.value.networks[index]!);
  return afterOthers(async () => {
    // What was said of its fields would be said of the next one's.
    forget('fields');
    const { networks } = settings.value;
    const left = networks.filter((network) => identityOf(network) !== identity);
    const isDone = left.length === networks.length || left.length === 0;
    return isDone || configure({ ...settings.value, networks: left }, null);
  });
}

/** Trains on files from now on. */
export function takeFiles(dropped: readonly File[]): Promise<boolean> {
  return afterOthers(async () => {
    const before = files;
    files = dropped;
    const isTaken = await configure({ ...settings.value, data: 'files' }, 'files');
    if (!isTaken) files = before;
    return isTaken;
  });
}

/** Does what the trainer may fail at, and says so. */
async function telling(job: () => Promise<void>): Promise<void> {
  try {
    await job();
  } catch (error) {
    tell(messageOf(error));
  }
}

/** Says that the run is paused, unless it was started again before the trainer said so. */
function sayPaused(step: number): void {
  if (isRunning.value) return;
  progress.value = { step, rate: 0 };
  announcement.value = `Paused at step ${step}.`;
}

export const toggle = (): Promise<void> =>
  telling(async () => {
    isRunning.value = !isRunning.value;
    if (isRunning.value) {
      announcement.value = 'Training.';
      await askTrainer().start();
      return;
    }
    sayPaused(await askTrainer().pause());
  });

export const step = (): Promise<void> =>
  telling(async () => {
    page.measured(await askTrainer().step());
    announcement.value = `Step ${progress.value.step}.`;
  });

/** Back to the first step, paused. */
export const reset = (): Promise<void> =>
  telling(async () => {
    isRunning.value = false;
    await askTrainer().pause();
    if (await change(null, (same) => same)) announcement.value = 'Reset to step 0.';
  });

/** What the networks take the drawing for. */
async function answer(): Promise<void> {
  if (!drawing) return;
  const asked = drawing;
  try {
    const given = await askTrainer().classify(asked);
    if (asked === drawing) answers.value = given;
  } catch {
    // The networks have been replaced by some that take no images.
    answers.value = null;
  }
}

/** Asks the networks about an image of 28×28 bytes; null where nothing is drawn. */
export function ask(image: Uint8Array | null): void {
  drawing = image;
  if (image) void answer();
  else answers.value = null;
}

/** Looks at another layer, or another unit of it. */
export function lookAt(layer: number, unit: number): void {
  place.value = { ...place.value, layer, unit };
}
