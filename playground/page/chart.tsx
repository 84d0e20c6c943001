/** @file A line chart over steps, by uPlot, that follows its data and the page's colours. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from './theme.js';

export interface Line {
  readonly label: string;
  /** The property of the style sheet that holds the colour, without its dashes. */
  readonly color: string;
  readonly width?: number;
  readonly isDashed?: boolean;
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  /** The steps, then a column per line; null where there is nothing. */
  readonly data: readonly (readonly (number | null)[])[];
  /** What y reaches over; without, what the data does. */
  readonly range?: readonly [number, number];
  /** Lines between which the ground is tinted, by their numbers from 0. */
  readonly band?: readonly [upper: number, lower: number];
  readonly format?: (value: number) => string;
  /** Paints what lies beneath the lines, within the chart's own axes. */
  readonly underlay?: (chart: uPlot) => void;
}

const HEIGHT = 180;

/** Steps are whole numbers. */
const WHOLE = [1, 2, 5]
  .flatMap((digit) => [0, 1, 2, 3, 4, 5, 6].map((power) => digit * 10 ** power))
  .sort((a, b) => a - b);

/** uPlot's type asks for arrays that it may change, which it does not. */
const aligned = (data: ChartProps['data']): uPlot.AlignedData => data as unknown as uPlot.AlignedData;

export const colorOf = (property: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${property}`).trim();

/** A little more than the values reach over. */
function around(least: number, largest: number): uPlot.Range.MinMax {
  if (!Number.isFinite(least) || !Number.isFinite(largest)) return [0, 1];
  const room = least === largest ? Math.max(0.1, 0.1 * Math.abs(least)) : 0;
  return uPlot.rangeNum(least - room, largest + room, 0.08, true);
}

/** @param range asked for at every drawing */
function optionsOf(
  { lines, band }: ChartProps,
  width: number,
  range: () => ChartProps['range'],
): uPlot.Options {
  const axis = (): uPlot.Axis => ({
    stroke: colorOf('quiet'),
    grid: { stroke: colorOf('line'), width: 1 },
    ticks: { stroke: colorOf('line'), width: 1 },
    font: '11px system-ui, sans-serif',
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, least, largest) => around(...(range() ?? [least, largest])) },
    },
    axes: [
      {
        ...axis(),
        incrs: WHOLE,
        size: 40,
        label: 'step',
        labelSize: 14,
        labelFont: '11px system-ui, sans-serif',
        labelGap: -4,
      },
      { ...axis(), size: 46 },
    ],
    series: [
      {},
      ...lines.map(({ color, width: lineWidth = 2, isDashed = false }): uPlot.Series => {
        const stroke = colorOf(color);
        return {
          stroke,
          width: lineWidth,
          ...(isDashed ? { dash: [4, 4] } : {}),
          // A line takes two points; what was measured first is shown all the same.
          points: { show: (chart) => chart.data[0].length < 3, size: 5, stroke, fill: stroke },
        };
      }),
    ],
    bands: band ? [{ series: [band[0] + 1, band[1] + 1], fill: `${colorOf(lines[band[0]]!.color)}26` }] : [],
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
  };
}

export const roundly = (value: number): string =>
  Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001)
    ? value.toExponential(1)
    : value.toFixed(3);

/** What a line looks like in the legend. */
const styleOf = (width = 2, isDashed = false): string =>
  [isDashed && 'dashed', width < 2 && 'thin'].filter(Boolean).join(' ');

export function Chart(props: ChartProps) {
  const { title, lines, data, format = roundly } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);

  // Made anew only where its form changes; uPlot redraws new data by itself. Both before the browser does anything
  // else: an observer or a focus between would draw new data by the old form, which may have more lines.
  const form = JSON.stringify([lines, props.band]);
  const shown = useRef(data);
  shown.current = data;
  const range = useRef(props.range);
  range.current = props.range;
  const underlay = useRef(props.underlay);
  underlay.current = props.underlay;
  useLayoutEffect(() => {
    const element = place.current!;
    const make = () => {
      chart.current?.destroy();
      const options = optionsOf(props, element.clientWidth, () => range.current);
      options.hooks = {
        drawAxes: [
          (made) => {
            underlay.current?.(made);
          },
        ],
        setCursor: [
          (made) => {
            setPointed(made.cursor.idx ?? null);
          },
        ],
      };
      chart.current = new uPlot(options, aligned(shown.current), element);
    };
    make();
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== chart.current?.width) {
        chart.current?.setSize({ width: element.clientWidth, height: HEIGHT });
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [form, isDark.value]);
  // What is not on the screen is drawn when it comes there.
  const isSeen = useRef(false);
  const drawn = useRef(data);
  const draw = () => {
    if (drawn.current === shown.current) return;
    drawn.current = shown.current;
    chart.current?.setData(aligned(shown.current));
  };
  useLayoutEffect(() => {
    if (isSeen.current) draw();
  }, [data]);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      isSeen.current = entries.at(-1)!.isIntersecting;
      if (isSeen.current) draw();
    });
    observer.observe(place.current!);
    return () => {
      observer.disconnect();
    };
  }, []);

  const steps = data[0]!;
  const last = steps.length - 1;
  const at = Math.min(pointed ?? last, last);
  const values = lines.map(({ label }, i) => {
    const value = data[i + 1]?.[at];
    return { label, shown: value == null || !Number.isFinite(value) ? '–' : format(value) };
  });
  /** Points at a place, or at none, as the mouse does. */
  const point = (index: number | null) => {
    const x = index === null ? null : steps[index];
    const left = x == null ? -10 : chart.current!.valToPos(x, 'x');
    chart.current?.setCursor({ left, top: left < 0 ? -10 : 0 });
  };
  const press = (event: KeyboardEvent) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined && event.key !== 'Escape') return;
    point(to === undefined ? null : Math.min(last, Math.max(0, to)));
    event.preventDefault();
  };
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        <ul class="legend">
          {lines.map(({ label, color, width, isDashed }, i) => (
            <li key={label}>
              <i class={styleOf(width, isDashed)} style={{ color: `var(--${color})` }} />
              {label} <b>{values[i]!.shown}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={place}
        tabIndex={0}
        role="slider"
        aria-label={`${title}: look at another step`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={at}
        aria-valuetext={`step ${steps[at] ?? ''}: ${values.map(({ label, shown }) => `${label} ${shown}`).join(', ')}`}
        onFocus={draw}
        onKeyDown={press}
        onBlur={() => {
          point(null);
        }}
      />
    </figure>
  );
}
