/** @file Inside the networks: a unit's input as in the paper's figure, and a layer's statistics. */
import { useMemo } from 'preact/hooks';
import {
  type LayerReading,
  type Measurement,
  PERCENTILES,
  type StatisticsReading,
} from '../shared/protocol.js';
import { NETWORKS, type NetworkName, TITLES } from '../shared/settings.js';
import { Chart, type Line } from './chart.js';
import { lookAt, measurements, place, setup } from './state.js';

/** The median stands out from the two that enclose it. */
const percentileLines = (network: NetworkName): readonly Line[] =>
  PERCENTILES.map((percentile) => ({
    label: `${percentile} %`,
    color: network,
    width: percentile === 50 ? 2.5 : 1,
  }));

const movingLines = (network: NetworkName): readonly Line[] => [
  { label: 'batch', color: 'quiet', width: 1 },
  { label: 'moving', color: network, width: 2.5 },
];

const channelLines = (network: NetworkName): readonly Line[] => [
  { label: 'batch', color: 'quiet', isDotted: true },
  { label: 'moving', color: network, width: 1.5 },
];

const correctionLines = (network: NetworkName): readonly Line[] => [
  { label: 'least', color: network, width: 1 },
  { label: 'median', color: network, width: 2.5 },
  { label: 'largest', color: network, width: 1 },
];

const LINES = {
  a: {
    ...{ percentiles: percentileLines('a'), moving: movingLines('a') },
    ...{ channels: channelLines('a'), correction: correctionLines('a') },
  },
  b: {
    ...{ percentiles: percentileLines('b'), moving: movingLines('b') },
    ...{ channels: channelLines('b'), correction: correctionLines('b') },
  },
} as const;

const BAND = [0, 2] as const;

interface LookProps {
  readonly network: NetworkName;
  readonly series: readonly Measurement[];
  readonly layer: number;
  readonly unit: number;
}

const column = (
  readings: readonly (LayerReading | undefined)[],
  pick: (reading: LayerReading) => number | null | undefined,
): (number | null)[] => readings.map((reading) => (reading && pick(reading)) ?? null);

/** The least, the median and the largest of a layer's values. */
function spread(values: Float32Array): readonly [number, number, number] {
  const sorted = values.toSorted();
  return [sorted[0]!, sorted[(sorted.length - 1) >> 1]!, sorted.at(-1)!];
}

function useReadings({ network, series, layer }: Omit<LookProps, 'unit'>) {
  return useMemo(
    () => ({
      steps: series.map(({ step }) => step),
      readings: series.map((measurement) => measurement[network].layers[layer]),
    }),
    [network, series, layer],
  );
}

function Percentiles({ network, series, layer, unit }: LookProps) {
  const { steps, readings } = useReadings({ network, series, layer });
  const data = useMemo(
    () => [
      steps,
      ...PERCENTILES.map((_, p) => column(readings, ({ percentiles }) => percentiles[p]?.[unit])),
    ],
    [steps, readings, unit],
  );
  return (
    <Chart
      title={`${TITLES[network]}: input of unit ${unit + 1}’s activation, percentiles`}
      xLabel="step"
      lines={LINES[network].percentiles}
      data={data}
      band={BAND}
    />
  );
}

type Statistic = 'Mean' | 'Deviation';

function Moving({ network, series, layer, unit, statistic }: LookProps & { readonly statistic: Statistic }) {
  const { steps, readings } = useReadings({ network, series, layer });
  const data = useMemo(
    () => [
      steps,
      column(readings, ({ statistics }) => statistics?.[`batch${statistic}`][unit]),
      column(readings, ({ statistics }) => statistics?.[`moving${statistic}`][unit]),
    ],
    [steps, readings, unit, statistic],
  );
  return (
    <Chart
      title={`${statistic} of channel ${unit + 1}`}
      xLabel="step"
      lines={LINES[network].moving}
      data={data}
    />
  );
}

/** All channels of the layer, as they are now. */
function Channels({
  network,
  statistics,
  statistic,
}: {
  network: NetworkName;
  statistics: StatisticsReading;
  statistic: Statistic;
}) {
  const data = useMemo(() => {
    const [batch, moving] = [[...statistics[`batch${statistic}`]], [...statistics[`moving${statistic}`]]];
    return [batch.map((_, i) => i + 1), batch, moving];
  }, [statistics, statistic]);
  return (
    <Chart
      title={`${statistic}, all channels now`}
      xLabel="channel"
      lines={LINES[network].channels}
      data={data}
    />
  );
}

function Correction({ network, series, layer, of }: Omit<LookProps, 'unit'> & { readonly of: 'r' | 'd' }) {
  const { steps, readings } = useReadings({ network, series, layer });
  const data = useMemo(() => {
    const spreads = readings.map((reading) => {
      const values = reading?.statistics?.renorm?.[of];
      return values ? spread(values) : null;
    });
    return [steps, ...[0, 1, 2].map((i) => spreads.map((one) => one?.[i] ?? null))];
  }, [steps, readings, of]);
  return (
    <Chart
      title={`Renorm’s ${of} over the layer’s channels`}
      xLabel="step"
      lines={LINES[network].correction}
      data={data}
      band={BAND}
    />
  );
}

function Statistics({ network, series, layer, unit }: LookProps) {
  const statistics = series.at(-1)?.[network].layers[layer]?.statistics;
  if (!statistics) return <p class="note">{TITLES[network]} has no normalization, and no statistics.</p>;
  const shared = { network, series, layer };
  return (
    <div class="pair">
      <Moving {...shared} unit={unit} statistic="Mean" />
      <Moving {...shared} unit={unit} statistic="Deviation" />
      <Channels network={network} statistics={statistics} statistic="Mean" />
      <Channels network={network} statistics={statistics} statistic="Deviation" />
      {statistics.renorm && (
        <>
          <Correction {...shared} of="r" />
          <Correction {...shared} of="d" />
        </>
      )}
    </div>
  );
}

export function Inside() {
  const description = setup.value?.networks.a.layers;
  if (!description) return null;
  const layer = Math.min(place.value.layer, description.length - 1);
  const units = description[layer]!.units;
  const unit = Math.min(place.value.unit, units - 1);
  const look = { series: measurements.value, layer, unit };
  return (
    <section aria-labelledby="inside-title">
      <h2 id="inside-title">Inside the networks</h2>
      <p class="choosers">
        <label>
          Layer{' '}
          <select
            id="layer"
            value={String(layer)}
            onChange={(event) => {
              lookAt(Number(event.currentTarget.value), unit);
            }}
          >
            {description.map((_, i) => (
              <option key={i} value={String(i)}>
                {i + 1} of {description.length}
              </option>
            ))}
          </select>
        </label>
        <label>
          Unit{' '}
          <input
            id="unit"
            type="number"
            min={1}
            max={units}
            value={unit + 1}
            onChange={(event) => {
              const asked = Math.round(Number(event.currentTarget.value)) || 1;
              lookAt(layer, Math.min(units, Math.max(1, asked)) - 1);
            }}
          />{' '}
          of {units}
        </label>
      </p>
      <div class="pair">
        {NETWORKS.map((network) => (
          <Percentiles key={network} network={network} {...look} />
        ))}
      </div>
      <h3>Moving against batch statistics</h3>
      {NETWORKS.map((network) => (
        <section
          key={network}
          class={`statistics ${network}`}
          aria-label={`Statistics of ${TITLES[network]}`}
        >
          <h4>{TITLES[network]}</h4>
          <Statistics network={network} {...look} />
        </section>
      ))}
    </section>
  );
}
