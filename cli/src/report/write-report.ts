/** @file The report of an inspection as one page, with the findings, and with plots for each layer. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { WriteOptions } from 'evenkeel/data';
import type { Finding, InspectReport, InspectedLayer } from 'evenkeel/tools';
import { describeData, describeUntold, formatNumber, plural } from '../text.js';
import { writeOutputFile } from '../output-files.js';
import { escapeHtml, fillPage } from '../../../shared/report/page.js';

const readBeside = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/**
 * @throws ValueError where the file cannot be written
 * @throws the signal's reason
 */
export async function writeReport(
  path: string,
  report: InspectReport,
  source: string,
  options: WriteOptions,
): Promise<void> {
  await writeOutputFile(path, new TextEncoder().encode(renderReport(report, basename(source))), options);
}

/**
 * The whole page.
 *
 * @param source the model's file
 */
export function renderReport(report: InspectReport, source: string): string {
  const { model, data, layers, findings } = report;
  const parts = {
    model: escapeHtml(model),
    source: escapeHtml(`${source}, looked at with ${describeData(data)}. ${describeUntold(report)}`.trim()),
    summary: escapeHtml(summarize(report)),
    outputs: htmlOutputs(report),
    findings:
      findings.map((finding) => htmlFinding(finding, layers)).join('\n') || '<p>Nothing is wrong.</p>',
    layers: layers.map(htmlLayer).join('\n'),
  };
  const script = readBeside('inspection.js');
  return fillPage(readBeside('inspection.html'), parts, { id: 'inspection', data: report, script });
}

function summarize({ layers, findings }: InspectReport): string {
  const counts = (['error', 'warning', 'note'] as const)
    .map(
      (severity) => [severity, findings.filter((finding) => finding.severity === severity).length] as const,
    )
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => plural(count, severity));
  return `${plural(layers.length, 'batch normalization')}: ${counts.join(', ') || 'nothing is wrong'}.`;
}

function htmlOutputs({ outputs }: InspectReport): string {
  if (outputs.length === 0) return '';
  const rows = outputs.map(({ output, relativeDifference, largestDifference, agreement }) => {
    const cells = [
      formatNumber(relativeDifference),
      formatNumber(largestDifference),
      agreement === null ? '–' : `${(100 * agreement).toFixed(1)}&nbsp;%`,
    ];
    return `<tr><th scope="row">${escapeHtml(output)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<section><h2>Outputs in training mode against inference mode</h2><div class="wide"><table>
    <thead><tr><th scope="col">output</th><th scope="col">difference, in σ of the output</th>
    <th scope="col">largest difference</th><th scope="col">same largest value</th></tr></thead>
    <tbody>${rows.join('\n')}</tbody></table></div></section>`;
}

/** A name of a finding's class; `note` is taken by the page's small print. */
const CLASSES = { error: 'error', warning: 'warning', note: 'note-finding' } as const;

const MOST_CHANNELS = 12;

function htmlFinding(
  { name, severity, layer, channels, evidence, message, cure }: Finding,
  layers: readonly InspectedLayer[],
): string {
  const index = layers.findIndex((one) => one.layer === layer);
  const where = layer === null ? 'the model' : `<a href="#layer-${index}">${escapeHtml(layer)}</a>`;
  const listed = channels.slice(0, MOST_CHANNELS).join(', ');
  const rest = channels.length > MOST_CHANNELS ? ` and ${channels.length - MOST_CHANNELS} more` : '';
  const numbers = Object.entries(evidence).map(
    ([what, value]) => `${what} ${typeof value === 'number' ? formatNumber(value) : value}`,
  );
  const facts = [...numbers, ...(channels.length > 0 ? [`channels ${listed}${rest}`] : [])];
  return `<article class="finding ${CLASSES[severity]}">
    <p><span class="severity">${severity}</span>: <strong>${escapeHtml(name)}</strong> in ${where}</p>
    <p>${escapeHtml(message)}</p>
    ${facts.length > 0 ? `<p class="note">${escapeHtml(facts.join('; '))}</p>` : ''}
    <p>Cure: ${escapeHtml(cure)}</p>
  </article>`;
}

function htmlLayer(layer: InspectedLayer, index: number): string {
  const {
    channels,
    axis,
    momentum,
    epsilon,
    renorm,
    virtualBatchSize,
    isFrozen,
    calls,
    implementation,
    inputs,
  } = layer;
  const facts = [
    plural(channels, 'channel'),
    `axis ${String(axis)}`,
    `momentum ${momentum}`,
    `epsilon ${epsilon}`,
    ...(renorm ? ['renorm'] : []),
    ...(virtualBatchSize === null ? [] : [`ghost batches of ${virtualBatchSize}`]),
    ...(isFrozen ? ['frozen'] : []),
    ...(calls > 1 ? [`called ${calls} times`] : []),
    ...(implementation === 'tfjs' ? ["TensorFlow.js' own layer"] : []),
  ];
  const against = inputs ? ', moving and of the batches' : ', moving';
  const charts = [
    ['mean', `Mean${against}`],
    ['variance', `Variance${against}`],
    ...(layer.gamma ? [['gamma', 'Gamma']] : []),
    ...(layer.beta ? [['beta', 'Beta']] : []),
  ].map(
    ([what, title]) => `<figure><figcaption>${title!}</figcaption>
      <div class="chart" data-layer="${index}" data-chart="${what!}" role="img" aria-label="${title!}, over channels"></div></figure>`,
  );
  return `<section id="layer-${index}"><h2>${escapeHtml(layer.layer)}</h2>
    <p class="note">${escapeHtml(facts.join(', '))}</p>
    <div class="pair">${charts.join('\n')}</div></section>`;
}
