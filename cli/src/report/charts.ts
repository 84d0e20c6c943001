/** @file Charts of a report, as text of SVG and HTML. */
import {
  type ChartedLayer,
  type Series,
  type Shape,
  chartsOf,
  drawChannels,
} from '../../../shared/channel-chart.js';
import { escapeHtml } from '../../../shared/report/page.js';

const htmlShape = ({ tag, attributes, children }: Shape): string => {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  const within = children.map((child) => (typeof child === 'string' ? escapeHtml(child) : htmlShape(child)));
  return `<${tag}${written.join('')}>${within.join('')}</${tag}>`;
};

function htmlChart(title: string, series: readonly Series[]): string {
  const { viewBox, label, shapes } = drawChannels(title, series);
  const legend = series.map(({ label: name, mark }) => `<span class="${mark}"><i></i>${name} <b></b></span>`);
  return `<figure><figcaption><strong>${title}</strong>${legend.join('')}<em></em></figcaption>
    <svg class="channels" viewBox="${viewBox}" role="img" aria-label="${escapeHtml(label)}">${shapes.map(htmlShape).join('')}</svg></figure>`;
}

export const htmlCharts = (layer: ChartedLayer): string =>
  chartsOf(layer)
    .map(([title, series]) => htmlChart(title, series))
    .join('\n');

/** Digits that are told where somebody points at a channel. */
const DIGITS = 4;

/** The numbers of each chart of the layers, in the order in which they stand in the page. */
export const numbersOf = (layers: readonly ChartedLayer[]): (number | null)[][][] =>
  layers
    .flatMap((layer) => chartsOf(layer))
    .map(([, series]) =>
      series.map(({ values }) =>
        values.map((value) => (value === null ? null : Number(value.toPrecision(DIGITS)))),
      ),
    );
