/** @file `npm run fuzz`: tries hostile files for some minutes, and fails if any does harm. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { FORMATS, type Format, formatOf, makeCase } from './cases.js';
import { escapeControls } from '../../src/text/show.js';
import type { Finding } from './finding.js';
import { Runner } from './runner.js';
import { shrink } from './shrink.js';
import { keepFinding } from './store.js';

interface Settings {
  readonly minutes: number;
  readonly seed?: number;
  readonly format?: Format[];
  readonly jobs: number;
  readonly only?: { readonly seed: number; readonly number: number };
  readonly keep?: string;
  readonly json?: true;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It is a number above 0.');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 0x7fff_ffff)
    throw new InvalidArgumentError('It is a whole number of 31 bits.');
  return value;
}

function positiveWholeNumber(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It is at least 1.');
  return value;
}

function caseSeed(text: string): { seed: number; number: number } {
  const [, seed, number] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (seed === undefined) throw new InvalidArgumentError('It is a seed and a number, such as 7:1234.');
  return { seed: Number(seed), number: Number(number) };
}

/** A folder that findings can be written into, before there are any. */
function folder(path: string): string {
  try {
    if (!existsSync(path)) mkdirSync(path);
    accessSync(path, constants.W_OK);
    return path;
  } catch (error) {
    throw new InvalidArgumentError(`It is no folder to write into: ${String(error)}`);
  }
}

const settings = new Command('npm run fuzz --')
  .description(
    'Loads, uses and saves hostile files, each in a process with limits, and keeps those that do harm.',
  )
  .option('--minutes <number>', 'how long', positive, 1)
  .option('--seed <number>', 'what decides about all cases (default: the time)', wholeNumber)
  .addOption(new Option('--format <names...>', 'only files of these formats').choices(FORMATS))
  .option('--jobs <number>', 'processes at once', positiveWholeNumber, 1)
  .option('--only <case>', 'one case alone, as 7:1234', caseSeed)
  .option('--keep <folder>', 'where findings go (default: test/fuzz/findings)', folder)
  .option('--json', 'print one JSON document instead of text')
  .parse()
  .opts<Settings>();

const { minutes, format: formats = FORMATS, jobs, only } = settings;
const keep = settings.keep ?? fileURLToPath(new URL('findings', import.meta.url));
const seed = only?.seed ?? settings.seed ?? Date.now() & 0x7fff_ffff;

interface Found extends Finding {
  readonly case: string;
  readonly recipe: string;
  /** Where it is kept; null where it is too large, or not found again. */
  readonly path: string | null;
  count: number;
}

const start = performance.now();
const end = start + minutes * 60_000;
/** Of one finding. */
const SHRINKING_MS = Math.min(45_000, only ? Infinity : minutes * 6000);
const REPORT_MS = 10_000;

const found = new Map<string, Found>();
const counts: Record<Format, number> = { h5: 0, keras: 0, json: 0, data: 0 };
let next = only?.number ?? 0;
let slowest = { ms: 0, case: '' };

const done = () => Object.values(counts).reduce((sum, count) => sum + count, 0);

function progress(): void {
  const seconds = (performance.now() - start) / 1000;
  process.stderr.write(
    `${Math.round(seconds)} s: ${done()} cases, ${(done() / seconds).toFixed(1)} per second, ${found.size} findings\n`,
  );
}

async function keepAndShrink(
  runner: Runner,
  number: number,
  recipe: string,
  finding: Finding,
): Promise<void> {
  const name = `${seed}:${number}`;
  const entry: Found = { ...finding, case: name, recipe, path: null, count: 1 };
  found.set(finding.signature, entry);
  const what = finding.what.split('\n').map(escapeControls).join('\n  ');
  process.stderr.write(`FOUND ${name} (${escapeControls(recipe)})\n  ${what}\n`);
  const one = await makeCase(seed, number).catch(() => null);
  // What cannot be made is a fault of this program's own, which its seed tells.
  if (!one) return;
  const hasFault = async (tried: typeof one) => {
    const { findings } = await runner.run({ seed, number, case: tried });
    return findings.some(({ signature }) => signature === finding.signature);
  };
  const deadline = Math.min(performance.now() + SHRINKING_MS, only ? Infinity : end);
  const smallest = await shrink(one, hasFault, deadline);
  found.set(finding.signature, { ...entry, path: keepFinding(keep, name, smallest, finding) });
}

async function work(): Promise<void> {
  const runner = new Runner();
  try {
    while (performance.now() < end) {
      const number = next++;
      if (only && number !== only.number) break;
      const format = formatOf(seed, number);
      if (!formats.includes(format) && !only) continue;
      const { findings, recipe, ms } = await runner.run({ seed, number });
      counts[format]++;
      if (ms > slowest.ms) slowest = { ms, case: `${seed}:${number}` };
      for (const finding of findings) {
        const known = found.get(finding.signature);
        if (known) known.count++;
        else await keepAndShrink(runner, number, recipe, finding);
      }
    }
  } finally {
    runner.close();
  }
}

process.stderr.write(`Seed ${seed}. A case is made again by --only ${seed}:NUMBER.\n`);
const timer = setInterval(progress, REPORT_MS);
await Promise.all(Array.from({ length: jobs }, work));
clearInterval(timer);
progress();

const findings = [...found.values()];
if (settings.json) console.log(JSON.stringify({ seed, cases: counts, slowest, findings }, null, 2));
else {
  const each = FORMATS.map((format) => `${counts[format]} of ${format}`).join(', ');
  console.log(`Seed ${seed}: ${done()} cases (${each}), ${findings.length} findings.`);
  console.log(`The slowest took ${Math.round(slowest.ms)} ms: ${slowest.case}.`);
  for (const { case: name, recipe, signature, count, path } of findings) {
    console.log(
      `${name}, ${count} times: ${escapeControls(signature)}\n  ${escapeControls(recipe)}\n  ${path ?? 'not kept: too large'}`,
    );
  }
}
if (findings.length > 0) process.exitCode = 1;
