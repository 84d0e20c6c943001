/** @file `evenkeel inspect`: says what is wrong with a model's batch normalizations. */
import { Command, Option } from 'commander';
import type { BatchOptions } from 'evenkeel/data';
import type { InspectReport, InspectedLayer, Severity } from 'evenkeel/tools';
import { UsageError } from '../../../shared/usage-error.js';
import { type Context, naming, withModel } from '../context.js';
import { EXIT_CODES } from '../exit-codes.js';
import { inputsOf } from '../inputs.js';
import { mergeFiles } from '../moments-files.js';
import {
  type BackendSettings,
  type DataSettings,
  type MomentsFileSettings,
  type OutputSettings,
  addBatchOptions,
  addCommonOptions,
  addDataOptions,
  addExamples,
  addMomentsOption,
  addShardsOption,
  checkDataOptions,
  checkMomentsOptions,
} from '../options.js';
import { checkOutputFile } from '../output-files.js';
import type { PrintedJson } from '../printed-json.js';
import { withProgress } from '../progress.js';
import { formatEntries, formatTable, wrap } from '../tables.js';
import type { Terminal } from '../terminal.js';
import { adviseOnUntold, formatJson, listNames } from '../text.js';
import { formatNumber, formatRange, plural } from '../../../shared/numbers.js';
import { type FindingGroup, describeData, describeHealth, summarizeGroup } from '../../../shared/findings.js';
import { escapeControls } from '../../../src/text/show.js';

/** The mildest first. */
const SEVERITIES: readonly Severity[] = ['note', 'warning', 'error'];

interface InspectSettings
  extends BackendSettings, OutputSettings, DataSettings, BatchOptions, MomentsFileSettings {
  readonly html?: string;
  readonly failOn?: Severity;
  readonly compatibility?: true;
}

export function inspectCommand(context: Context): Command {
  const command = new Command('inspect')
    .description(
      "Says what is wrong with a model's batch normalizations, on what evidence, and what cures it.",
    )
    .argument('<model>', 'the model to look at')
    .action((path: string, settings: InspectSettings) => inspectModel(path, settings, context));
  addDataOptions(command);
  addMomentsOption(addBatchOptions(command))
    .option('--html <file>', 'write a report with plots, as one page that needs nothing else')
    .addOption(
      new Option(
        '--fail-on <severity>',
        'end with 1 if there is a finding of this severity, or a worse one',
      ).choices(SEVERITIES),
    )
    .option(
      '--compatibility',
      'only say whether the model loads, and all that keeps it from loading (then: end with 1)',
    );
  return addExamples(
    addCommonOptions(addShardsOption(command)),
    'inspect model.h5',
    'inspect model.h5 --data x_train.npy --html report.html',
    'inspect model.h5 --data x_train.npy --batches 20 --json',
    'inspect model.h5 --fail-on warning',
    'inspect --compatibility model.h5',
    'moments model.h5 --data shards/*.npy --one-pass --output moments.jsonl',
    'inspect model.h5 --moments moments.jsonl --shards 2',
  );
}

