/** @file The doctor: drop a model, read what is wrong with it, cure it, take it away. Loaded when it is first shown. */
import { signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Finding, InspectedLayer, PlainNumbers, Progress } from 'evenkeel/tools';
import {
  type DoctorFunctions,
  type DoctorPageFunctions,
  type Examination,
  FORMATS,
  type Folding,
  type FormatName,
} from '../shared/doctor-protocol.js';
import { Chart, type Line } from './chart.js';
import { DropZone } from './drop-zone.js';
import { announcement, problems, tell } from './state.js';
import { WatchedWorker } from './watched-worker.js';
import { messageOf } from '../../src/text/refusal.js';
import { shorten } from '../../src/text/show.js';
import { MOST_NUMBERS } from '../shared/limits.js';

const examination = signal<Examination | null>(null);
const folding = signal<Folding | null>(null);
const progress = signal<Progress | null>(null);
const layerLookedAt = signal(0);
const format = signal<FormatName>('keras3 keras');
/** The name of the file that the model came in, without its ending. */
let fileName = 'model';

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
const task = signal<Task | null>(null);

/** Has a worker do something that takes a while, and tells what goes wrong. */
async function during(
  what: string,
  worker: DoctorWorker,
  job: (doctor: DoctorWorker['functions']) => Promise<string>,
): Promise<void> {
  task.value = { what, worker };
  progress.value = null;
  problems.value = problems.value.filter(({ about }) => about !== 'doctor');
  try {
    announcement.value = await job(worker.functions);
  } catch (error) {
    // What ended a worker stays to be read while the next one begins.
    tell(messageOf(error), worker.isEnded ? null : 'doctor');
  } finally {
    task.value = null;
  }
}

/** Milliseconds in which a task that is stopped may end by itself, which leaves the model as it was. */
const GRACE = 2000;

