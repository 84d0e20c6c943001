/** @file Files in memory: what a page is given, and what stands in for it elsewhere. */

/** A file's name and content, where there is no `File`. */
export interface NamedFile {
  name: string;
  bytes: ArrayBuffer | Uint8Array;
}

const isBytes = (value: unknown): value is ArrayBuffer | Uint8Array =>
  value instanceof Uint8Array || value instanceof ArrayBuffer;

export const isFile = (value: unknown): value is File | NamedFile =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  (value instanceof Blob || ('bytes' in value && isBytes(value.bytes)));

/** The bytes of a file, or of what is in one. Not copied where that can be avoided. */
export async function bytesOf(content: Blob | NamedFile | ArrayBuffer | Uint8Array): Promise<Uint8Array> {
  if (content instanceof Blob) return new Uint8Array(await content.arrayBuffer());
  const bytes = isBytes(content) ? content : content.bytes;
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
}
