/** @file What the pages of the command say of each of its commands and of its JSON: made of help, of types, and of the exit codes. */
import { Command, type Option } from 'commander';
import { EXIT_CODE_MEANINGS } from '../../cli/src/exit-codes.js';
import { addCommonOptions } from '../../cli/src/options.js';
import { makeProgram } from '../../cli/src/program.js';
import { makeTerminal } from '../cli/files.js';
import { anchorOf } from '../../docs/.vitepress/markdown/anchor.js';
import { type Field, printedFields } from './printed-json.js';
import { table } from './table.js';

/** The command as it stands, which nobody runs. */
export const commandProgram = (): Command =>
  makeProgram({
    terminal: makeTerminal({ out: () => undefined, note: () => undefined }),
    signal: new AbortController().signal,
    setExitCode: () => undefined,
  });

/** Text in a cell of a table. */
const cell = (text: string): string => text.replaceAll(/[|<>{]/g, '\\$&');

/** A table and an empty line, or nothing where there are no rows. */
const tableOfAny = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  rows.length === 0 ? [] : [...table(head, rows), ''];

function describeOption(option: Option): readonly string[] {
  const notes = [
    ...(option.argChoices ? [option.argChoices.map((choice) => `\`${choice}\``).join(', ')] : []),
    ...(option.defaultValue === undefined ? [] : [`default: \`${String(option.defaultValue)}\``]),
  ];
  return [
    `\`${option.flags}\``,
    cell(option.description) + (notes.length > 0 ? ` (${notes.join('; ')})` : ''),
  ];
}

const optionTable = (options: readonly Option[]): string[] =>
  tableOfAny(['option', 'what it does'], options.map(describeOption));

const fieldTable = (fields: readonly Field[]): string[] =>
  tableOfAny(
    ['field', 'type', 'meaning'],
    fields.map(({ path, type, meaning, isOptional }) => [
      `\`${path}\``,
      cell(type) + (isOptional ? ', may be missing' : ''),
      cell(meaning),
    ]),
  );

/** The page that lists the fields of what is printed. */
const JSON_PAGE = 'command-json.md';

/** The heading of what a line of the command prints there. */
const headingOf = (line: string): string => line.replace(' --json', '');

function describeCommand(command: Command, printed: readonly string[]): string[] {
  const name = command.name();
  const help = command.createHelp();
  const common = addCommonOptions(new Command()).options.map(({ long }) => long);
  const own = command.options.filter(({ long }) => !common.includes(long));
  const others = command.options.filter(({ long }) => common.includes(long));
  const values = help.visibleArguments(command);
  const lines = printed.filter((line) => line.startsWith(`${name} `));
  return [
    `### ${name}`,
    '',
    help.commandDescription(command),
    '',
    '```text',
    help.commandUsage(command),
    '```',
    '',
    ...tableOfAny(
      ['argument', 'what it is'],
      values.map((value) => [`\`${value.name()}\``, cell(value.description)]),
    ),
    ...optionTable(own),
    ...(others.length > 0
      ? [
          `Also ${others.map(({ long }) => `\`${long!}\``).join(', ')}, as [below](#options-of-several-commands).`,
          '',
        ]
      : []),
    ...(lines.length > 0
      ? [
          `What it prints as JSON: ${lines.map((line) => `[\`${line}\`](${JSON_PAGE}#${anchorOf(headingOf(line))})`).join(', ')}.`,
          '',
        ]
      : []),
  ];
}

/** Lines that print what others do. */
const TWINS: Readonly<Record<string, string>> = {
  'merge --output --json': 'moments --output --json',
  'unfreeze --json': 'freeze --json',
};

export function commandLines(): string[] {
  const program = commandProgram();
  const printed = [...printedFields().keys()];
  return [
    '## Commands',
    '',
    ...program.commands.flatMap((command) => describeCommand(command, printed)),
    '## Options of several commands',
    '',
    ...optionTable([...addCommonOptions(new Command()).options, ...program.options]),
    '## Exit codes',
    '',
    ...table(
      ['exit code', 'meaning'],
      EXIT_CODE_MEANINGS.map(([codes, meaning]) => [codes, cell(meaning)]),
    ),
  ];
}

/** What each line of the command prints, as fields. */
export function jsonLines(): string[] {
  const { lines, ...documents } = Object.fromEntries(printedFields());
  return [
    ...Object.entries(documents).flatMap(([line, fields]) => {
      const twin = TWINS[line];
      return [
        `## ${headingOf(line)}`,
        '',
        ...(twin === undefined
          ? fieldTable(fields)
          : [`The same as [${headingOf(twin)}](#${anchorOf(headingOf(twin))}).`, '']),
      ];
    }),
    '## Lines of moments',
    '',
    'What `moments` and `merge` print, with `--json` or without: one JSON document on each line.',
    '',
    ...fieldTable(lines!),
  ];
}
