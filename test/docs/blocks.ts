/** @file Finds the code in the documents: blocks of Markdown, and the `@example`s in the comments of `src`. */
import { readFileSync, readdirSync } from 'node:fs';
import { ROOT } from '../../docs/.vitepress/project.js';

export { ROOT };

export const readText = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');

/** Pages of the site that people write; those of the API are made of comments. */
const PAGES = readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
  .map((name) => `docs/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.md') && !/^docs\/(api|\.vitepress)\//.test(name))
  .sort();

export const DOCUMENTS: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'COMPATIBILITY.md',
  'SECURITY.md',
  ...PAGES,
];

/** A piece of code that a document shows. */
export interface Block {
  /** The file and line where it starts. */
  readonly place: string;
  readonly code: string;
  /** What stands in brackets behind the language, such as a file's name. */
  readonly title?: string | undefined;
  /** What tests do not do with it, after what its fence says: they do not run it, nor even compile it if it is only shown. */
  readonly only?: 'compiled' | 'shown';
}

/** After the language and the title: `compiled (why)` or `shown (why)`, which the site leaves out. */
const NOT_RUN = / (compiled|shown) \(([^()]+)\)$/;

/** Blocks of a document that are fenced as one of `languages`. */
export function blocksOf(path: string, ...languages: readonly string[]): Block[] {
  const text = readText(path);
  const fences = text.matchAll(/^```(\w+)(.*)\n([^]*?)^```$/gm);
  return [...fences]
    .filter(([, language]) => languages.includes(language!))
    .map(({ 2: rest, 3: code, index }) => ({
      place: `${path}:${lineAt(text, index)}`,
      code: code!,
      title: /^ \[(.+?)\]/.exec(rest!)?.[1],
      only: NOT_RUN.exec(rest!)?.[1] as Block['only'],
    }));
}

/** Every TypeScript file of a folder, below it too, by its path from the repository's folder. */
export const sourceFiles = (folder: string): string[] =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();

/** The `@example`s in the comments of a source file, fenced or not. */
export function examplesOf(path: string): Block[] {
  const text = readText(path);
  const comments = [...text.matchAll(/\/\*\*.*?\*\//gs)];
  return comments.flatMap((comment) => {
    const lines = comment[0].split('\n').map((line) => line.replace(/^\s*(\/\*\*|\*\/|\* ?)/, ''));
    const start = lines.findIndex((line) => line.trim() === '@example');
    if (start < 0) return [];
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => /^@\w/.test(line));
    const code = rest.slice(0, end < 0 ? undefined : end).filter((line) => !line.startsWith('```'));
    return [{ place: `${path}:${lineAt(text, comment.index) + start}`, code: code.join('\n') }];
  });
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
