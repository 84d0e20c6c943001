/**
 * @file What documents say that a program knows better: text between marks, and pictures. `npm run docs` writes it, and a
 * test holds the documents to it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { drawAccuracy } from '../../docs/pictures/accuracy.js';
import { LAYOUTS } from '../../docs/pictures/layout.js';
import { drawPaper } from '../../docs/pictures/paper.js';
import { accuracyLines, readAccuracy } from './accuracy.js';
import { argumentLines } from './arguments.js';
import { ROOT, readText } from './blocks.js';
import { clusterLines } from './clusters.js';
import { commandLines, jsonLines } from './command.js';
import { experimentLines, readExperiment } from './experiment.js';
import { findingLines } from './findings.js';
import { layerLines } from './layers.js';
import { sizeLines } from './sizes.js';
import { layerChart, networksChart } from './speed-charts.js';
import { inferenceLines, passesLines, readResults, speedLines, speedSummaryLines } from './speed.js';

const START = '<!-- made by npm run docs -->';
const END = '<!-- until here -->';

/** What stands between the marks of each document, pair by pair. */
const MADE: Readonly<Record<string, readonly (() => string[])[]>> = {
  'COMPATIBILITY.md': [layerLines],
  'docs/arguments/index.md': [argumentLines],
  'docs/clusters.md': [clusterLines],
  'docs/command.md': [commandLines],
  'docs/command-json.md': [jsonLines],
  'docs/findings.md': [findingLines],
  'docs/how/kernels.md': [() => passesLines(readResults()), () => accuracyLines(readAccuracy())],
  'docs/recipes/deploy.md': [() => inferenceLines(readResults())],
  'docs/how/paper.md': [() => experimentLines(readExperiment())],
  'docs/index.md': [() => speedSummaryLines(readResults()), sizeLines],
  'docs/benchmarks.md': [() => speedLines(readResults()), sizeLines],
  'README.md': [() => speedSummaryLines(readResults()), sizeLines],
};

/** Files that are made whole. */
const PICTURES: Readonly<Record<string, () => string>> = {
  ...LAYOUTS,
  ...drawPaper(readExperiment),
  'docs/pictures/accuracy.svg': () => drawAccuracy(readAccuracy()),
  'docs/pictures/speed-of-networks.svg': () => networksChart(readResults()),
  'docs/pictures/speed-of-the-layer.svg': () => layerChart(readResults()),
};

export const MADE_FILES = [...Object.keys(MADE), ...Object.keys(PICTURES)];

/** The document or picture as it should be. */
export async function madeFile(path: string): Promise<string> {
  const picture = PICTURES[path];
  if (picture) return picture();
  const [before, ...pairs] = readText(path).split(START);
  const parts = MADE[path]!.map(
    (lines, i) => `${START}\n\n${lines().join('\n')}\n\n${END}${pairs[i]!.split(END)[1]!}`,
  );
  const document = before! + parts.join('');
  return format(document, { ...(await resolveConfig(ROOT + path)), filepath: path });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of MADE_FILES) {
    mkdirSync(dirname(ROOT + path), { recursive: true });
    writeFileSync(ROOT + path, await madeFile(path));
  }
}