function stop(stopped: Task): void {
  const { worker } = stopped;
  // Where the worker has ended meanwhile, there is nothing left to stop.
  worker.functions.cancel.asEvent().catch(() => undefined);
  setTimeout(() => {
    if (task.value === stopped)
      worker.end(`${stopped.what} did not stop by itself, so the doctor was ended.`);
  }, GRACE);
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const summary = ({ counts }: Examination): string =>
  `${counted(counts.layers, 'batch normalization')}, ${counted(counts.findings, 'finding')}.`;

/**
 * Reads a model in a worker of its own: whatever becomes of that one, the model that is shown stays where it is until
 * there is another.
 */
async function open(files: readonly File[]): Promise<void> {
  if (task.value !== null) {
    tell(`${task.value.what}: wait until it is done, or stop it.`, 'doctor');
    return;
  }
  const worker = beginWorker();
  await during('Reading the model', worker, async (doctor) => {
    const examined = await doctor.open(files);
    holder?.worker.end('Another model was opened.');
    holder = { worker, files };
    const main = files.find(({ name }) => /\.(h5|hdf5|keras|json)$/i.test(name)) ?? files[0]!;
    fileName = main.name.replace(/\.[^.]*$/, '');
    folding.value = null;
    layerLookedAt.value = 0;
    examination.value = examined;
    return summary(examined);
  });
  if (holder?.worker !== worker) worker.end('The model could not be read.');
}

/** Does something with the model. Where that ended its worker, the model is read again. */
async function withModel(
  what: string,
  job: (doctor: DoctorWorker['functions']) => Promise<string>,
): Promise<void> {
  if (task.value !== null || holder === null) return;
  const { worker, files } = holder;
  if (!worker.isEnded) await during(what, worker, job);
  if (!worker.isEnded) return;
  holder = null;
  examination.value = null;
  tell('The model is read again, as its file has it: what was done to it since has to be done again.');
  await open(files);
}

const takeData = (files: readonly File[]): Promise<void> =>
  withModel('Looking at the data', async (doctor) => {
    examination.value = await doctor.takeData(files);
    return summary(examination.value);
  });

const fold = (): Promise<void> =>
  withModel('Folding', async (doctor) => {
    folding.value = await doctor.fold();
    const { folded, kept } = folding.value.counts;
    layerLookedAt.value = 0;
    examination.value = await doctor.examine();
    return `Folded ${folded}, kept ${kept}.`;
  });

const recalibrate = (): Promise<void> =>
  withModel('Recalibrating', async (doctor) => {
    await doctor.recalibrate();
    examination.value = await doctor.examine();
    return `Recalibrated. ${summary(examination.value)}`;
  });

const download = (): Promise<void> =>
  withModel('Writing the file', async (doctor) => {
    const bytes = await doctor.save(format.value);
    const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${fileName}.${FORMATS[format.value].format}`;
    link.click();
    URL.revokeObjectURL(url);
    return `Saved as ${link.download}.`;
  });

function Task() {
  const doing = task.value;
  if (doing === null) return null;
  const { done = 0, total = null, step = '' } = progress.value ?? {};
  return (
    <p class="task" role="status">
      <span>
        {doing.what} {step && `(${step})`}
      </span>
      <progress aria-label={doing.what} {...(total === null ? {} : { max: total, value: done })} />
      <button
        type="button"
        onClick={() => {
          stop(doing);
        }}
      >
        Stop
      </button>
    </p>
  );
}

/** A few of many. */
const SHOWN_CHANNELS = 24;

function FindingView({ finding }: { readonly finding: Finding }) {
  const { name, severity, layer, channels, message, cure, evidence } = finding;
  const shown = channels.slice(0, SHOWN_CHANNELS).map((channel) => channel + 1);
  const others = channels.length - shown.length;
  const isCut = channels.length >= MOST_NUMBERS;
  return (
    <li class="finding" data-severity={severity}>
      <p>
        <strong>{severity}</strong> <code>{name}</code>{' '}
        {layer === null ? (
          'in the model'
        ) : (
          <>
            in <b>{layer}</b>
          </>
        )}
      </p>
      <p>{message}</p>
      <p class="cure">{cure}</p>
      <p class="note">
        {channels.length > 0 &&
          `Channels ${shown.join(', ')}${others > 0 ? ` and ${isCut ? 'at least ' : ''}${others} more` : ''}. `}
        {Object.entries(evidence)
          .map(([key, value]) => `${key}: ${value}`)
          .join(', ')}
      </p>
    </li>
  );
}

const LINES: readonly Line[] = [
  { label: 'in the data', color: 'quiet', isDotted: true },
  { label: 'moving', color: 'b', width: 1.5 },
];
const PARAMETER_LINES: readonly Line[] = [
  { label: 'gamma', color: 'a', width: 1.5 },
  { label: 'beta', color: 'b', width: 1.5 },
];

/** The channels that the page knows, of more where there are many. */
const channelNumbers = ({ movingMean }: InspectedLayer): number[] => movingMean.map((_, i) => i + 1);

const rootsOf = (values: PlainNumbers | undefined): PlainNumbers =>
  values?.map((value) => (value === null ? null : Math.sqrt(value))) ?? [];

function LayerView({ layer }: { readonly layer: InspectedLayer }) {
  const { mean, deviation, parameters } = useMemo(() => {
    const channels = channelNumbers(layer);
    const seen = layer.inputs?.inference;
    return {
      mean: [channels, seen?.mean ?? [], layer.movingMean],
      deviation: [channels, rootsOf(seen?.variance), rootsOf(layer.movingVariance)],
      parameters: [channels, layer.gamma ?? [], layer.beta ?? []],
    };
  }, [layer]);
  return (
    <div class="pair">
      <Chart title="Mean of each channel" xLabel="channel" lines={LINES} data={mean} />
      <Chart title="Deviation of each channel" xLabel="channel" lines={LINES} data={deviation} />
      <Chart title="Gamma and beta" xLabel="channel" lines={PARAMETER_LINES} data={parameters} />
    </div>
  );
}

function Layers({ report, counts }: Examination) {
  const layers = report.layers;
  const chosen = layers[Math.min(layerLookedAt.value, layers.length - 1)];
  if (!chosen) return null;
  const findingsOf = (name: string) => report.findings.filter(({ layer }) => layer === name).length;
  return (
    <section aria-labelledby="layers-title">
      <h2 id="layers-title">Layers</h2>
      <div class="wide" tabIndex={0} role="region" aria-label="Table of layers">
        <table>
          <thead>
            <tr>
              {['Layer', 'Findings', 'Channels', 'Axis', 'Momentum', 'Epsilon', 'Off by'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {layers.map((layer, i) => (
              <tr key={i} class={layer === chosen ? 'chosen' : undefined}>
                <th scope="row">
                  <button
                    type="button"
                    class="plain"
                    aria-pressed={layer === chosen}
                    onClick={() => {
                      layerLookedAt.value = i;
                    }}
                  >
                    {layer.layer}
                  </button>
                </th>
                <td>{findingsOf(layer.layer)}</td>
                <td>{layer.channels}</td>
                <td>{JSON.stringify(layer.axis)}</td>
                <td>{layer.momentum}</td>
                <td>{layer.epsilon}</td>
                <td>{offBy(layer)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        Off by: how far from mean 0 and deviation 1 normalized values are, root of the mean square over
        channels; seen with data only.
      </p>
      <First of={layers} count={counts.layers} what="layers" />
      <h3>{chosen.layer}</h3>
      <First of={chosen.movingMean} count={chosen.channels} what="channels" />
      <LayerView layer={chosen} />
    </section>
  );
}

function offBy({ inputs }: InspectedLayer): string {
  if (!inputs) return '–';
  const distances = inputs.distance.filter((distance) => distance !== null);
  const squares = distances.reduce((sum, distance) => sum + distance * distance, 0);
  return Math.sqrt(squares / distances.length).toFixed(3);
}

/** Says where a list is only its beginning. */
function First(props: { readonly of: readonly unknown[]; readonly count: number; readonly what: string }) {
  const { of: shown, count, what } = props;
  if (shown.length === count) return null;
  return (
    <p class="note">
      These are the first {shown.length.toLocaleString('en')} of {count.toLocaleString('en')} {what}.
    </p>
  );
}

function FoldingView({
  folded,
  kept,
  counts,
  largestDifference,
  largestOutput,
  comparedOn,
  warnings,
}: Folding) {
  return (
    <section aria-labelledby="folding-title">
      <h2 id="folding-title">Folded</h2>
      <p data-testid="folding">
        {counts.folded} folded, {counts.kept} kept. Outputs differ by at most{' '}
        {largestDifference.toExponential(1)}, the largest being {largestOutput.toPrecision(3)} (compared on{' '}
        {comparedOn}).
      </p>
      {warnings.map((warning) => (
        <p key={warning} role="alert" data-testid="folding-warning">
          {warning}
        </p>
      ))}
      <ul class="note">
        {folded.map(({ name, into }) => (
          <li key={name}>
            <b>{name}</b> into {into.join(', ')}
          </li>
        ))}
        {kept.map(({ name, reason }) => (
          <li key={name}>
            <b>{name}</b> stays: {reason}
          </li>
        ))}
      </ul>
    </section>
  );
}

const LONGEST_SHAPES = 200;

const shapeText = (shape: readonly (number | null)[]): string =>
  `[${shape.map((size) => size ?? 'n').join(', ')}]`;

function Cures({ inputs, data }: Examination) {
  const isBusy = task.value !== null;
  return (
    <section aria-labelledby="cures-title">
      <h2 id="cures-title">Data and cures</h2>
      <div class="cures">
        <DropZone
          id="data-files"
          label="Drop data"
          hint={`.npy or .npz of shape ${shorten(inputs.map(shapeText).join(' and '), LONGEST_SHAPES)}, or IDX images`}
          onFiles={(files) => void takeData(files)}
        />
        <div>
          <p>
            <button type="button" disabled={isBusy || data === null} onClick={() => void recalibrate()}>
              Recalibrate
            </button>{' '}
            gives new moving statistics{data === null && ', once there is data'}.
          </p>
          <p>
            <button type="button" disabled={isBusy} onClick={() => void fold()}>
              Fold
            </button>{' '}
            makes normalizations vanish into their neighbours, for inference.
          </p>
          <p>
            <button type="button" class="primary" disabled={isBusy} onClick={() => void download()}>
              Download
            </button>{' '}
            <label for="format">as</label>{' '}
            <select
              id="format"
              value={format.value}
              onChange={(event) => {
                format.value = event.currentTarget.value as FormatName;
              }}
            >
              {Object.entries(FORMATS).map(([name, { title }]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </p>
        </div>
      </div>
      {data !== null && <p class="note">Looked at with {data}.</p>}
    </section>
  );
}

export default function Doctor() {
  const examined = examination.value;
  return (
    <div class="content doctor">
      <section aria-label="Model">
        <DropZone
          id="model-files"
          label="Drop a model"
          hint=".h5, .keras, or model.json with its shards"
          isForWholePage
          onFiles={(files) => void open(files)}
        />
        <p class="note">
          Nothing leaves the machine: the files are read, and cured, in this page, which asks no server for
          anything.
        </p>
        <Task />
      </section>
      {examined && (
        <>
          <section aria-labelledby="findings-title">
            <h2 id="findings-title">{examined.report.model}</h2>
            <p>
              <span data-testid="summary">{summary(examined)}</span>{' '}
              <span class="note">
                {examined.parameters.toLocaleString('en')} parameters,{' '}
                <span data-testid="doctor-tensors">{examined.tensors} tensors</span>
              </span>
            </p>
            {examined.report.findings.length === 0 && (
              <p>
                Nothing is wrong{examined.data === null && ', as far as weights can tell. Data tells more'}.
              </p>
            )}
            <First of={examined.report.findings} count={examined.counts.findings} what="findings" />
            <ul>
              {examined.report.findings.map((finding, i) => (
                <FindingView key={i} finding={finding} />
              ))}
            </ul>
          </section>
          <Cures {...examined} />
          {folding.value && <FoldingView {...folding.value} />}
          <Layers {...examined} />
        </>
      )}
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </div>
  );
}
