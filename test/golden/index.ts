/**
 * @file Reads the golden cases: what real tf-keras computed (oracle/ makes them). No test states a number of its own
 * where one of these does.
 */
import fs from 'node:fs';
import zlib from 'node:zlib';
import type {
  GoldenAttempt,
  GoldenCase,
  GoldenHdf5,
  GoldenRun,
  GoldenTraining,
  GoldenWeights,
  LayerGroup,
} from './format.js';

export * from './format.js';

function read(name: string): unknown {
  const packed = fs.readFileSync(new URL(`${name}.json.gz`, import.meta.url));
  return JSON.parse(zlib.gunzipSync(packed).toString());
}

export const readCases = (group: LayerGroup | 'float64') => (read(group) as { cases: GoldenCase[] }).cases;
export const readAttempts = (group: 'errors' | 'accepted') =>
  (read(group) as { cases: GoldenAttempt[] }).cases;
export const readRuns = () => (read('runs') as { runs: GoldenRun[] }).runs;
export const readHdf5Files = () => (read('hdf5') as { cases: GoldenHdf5[] }).cases;
export const readWeights = () => (read('weights') as { cases: GoldenWeights[] }).cases;
export const readTrainings = () => (read('training') as { cases: GoldenTraining[] }).cases;
