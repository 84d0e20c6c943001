/** @file What reaches a unit's activation, as a distribution over the steps of the training. */
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { type Measurement, PERCENTILES } from '../shared/protocol.js';
import { NETWORK_KEYS } from '../shared/settings.js';
import { Chart, type Line, colorOf, roundly } from './chart.js';
import { names } from './state.js';

/** The paper's, which are drawn as lines: the median thick, the one below it dashed. */
const LINED = [15, 50, 85] as const;

const LINES = NETWORK_KEYS.map((key) =>
  LINED.map((percentile): Line => ({
    label: `${percentile} %`,
    color: key,
    width: percentile === 50 ? 2.5 : 1,
    isDashed: percentile === 15,
  })),
);

const indexOf = (percentile: (typeof PERCENTILES)[number]): number => PERCENTILES.indexOf(percentile);

/** Of a unit at each step: its percentiles, or null where there are none that are numbers. */
type History = readonly (readonly number[] | null)[];

function historyOf(series: readonly Measurement[], network: number, layer: number, unit: number): History {
  return series.map(({ readings }) => {
    const values = readings[network]?.layers[layer]?.percentiles.map((of) => of[unit]!);
    return values?.every(Number.isFinite) ? values : null;
  });
}

/** The density at which the colour has half its strength: that of values that lie evenly over a quarter of the height. */
const HALF_STRENGTH = 4;

/** Paints each step's distribution as a column, darker where more of the values lie. */
function paintDensity(chart: uPlot, steps: readonly number[], history: History, color: string): void {
  const { ctx: context, bbox } = chart;
  const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
  const x = (step: number) => chart.valToPos(step, 'x', true);
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  context.fillStyle = color;
  history.forEach((values, i) => {
    if (!values) return;
    // From halfway to the step before until halfway to the one behind.
    const from = i === 0 ? bbox.left : (x(steps[i - 1]!) + x(steps[i]!)) / 2;
    const to = i === steps.length - 1 ? right : (x(steps[i]!) + x(steps[i + 1]!)) / 2;
    const [left, width] = [Math.round(from), Math.round(to) - Math.round(from)];
    const heights = values.map((value) => Math.round(chart.valToPos(value, 'y', true)));
    for (let k = 1; k < heights.length; k++) {
      const [low, high] = [heights[k - 1]!, heights[k]!];
      if (low < bbox.top || high > bottom) continue;
      // Where all values are the same, a line is left of the column.
      const height = Math.max(1, low - high);
      const density = (PERCENTILES[k]! - PERCENTILES[k - 1]!) / 100 / (height / bbox.height);
      context.globalAlpha = density / (density + HALF_STRENGTH);
      context.fillRect(left, low - height, width, height);
    }
  });
  context.restore();
}

/** A distribution in a sentence's part. */
function inWords(values: readonly number[]): string {
  const [least, low, middle, high, most] = ([1, 15, 50, 85, 99] as const).map((percentile) =>
    roundly(values[indexOf(percentile)]!),
  );
  return `the middle at ${middle!}, 70 % from ${low!} to ${high!}, 98 % from ${least!} to ${most!}`;
}

function describeChange(steps: readonly number[], history: History): string {
  const [first, last] = [history[0], history.at(-1)];
  if (!last) return 'What reaches the unit is no number any more.';
  const now = `At step ${steps.at(-1)!}: ${inWords(last)}.`;
  return first && history.length > 1 ? `${now} At step ${steps[0]!}: ${inWords(first)}.` : now;
}

interface DistributionsProps {
  readonly series: readonly Measurement[];
  readonly layer: number;
  readonly unit: number;
}

/** All networks' distributions on one scale, so that they can be compared. */
export function Distributions({ series, layer, unit }: DistributionsProps) {
  const called = names.value;
  const { steps, histories, range } = useMemo(() => {
    const all = called.map((_, network) => historyOf(series, network, layer, unit));
    const ends = all.flat().flatMap((values) => (values ? [values[0]!, values.at(-1)!] : []));
    return {
      steps: series.map(({ step }) => step),
      histories: all,
      range: [Math.min(...ends), Math.max(...ends)] as const,
    };
  }, [series, layer, unit, called]);
  const data = useMemo(
    () =>
      histories.map((history) => [
        steps,
        ...LINED.map((percentile) => history.map((values) => values?.[indexOf(percentile)] ?? null)),
      ]),
    [steps, histories],
  );
  return (
    <>
      <h3>What reaches unit {unit}, step by step</h3>
      <p class="note">
        Each column is the distribution over test samples at that step: the darker, the more of them. The
        lines are the percentiles of the paper’s figure. All networks have the same scale.
      </p>
      <div class="pair">
        {called.map((name, network) => (
          <div key={name}>
            <Chart
              title={`${name}: input of unit ${unit}’s activation`}
              lines={LINES[network]!}
              data={data[network]!}
              range={range}
              underlay={(chart) => {
                paintDensity(chart, steps, histories[network]!, colorOf(NETWORK_KEYS[network]!));
              }}
            />
            <p class="note" data-testid={`${NETWORK_KEYS[network]!}-distribution`}>
              {describeChange(steps, histories[network]!)}
            </p>
          </div>
        ))}
      </div>
    </>
  );
}
