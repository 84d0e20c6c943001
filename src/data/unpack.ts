/** @file Reads a file, and unpacks it where it is gzipped, which its first bytes tell and not its name. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ValueError } from '../text/value-error.js';
import { messageOf } from '../text/refusal.js';

/** Data may be all zeros, which gzip packs a thousandfold; a small file that becomes more than this is a bomb. */
const ALWAYS_ALLOWED = 2 ** 28;
const LARGEST_RATIO = 100;

/** @throws ValueError where the file cannot be read or unpacked; the message begins with `path` */
export function readUnpacked(path: string): Uint8Array {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ValueError(`${path} cannot be read: ${messageOf(error)}.`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: ALWAYS_ALLOWED + LARGEST_RATIO * bytes.length });
  } catch (error) {
    throw new ValueError(
      `${path} cannot be unpacked (${messageOf(error)}): it is damaged, was not copied to its end, or is no data.`,
    );
  }
}
