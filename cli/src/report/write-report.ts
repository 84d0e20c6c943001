/** @file The report of an inspection as one page: what was found, each kind once, and charts of each layer. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { WriteOptions } from 'evenkeel/data';
import { type Finding, type InspectReport, type InspectedLayer, groupFindings } from 'evenkeel/tools';
import { ACROSS } from '../../../shared/channel-chart.js';
import { EXPLANATIONS } from '../../../shared/explanations.js';
import {
  type FindingGroup,
  countSeverities,
  describeChannels,
  describeEvidence,
  describeScope,
  summarizeGroup,
  summarizeReport,
} from '../../../shared/findings.js';
import { writeOutputFile } from '../output-files.js';
import { adviseOnUntold } from '../text.js';
import { formatNumber, formatRange, plural } from '../../../shared/numbers.js';
import { escapeHtml, fillPage } from '../../../shared/report/page.js';
import { htmlCharts, numbersOf } from './charts.js';

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

/** What the page's script reads. */
export interface PageData {
  readonly model: string;
  /** Where the marks of a chart are, as parts of its width. */
  readonly across: { readonly left: number; readonly right: number };
  /** Of each chart its columns of numbers. */
  readonly charts: readonly (readonly (readonly (number | null)[])[])[];
}

/**
 * The whole page.
 *
 * @param source the model's file
 */
export function renderReport(report: InspectReport, source: string): string {
  const { model, layers, findings } = report;
  const groups = groupFindings(findings).map(summarizeGroup);
  const parts = {
    model: escapeHtml(model),
    source: escapeHtml(source),
    summary: escapeHtml(summarizeReport(report)),
    lookedAt: escapeHtml(`${describeScope(report)}.`),
    leftOut: escapeHtml(`Layers of other kinds. ${adviseOnUntold(report)}`.trim()),
    contents: htmlContents(report, groups),
    findings: htmlFindings(groups, layers),
    outputs: htmlOutputs(report),
    layers: htmlLayers(report),
  };
  const data: PageData = { model, across: ACROSS, charts: numbersOf(layers) };
  return fillPage(readBeside('inspection.html'), parts, {
    id: 'inspection',
    data,
    styles: [readBeside('../../../shared/report/channel-chart.css'), readBeside('inspection.css')],
    modules: [readBeside('inspection.js')],
  });
}

/** A name of a finding's class; `note` is taken by the page's small print. */
const CLASSES = { error: 'error', warning: 'warning', note: 'note-finding' } as const;

const idOf = ({ severity, name }: Pick<Finding, 'severity' | 'name'>): string => `${severity}-${name}`;

const htmlList = (items: readonly string[]): string =>
  `<ul>${items.map((item) => `<li>${item}</li>`).join('\n')}</ul>`;

function htmlContents({ layers, outputs }: InspectReport, groups: readonly FindingGroup[]): string {
  const kinds = groups.map((group) => {
    const { title } = EXPLANATIONS[group.name];
    const where = group.layers.length > 1 ? ` (${plural(group.layers.length, 'layer')})` : '';
    return `<a href="#${idOf(group)}">${escapeHtml(title)}</a>${where}`;
  });
  return `<nav aria-label="Contents">${htmlList([
    `<a href="#findings">Findings</a>${kinds.length > 0 ? htmlList(kinds) : ': none'}`,
    ...(outputs.length > 0 ? ['<a href="#outputs">Outputs in training and in inference mode</a>'] : []),
    ...(layers.length > 0
      ? [`<a href="#layers">Layers</a>: ${plural(layers.length, 'batch normalization')}`]
      : []),
  ])}</nav>`;
}

/** A link to where a layer's charts are. */
function linkTo(name: string | null, layers: readonly InspectedLayer[]): string {
  if (name === null) return 'the model as a whole';
  const index = layers.findIndex(({ layer }) => layer === name);
  return `<a href="#layer-${index}">${escapeHtml(name)}</a>`;
}

