/** @file The model's batch normalizations: a table of all, and charts of the one that is looked at; on paper, of all. */
import { useMemo } from 'preact/hooks';
import type { Finding, InspectedLayer } from 'evenkeel/tools';
import { chartsOf } from '../../../shared/channel-chart.js';
import { countSeverities, describeChannels, describeEvidence } from '../../../shared/findings.js';
import { formatCount } from '../../../shared/numbers.js';
import type { Examination } from '../../shared/doctor-protocol.js';
import { MOST_NUMBERS } from '../../shared/limits.js';
import { ChannelChart } from '../channel-chart.js';
import { matching } from '../media.js';
import { earlier, layerLookedAt } from './actions.js';
import { Beginning } from './beginning.js';
import { offBy } from './off-by.js';

const isPrinting = matching('print');

const COLUMNS = ['Layer', 'Findings', 'Channels', 'Axis', 'Momentum', 'Epsilon', 'Off by'];

const hasOtherStatistics = (one: InspectedLayer, other: InspectedLayer): boolean =>
  (['movingMean', 'movingVariance'] as const).some((name) =>
    one[name].some((value, channel) => value !== other[name][channel]),
  );

function LayerView({
  layer,
  findings,
}: {
  readonly layer: InspectedLayer;
  readonly findings: readonly Finding[];
}) {
  const before = earlier.value
    .at(-1)
    ?.report.layers.find((one) => one.layer === layer.layer && hasOtherStatistics(one, layer));
  const charts = useMemo(() => chartsOf(layer, before ?? null), [layer, before]);
  return (
    <article>
      <h3>{layer.layer}</h3>
      <Beginning of={layer.movingMean} count={layer.channels} what="channels" />
      <ul class="note">
        {findings.map((finding) => (
          <li key={finding.name}>
            {finding.severity}: {finding.name}; {describeEvidence([finding])}
            {finding.channels.length > 0 &&
              `; ${describeChannels(finding.channels, finding.channels.length >= MOST_NUMBERS)}`}
          </li>
        ))}
      </ul>
      <div class="pair">
        {charts.map(([title, series]) => (
          <ChannelChart key={title} title={title} series={series} />
        ))}
      </div>
    </article>
  );
}

export function Layers({ report, counts }: Examination) {
  const { layers } = report;
  const chosen = layers[Math.min(layerLookedAt.value, layers.length - 1)];
  if (!chosen) return null;
  const findingsOf = ({ layer }: InspectedLayer) =>
    report.findings.filter((finding) => finding.layer === layer);
  return (
    <section aria-labelledby="layers-title">
      <h2 id="layers-title">Layers</h2>
      <div class="wide" tabIndex={0} role="region" aria-label="Table of layers">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((title) => (
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
                <td>{countSeverities(findingsOf(layer)) || 'none'}</td>
                <td>{formatCount(layer.channels)}</td>
                <td>{JSON.stringify(layer.axis)}</td>
                <td>{layer.momentum}</td>
                <td>{layer.epsilon}</td>
                <td>{offBy(layer)?.toFixed(3) ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        Off by: how far from mean 0 and deviation 1 normalized values are, root of the mean square over
        channels; seen with data only. Channels are numbered from 0, as in the weights’ arrays.
      </p>
      <Beginning of={layers} count={counts.layers} what="layers" />
      {(isPrinting.value ? layers : [chosen]).map((layer) => (
        <LayerView key={layer.layer} layer={layer} findings={findingsOf(layer)} />
      ))}
    </section>
  );
}
