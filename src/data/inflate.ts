/** @file Unpacks deflated bytes bit by bit, as the browser and Node do it. */
import { chunksOf } from './addresses.js';

/** What the bytes unpack to, part by part; whoever has had enough stops. Throws the engine's errors. */
export function inflate(
  packed: Uint8Array,
  format: 'gzip' | 'deflate-raw',
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = new DecompressionStream(format);
  const writer = stream.writable.getWriter();
  // What is wrong comes out at the other end.
  const ignore = () => undefined;
  writer.write(packed as Uint8Array<ArrayBuffer>).catch(ignore);
  writer.close().catch(ignore);
  return chunksOf(stream.readable);
}
