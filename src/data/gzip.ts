/** @file Unpacks what is gzipped, which the first bytes tell and not a name. */
import { reasonOf } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';

/** Data may be all zeros, which gzip packs a thousandfold; a small file that becomes more than this is a bomb. */
const ALWAYS_ALLOWED = 2 ** 28;
const LARGEST_RATIO = 100;

const isGzipped = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The bytes as they are, or what they unpack to.
 *
 * @param name what messages call the file
 * @throws ValueError where they are damaged, or unpack to far more than their size; the message begins with `name`
 */
export async function unpack(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  if (!isGzipped(bytes)) return bytes;
  const allowed = ALWAYS_ALLOWED + LARGEST_RATIO * bytes.length;
  const parts: Uint8Array[] = [];
  let length = 0;
  // A view of shared memory is copied, which a Blob asks for; others are not.
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  for (;;) {
    const part = await reader.read().catch((error: unknown) => {
      throw new ValueError(
        `${name} cannot be unpacked (${reasonOf(error)}): it is damaged or was not copied to its end.`,
        { cause: error },
      );
    });
    if (part.done) break;
    length += part.value.length;
    if (length > allowed) {
      await reader.cancel();
      throw new ValueError(
        `${name} is ${bytes.length} bytes that unpack to more than ${allowed}: not a file to trust. Give it unpacked.`,
      );
    }
    parts.push(part.value);
  }
  const unpacked = new Uint8Array(length);
  let end = 0;
  for (const part of parts) {
    unpacked.set(part, end);
    end += part.length;
  }
  return unpacked;
}
