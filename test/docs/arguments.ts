/** @file What the pages of docs/arguments say of each argument, and the table of all of them in docs/arguments/index.md. */
import { readText } from './blocks.js';
import { table } from './table.js';

/** The pages, in the order in which the table has them. */
const PAGES = [
  ...['axis', 'moving-statistics', 'epsilon', 'gamma-beta', 'renorm', 'fused'],
  ...['ghost-batches', 'adjustment', 'layer', 'call'],
];

/** What a page says of one argument. */
export interface DocumentedArgument {
  /** The page, within docs/arguments. */
  readonly page: string;
  readonly name: string;
  /** In R and Python, as the table at its heading has it: a name as code, or words. */
  readonly keras: string;
  /** The default, as the table at its heading has it. */
  readonly default: string;
  /** The first sentence below the heading. */
  readonly meaning: string;
}

/** What is refused, according to a page. */
export interface DocumentedRefusal {
  readonly page: string;
  /** The arguments, as TypeScript. */
  readonly code: string;
  /** The class of the error and its message. */
  readonly error: string;
}

const textOf = (page: string) => readText(`docs/arguments/${page}.md`);

const cellsOf = (row: string) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** `## name`, then a paragraph, then the table of what the argument is called, its default and what it takes. */
const SECTION = /^## (\w+)\n\n((?:.+\n)+)\n\| in R and Python .*\n\| -.*\n(\|.*)$/gm;

export const documentedArguments = (): DocumentedArgument[] =>
  PAGES.flatMap((page) =>
    [...textOf(page).matchAll(SECTION)].map(([, name, paragraph, row]) => {
      const [keras, byDefault] = cellsOf(row!);
      const meaning = /^[^]*?\.(?=\s)/.exec(paragraph!)![0].replaceAll('\n', ' ');
      return { page, name: name!, keras: keras!, default: byDefault!, meaning };
    }),
  );

export const documentedRefusals = (): DocumentedRefusal[] =>
  PAGES.flatMap((page) =>
    [...textOf(page).matchAll(/^\| `(\{.*?\})` +\| `((?:Type|Value)Error: .*?)` +\|$/gm)].map(
      ([, code, error]) => ({ page, code: code!, error: error! }),
    ),
  );

export function argumentLines(): string[] {
  const rows = documentedArguments().map(({ page, name, keras, default: byDefault, meaning }) => {
    const names = [`[\`${name}\`](${page}.md#${name.toLowerCase()})`];
    if (keras !== `\`${name}\``) names.push(keras);
    return [names.join('<br>'), byDefault, meaning];
  });
  return table(['name, and its other name in R and Python', 'default', 'what it is'], rows);
}
