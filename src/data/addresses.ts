/** @file Files at http(s) addresses. Nothing is asked for but what the user named, and what a model names beside itself. */
import { ValueError } from '../text/value-error.js';
import { messageOf } from '../text/refusal.js';
import { show } from '../text/show.js';

/** How a file is read. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that are there, and those in all, or null where nobody says. */
  readonly onBytes?: ((done: number, total: number | null, name: string) => void) | undefined;
}

export const isAddress = (source: string): boolean => /^https?:\/\//i.test(source);

/** What begins as an address does; a path may have a colon in it. */
const PROTOCOL = /^([a-z][a-z\d+.-]+):\/\/|^(data|blob|javascript):/i;

/** @throws ValueError for an address that begins with something else than http, https or file */
export function checkProtocol(address: string): void {
  const [, protocol, other] = PROTOCOL.exec(address) ?? [];
  const found = protocol ?? other;
  if (found === undefined || /^(https?|file)$/i.test(found)) return;
  throw new ValueError(
    `The address ${show(address)} begins with ${show(found)}. Accepted are http, https and, in Node, file. ` +
      `Load the file yourself, and give its bytes.`,
  );
}

/** @throws ValueError where the server cannot be reached or refuses; the signal's reason where that is aborted */
export async function readAddress(address: string, options: ReadOptions = {}): Promise<Uint8Array> {
  const { signal } = options;
  const response = await fetch(address, { signal: signal ?? null }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // Pages are not told more than this.
    throw new ValueError(
      `Cannot fetch ${show(address)}: ${causeOf(error)}. Is the address right, and the server there? A page gets files ` +
        `of other servers only where these allow it by the header Access-Control-Allow-Origin (CORS): put the file ` +
        `on the page's own server, or give it as a File.`,
      { cause: error },
    );
  });
  return readResponse(response, address, options);
}

/** Node says only in the cause what was wrong. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== '' ? cause.message : messageOf(error);
}

/** @throws ValueError where the server refused, or the content ends early */
export async function readResponse(
  response: Response,
  name: string,
  { signal, onBytes }: ReadOptions = {},
): Promise<Uint8Array> {
  if (!response.ok) {
    void response.body?.cancel().catch(() => undefined);
    const answer = `${response.status} ${response.statusText}`.trim();
    throw new ValueError(
      `Cannot fetch ${show(name)}: the server answered ${answer}. Check the address` +
        `${[401, 403].includes(response.status) ? ', or fetch it with what the server asks for and give the Response' : ''}.`,
    );
  }
  if (response.bodyUsed) {
    throw new ValueError(
      `The Response of ${show(name)} has been read already. Give one that nobody has read, or its bytes.`,
    );
  }
  if (!response.body) return new Uint8Array();
  // The length is that of what was sent, which may be compressed.
  const length = Number(response.headers.get('content-length') ?? NaN);
  const isPlain = (response.headers.get('content-encoding') ?? 'identity') === 'identity';
  const total = isPlain && Number.isSafeInteger(length) ? length : null;
  try {
    return await readChunks(chunksOf(response.body), {
      signal,
      onBytes:
        onBytes &&
        ((done) => {
          onBytes(done, total, name);
        }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new ValueError(`Cannot fetch ${show(name)}: the connection ended early. Try again.`, {
      cause: error,
    });
  }
}

/** What a stream gives; not every browser lets one iterate over it. */
export async function* chunksOf<T>(stream: ReadableStream<T>): AsyncGenerator<T, void, undefined> {
  const reader = stream.getReader();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOver = done;
      if (done) return;
      yield value;
    }
  } finally {
    // Not waited for: a source that hangs would hold up whoever aborts.
    if (!isOver) void reader.cancel().catch(() => undefined);
  }
}

/** The bytes of all chunks, in one piece. */
export async function readChunks(
  chunks: AsyncIterable<unknown> | Iterable<unknown>,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: ((done: number) => void) | undefined },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`source: expected chunks of bytes (Uint8Array), received ${show(chunk)}.`);
    }
    parts.push(chunk);
    length += chunk.length;
    onBytes?.(length);
  }
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/**
 * The address of a file that lies beside another. What an address is signed with, behind its `?`, holds for its
 * neighbours too.
 */
export function addressBeside(address: string, name: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  const beside = new URL(`./${path}`, address);
  beside.search = new URL(address).search;
  return beside.href;
}
