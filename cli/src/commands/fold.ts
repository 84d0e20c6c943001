/** @file `evenkeel fold`: makes a model for inference, without the normalizations that can vanish into a neighbour. */
import { Command } from 'commander';
import { ValueError } from 'evenkeel/core';
import type { FoldReport } from 'evenkeel/tools';
import { type Context, withModel } from '../context.js';
import {
  type BackendSettings,
  type DataSettings,
  type OutputSettings,
  type TargetSettings,
  addCommonOptions,
  addDataOptions,
  addExamples,
  addTargetOption,
  checkDataOptions,
} from '../options.js';
import type { PrintedJson } from '../printed-json.js';
import { withProgress } from '../progress.js';
import { formatEntries, formatTable } from '../tables.js';
import type { Terminal } from '../terminal.js';
import { formatJson, listNames } from '../text.js';
import { formatNumber, plural } from '../../../shared/numbers.js';
import { escapeControls } from '../../../src/text/show.js';

type FoldSettings = BackendSettings & OutputSettings & DataSettings & TargetSettings;

/** How many samples to compare: a few show any difference, and both models must hold all of them at once. */
const MOST_SAMPLES = 64;

export function foldCommand(context: Context): Command {
  const command = new Command('fold')
    .description(
      'Makes a model for inference in which batch normalizations have vanished into the layers beside them, as far as ' +
        'that is exact.',
    )
    .argument('<model>', 'the model to fold')
    .argument('<output>', 'where the folded model goes; its name says the format: .h5, .keras or .json')
    .action((path: string, output: string, settings: FoldSettings) =>
      foldModel(path, output, settings, context),
    );
  addDataOptions(command);
  return addExamples(
    addCommonOptions(addTargetOption(command)),
    'fold model.h5 folded.keras',
    'fold model.h5 web/model.json --data x_train.npy',
  );
}

async function foldModel(
  path: string,
  output: string,
  settings: FoldSettings,
  { terminal, signal }: Context,
): Promise<void> {
  checkDataOptions(settings);
  const { chooseTarget, writeModel } = await import('../write-model.js');
  const target = await chooseTarget(output, path, settings);
  const { report, written } = await withModel(path, settings, signal, async (model) => {
    const { fold } = await import('evenkeel/tools');
    const data = settings.data === undefined ? undefined : await firstSamples(settings.data);
    return withProgress(terminal, settings.quiet, async (onProgress) => {
      const { model: folded, ...report } = await fold(model, {
        data,
        limits: settings.limit,
        signal,
        onProgress,
      });
      if (!Number.isFinite(report.largestOutput) || !Number.isFinite(report.largestDifference)) {
        throw new ValueError(`${[path, ...report.warnings].join(': ')} Nothing was written.`);
      }
      return { report, written: await writeModel(folded, target, signal) };
    });

    async function firstSamples(file: string) {
      const { openData } = await import('../data.js');
      const fitted = await openData(model, file, settings);
      return fitted.tensors(0, Math.min(MOST_SAMPLES, fitted.samples));
    }
  });
  terminal.out(
    settings.json
      ? formatJson({ ...report, written } satisfies PrintedJson['fold --json'])
      : formatReport(report, output, terminal),
  );
}

type Kept = FoldReport['kept'][number];

/** Those that had to stay for reasons that differ by names alone, together: many layers of a network are alike. */
function groupKept(kept: readonly Kept[]): [Kept, ...Kept[]][] {
  const groups = new Map<string, [Kept, ...Kept[]]>();
  for (const one of kept) {
    const reason = one.reason.replaceAll(/'[^']*'/g, '');
    const group = groups.get(reason);
    if (group) group.push(one);
    else groups.set(reason, [one]);
  }
  return [...groups.values()];
}

function formatReport(
  { folded, kept, largestDifference, largestOutput, comparedOn, warnings }: Omit<FoldReport, 'model'>,
  output: string,
  { width }: Terminal,
): string {
  const parts = [
    `${plural(folded.length, 'normalization')} folded, ${kept.length} kept.`,
    ...(folded.length > 0
      ? [
          formatTable(
            ['folded', 'into'],
            folded.map(({ name, into }) => [name, into.join(', ')]),
          ),
        ]
      : []),
    ...groupKept(kept).map((group) => {
      const [{ name, reason }] = group;
      const of = group.length > 1 ? `${name}: ` : '';
      return formatEntries(
        [
          ['kept', listNames(group.map((one) => one.name))],
          ['because', escapeControls(`${of}${reason}`)],
        ],
        'because '.length,
        width,
      );
    }),
    ...warnings.map((warning) =>
      formatEntries([['warning', escapeControls(warning)]], 'because '.length, width),
    ),
    `Outputs differ by at most ${formatNumber(largestDifference)}, on ${comparedOn}; the largest output is ` +
      `${formatNumber(largestOutput)}.\nWritten: ${escapeControls(output)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}
