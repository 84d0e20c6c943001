// @ts-check
/**
 * @file Draws the report's charts, in the browser. It stands in the page as it is here, a module after uPlot, after
 * chart.js and after the findings as JSON.
 */

/** @typedef {import('../experiment.js').Findings} Findings */

const { Chart, color, drawAgainOnChange, drawChart, elementOf } =
  /** @type {{ charts: import('./chart.js').Charts }} */ (/** @type {unknown} */ (globalThis)).charts;

/** @type {unknown} */
const parsed = JSON.parse(elementOf('findings').textContent);
const findings = /** @type {Findings} */ (parsed);
const { series } = findings;
const steps = series.map(({ step }) => step);

/** @param {number} step */
const formatStep = (step) => step.toLocaleString('en');

const CHART_HEIGHT = 300;

/**
 * The legend's text: the value under the cursor, or the last one where there is no cursor.
 * @param {(value: number) => string} format
 * @returns {uPlot.Series.Value}
 */
const showValue = (format) => (chart, /** @type {number | null} */ value, line) => {
  const shown = value ?? chart.data[line]?.at(-1);
  return shown == null ? '–' : format(shown);
};

/**
 * @param {string} id of the element that the chart fills
 * @param {string} yLabel
 * @param {uPlot.Range.MinMax} yRange
 * @param {uPlot.Series[]} lines
 * @param {uPlot.Band[]} bands
 * @param {uPlot.AlignedData} data
 */
const draw = (id, yLabel, yRange, lines, bands, data) =>
  drawChart(elementOf(id), {
    x: { label: 'step', format: formatStep, value: showValue(formatStep) },
    y: { label: yLabel, scale: { range: yRange }, size: 50 },
    lines,
    bands,
    data,
    height: CHART_HEIGHT,
    together: 'step',
  });

function drawAccuracy() {
  /** @param {'plain' | 'normalized'} name @param {string} label @returns {uPlot.Series} */
  const line = (name, label) => ({
    label,
    stroke: color(name),
    width: 2,
    points: { show: series.length < 3 },
    value: showValue((percent) => `${percent.toFixed(1)} %`),
  });
  return draw(
    'accuracy',
    'accuracy, %',
    [0, 100],
    [line('normalized', 'with normalization'), line('plain', 'without')],
    [],
    [
      steps,
      series.map(({ normalized }) => 100 * normalized.accuracy),
      series.map(({ plain }) => 100 * plain.accuracy),
    ],
  );
}

/** Both charts of percentiles have one scale, so that they can be compared. */
function percentileRange() {
  const values = series
    .flatMap(({ plain, normalized }) => [...plain.percentiles, ...normalized.percentiles])
    .filter(Number.isFinite);
  return Chart.rangeNum(Math.min(...values), Math.max(...values), 0.05, true);
}

/** @param {'plain' | 'normalized'} name */
function drawPercentiles(name) {
  const lines = findings.percentiles.map(
    /** @returns {uPlot.Series} */
    (percentile, i) => ({
      label: `${percentile}th`,
      stroke: color(name),
      // The median stands out from the two that enclose it.
      width: i === 1 ? 2.5 : 1.25,
      points: { show: series.length < 3 },
      value: showValue((value) => value.toFixed(2)),
    }),
  );
  /** @type {uPlot.Band} */
  const between = { series: [findings.percentiles.length, 1], fill: `${color(name)}26` };
  const columns = findings.percentiles.map((_, i) =>
    series.map((measurement) => measurement[name].percentiles[i]),
  );
  return draw(name, 'input of the sigmoid', percentileRange(), lines, [between], [steps, ...columns]);
}

drawAgainOnChange(() => [drawAccuracy(), drawPercentiles('plain'), drawPercentiles('normalized')]);
