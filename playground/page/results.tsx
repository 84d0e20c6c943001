/** @file How the networks do: in words, and as curves while they train. */
import { useMemo } from 'preact/hooks';
import { NETWORK_KEYS } from '../shared/settings.js';
import { type Measurement, type Reading, isDiverged } from '../shared/protocol.js';
import { Chart, type Line } from './chart.js';
import { lossInWords, modesDiffer, percent } from './reading-words.js';
import { latest, measurements, names } from './state.js';

/** Losses above it are off the chart: a guess among ten classes costs 2.3. */
const LARGEST_LOSS = 10;

/** What a curve shows at each measurement; null where it has nothing. */
type Pick = (reading: Reading) => number | null;

interface Curve {
  readonly line: Line;
  readonly network: number;
  readonly pick: Pick;
}

const onlyFinite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;

/** A network whose loss is no number guesses nothing. */
const accuracy: Pick = (reading) => (Number.isFinite(reading.testLoss) ? 100 * reading.accuracy : null);
const trainingModeAccuracy: Pick = ({ trainingModeAccuracy: value }) => (value === null ? null : 100 * value);
const deadShare: Pick = ({ layers }) => {
  const dead = layers.map(({ deadUnits }) => deadUnits).filter((count) => count !== null);
  const units = layers.reduce((sum, { percentiles }) => sum + percentiles[0]!.length, 0);
  return dead.length === 0 ? null : (100 * dead.reduce((sum, count) => sum + count, 0)) / units;
};

function curvesOf(
  series: readonly Measurement[],
  names: readonly string[],
): Record<'accuracy' | 'loss' | 'dead', Curve[]> {
  const each = (label: (name: string) => string, pick: Pick, style: Partial<Line> = {}): Curve[] =>
    names.map((name, network) => ({
      line: { label: label(name), color: NETWORK_KEYS[network]!, ...style },
      network,
      pick,
    }));
  const dashed = { width: 1, isDashed: true };
  const inTrainingMode = each((name) => `${name}, in training mode`, trainingModeAccuracy, dashed);
  return {
    accuracy: [
      ...each((name) => name, accuracy),
      ...inTrainingMode.filter(({ network }) =>
        series.some(({ readings }) => readings[network] && modesDiffer(readings[network])),
      ),
    ],
    loss: [
      ...each(
        (name) => `${name}, test`,
        ({ testLoss }) => onlyFinite(testLoss),
      ),
      ...each(
        (name) => `${name}, training`,
        ({ trainingLoss }) => onlyFinite(trainingLoss),
        dashed,
      ),
    ],
    dead: each((name) => name, deadShare),
  };
}

/** The steps, then a column per curve. */
type Columns = readonly (readonly (number | null)[])[];

const dataOf = (series: readonly Measurement[], curves: readonly Curve[]): Columns => [
  series.map(({ step }) => step),
  ...curves.map(({ network, pick }) =>
    series.map(({ readings }) => (readings[network] ? pick(readings[network]) : null)),
  ),
];

function Curves(props: {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly rangeOf: (data: Columns) => readonly [number, number];
  readonly format?: (value: number) => string;
}) {
  const series = measurements.value;
  const { title, curves, rangeOf, format } = props;
  const data = useMemo(() => dataOf(series, curves), [series, curves]);
  return (
    <Chart
      title={title}
      lines={curves.map(({ line }) => line)}
      data={data}
      range={rangeOf(data)}
      {...(format ? { format } : {})}
    />
  );
}

function Result({ index, name }: { readonly index: number; readonly name: string }) {
  const key = NETWORK_KEYS[index]!;
  const reading = latest.value?.readings[index];
  return (
    <div class={`result network ${key}`}>
      <h3>{name}</h3>
      <p class="numbers">{reading && <Numbers id={key} reading={reading} />}</p>
    </div>
  );
}

function Numbers({ id, reading }: { readonly id: string; readonly reading: Reading }) {
  if (isDiverged(reading.testLoss)) {
    return <b data-testid={`${id}-diverged`}>{lossInWords(reading)}</b>;
  }
  return (
    <>
      <b data-testid={`${id}-accuracy`}>{percent(reading.accuracy)}</b> right, {lossInWords(reading)}
      {modesDiffer(reading) && (
        <span data-testid={`${id}-training-mode`}>
          {' '}
          (in training mode {percent(reading.trainingModeAccuracy!)} right)
        </span>
      )}
    </>
  );
}

const percentRange = () => [0, 100] as const;

/** What reaches up to the largest loss that is shown. */
function lossRange(data: Columns): readonly [number, number] {
  const values = data
    .slice(1)
    .flat()
    .filter((value) => value !== null);
  return [0, Math.min(LARGEST_LOSS, Math.max(...values, 0))];
}

export function Results() {
  const series = measurements.value;
  const called = names.value;
  const curves = useMemo(() => curvesOf(series, called), [series, called]);
  const isCounted = latest.value?.readings.some((reading) => deadShare(reading) !== null) ?? false;
  return (
    <section class="results" aria-labelledby="results-title">
      <h2 id="results-title" class="unseen">
        Results
      </h2>
      <div class="networks">
        {called.map((name, i) => (
          <Result key={name} index={i} name={name} />
        ))}
      </div>
      <div class="pair">
        <Curves
          title="Accuracy on test data, %"
          curves={curves.accuracy}
          rangeOf={percentRange}
          format={(value) => `${value.toFixed(1)} %`}
        />
        <Curves title="Loss (cross-entropy)" curves={curves.loss} rangeOf={lossRange} />
        {isCounted && (
          <Curves
            title="Dead units, %: no test sample activates them"
            curves={curves.dead}
            rangeOf={percentRange}
            format={(value) => `${value.toFixed(0)} %`}
          />
        )}
      </div>
    </section>
  );
}
