/** @file `evenkeel freeze` and `evenkeel unfreeze`: whether training may change layers, however deep they lie. */
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

interface FreezeSettings extends BackendSettings, OutputSettings, TargetSettings {
  readonly layers: string;
}

export const freezeCommand = (context: Context): Command =>
  makeCommand('freeze', 'Freezes layers of a model, so that training leaves them alone.', context);

export const unfreezeCommand = (context: Context): Command =>
  makeCommand('unfreeze', 'Lets layers of a model be trained again.', context);

function makeCommand(name: 'freeze' | 'unfreeze', description: string, context: Context): Command {
  const command = new Command(name)
    .description(description)
    .argument('<model>', 'the model to change')
    .argument('<output>', 'where the changed model goes; its name says the format: .h5, .keras or .json')
    .option(
      '--layers <pattern>',
      "names or paths of layers, with * for any characters: 'conv*', 'base/*'",
      '*',
    )
    .action((path: string, output: string, settings: FreezeSettings) =>
      change(name, path, output, settings, context),
    );
  return addExamples(
    addCommonOptions(addTargetOption(command)),
    `${name} model.h5 ${name === 'freeze' ? 'frozen' : 'free'}.h5`,
    `${name} model.h5 ${name === 'freeze' ? 'frozen' : 'free'}.keras --layers 'dense*'`,
  );
}

async function change(
  name: 'freeze' | 'unfreeze',
  path: string,
  output: string,
  settings: FreezeSettings,
  { terminal, signal }: Context,
): Promise<void> {
  const { chooseTarget, writeModel } = await import('../write-model.js');
  const target = await chooseTarget(output, path, settings);
  const { changed, written } = await withModel(path, settings, signal, async (model) => {
    const { [name]: apply } = await import('evenkeel/tools');
    const report = apply(model, settings.layers);
    return { changed: report.changed, written: await writeModel(model, target, signal) };
  });
  const names = changed.map((one) => `  ${escapeControls(one)}\n`).join('');
  const done = name === 'freeze' ? 'frozen' : 'free to be trained';
  const summary =
    changed.length > 0 ? `${plural(changed.length, 'layer')} ${done}:\n${names}` : 'Nothing to change.\n';
  terminal.out(
    settings.json
      ? formatJson({ changed, written } satisfies PrintedJson['freeze --json'])
      : `${summary}Written: ${escapeControls(output)}\n`,
  );
}
