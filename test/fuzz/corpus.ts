/** @file The files that are mutated: golden models of every format, and data. */
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Random } from './random.js';

const FOLDER = new URL('../golden/models/', import.meta.url);
/** Larger ones would take most of the time, and hold little that others lack; some are taken now and then. */
const LARGEST = 6000;
const LARGEST_SELDOM = 60_000;

const NAMES = readdirSync(FOLDER).flatMap((group) =>
  readdirSync(new URL(`${group}/`, FOLDER)).map((name) => `${group}/${name}`),
);

/** A golden model, unpacked. */
export function goldenModel(ending: '.h5' | '.keras', random: Random): { name: string; bytes: Uint8Array } {
  const names = NAMES.filter((name) => name.endsWith(`${ending}.gz`));
  const largest = random.once(30) ? LARGEST_SELDOM : LARGEST;
  for (;;) {
    const name = random.pick(names);
    const packed = readFileSync(new URL(name, FOLDER));
    if (packed.length <= largest) return { name: name.slice(0, -'.gz'.length), bytes: gunzipSync(packed) };
  }
}
