/** @file Room for bytes, asked for with care: an engine without room throws a RangeError. */
import { ValueError } from '../text/value-error.js';

/**
 * Room for so many bytes.
 *
 * @throws ValueError where there is not so much; the message begins with `what`
 */
export function allocate(length: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new ValueError(`${what}: there is no room for its ${length} bytes in one piece here.`, {
      cause: error,
    });
  }
}

/**
 * The bytes of all parts, in one piece. The parts are let go of on the way, so that they are not there twice.
 *
 * @throws ValueError where there is no room for them; the message begins with `what`
 */
export function joinParts(parts: Uint8Array[], what: string): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const bytes = allocate(
    parts.reduce((sum, { length }) => sum + length, 0),
    what,
  );
  let end = bytes.length;
  for (let part = parts.pop(); part; part = parts.pop()) {
    end -= part.length;
    bytes.set(part, end);
  }
  return bytes;
}
