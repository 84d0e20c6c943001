/** @file Files at http(s) addresses. Nothing is asked for but what the user named, and what a model names beside itself. */
import { ValueError } from '../text/value-error.js';
import { messageOf, refusing } from '../text/refusal.js';
import { shorten, show } from '../text/show.js';
import { joinParts } from './bytes.js';
import type { ReadOptions } from './files.js';
import { partsOfName } from './names-beside.js';

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
export async function readAddress(address: string, options: ReadOptions): Promise<Uint8Array> {
  return readResponse(await fetchAddress(address, options), address, options);
}

function fetchAddress(address: string, { signal }: ReadOptions): Promise<Response> {
  return fetch(address, { signal: signal ?? null }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // Pages are not told more than this.
    throw new ValueError(
      `Cannot fetch ${show(address)}: ${causeOf(error)}. Is the address right, and the server there? A page gets files ` +
        `of other servers only where these allow it by the header Access-Control-Allow-Origin (CORS): put the file ` +
        `on the page's own server, or give it as a File.`,
      { cause: error },
    );
  });
}

/** Node says only in the cause what was wrong. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== '' ? cause.message : messageOf(error);
}

/** Nothing more of a response is waited for. */
const dropBody = (response: Response): void => {
  response.body?.cancel().catch(() => undefined);
};

/** How much of a server's own words is shown. */
const LONGEST_ANSWER = 100;

/**
 * @throws ValueError where the server refused, the content ends early, or has more bytes than the budget has left: where
 *   the server says so, nothing of it is waited for
 */
export async function readResponse(
  response: Response,
  name: string,
  { budget, signal, onBytes }: ReadOptions,
): Promise<Uint8Array> {
  const what = `Cannot fetch ${show(name)}`;
  if (!response.ok) {
    dropBody(response);
    const answer = `${response.status} ${shorten(response.statusText, LONGEST_ANSWER)}`.trim();
    throw new ValueError(
      `${what}: the server answered ${answer}. Check the address` +
        `${[401, 403].includes(response.status) ? ', or fetch it with what the server asks for and give the Response' : ''}.`,
    );
  }
  if (response.bodyUsed) {
    throw new ValueError(
      `The Response of ${show(name)} has been read already. Give one that nobody has read, or its bytes.`,
    );
  }
  if (!response.body) return new Uint8Array();
  const length = Number(response.headers.get('content-length') ?? NaN);
  const announced = Number.isSafeInteger(length) ? length : 0;
  // The length is that of what was sent, which may be compressed.
  const isPlain = (response.headers.get('content-encoding') ?? 'identity') === 'identity';
  try {
    budget.take('size', announced, what);
  } catch (error) {
    dropBody(response);
    throw error;
  }
  try {
    const bytes = await readChunks(chunksOf(response.body), what, {
      signal,
      onBytes(done, added) {
        if (isPlain) budget.take('size', Math.min(added, Math.max(0, done - announced)), what);
        else budget.take('memory', added, what);
        onBytes?.(done, isPlain && announced > 0 ? announced : null, name);
      },
    });
    // Nobody says how few bytes they were when they were sent, and what they hold is allowed for by their size.
    if (!isPlain && announced === 0) budget.take('size', bytes.length, what);
    return bytes;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ValueError) throw error;
    throw new ValueError(`${what}: the connection ended early. Try again.`, { cause: error });
  }
}

/**
 * The bytes of a stream that says nothing of their number.
 *
 * @throws ValueError where they are more than the budget has left
 */
export function readStream(
  chunks: AsyncIterable<unknown>,
  { budget, signal, onBytes }: ReadOptions,
): Promise<Uint8Array> {
  return readChunks(chunks, 'The stream', {
    signal,
    onBytes(done, added) {
      budget.take('size', added, 'The stream');
      onBytes?.(done, null, 'the stream');
    },
  });
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

interface ChunkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that are there, and those of the last chunk; what it throws ends the reading. */
  readonly onBytes: (done: number, added: number) => void;
}

/** The bytes of all chunks, in one piece. */
async function readChunks(
  chunks: AsyncIterable<unknown>,
  what: string,
  { signal, onBytes }: ChunkOptions,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`source: expected chunks of bytes (Uint8Array), received ${show(chunk)}.`);
    }
    length += chunk.length;
    onBytes(length, chunk.length);
    parts.push(chunk);
  }
  return joinParts(parts, what);
}

/**
 * Fetches a file that a model at an address names. It lies below the model's own folder, on the same server; what an
 * address is signed with, behind its `?`, holds for its neighbours too. A server may send it from elsewhere, as Hugging
 * Face does, by https.
 *
 * @throws ValueError as `readAddress`, and for a name or a redirection that leads elsewhere
 */
export async function readAddressBeside(
  address: string,
  name: string,
  options: ReadOptions,
): Promise<Uint8Array> {
  const parts = partsOfName(name);
  const path = refusing(`The model names the file ${show(name)}`, () =>
    parts.map(encodeURIComponent).join('/'),
  );
  const beside = new URL(`./${path}`, address);
  beside.search = new URL(address).search;
  const response = await fetchAddress(beside.href, options);
  const end = new URL(response.url === '' ? beside : response.url);
  if (end.origin !== beside.origin && end.protocol !== 'https:') {
    dropBody(response);
    throw new ValueError(
      `Cannot fetch ${show(beside.href)}: the server sends to ${show(end.origin)}. Accepted are its own files, and those ` +
        `of other servers by https. Fetch it yourself, and give the model and its files as a list.`,
    );
  }
  return readResponse(response, beside.href, options);
}
