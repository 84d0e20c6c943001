/** @file Findings as small files, which are tried again for ever. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Case } from './cases.js';
import type { Finding } from './finding.js';

interface Stored extends Omit<Case, 'files'> {
  readonly finding: Finding;
  readonly seed: string;
  /** Text as it is; what is no text is gzipped, in base64. */
  readonly files: readonly { readonly name: string; readonly text?: string; readonly gzip?: string }[];
}

/** Bytes of a text, if they are nothing else. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Larger ones are not kept: the seed makes them again. */
const LARGEST = 200_000;

/** @returns the file's path; null where it would be too large to keep */
export function keepFinding(folder: string, seed: string, one: Case, finding: Finding): string | null {
  const files = one.files.map(({ name, bytes }) => {
    const text = textOf(bytes as Uint8Array);
    const gzip = gzipSync(bytes, { level: 9 }).toString('base64');
    return text === null || text.length > 2 * gzip.length ? { name, gzip } : { name, text };
  });
  const { signature } = finding;
  // Wherever this repository lies.
  const what = finding.what.replaceAll(ROOT, '');
  const stored: Stored = { ...one, finding: { signature, what }, seed, files };
  const json = `${JSON.stringify(stored, null, 2)}\n`;
  if (json.length > LARGEST) return null;
  const path = join(
    folder,
    `${signature.replace(/[^\w]+/g, '-').slice(0, 40)}-${seed.replace(':', '-')}.json`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, json);
  return path;
}

export function readFindings(folder: string): { name: string; case: Case }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const { files, ...one } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Stored;
      const unpacked = files.map(({ name: file, text, gzip }) => ({
        name: file,
        bytes:
          text === undefined
            ? new Uint8Array(gunzipSync(Buffer.from(gzip!, 'base64')))
            : new TextEncoder().encode(text),
      }));
      return { name, case: { ...one, files: unpacked } };
    });
}
