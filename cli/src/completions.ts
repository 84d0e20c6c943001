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
  const commands = [...program.commands.map(describeCommand), { ...describeCommand(program), name: '' }];
  return SCRIPTS[shell](program.name(), commands);
}

function describeCommand(command: Command): CompletedCommand {
  const help = command.createHelp();
  return {
    name: command.name(),
    description: firstPart(command.description()),
    options: help.visibleOptions(command).map(describeOption),
    argument:
      command.name() === 'help'
        ? { kind: 'choice', choices: command.parent!.commands.map((one) => one.name()) }
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

type Writer = (name: string, commands: readonly CompletedCommand[]) => string;

const writeBash: Writer = (name, commands) => {
  const words = (command: CompletedCommand) =>
    command.name === '' ? commands.map((one) => one.name).filter(Boolean) : choicesOf(command.argument);
  const values = commands.flatMap((command) =>
    command.options
      .filter(({ value }) => value.kind !== 'none')
      .map(({ names, value }) => {
        const patterns = names.map((one) => quote(`${command.name} ${one}`)).join(' | ');
        const then = value.kind === 'file' ? 'return' : `words=${quote(choicesOf(value).join(' '))} files=`;
        return `    ${patterns}) ${then} ;;`;
      }),
  );
  const rest = commands.map((command) => {
    const hasFiles = command.argument.kind === 'file' ? '' : ' files=';
    const own = words(command).join(' ');
    return `      ${quote(command.name)}) options=${quote(namesOf(command.options))} words=${quote(own)}${hasFiles} ;;`;
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

const writeZsh: Writer = (name, commands) => {
  /** Text in which brackets and colons are no syntax. */
  const plain = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');
  const action = (value: Value) =>
    ({ none: '', file: ':file:_files', other: ':value: ', choice: `:value:(${choicesOf(value).join(' ')})` })[
      value.kind
    ];
  const specs = ({ options, argument }: CompletedCommand) => [
    ...options.flatMap(({ names, value, description, isRepeatable }) =>
      names.map((one) =>
        quote(
          `${isRepeatable ? '*' : `(${names.join(' ')})`}${one}${one.startsWith('--') && value.kind !== 'none' ? '=' : ''}` +
            `[${plain(description)}]${action(value)}`,
        ),
      ),
    ),
    ...(argument.kind === 'none' ? [] : [quote(`*${action(argument)}`)]),
  ];
  const cases = commands
    .filter((command) => command.name !== '')
    .map((command) => {
      const lines = specs(command).map((spec) => `        ${spec}`);
      return `    ${command.name})\n      _arguments -s \\\n${lines.join(' \\\n')}\n      ;;`;
    });
  const described = commands
    .filter((command) => command.name !== '')
    .map((command) => `    ${quote(`${command.name}:${command.description}`)}`);
  const own = commands.find((command) => command.name === '')!;
  return `#compdef ${name}
# zsh completion for ${name}
_${name}() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if ((CURRENT == 2)); then
    if [[ $words[2] == -* ]]; then
      _arguments ${specs(own).join(' ')}
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

const writeFish: Writer = (name, commands) => {
  const flags = (value: Value) =>
    ({ none: '', file: ' -r -F', other: ' -x', choice: ` -x -a ${quote(choicesOf(value).join(' '))}` })[
      value.kind
    ];
  const lines = commands.flatMap((command) => {
    const isRoot = command.name === '';
    const when = isRoot ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${command.name}`;
    const line = (rest: string) => `complete -c ${name} -n ${quote(when)} ${rest}`;
    return [
      ...(isRoot
        ? commands
            .filter((one) => one.name !== '')
            .map((one) => line(`-f -a ${one.name} -d ${quote(one.description)}`))
        : []),
      ...command.options.map(({ names, value, description }) => {
        const named = names.map((one) =>
          one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`,
        );
        return line(`${named.join(' ')}${flags(value)} -d ${quote(description)}`);
      }),
      ...(command.argument.kind === 'choice' ? [line(`-f${flags(command.argument).slice(3)}`)] : []),
    ];
  });
  return `# fish completion for ${name}\n${lines.join('\n')}\n`;
};

const SCRIPTS: Readonly<Record<Shell, Writer>> = { bash: writeBash, zsh: writeZsh, fish: writeFish };
