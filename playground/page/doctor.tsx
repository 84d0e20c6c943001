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

const examination = signal<Examination | null>(null);
const folding = signal<Folding | null>(null);
/** What is being done, in words; null where nothing is. */
const task = signal<string | null>(null);
const progress = signal<Progress | null>(null);
const layerLookedAt = signal(0);
const format = signal<FormatName>('keras3 keras');
/** The name of the file that the model came in, without its ending. */
let fileName = 'model';

const worker = new WatchedWorker<DoctorFunctions, DoctorPageFunctions>('doctor', {
  progressed: (now) => {
    progress.value = now;
  },
});
const doctor = worker.functions;

/** Does something that takes a while, and tells what goes wrong. */
async function during(what: string, job: () => Promise<string>): Promise<void> {
  if (task.value !== null) return;
  task.value = what;
  progress.value = null;
  problems.value = problems.value.filter(({ about }) => about !== 'doctor');
  try {
    announcement.value = await job();
  } catch (error) {
    tell(messageOf(error), 'doctor');
  } finally {
    task.value = null;
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const summary = ({ report }: Examination): string =>
  `${counted(report.layers.length, 'batch normalization')}, ${counted(report.findings.length, 'finding')}.`;

const open = (files: readonly File[]): Promise<void> =>
  during('Reading the model', async () => {
    const examined = await doctor.open(files);
    const main = files.find(({ name }) => /\.(h5|hdf5|keras|json)$/i.test(name)) ?? files[0]!;
    fileName = main.name.replace(/\.[^.]*$/, '');
    folding.value = null;
    layerLookedAt.value = 0;
    examination.value = examined;
    return summary(examined);
  });

const takeData = (files: readonly File[]): Promise<void> =>
  during('Looking at the data', async () => {
    examination.value = await doctor.takeData(files);
    return summary(examination.value);
  });

const fold = (): Promise<void> =>
  during('Folding', async () => {
    const { folded, kept } = (folding.value = await doctor.fold());
    layerLookedAt.value = 0;
    examination.value = await doctor.examine();
    return `Folded ${folded.length}, kept ${kept.length}.`;
  });

const recalibrate = (): Promise<void> =>
  during('Recalibrating', async () => {
    await doctor.recalibrate();
    examination.value = await doctor.examine();
    return `Recalibrated. ${summary(examination.value)}`;
  });

const download = (): Promise<void> =>
  during('Writing the file', async () => {
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
  if (task.value === null) return null;
  const { done = 0, total = null, step = '' } = progress.value ?? {};
  return (
    <p class="task" role="status">
      <span>
        {task.value} {step && `(${step})`}
      </span>
      <progress aria-label={task.value} {...(total === null ? {} : { max: total, value: done })} />
      <button
        type="button"
        onClick={() => {
          doctor.cancel.asEvent().catch(tell);
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
          `Channels ${shown.join(', ')}${channels.length > shown.length ? ` and ${channels.length - shown.length} more` : ''}. `}
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

const channelNumbers = ({ channels }: InspectedLayer): number[] =>
  Array.from({ length: channels }, (_, i) => i + 1);

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

function Layers({ report }: Examination) {
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
              <tr key={layer.layer} class={layer === chosen ? 'chosen' : undefined}>
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
      <h3>{chosen.layer}</h3>
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

function FoldingView({ folded, kept, largestDifference, largestOutput, comparedOn, warnings }: Folding) {
  return (
    <section aria-labelledby="folding-title">
      <h2 id="folding-title">Folded</h2>
      <p data-testid="folding">
        {folded.length} folded, {kept.length} kept. Outputs differ by at most{' '}
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

function Cures({ inputs, data }: Examination) {
  const isBusy = task.value !== null;
  return (
    <section aria-labelledby="cures-title">
      <h2 id="cures-title">Data and cures</h2>
      <div class="cures">
        <DropZone
          label="Drop data"
          hint={`.npy or .npz of shape ${inputs.map((shape) => `[${shape.map((size) => size ?? 'n').join(', ')}]`).join(' and ')}, or IDX images`}
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
            <ul>
              {examined.report.findings.map((finding) => (
                <FindingView key={`${finding.name} ${finding.layer ?? ''}`} finding={finding} />
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
