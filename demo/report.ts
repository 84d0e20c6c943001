/** @file Writes the report: one HTML file that holds all it needs, uPlot's script and style included. */
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checkOutput, writeOutput } from 'evenkeel/data';
import { escapeHtml as escapeText, fillPage } from '../shared/report/page.js';
import { UsageError } from '../shared/usage-error.js';
import type { Findings } from './experiment.js';
import { formatCount, formatPercent, tableRows } from './results.js';
import { messageOf } from '../src/text/refusal.js';

const TEMPLATE = new URL('report/', import.meta.url);
const readTemplate = (name: string): string => readFileSync(new URL(name, TEMPLATE), 'utf8');

/** A file beside uPlot's main one; its package names no other entry. */
function readUPlot(name: string): string {
  const main = createRequire(import.meta.url).resolve('uplot');
  return readFileSync(join(dirname(main), name), 'utf8');
}

/** In which no line begins with a percent sign. */
const escapeHtml = (text: string): string => escapeText(text).replaceAll(' %', '&nbsp;%');

/** What the steps to 90 % say, in a sentence. */
function summarize({ results, stepsDone }: Findings): string {
  const [plain, normalized] = [results.plain.stepsTo90, results.normalized.stepsTo90];
  if (plain !== null && normalized !== null) {
    const ratio = (plain / Math.max(1, normalized)).toFixed(1);
    return (
      `With batch normalization the network recognized 90 % of the test digits after ` +
      `${formatCount(normalized)} steps, without after ${formatCount(plain)}: ${ratio} times as many.`
    );
  }
  if (normalized !== null) {
    return (
      `With batch normalization the network recognized 90 % of the test digits after ${formatCount(normalized)} ` +
      `steps; without it, ${formatCount(stepsDone)} steps were not enough.`
    );
  }
  if (plain !== null) {
    return (
      `Without batch normalization the network recognized 90 % of the test digits after ${formatCount(plain)} ` +
      `steps; with it, ${formatCount(stepsDone)} steps were not enough.`
    );
  }
  return `Neither network recognized 90 % of the test digits within ${formatCount(stepsDone)} steps.`;
}

function htmlTable(findings: Findings): string {
  const [heading, ...rows] = tableRows(findings.results);
  const head = heading!.map((cell) =>
    cell === '' ? '<td></td>' : `<th scope="col">${escapeHtml(cell)}</th>`,
  );
  const body = rows.map(([title, ...cells]) => {
    const data = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr><th scope="row">${escapeHtml(title!)}</th>${data}</tr>`;
  });
  return `<thead><tr>${head.join('')}</tr></thead>\n<tbody>${body.join('\n')}</tbody>`;
}

function htmlSettings({ settings, data, stepsDone, seconds }: Findings): string {
  const stopped = stepsDone < settings.steps ? ` of ${formatCount(settings.steps)}, then stopped` : '';
  const threads = settings.threads > 1 ? `${settings.threads} threads, ` : '';
  const entries: [string, string][] = [
    [
      'Digits',
      `${data.source}: ${formatCount(data.trainingDigits)} to train, ${formatCount(data.testDigits)} to test`,
    ],
    [
      'Networks',
      `${settings.hiddenLayers} fully connected layers of ${settings.units} sigmoid units, then 10 outputs`,
    ],
    ['Initial weights', `normal, standard deviation ${settings.weightDeviation}, the same in both networks`],
    [
      'Training',
      `gradient descent, learning rate ${settings.learningRate}, the same batches of ${settings.batchSize}`,
    ],
    ['Steps', `${formatCount(stepsDone)}${stopped}`],
    [
      'Layer arguments',
      Object.keys(settings.options).length > 0 ? JSON.stringify(settings.options) : 'the defaults',
    ],
    ['Seed', String(settings.seed)],
    [
      'Ran on',
      `TensorFlow.js ${settings.tensorflow}, ${settings.backend} backend, ${threads}in ${seconds.toFixed(0)} s`,
    ],
  ];
  return entries.map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`).join('\n');
}

/** The whole page. */
export function renderReport(findings: Findings): string {
  const { data, percentiles, unit, results } = findings;
  const parts: Record<string, string> = {
    summary: escapeHtml(summarize(findings)),
    table: htmlTable(findings),
    finalAccuracies: `${formatPercent(results.normalized.finalAccuracy)} with, ${formatPercent(results.plain.finalAccuracy)} without`,
    measuredDigits: formatCount(data.measuredDigits),
    testDigits: formatCount(data.testDigits),
    percentiles: `${percentiles.slice(0, -1).join('th, ')}th and ${percentiles.at(-1)!}th`,
    unit: String(unit + 1),
    settings: htmlSettings(findings),
  };
  return fillPage(readTemplate('page.html'), parts, {
    id: 'findings',
    data: findings,
    styles: [readUPlot('uPlot.min.css')],
    libraries: [readUPlot('uPlot.iife.min.js')],
    modules: [readTemplate('chart.js'), readTemplate('charts.js')],
  });
}

/**
 * Makes sure that a report can be written to `folder`, before a minute has gone into one.
 *
 * @param data the folder of the files that are read, if any
 * @throws UsageError where it cannot
 */
export function prepareReport(
  folder: string,
  data: string | undefined,
): { path: string; write: (findings: Findings) => Promise<void> } {
  const path = join(folder, 'report.html');
  const isFolder = data !== undefined && statSync(data, { throwIfNoEntry: false })?.isDirectory();
  const inputs = isFolder ? readdirSync(data).map((name) => join(data, name)) : [];
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out: ${path} cannot be written: ${messageOf(error)}`);
  }
  try {
    checkOutput(path, { inputs });
  } catch (error) {
    throw new UsageError(`--out: ${messageOf(error)}`);
  }
  return {
    path,
    write: (findings) => writeOutput(path, new TextEncoder().encode(renderReport(findings)), { inputs }),
  };
}
