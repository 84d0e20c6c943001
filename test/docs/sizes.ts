/** @file The table of sizes: what each part of the package may weigh at most, which `npm run check:size` measures. */
import { readText } from './blocks.js';
import { table } from './table.js';

interface Limit {
  readonly name: string;
  readonly limit: string;
  readonly gzip?: boolean;
}

export function sizeLines(): string[] {
  const { 'size-limit': limits } = JSON.parse(readText('package.json')) as { 'size-limit': Limit[] };
  const ofPackage = limits.filter(({ gzip }) => gzip !== true);
  return table(
    ['what a page loads, minified and compressed', 'at most'],
    ofPackage.map(({ name, limit }) => [
      name.replaceAll(/'(\.[\w/]*)'/g, (_, entry: string) => `\`${entry.replace(/^\./, 'evenkeel')}\``),
      limit,
    ]),
  );
}
