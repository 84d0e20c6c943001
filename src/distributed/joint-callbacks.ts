/** @file What all ranks must have alike in `fit`: the logs that callbacks decide by, and the end. */
import { CustomCallback, type CustomCallbackArgs, type LayersModel } from '@tensorflow/tfjs-layers';
import { type Group, messageOf } from '../group/group.js';

/** How many samples of this epoch a rank has trained with and was validated with. */
export interface SampleCounts {
  trained: number;
  validated: number;
  /**
   * Evaluated since the last step or the end of its callbacks: `fit` validates before these, and `fitDataset` after them.
   * What callbacks evaluate themselves is no validation.
   */
  evaluated: number;
}

/** A callback that replaces each log of an epoch by the mean over all ranks, weighted by their samples. */
export function makeJointLogs(group: Group, counts: SampleCounts): CustomCallbackArgs {
  return {
    onEpochBegin() {
      counts.trained = 0;
      counts.validated = 0;
    },
    onBatchEnd() {
      counts.validated = counts.evaluated;
    },
    onEpochEnd(_, logs = {}) {
      counts.validated ||= counts.evaluated;
      const all = Object.keys(logs);
      const names = all.filter(
        (name) => !(name.startsWith('val_') && all.includes(name.slice('val_'.length))),
      );
      // A rank without validation data gets the logs of the others.
      average(group, logs, names, counts.trained);
      average(
        group,
        logs,
        names.map((name) => `val_${name}`),
        counts.validated,
      );
    },
  };
}

function average(
  group: Group,
  logs: Record<string, number>,
  names: readonly string[],
  samples: number,
): void {
  // By itself, as long as what opens a step: a rank that is there then gets an error that says so.
  const [all] = group.sum('the end of an epoch', messageOf([samples]));
  if (!all) return;
  // Of no samples, logs are NaN.
  const own = names.map((name) => (samples > 0 ? logs[name]! * samples : 0));
  // Names of outputs may differ between ranks, as those of layers do.
  const sums = group.sum(`the logs ${names.join(', ')}`, messageOf(own), 'logs');
  names.forEach((name, i) => (logs[name] = sums[i]! / all));
}

type Callbacks = CustomCallback | CustomCallbackArgs | (CustomCallback | CustomCallbackArgs)[];

/**
 * The callbacks for `fit`, all as TF.js' objects: it takes these or plain objects, but not both in one list. At the end
 * comes one that stops all ranks after the same batch when one of them sets `stopTraining`; else the others would wait for
 * it.
 *
 * @param first what comes first if it is among them
 */
export function completeCallbacks(
  group: Group,
  model: LayersModel,
  counts: SampleCounts,
  given: Callbacks,
  yieldEvery: ConstructorParameters<typeof CustomCallback>[1],
  first: CustomCallbackArgs,
): CustomCallback[] {
  const shareStop = () => {
    const stops = messageOf([Number(model.stopTraining)]);
    if (group.sum('whether to stop', stops)[0]! > 0) model.stopTraining = true;
  };
  const onBatchEnd = () => {
    counts.evaluated = 0;
    shareStop();
  };
  const list = [given].flat();
  const sorted = list.includes(first) ? [first, ...list.filter((one) => one !== first)] : list;
  return [...sorted, { onBatchEnd, onEpochEnd: shareStop }].map((one) =>
    'setParams' in one ? one : new CustomCallback(one, yieldEvery),
  );
}
