/** @file Data for the model, what can be done to it, what was done and how to take it back, and the way to take it away. */
import { useState } from 'preact/hooks';
import { shorten } from '../../../src/text/show.js';
import { type Examination, FORMATS, type FormatName } from '../../shared/doctor-protocol.js';
import { DropZone } from '../drop-zone.js';
import { Refusal } from '../problems.js';
import { FIELDS, download, fold, freeze, recalibrate, takeData, task, undo } from './actions.js';

const LONGEST_SHAPES = 200;

const shapeText = (shape: readonly (number | null)[]): string =>
  `[${shape.map((size) => size ?? 'n').join(', ')}]`;

interface OfferProps {
  readonly name: string;
  readonly isLeft: boolean;
  readonly does: string;
  /** Why there is nothing left to do. */
  readonly otherwise: string;
  readonly onClick: () => Promise<void>;
}

function Offer({ name, isLeft, does, otherwise, onClick }: OfferProps) {
  return (
    <p>
      <button type="button" disabled={!isLeft || task.value !== null} onClick={() => void onClick()}>
        {name}
      </button>{' '}
      {isLeft ? does : otherwise}
    </p>
  );
}

function Offers({ report, data, left }: Examination) {
  const hasLayers = report.layers.length > 0;
  const none = 'No batch normalization is left.';
  return (
    <>
      <Offer
        name="Recalibrate"
        isLeft={left.recalibrate}
        does="gives the layers the statistics of the data."
        otherwise={
          !hasLayers
            ? none
            : data === null
              ? 'would give the layers the statistics of data: drop some.'
              : 'The statistics are those of this data.'
        }
        onClick={recalibrate}
      />
      <Offer
        name="Fold"
        isLeft={left.fold}
        does="merges normalizations into the layers beside them, for inference: the same predictions, faster."
        otherwise={hasLayers ? 'What can be folded has been folded.' : none}
        onClick={fold}
      />
      <Offer
        name="Freeze"
        isLeft={left.freeze}
        does="keeps the normalizations as they are when you train on, such as on little data."
        otherwise={hasLayers ? 'All batch normalizations are frozen.' : none}
        onClick={freeze}
      />
    </>
  );
}

function Steps({ steps }: Examination) {
  if (steps.length === 0) return null;
  return (
    <div class="done">
      <h3>Done so far</h3>
      <ol>
        {steps.map(({ what }, i) => (
          <li key={i}>{what}</li>
        ))}
      </ol>
      <button type="button" disabled={task.value !== null} onClick={() => void undo()}>
        Undo
      </button>{' '}
      takes back the last.
    </div>
  );
}

function Download() {
  const [format, setFormat] = useState<FormatName>('keras3 keras');
  return (
    <p>
      <button
        type="button"
        class="primary"
        disabled={task.value !== null}
        onClick={() => void download(format)}
      >
        Download
      </button>{' '}
      <label for="format">as</label>{' '}
      <select
        id="format"
        value={format}
        onChange={(event) => {
          setFormat(event.currentTarget.value as FormatName);
        }}
      >
        {Object.entries(FORMATS).map(([name, { title }]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </p>
  );
}

export function Repairs(examined: Examination) {
  const shapes = shorten(examined.inputs.map(shapeText).join(' and '), LONGEST_SHAPES);
  return (
    <section class="repairs" aria-labelledby="repairs-title">
      <h2 id="repairs-title">Data and repairs</h2>
      <div class="cures">
        <div>
          <DropZone
            id={FIELDS.data}
            label="Drop data"
            hint={`or choose it: .npy or .npz of shape ${shapes}, or IDX images`}
            onFiles={(files) => void takeData(files)}
          />
          {examined.data !== null && <p class="note">Looked at with {examined.data}.</p>}
        </div>
        <div>
          <Offers {...examined} />
          <Steps {...examined} />
          <Download />
          <Refusal about={FIELDS.repairs} />
        </div>
      </div>
    </section>
  );
}
