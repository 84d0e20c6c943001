/** @file `evenkeel recalibrate`: gives a model new moving statistics, from data. */
import { Command, Option } from 'commander';
import type { BatchOptions } from 'evenkeel/data';
import type { RecalibrateOptions, RecalibrateReport } from 'evenkeel/tools';
import { type Context, withModel } from '../context.js';
import {
  type BackendSettings,
  type DataSettings,
  type OutputSettings,
  type TargetSettings,
  addBatchOptions,
  addCommonOptions,
  addDataOptions,
  addExamples,
  addTargetOption,
  numberFromZero,
} from '../options.js';
import { showProgress } from '../progress.js';
import { formatTable } from '../tables.js';
import { formatCount, formatJson, formatNumber } from '../text.js';
import { escapeControls } from '../../../src/text/show.js';

interface RecalibrateSettings
  extends BackendSettings, OutputSettings, DataSettings, BatchOptions, TargetSettings {
  readonly data: string;
  readonly statistics: NonNullable<RecalibrateOptions['statistics']>;
  readonly onePass?: true;
  readonly tolerance?: number;
}

export function recalibrateCommand(context: Context): Command {
  const command = new Command('recalibrate')
    .description('Gives the batch normalizations of a model new moving statistics, computed from data.')
    .argument('<model>', 'the model to repair')
    .argument('<output>', 'where the repaired model goes; its name says the format: .h5, .keras or .json')
    .action((path: string, output: string, settings: RecalibrateSettings) =>
      recalibrateModel(path, output, settings, context),
    );
  addDataOptions(command);
  for (const option of command.options) if (option.long === '--data') option.makeOptionMandatory();
  addBatchOptions(command)
    .addOption(
      new Option(
        '--statistics <kind>',
        "of all samples together, or the mean over batches, as training's averages",
      )
        .choices(['population', 'batches'])
        .default('population'),
    )
    .option('--one-pass', 'go through the data once instead of once for each layer: faster, less exact')
    .option(
      '--tolerance <number>',
      'end a pass once the standard errors, in σ, are down to this',
      numberFromZero,
    );
  return addExamples(
    addCommonOptions(addTargetOption(command)),
    'recalibrate model.h5 repaired.h5 --data x_train.npy --divide-by 255',
    'recalibrate model.keras repaired.keras --data mnist.npz --array x_train --divide-by 255 --batches 100',
    'recalibrate model.keras repaired.json --data two-inputs.npz --one-pass',
  );
}

async function recalibrateModel(
  path: string,
  output: string,
  settings: RecalibrateSettings,
  { terminal, signal }: Context,
): Promise<void> {
  const { chooseTarget, writeModel } = await import('../write-model.js');
  const target = await chooseTarget(output, path, settings);
  const { report, written } = await withModel(path, settings, signal, async (model) => {
    const { openData } = await import('../data.js');
    const { recalibrate } = await import('evenkeel/tools');
    const batches = (await openData(model, settings.data, settings)).inBatches(settings);
    const progress = showProgress(terminal, settings.quiet);
    try {
      const report = await recalibrate(model, batches, {
        statistics: settings.statistics,
        order: settings.onePass ? 'one pass' : 'layer by layer',
        tolerance: settings.tolerance,
        limits: settings.limit,
        signal,
        onProgress: progress.onProgress,
      });
      return { report, written: await writeModel(model, target, signal) };
    } finally {
      progress.stop();
    }
  });
  terminal.out(settings.json ? formatJson({ ...report, written }) : formatReport(report, output));
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