async function inspectModel(path: string, settings: InspectSettings, context: Context): Promise<void> {
  checkDataOptions(settings);
  if (settings.compatibility) {
    const { checkCompatibility } = await import('../compatibility.js');
    return checkCompatibility(path, settings, context);
  }
  const { terminal, signal } = context;
  const { html, moments, shards } = settings;
  if (moments !== undefined && settings.data !== undefined) {
    throw new UsageError('Give --data, or --moments of its shards, but not both.');
  }
  checkMomentsOptions(settings);
  const inputs = html === undefined ? [] : await inputsOf(path, settings);
  if (html !== undefined) checkOutputFile(html, { inputs });
  const report = await withModel(path, settings, signal, async (model) => {
    const { inspect, inspectByMoments } = await import('evenkeel/tools');
    if (moments !== undefined) {
      const merged = await mergeFiles([moments], { shards, signal });
      return naming(moments, () => inspectByMoments(model, merged));
    }
    if (settings.data === undefined) return inspect(model, null, { signal });
    const { openData } = await import('../data.js');
    const batches = (await openData(model, settings.data, settings)).inBatches(settings);
    return withProgress(terminal, settings.quiet, (onProgress) =>
      inspect(model, batches, { limits: settings.limit, signal, onProgress }),
    );
  });
  const { groupFindings } = await import('evenkeel/tools');
  const groups = groupFindings(report.findings).map(summarizeGroup);
  terminal.out(
    settings.json
      ? formatJson(report satisfies PrintedJson['inspect --json'])
      : formatReport(report, groups, terminal),
  );
  if (html !== undefined) {
    // After what was found, which is not lost where the page cannot be written.
    const { writeReport } = await import('../report/write-report.js');
    await writeReport(html, report, path, { inputs, signal });
    if (!settings.json) terminal.out(`\nReport: ${escapeControls(html)}\n`);
  }
  const least = settings.failOn && SEVERITIES.indexOf(settings.failOn);
  if (least !== undefined && report.findings.some(({ severity }) => SEVERITIES.indexOf(severity) >= least)) {
    context.setExitCode(EXIT_CODES.found);
  }
}

function formatReport(report: InspectReport, groups: readonly FindingGroup[], terminal: Terminal): string {
  const { model, data, layers, outputs } = report;
  const parts = [
    `${escapeControls(model)}: ${plural(layers.length, 'batch normalization')}, ${describeData(data)}.`,
  ];
  if (layers.length > 0) parts.push(formatLayers(layers));
  if (outputs.length > 0) {
    const rows = outputs.map(({ output, relativeDifference, agreement }) => [
      output,
      `${formatNumber(relativeDifference)} σ`,
      agreement === null ? '' : `${(100 * agreement).toFixed(1)} %`,
    ]);
    parts.push(formatTable(['output, training against inference', 'difference', 'same largest value'], rows));
  }
  parts.push(groups.length > 0 ? formatFindings(groups, terminal) : describeHealth(report));
  const untold = adviseOnUntold(report);
  if (untold !== '') parts.push(wrap(untold, terminal.width));
  return `${parts.join('\n\n')}\n`;
}

function formatLayers(layers: readonly InspectedLayer[]): string {
  const hasData = layers.some(({ inputs }) => inputs !== null);
  const head = ['layer', 'channels', 'momentum', 'epsilon', 'moving mean', 'moving variance'];
  const rows = layers.map((layer) => [
    layer.layer,
    String(layer.channels),
    String(layer.momentum),
    String(layer.epsilon),
    formatRange(layer.movingMean),
    formatRange(layer.movingVariance),
    ...(hasData ? [formatRange(layer.inputs?.distance ?? [])] : []),
  ]);
  return formatTable(hasData ? [...head, 'off by, σ'] : head, rows);
}

const LABEL_WIDTH = 9;
const STYLES = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

/** Where a kind of finding was made: the layer, or all of them. */
function formatLayersOf({ layers }: FindingGroup): string {
  const names = listNames(layers.map((layer) => layer ?? 'the model'));
  return layers.length === 1 ? names : `${layers.length} layers: ${names}`;
}

/** What many layers have is told once, by the first of them. */
const formatFindings = (groups: readonly FindingGroup[], { paint, width }: Terminal): string =>
  groups
    .map((group) => {
      const { severity, name, example, message, evidence, cure } = group;
      const details = [
        [paint(STYLES[severity], severity), `${paint('bold', name)} in ${formatLayersOf(group)}`],
        ['', escapeControls(example === null ? message : `${example}: ${message}`)],
        ['evidence', escapeControls(evidence)],
        ['cure', escapeControls(cure)],
      ] as const;
      return formatEntries(details, LABEL_WIDTH, width);
    })
    .join('\n\n');
