/** @file What documents say that a program knows better. `npm run docs` writes it, and a test holds the documents to it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { argumentLines } from './arguments.js';
import { ROOT, readText } from './blocks.js';
import { clusterLines } from './clusters.js';
import { commandLines } from './command.js';
import { findingLines } from './findings.js';
import { layerLines } from './layers.js';
import { type Results, speedLines } from './speed.js';

const START = '<!-- made by npm run docs -->';
const END = '<!-- until here -->';

/** What stands between the marks of each document. */
const MADE = {
  'COMPATIBILITY.md': layerLines,
  'docs/arguments/index.md': argumentLines,
  'docs/clusters.md': clusterLines,
  'docs/command.md': commandLines,
  'docs/findings.md': findingLines,
  'README.md': () => speedLines(JSON.parse(readText('bench/results/bench.json')) as Results),
};

export const MADE_DOCUMENTS = Object.keys(MADE) as (keyof typeof MADE)[];

/** The document as it should be. */
export async function madeDocument(path: keyof typeof MADE): Promise<string> {
  const text = readText(path);
  const [before, after] = [text.split(START)[0]!, text.split(END)[1]!];
  const document = `${before}${START}\n\n${MADE[path]().join('\n')}\n\n${END}${after}`;
  return format(document, { ...(await resolveConfig(ROOT + path)), filepath: path });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of MADE_DOCUMENTS) writeFileSync(ROOT + path, await madeDocument(path));
}
