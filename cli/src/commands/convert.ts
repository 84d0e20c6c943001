/** @file `evenkeel convert`: from one format of models to another. */
import { Command } from 'commander';
import { type Context, withModel } from '../context.js';
import {
  type BackendSettings,
  type OutputSettings,
  type TargetSettings,
  addCommonOptions,
  addExamples,
  addTargetOption,
} from '../options.js';
import type { PrintedJson } from '../printed-json.js';
import { formatJson } from '../text.js';
import { plural } from '../../../shared/numbers.js';
import { escapeControls } from '../../../src/text/show.js';

type ConvertSettings = BackendSettings & OutputSettings & TargetSettings;

export function convertCommand(context: Context): Command {
  const command = new Command('convert')
    .description('Writes a model in another format, with the same weights and predictions.')
    .argument('<model>', 'the model to convert')
    .argument('<output>', 'where it goes; its name says the format: .h5, .keras or .json')
    .action((path: string, output: string, settings: ConvertSettings) =>
      convertModel(path, output, settings, context),
    );
  return addExamples(
    addCommonOptions(addTargetOption(command)),
    'convert model.h5 web/model.json',
    'convert web/model.json model.keras --for keras3',
    'convert model.keras copies/model.h5',
  );
}

async function convertModel(
  path: string,
  output: string,
  settings: ConvertSettings,
  { terminal, signal }: Context,
): Promise<void> {
  const { chooseTarget, writeModel } = await import('../write-model.js');
  const target = await chooseTarget(output, path, settings);
  const result = await withModel(path, settings, signal, async (model) => ({
    model: model.name,
    layers: model.layers.length,
    parameters: model.countParams(),
    format: target.format,
    for: target.format === 'json' ? ('tfjs' as const) : target.dialect,
    written: await writeModel(model, target, signal),
  }));
  const { model, layers, parameters, written } = result;
  terminal.out(
    settings.json
      ? formatJson(result satisfies PrintedJson['convert --json'])
      : `${escapeControls(model)}: ${plural(layers, 'layer')}, ${plural(parameters, 'parameter')}, for ${result.for}.\n` +
          `Written: ${written.map(escapeControls).join(', ')}\n`,
  );
}
