// @ts-check
/* global IntersectionObserver, document */
/**
 * @file Draws the charts of an inspection, in the browser, each when it comes into view: a model may have hundreds. It
 * stands in the page as it is here, a module after chart.js and after the report as JSON.
 */

/** @typedef {import('evenkeel/tools').InspectReport} InspectReport */
/** @typedef {import('evenkeel/tools').InspectedLayer} InspectedLayer */
/** @typedef {import('evenkeel/tools').PlainNumbers} PlainNumbers */

const { color, drawAgainOnChange, drawChart, elementOf } =
  /** @type {{ charts: import('../../../shared/report/chart.js').Charts }} */ (
    /** @type {unknown} */ (globalThis)
  ).charts;

/** @type {unknown} */
const parsed = JSON.parse(elementOf('inspection').textContent);
const { layers } = /** @type {InspectReport} */ (parsed);

const HEIGHT = 240;
/** uPlot's number for it; the name is in its types alone. */
const LOGARITHMIC = /** @type {import('uplot').Scale} */ (/** @type {unknown} */ ({ distr: 3 }));
/** Above so many channels their points would run into one another. */
const MOST_POINTS = 64;

/** @param {number} value */
const formatNumber = (value) => {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e5 || magnitude < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
};

/**
 * What a chart shows of a layer: lines with their names, colours and numbers.
 * @type {Readonly<Record<string, (layer: InspectedLayer) => readonly (readonly [string, string, PlainNumbers])[]>>}
 */
const CHARTS = {
  mean: ({ movingMean, inputs }) => [
    ['moving', 'plain', movingMean],
    ...(inputs ? [/** @type {const} */ (['batches', 'normalized', inputs.training.mean])] : []),
  ],
  variance: ({ movingVariance, inputs }) => [
    ['moving', 'plain', movingVariance],
    ...(inputs ? [/** @type {const} */ (['batches', 'normalized', inputs.training.variance])] : []),
  ],
  gamma: ({ gamma }) => [['gamma', 'plain', gamma ?? []]],
  beta: ({ beta }) => [['beta', 'plain', beta ?? []]],
};

/**
 * Variances differ by orders of magnitude.
 * @param {string} what
 * @param {readonly PlainNumbers[]} columns
 */
const isLogarithmic = (what, columns) =>
  what === 'variance' && columns.flat().every((value) => value !== null && value > 0);

/** @param {HTMLElement} element */
function draw(element) {
  const { layer: index, chart: what } = element.dataset;
  const layer = layers[Number(index)];
  const columnsOf = CHARTS[what ?? ''];
  if (!layer || !columnsOf || what === undefined)
    throw new Error('The page asks for a chart that there is not.');
  const columns = columnsOf(layer);
  const values = columns.map(([, , column]) => [...column]);
  const channels = values[0]?.map((_, channel) => channel) ?? [];
  return drawChart(element, {
    x: { label: 'channel', format: (channel) => (Number.isInteger(channel) ? String(channel) : '') },
    y: {
      label: what,
      scale: isLogarithmic(what, values) ? LOGARITHMIC : {},
      size: 64,
      format: formatNumber,
    },
    lines: columns.map(([label, stroke]) => ({
      label,
      stroke: color(stroke),
      width: 1.5,
      points: { show: channels.length <= MOST_POINTS, size: 5 },
      value: (_, /** @type {number | null} */ value) => (value === null ? '–' : formatNumber(value)),
    })),
    data: [channels, ...values],
    height: HEIGHT,
    together: `layer ${String(index)}`,
  });
}

const charts = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.chart'))];
/** @type {Set<HTMLElement>} */
const shown = new Set();
/** @type {(() => void)[]} */
let drawn = [];

drawAgainOnChange(() => {
  drawn = [...shown].map(draw);
  return drawn;
});

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = charts.find((one) => one === target);
      if (!isIntersecting || !chart) continue;
      observer.unobserve(chart);
      shown.add(chart);
      drawn.push(draw(chart));
    }
  },
  { rootMargin: '200px' },
);
for (const chart of charts) observer.observe(chart);