function htmlFindings(groups: readonly FindingGroup[], layers: readonly InspectedLayer[]): string {
  const cards = groups.map((group) => {
    const { name, severity, layers: concerned, example, message, cure, evidence } = group;
    const { title, meaning } = EXPLANATIONS[name];
    const where = concerned.map((layer) => linkTo(layer, layers)).join(', ');
    const count = concerned.length > 1 ? `${plural(concerned.length, 'layer')}: ` : '';
    return `<article class="finding ${CLASSES[severity]}" id="${idOf(group)}">
      <h3><span class="severity">${severity}:</span> ${escapeHtml(title)}</h3>
      <p><code>${escapeHtml(name)}</code> in ${count}${where}</p>
      <p>${example === null ? '' : `For example ${escapeHtml(example)}: `}${escapeHtml(message)}</p>
      <p>${escapeHtml(meaning)}</p>
      <p><strong>Cure:</strong> ${escapeHtml(cure)}</p>
      ${evidence === '' ? '' : `<p class="note">Evidence: ${escapeHtml(evidence)}</p>`}
    </article>`;
  });
  return `<section id="findings"><h2>Findings</h2>
    ${cards.join('\n') || '<p>None.</p>'}</section>`;
}

function htmlTable(
  head: readonly string[],
  rows: readonly (readonly [title: string, ...cells: string[]])[],
): string {
  const columns = head.map((title) => `<th scope="col">${title}</th>`);
  const body = rows.map(
    ([title, ...cells]) =>
      `<tr><th scope="row">${title}</th>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`,
  );
  return `<div class="wide" tabindex="0" role="region" aria-label="${head[0]!}"><table>
    <thead><tr>${columns.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

function htmlOutputs({ outputs }: InspectReport): string {
  if (outputs.length === 0) return '';
  const rows = outputs.map(
    ({ output, relativeDifference, largestDifference, agreement }) =>
      [
        escapeHtml(output),
        formatNumber(relativeDifference),
        formatNumber(largestDifference),
        agreement === null ? '–' : `${(100 * agreement).toFixed(1)} %`,
      ] as const,
  );
  const head = [
    'Output',
    'Difference, in deviations of the output',
    'Largest difference',
    'Same largest value',
  ];
  return `<section id="outputs"><h2>Outputs in training and in inference mode</h2>${htmlTable(head, rows)}</section>`;
}

function htmlLayers({ layers, findings }: InspectReport): string {
  if (layers.length === 0) return '';
  const hasData = layers.some(({ inputs }) => inputs !== null);
  const findingsOf = ({ layer }: InspectedLayer) => findings.filter((finding) => finding.layer === layer);
  const head = [
    'Layer',
    'Findings',
    'Channels',
    'Moving mean',
    'Moving variance',
    ...(hasData ? ['Off by, σ'] : []),
  ];
  const rows = layers.map(
    (layer) =>
      [
        linkTo(layer.layer, layers),
        countSeverities(findingsOf(layer)) || '–',
        String(layer.channels),
        formatRange(layer.movingMean),
        formatRange(layer.movingVariance),
        ...(hasData ? [formatRange(layer.inputs?.distance ?? [])] : []),
      ] as const,
  );
  const offBy =
    'Off by: how far from mean 0 and deviation 1 values are that the moving statistics have normalized.';
  return `<section id="layers"><h2>Layers</h2>${htmlTable(head, rows)}
    <p class="note">${hasData ? `${offBy} ` : ''}Channels are numbered from 0, as in the weights' arrays.</p>
    ${layers.map((layer, i) => htmlLayer(layer, i, findingsOf(layer), layers.length <= MOST_OPEN)).join('\n')}</section>`;
}

/** Above so many layers their charts stay closed until somebody wants to see them, or prints the page. */
const MOST_OPEN = 12;

function htmlLayer(
  layer: InspectedLayer,
  index: number,
  findings: readonly Finding[],
  isOpen: boolean,
): string {
  const { channels, axis, momentum, epsilon, renorm, virtualBatchSize, isFrozen, calls, implementation } =
    layer;
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
  const found = findings.map((finding) => {
    const details = [describeChannels(finding.channels), describeEvidence([finding])].filter(
      (text) => text !== '',
    );
    return `<a href="#${idOf(finding)}">${finding.severity}: ${finding.name}</a>; ${escapeHtml(details.join('; '))}`;
  });
  return `<details class="layer" id="layer-${index}"${isOpen ? ' open' : ''}>
    <summary><h3>${escapeHtml(layer.layer)}</h3> <span class="note">${escapeHtml(facts.join(', '))}</span></summary>
    ${found.length > 0 ? htmlList(found) : ''}
    <div class="charts">${htmlCharts(layer)}</div></details>`;
}
