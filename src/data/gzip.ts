/** @file Unpacks what is gzipped, which the first bytes tell and not a name. */
import { reasonOf } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import { chunksOf } from './addresses.js';
import { joinParts } from './bytes.js';
import type { Budget } from './limits.js';

const isGzipped = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The bytes as they are, or what they unpack to.
 *
 * @param name what messages call the file
 * @throws ValueError where they are damaged, or unpack to more than the budget has left; the message begins with `name`
 */
export async function unpack(bytes: Uint8Array, name: string, budget: Budget): Promise<Uint8Array> {
  if (!isGzipped(bytes)) return bytes;
  const parts: Uint8Array[] = [];
  try {
    for await (const part of gunzip(bytes)) {
      budget.take('memory', part.length, name);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw new ValueError(
      `${name} cannot be unpacked (${reasonOf(error)}): it is damaged or was not copied to its end.`,
      { cause: error },
    );
  }
  return joinParts(parts, name);
}

/** What the bytes unpack to, part by part; whoever has had enough stops. Throws the engine's errors. */
function gunzip(packed: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  // What is wrong comes out at the other end.
  const ignore = () => undefined;
  writer.write(packed as Uint8Array<ArrayBuffer>).catch(ignore);
  writer.close().catch(ignore);
  return chunksOf(stream.readable);
}
