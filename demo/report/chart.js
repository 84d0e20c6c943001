// @ts-check
/* global document, getComputedStyle, matchMedia */
/** @file Draws charts in a page, in its colours. It stands in the page as it is here, a module after uPlot. */

const { uPlot: Chart } = /** @type {{ uPlot: typeof import('uplot') }} */ (
  /** @type {unknown} */ (globalThis)
);

/** @param {string} id */
function elementOf(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}

/** @param {string} property */
const color = (property) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${property}`).trim();

/**
 * @typedef {object} ChartSettings
 * @property {{ label: string, format: (value: number) => string, value?: import('uplot').Series.Value }} x value is the
 *   legend's text
 * @property {{ label: string, scale: import('uplot').Scale, size: number, format?: (value: number) => string }} y
 * @property {import('uplot').Series[]} lines
 * @property {import('uplot').Band[]} [bands]
 * @property {import('uplot').AlignedData} data
 * @property {number} height
 * @property {string} together charts of the same key move their cursors together
 */

/**
 * @param {HTMLElement} element that the chart fills
 * @param {ChartSettings} settings
 * @returns {() => void} what removes it
 */
function drawChart(element, { x, y, lines, bands = [], data, height, together }) {
  /** @param {string} label @returns {uPlot.Axis} */
  const axis = (label) => ({
    label,
    labelSize: 24,
    stroke: color('quiet'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { stroke: color('line'), width: 1 },
  });
  const { format } = y;
  const chart = new Chart(
    {
      width: element.clientWidth,
      height,
      scales: { x: { time: false }, y: y.scale },
      axes: [
        { ...axis(x.label), size: 36, values: (_, splits) => splits.map(x.format) },
        {
          ...axis(y.label),
          size: y.size,
          ...(format && {
            // A logarithmic axis leaves some lines without a number.
            values: (_, /** @type {(number | null)[]} */ splits) =>
              splits.map((value) => (value === null ? '' : format(value))),
          }),
        },
      ],
      series: [
        {
          label: x.label,
          value:
            x.value ?? ((_, /** @type {number | null} */ value) => (value === null ? '–' : x.format(value))),
        },
        ...lines,
      ],
      bands,
      cursor: { sync: { key: together }, drag: { x: true, y: false } },
    },
    data,
    element,
  );
  const observer = new ResizeObserver(() => {
    chart.setSize({ width: element.clientWidth, height });
  });
  observer.observe(element);
  return () => {
    observer.disconnect();
    chart.destroy();
  };
}

/**
 * Draws now, and again when the page changes between light and dark, or goes to paper.
 * @param {() => (() => void)[]} draw returns what removes what it drew
 */
function drawAgainOnChange(draw) {
  let removers = draw();
  for (const query of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(query).addEventListener('change', () => {
      for (const remove of removers) remove();
      removers = draw();
    });
  }
}

const charts = { Chart, color, drawAgainOnChange, drawChart, elementOf };

/** @typedef {typeof charts} Charts */

// A module within a page cannot be imported by the next one.
Object.assign(globalThis, { charts });
