/** @file `evenkeel help`: what the command, or one of its commands, takes. */
import { Command } from 'commander';
import { addExamples } from '../options.js';

export function helpCommand(): Command {
  const command = new Command('help');
  command
    .description("Shows a command's options and examples; without a command, all commands.")
    .argument('[command]', 'which command')
    .action(async (name: string | undefined) => {
      const program = command.parent!;
      const asked = name === undefined ? program : program.commands.find((one) => one.name() === name);
      // Nobody knows better than commander what to say of a command that there is not.
      if (asked) asked.outputHelp();
      else await program.parseAsync([name!], { from: 'user' });
    });
  return addExamples(command, 'help', 'help inspect');
}
