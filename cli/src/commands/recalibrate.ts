/** @file `evenkeel recalibrate`: gives a model new moving statistics, from data. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Command } from 'commander';
import type { BatchOptions } from 'evenkeel/data';
import type { RecalibrateReport } from 'evenkeel/tools';
import { UsageError } from '../../../shared/usage-error.js';
import { type Context, naming, withModel } from '../context.js';
import { mergeFiles } from '../moments-files.js';
import {
  type BackendSettings,
  type DataSettings,
  type MomentsFileSettings,
  type OutputSettings,
  type StatisticsSettings,
  type TargetSettings,
  addBatchOptions,
  addCommonOptions,
  addDataOptions,
  addExamples,
  addMomentsOption,
  addShardsOption,
  addStatisticsOptions,
  addTargetOption,
  checkDataOptions,
  checkMomentsOptions,
  needsData,
  numberFromZero,
  orderOf,
  refuseOptions,
} from '../options.js';
import type { PrintedJson } from '../printed-json.js';
import { withProgress } from '../progress.js';
import { formatTable } from '../tables.js';
import { formatJson } from '../text.js';
import { formatCount, formatNumber } from '../../../shared/numbers.js';
import { escapeControls } from '../../../src/text/show.js';

interface RecalibrateSettings
  extends
    BackendSettings,
    OutputSettings,
    DataSettings,
    BatchOptions,
    MomentsFileSettings,
    StatisticsSettings,
    TargetSettings {
  readonly tolerance?: number;
}

export function recalibrateCommand(context: Context): Command {
  const command = new Command('recalibrate')
    .description(
      'Gives the batch normalizations of a model new moving statistics, computed from data, or from moments of its shards.',
    )
    .argument('<model>', 'the model to repair')
    .argument('<output>', 'where the repaired model goes; its name says the format: .h5, .keras or .json')
    .action((path: string, output: string, settings: RecalibrateSettings) =>
      recalibrateModel(path, output, settings, context),
    );
  addDataOptions(command);
  addStatisticsOptions(addBatchOptions(command)).option(
    '--tolerance <number>',
    'end a pass once the standard errors, in σ, are down to this',
    numberFromZero,
  );
  addShardsOption(addMomentsOption(command));
  return addExamples(
    addCommonOptions(addTargetOption(command)),
    'recalibrate model.h5 repaired.h5 --data x_train.npy',
    'recalibrate model.h5 web/repaired.json --data x_train.npy --batches 100 --one-pass',
    'moments model.h5 --data shards/*.npy --one-pass --output moments.jsonl',
    'recalibrate model.h5 repaired.keras --moments moments.jsonl --shards 2',
  );
}

async function recalibrateModel(
  path: string,
  output: string,
  settings: RecalibrateSettings,
  context: Context,
): Promise<void> {
  const { terminal, signal } = context;
  checkSource(settings);
  const { chooseTarget, writeModel } = await import('../write-model.js');
  const target = await chooseTarget(output, path, settings);
  const { report, written } = await withModel(path, settings, signal, async (model) => {
    const report =
      settings.moments === undefined
        ? await byData(model, settings.data!, settings, context)
        : await byMoments(model, settings.moments, settings, signal);
    return { report, written: await writeModel(model, target, signal) };
  });
  terminal.out(
    settings.json
      ? formatJson({ ...report, written } satisfies PrintedJson['recalibrate --json'])
      : formatReport(report, output),
  );
}

/** @throws UsageError unless there is one source of statistics, and options say something of that one */
function checkSource(settings: RecalibrateSettings): void {
  const { data, moments, ...others } = settings;
  if ((data === undefined) === (moments === undefined)) {
    throw new UsageError(
      'Statistics come from --data, or from --moments of its shards: give one of the two.',
    );
  }
  checkMomentsOptions(settings);
  if (moments === undefined) return;
  checkDataOptions(others);
  refuseOptions(others, { onePass: '--one-pass', tolerance: '--tolerance' }, needsData);
}

async function byData(
  model: LayersModel,
  data: string,
  settings: RecalibrateSettings,
  { terminal, signal }: Context,
): Promise<RecalibrateReport> {
  const { openData } = await import('../data.js');
  const { recalibrate } = await import('evenkeel/tools');
  const batches = (await openData(model, data, settings)).inBatches(settings);
  return withProgress(terminal, settings.quiet, (onProgress) =>
    recalibrate(model, batches, {
      statistics: settings.statistics,
      order: orderOf(settings),
      tolerance: settings.tolerance,
      limits: settings.limit,
      signal,
      onProgress,
    }),
  );
}

async function byMoments(
  model: LayersModel,
  file: string,
  { shards, statistics }: RecalibrateSettings,
  signal: AbortSignal,
): Promise<RecalibrateReport> {
  const { recalibrateByMoments } = await import('evenkeel/tools');
  const moments = await mergeFiles([file], { shards, signal });
  return naming(file, () => recalibrateByMoments(model, moments, { statistics }));
}

function formatReport({ layers }: RecalibrateReport, output: string): string {
  const rows = layers.map(({ layer, batches, count, distance, standardError }) => [
    layer,
    String(batches),
    formatCount(Math.round(Math.max(...count))),
    formatNumber(largest(distance)),
    standardError ? formatNumber(standardError.mean) : '',
  ]);
  const head = ['layer', 'batches', 'values per channel', 'were off by at most, σ', 'may be off by, σ'];
  return `${formatTable(head, rows)}\n\nWritten: ${escapeControls(output)}\n`;
}

/** null, which stands for what was not finite, is larger than all. */
const largest = (values: readonly (number | null)[]): number | null =>
  values.includes(null) ? null : values.reduce<number>((most, value) => Math.max(most, value!), 0);
