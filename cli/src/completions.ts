/**
 * @file Scripts by which bash, zsh and fish complete the command's words, made of its own commands and options.
 *
 * They hold all that there is to know, so no program runs when Tab is pressed, and nothing of the line is evaluated. Where
 * a file may stand, the shell completes its name as ever.
 */
import type { Argument, Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may stand behind an option, or as an argument. */
type Value =
  | { readonly kind: 'none' | 'file' | 'other' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

interface CompletedOption {
  readonly names: readonly string[];
  readonly value: Value;
  readonly description: string;
  readonly isRepeatable: boolean;
}

interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Of every argument: none of the commands takes files and others. */
  readonly argument: Value;
}

/** What the placeholders of files are called, in options and arguments. */
const FILES = /^<?(file|files|folder|model|output)\b/;

/** The script for a shell. */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](describeCommand(program), program.commands.map(describeCommand));
}

function describeCommand(command: Command): CompletedCommand {
  const help = command.createHelp();
  // Behind help stands a command, as behind the program's name.
  const program = command.name() === 'help' ? command.parent! : command;
  return {
    name: command.name(),
    description: firstPart(command.description()),
    options: help.visibleOptions(command).map(describeOption),
    argument:
      program.commands.length > 0
        ? { kind: 'choice', choices: program.commands.map((one) => one.name()) }
        : valueOf(command.registeredArguments[0]),
  };
}

const describeOption = (option: Option): CompletedOption => ({
  names: [option.short, option.long].filter((name) => name !== undefined),
  value: option.required
    ? valueOf({ argChoices: option.argChoices, name: () => /<.*/.exec(option.flags)![0] })
    : { kind: 'none' },
  description: firstPart(option.description),
  isRepeatable: /\bgiven again\b/.test(option.description) || option.variadic,
});

function valueOf(given: Pick<Argument, 'name' | 'argChoices'> | undefined): Value {
  if (!given) return { kind: 'none' };
  if (given.argChoices) return { kind: 'choice', choices: given.argChoices };
  return { kind: FILES.test(given.name()) ? 'file' : 'other' };
}

/** As much of a description as a line beside a word has room for. */
const firstPart = (text: string): string => text.split(/ \(|[:;.] |\.$|, /, 1)[0]!;

/** A word of a shell in single quotes. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const namesOf = (options: readonly CompletedOption[]): string =>
  options.flatMap(({ names }) => names).join(' ');

type Writer = (program: CompletedCommand, commands: readonly CompletedCommand[]) => string;

const writeBash: Writer = (program, commands) => {
  const { name } = program;
  /** By what stands first on the line, which is nothing for the program's own options. */
  const all = [...commands, { ...program, name: '' }];
  const values = all.flatMap((command) =>
    command.options
      .filter(({ value }) => value.kind !== 'none')
      .map(({ names, value }) => {
        const patterns = names.map((one) => quote(`${command.name} ${one}`)).join(' | ');
        const then = value.kind === 'file' ? 'return' : `words=${quote(choicesOf(value).join(' '))} files=`;
        return `    ${patterns}) ${then} ;;`;
      }),
  );
  const rest = all.map((command) => {
    const hasFiles = command.argument.kind === 'file' ? '' : ' files=';
    const words = choicesOf(command.argument).join(' ');
    return `      ${quote(command.name)}) options=${quote(namesOf(command.options))} words=${quote(words)}${hasFiles} ;;`;
  });
  return `# bash completion for ${name}
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= options= words= files=1
  COMPREPLY=()
  [ "$COMP_CWORD" -gt 1 ] && command=\${COMP_WORDS[1]}
  # Bash takes --name=value for three words.
  [ "$previous" = = ] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
  [ "$current" = = ] && current=
  case "$command $previous" in
${values.join('\n')}
    *)
      case $command in
${rest.map((line) => `  ${line}`).join('\n')}
      esac
      case $current in -*) words=$options files= ;; esac
      ;;
  esac
  # Files are completed by default, where nothing else is.
  [ -z "$files" ] && compopt +o default 2> /dev/null
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
};

const choicesOf = (value: Value): readonly string[] => (value.kind === 'choice' ? value.choices : []);

const writeZsh: Writer = (program, commands) => {
  const { name } = program;
  /** Text in which brackets and colons are no syntax. */
  const plain = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');
  const action = (value: Value) =>
    ({ none: '', file: ':file:_files', other: ':value: ', choice: `:value:(${choicesOf(value).join(' ')})` })[
      value.kind
    ];
  const optionSpecs = ({ options }: CompletedCommand) =>
    options.flatMap(({ names, value, description, isRepeatable }) =>
      names.map((one) =>
        quote(
          `${isRepeatable ? '*' : `(${names.join(' ')})`}${one}${one.startsWith('--') && value.kind !== 'none' ? '=' : ''}` +
            `[${plain(description)}]${action(value)}`,
        ),
      ),
    );
  const cases = commands.map((command) => {
    const { argument } = command;
    const specs = [
      ...optionSpecs(command),
      ...(argument.kind === 'none' ? [] : [quote(`*${action(argument)}`)]),
    ];
    const lines = specs.map((spec) => `        ${spec}`);
    return `    ${command.name})\n      _arguments -s \\\n${lines.join(' \\\n')}\n      ;;`;
  });
  const described = commands.map((command) => `    ${quote(`${command.name}:${command.description}`)}`);
  return `#compdef ${name}
# zsh completion for ${name}
_${name}() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if ((CURRENT == 2)); then
    if [[ $words[2] == -* ]]; then
      _arguments ${optionSpecs(program).join(' ')}
    else
      _describe command commands
    fi
    return
  fi
  local command=$words[2]
  words=("\${(@)words[2,-1]}")
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
};

const writeFish: Writer = (program, commands) => {
  const { name } = program;
  const flags = (value: Value) =>
    ({ none: '', file: ' -r -F', other: ' -x', choice: ` -x -a ${quote(choicesOf(value).join(' '))}` })[
      value.kind
    ];
  const linesWhere = (when: string, rests: readonly string[]) =>
    rests.map((rest) => `complete -c ${name} -n ${quote(when)} ${rest}`);
  const optionsOf = ({ options }: CompletedCommand) =>
    options.map(({ names, value, description }) => {
      const named = names.map((one) => (one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
      return `${named.join(' ')}${flags(value)} -d ${quote(description)}`;
    });
  const lines = [
    ...commands.flatMap((command) =>
      linesWhere(`__fish_seen_subcommand_from ${command.name}`, [
        ...optionsOf(command),
        ...(command.argument.kind === 'choice' ? [`-f${flags(command.argument).slice(3)}`] : []),
      ]),
    ),
    ...linesWhere('__fish_use_subcommand', [
      ...commands.map((command) => `-f -a ${command.name} -d ${quote(command.description)}`),
      ...optionsOf(program),
    ]),
  ];
  return `# fish completion for ${name}\n${lines.join('\n')}\n`;
};

const SCRIPTS: Readonly<Record<Shell, Writer>> = { bash: writeBash, zsh: writeZsh, fish: writeFish };
