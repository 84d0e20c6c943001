/** @file Inside the networks: a unit's input as in the paper's figure, and a layer's statistics. */
import { useMemo, useState } from 'preact/hooks';
import type { LayerReading, Measurement, NetworkDescription, StatisticsReading } from '../shared/protocol.js';
import { NETWORK_KEYS, type NetworkKey } from '../shared/settings.js';
import type { Series } from '../../shared/channel-chart.js';
import { ChannelChart } from './channel-chart.js';
import { Chart, type Line } from './chart.js';
import { Distributions } from './distribution.js';
import { lookAt, measurements, names, place, setup } from './state.js';

const movingLines = (network: NetworkKey): readonly Line[] => [
  { label: 'batch', color: 'quiet', width: 1 },
  { label: 'moving', color: network, width: 2.5 },
];

const correctionLines = (network: NetworkKey): readonly Line[] => [
  { label: 'least', color: network, width: 1, isDashed: true },
  { label: 'median', color: network, width: 2.5 },
  { label: 'largest', color: network, width: 1 },
];

const LINES = NETWORK_KEYS.map((key) => ({
  moving: movingLines(key),
  correction: correctionLines(key),
}));

/** From the largest to the least. */
const BAND = [2, 0] as const;

interface LookProps {
  /** Its index. */
  readonly network: number;
  readonly series: readonly Measurement[];
  readonly layer: number;
  readonly unit: number;
}

/** What each measurement has; null where it has nothing. */
const column = <T,>(
  series: readonly Measurement[],
  network: number,
  layer: number,
  pick: (reading: LayerReading) => T | null | undefined,
): (T | null)[] =>
  series.map((measurement) => {
    const reading = measurement.readings[network]?.layers[layer];
    return (reading && pick(reading)) ?? null;
  });

/** The least, the median and the largest of a layer's values. */
function spread(values: Float32Array): readonly [number, number, number] {
  const sorted = values.toSorted();
  return [sorted[0]!, sorted[(sorted.length - 1) >> 1]!, sorted.at(-1)!];
}

type Statistic = 'Mean' | 'Deviation';

function Moving({ network, series, layer, unit, statistic }: LookProps & { readonly statistic: Statistic }) {
  const data = useMemo(() => {
    const of = (kind: 'batch' | 'moving') =>
      column(series, network, layer, ({ statistics }) => statistics?.[`${kind}${statistic}`][unit]);
    return [series.map(({ step }) => step), of('batch'), of('moving')];
  }, [network, series, layer, unit, statistic]);
  return <Chart title={`${statistic} of channel ${unit}`} lines={LINES[network]!.moving} data={data} />;
}

const finite = (values: Float32Array): (number | null)[] =>
  [...values].map((value) => (Number.isFinite(value) ? value : null));

/** All channels of the layer, as they are now. */
function Channels(props: { readonly statistics: StatisticsReading; readonly statistic: Statistic }) {
  const { statistics, statistic } = props;
  const series = useMemo(
    (): readonly Series[] => [
      { label: 'moving', mark: 'bar', values: finite(statistics[`moving${statistic}`]) },
      { label: 'batch', mark: 'point', values: finite(statistics[`batch${statistic}`]) },
    ],
    [statistics, statistic],
  );
  return <ChannelChart title={`${statistic}, all channels now`} series={series} />;
}

function Correction({ network, series, layer, of }: Omit<LookProps, 'unit'> & { readonly of: 'r' | 'd' }) {
  const data = useMemo(() => {
    const spreads = column(series, network, layer, ({ statistics }) => {
      const values = statistics?.renorm?.[of];
      return values && spread(values);
    });
    return [series.map(({ step }) => step), ...[0, 1, 2].map((i) => spreads.map((one) => one?.[i] ?? null))];
  }, [network, series, layer, of]);
  return (
    <Chart
      title={`Renorm’s ${of} over the layer’s channels`}
      lines={LINES[network]!.correction}
      data={data}
      band={BAND}
    />
  );
}

function Statistics({ network, series, layer, unit }: LookProps) {
  const statistics = series.at(-1)?.readings[network]?.layers[layer]?.statistics;
  if (!statistics) return <p class="note">It has no normalization, and no statistics.</p>;
  const shared = { network, series, layer };
  return (
    <div class="pair">
      <Moving {...shared} unit={unit} statistic="Mean" />
      <Moving {...shared} unit={unit} statistic="Deviation" />
      <Channels statistics={statistics} statistic="Mean" />
      <Channels statistics={statistics} statistic="Deviation" />
      {statistics.renorm && (
        <>
          <Correction {...shared} of="r" />
          <Correction {...shared} of="d" />
        </>
      )}
    </div>
  );
}

interface UnitFieldProps {
  readonly unit: number;
  /** How many there are. */
  readonly units: number;
  readonly onChange: (unit: number) => void;
}

/** Keeps what is typed while measurements come in. */
function UnitField({ unit, units, onChange }: UnitFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const forget = () => {
    setTyped(null);
  };
  return (
    <input
      id="unit"
      type="number"
      min={0}
      max={units - 1}
      value={typed ?? unit}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onChange={(event) => {
        const asked = Math.round(Number(event.currentTarget.value)) || 0;
        forget();
        onChange(Math.min(units - 1, Math.max(0, asked)));
      }}
      onBlur={forget}
    />
  );
}

function Layers({ description }: { readonly description: NetworkDescription['layers'] }) {
  const layer = Math.min(place.value.layer, description.length - 1);
  const units = description[layer]!.units;
  const unit = Math.min(place.value.unit, units - 1);
  const look = { series: measurements.value, layer, unit };
  return (
    <>
      <p class="choosers">
        <span>
          <label for="layer">Layer</label>{' '}
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
        </span>
        <span>
          <label for="unit">Unit</label>{' '}
          <UnitField
            unit={unit}
            units={units}
            onChange={(asked) => {
              lookAt(layer, asked);
            }}
          />{' '}
          of 0 to {units - 1}
        </span>
      </p>
      <Distributions {...look} />
      <h3>Moving against batch statistics</h3>
      {names.value.map((name, network) => (
        <section
          key={name}
          class={`statistics ${NETWORK_KEYS[network]}`}
          aria-label={`Statistics of the network ${name}`}
        >
          <h4>{name}</h4>
          <Statistics network={network} {...look} />
        </section>
      ))}
    </>
  );
}

export function Inside() {
  const description = setup.value?.networks[0]?.layers;
  // There before its networks are: the tour points at it.
  return (
    <section aria-labelledby="inside-title">
      <h2 id="inside-title">Inside the networks</h2>
      {description && <Layers description={description} />}
    </section>
  );
}
