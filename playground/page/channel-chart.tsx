/** @file A chart over channels, which tells the numbers of one where somebody points at it. */
import { type JSX, h } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { type Series, type Shape, channelAt, drawChannels } from '../../shared/channel-chart.js';
import { formatNumber } from '../../shared/numbers.js';
import '../../shared/report/channel-chart.css';
import './channel-chart.css';

const elementOf = ({ tag, attributes, children }: Shape): JSX.Element =>
  h(tag, attributes, ...children.map((child) => (typeof child === 'string' ? child : elementOf(child))));

export function ChannelChart({
  title,
  series,
}: {
  readonly title: string;
  readonly series: readonly Series[];
}) {
  const chart = useMemo(() => drawChannels(title, series), [title, series]);
  /** Where it is pointed at, from 0 at the left to 1; null where it is not. */
  const [at, setAt] = useState<number | null>(null);
  const channel = at === null ? null : channelAt(at, series[0]?.values.length ?? 0);
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        <ul class="legend">
          {series.map(({ label, mark, values }) => (
            <li key={label} class={mark}>
              <i /> {label}
              {channel !== null && <b> {formatNumber(values[channel] ?? null)}</b>}
            </li>
          ))}
          {channel !== null && <li>channel {channel}</li>}
        </ul>
      </figcaption>
      <svg
        class="channels"
        viewBox={chart.viewBox}
        role="img"
        aria-label={chart.label}
        onPointerMove={({ clientX, currentTarget }) => {
          const { x, width } = currentTarget.getBoundingClientRect();
          setAt((clientX - x) / width);
        }}
        onPointerLeave={() => {
          setAt(null);
        }}
      >
        {chart.shapes.map(elementOf)}
      </svg>
    </figure>
  );
}
