/** @file `evenkeel completion`: the script by which a shell completes the command's words. */
import { Argument, Command } from 'commander';
import { SHELLS, type Shell, completionScript } from '../completions.js';
import type { Context } from '../context.js';
import { addExamples } from '../options.js';

export function completionCommand({ terminal }: Context): Command {
  const command = new Command('completion');
  command
    .description(
      'Prints a script by which a shell completes commands, options and names of files. Have the shell read it as it starts.',
    )
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .action((shell: Shell) => {
      terminal.out(completionScript(command.parent!, shell));
    });
  return addExamples(
    command,
    'completion bash > evenkeel.bash',
    'completion zsh > _evenkeel',
    'completion fish > evenkeel.fish',
  );
}
