/**
 * @file The data that tools look at: whatever form it comes in, as a stream of batches that fit the model's inputs. One
 * batch is in memory at a time.
 */
import { type Tensor, dispose, slice } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { isTensor, show } from '../text/show.js';

/** One batch: a tensor; several for a model of several inputs, in their order or by their names. */
export type Inputs = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** One batch as the makers of batches give it: as it is, or beside what it should be taken for, as for `fitDataset`. */
export type Batch = Inputs | { readonly xs: Inputs; readonly ys?: unknown };

/** What a tool needs of a `tf.data.Dataset`. */
export interface Dataset {
  iterator(): Promise<{ next(): Promise<IteratorResult<unknown>> }>;
}

/** Batches, one after the other. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch> | ReadableStream<Batch> | Dataset;

/**
 * What a tool takes for data:
 *
 * | given | taken for | disposed |
 * |---|---|---|
 * | a tensor; an array with one tensor per input of the model | the whole data, cut into batches of `batchSize` | no |
 * | any other array | its batches | no |
 * | a `tf.data.Dataset`, a generator or another iterable, async or not | its batches | each batch after its use, as by `fitDataset` |
 * | a `ReadableStream` | its batches, for a tool that needs them once | the same |
 * | a function, which may be async | whatever it returns, anew for each pass | the same |
 */
export type Data = Tensor | readonly Tensor[] | Batches | (() => Data | Promise<Data>);

/** Data that a tool can go through. */
export interface Source {
  /** How many batches there are, if anybody knows. */
  readonly length: number | null;
  /** Whether it may be gone through more than once. */
  readonly isReplayable: boolean;
  /** Goes through the batches from the start; empty ones are left out. A batch is good until the next is asked for. */
  batches(signal: AbortSignal | undefined): AsyncGenerator<readonly Tensor[], void, undefined>;
}

const DEFAULT_BATCH_SIZE = 32;

/** Samples per batch where a tool cuts tensors itself. */
export interface DataOptions {
  /** Samples per batch where the data is tensors, which are cut. Default 32. */
  readonly batchSize?: number | undefined;
}

/**
 * @throws TypeError for data of no form that is known
 * @throws ValueError for tensors that do not fit the model, and for a batch size that cannot be
 */
export function sourceOf(model: LayersModel, data: Data, { batchSize }: DataOptions): Source {
  const size = positiveInteger('batchSize', batchSize) ?? DEFAULT_BATCH_SIZE;
  if (typeof data === 'function') {
    return {
      length: null,
      isReplayable: true,
      async *batches(signal) {
        yield* sourceOf(model, await data(), { batchSize }).batches(signal);
      },
    };
  }
  const { inputs } = model;
  if (isTensor(data)) return wholeData(model, [data], size);
  if (Array.isArray(data) && data.length === inputs.length && data.every(isTensor)) {
    return wholeData(model, data, size);
  }
  return stream(model, data as Batches);
}

/** @throws ValueError unless it is an integer of at least 1, or not given */
export function positiveInteger(name: string, value: unknown): number | null {
  if (value == null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new ValueError(`${name}: expected an integer of at least 1, received ${show(value)}.`);
}

function wholeData(model: LayersModel, data: readonly Tensor[], batchSize: number): Source {
  checkInputs(model, data, 'The data');
  const samples = data[0]!.shape[0];
  return {
    length: Math.ceil(samples / batchSize),
    isReplayable: true,
    async *batches(signal) {
      await Promise.resolve();
      signal?.throwIfAborted();
      for (let start = 0; start < samples; start += batchSize) {
        const size = Math.min(batchSize, samples - start);
        const batch = data.map((tensor) => slice(tensor, start, size));
        try {
          yield batch;
        } finally {
          dispose(batch);
        }
      }
    },
  };
}

function stream(model: LayersModel, data: Batches): Source {
  const isArray = Array.isArray(data);
  const opener = openerOf(data);
  let last: AnyIterator | null = null;
  return {
    length: lengthOf(data),
    isReplayable: opener.isReplayable,
    async *batches(signal) {
      const iterator = await opener.open();
      if (iterator === last) {
        throw new ValueError(
          `data: it can be gone through only once, since it gives the same iterator again. Give a function that ` +
            `returns fresh batches each time, or use order: 'one pass'.`,
        );
      }
      last = iterator;
      let isOver = false;
      let number = 0;
      try {
        for (;;) {
          signal?.throwIfAborted();
          const next = await unlessAborted(iterator.next(), signal);
          if (next.done) break;
          number++;
          try {
            const inputs = inputsOf(model, next.value, `Batch ${number} of the data`);
            if (inputs[0]!.size > 0) yield inputs;
          } finally {
            if (!isArray) dispose(next.value as Tensor);
          }
        }
        isOver = true;
      } finally {
        // Not waited for: a source that hangs would hold up whoever aborts.
        if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => undefined);
      }
    },
  };
}

/** An iterable may know how many batches it holds, as arrays do. */
const lengthOf = (data: object): number | null =>
  'length' in data && typeof data.length === 'number' ? data.length : null;

interface AnyIterator {
  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
  return?(): unknown;
}

/** How to open data, which only going through it may do: opening a file twice would leave one open. */
function openerOf(data: unknown): { open(): AnyIterator | Promise<AnyIterator>; isReplayable: boolean } {
  if (typeof data === 'object' && data !== null) {
    const known = data as Partial<
      Dataset & AsyncIterable<unknown> & Iterable<unknown> & ReadableStream & { next: unknown; pipe: unknown }
    >;
    // Not every browser lets one iterate over a stream.
    if (typeof known.getReader === 'function') {
      return { open: () => iteratorOf(data as ReadableStream), isReplayable: false };
    }
    const make = known[Symbol.asyncIterator]?.bind(data) ?? known[Symbol.iterator]?.bind(data);
    if (make) {
      // Iterators, as generators are, and Node's streams have no beginning to go back to.
      return { open: make, isReplayable: known.next === undefined && known.pipe === undefined };
    }
    if (typeof known.iterator === 'function') {
      return { open: known.iterator.bind(data), isReplayable: true };
    }
  }
  throw new TypeError(
    `data: expected a tensor, an array of tensors, a tf.data.Dataset, an iterable of batches (async or not), a ` +
      `ReadableStream of them, or a function that returns one of these, received ${show(data)}.`,
  );
}

function iteratorOf(stream: ReadableStream): AnyIterator {
  const reader = stream.getReader();
  return { next: () => reader.read() as Promise<IteratorResult<unknown>>, return: () => reader.cancel() };
}

/** What comes of a promise, or the signal's reason if that is first. What comes after all is disposed. */
async function unlessAborted<T>(pending: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal || !(pending instanceof Promise)) return pending;
  return new Promise((resolve, reject) => {
    const abort = () => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the user gave
      reject(signal.reason);
      const discard = (late: T) => {
        dispose((late as { value: Tensor }).value);
      };
      void pending.then(discard, () => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    void pending.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !isTensor(value) && !Array.isArray(value);

/**
 * The model's inputs in a batch, in their order.
 *
 * @param what the batch, for an error's message
 * @throws TypeError for a batch of no form that is known
 * @throws ValueError for tensors that do not fit the model
 */
export function inputsOf(model: LayersModel, batch: unknown, what: string): readonly Tensor[] {
  const names = model.inputNames;
  const xs = isRecord(batch) && 'xs' in batch && !names.includes('xs') ? batch.xs : batch;
  const given = isRecord(xs) ? names.map((name) => xs[name]) : [xs].flat();
  if (!given.every(isTensor)) {
    const received = isRecord(xs) ? `the keys ${Object.keys(xs).join(', ')}` : show(xs);
    throw new TypeError(
      `${what}: expected a tensor, an array with a tensor for each input, an object with the keys ` +
        `${names.join(', ')}, or one of these as xs of an object; received ${received}.`,
    );
  }
  checkInputs(model, given, what);
  return given;
}

function checkInputs({ inputs, inputNames }: LayersModel, given: readonly Tensor[], what: string): void {
  if (given.length !== inputs.length) {
    throw new ValueError(
      `${what}: the model has ${inputs.length} inputs (${inputNames.join(', ')}), received ${given.length} tensors. ` +
        `A batch with what it should be taken for is { xs, ys }.`,
    );
  }
  given.forEach((tensor, i) => {
    const { shape } = inputs[i]!;
    checkReadable(tensor, `${what}, input ${inputNames[i]!}`);
    const fits =
      tensor.rank === shape.length && shape.every((dim, d) => dim === null || dim === tensor.shape[d]);
    const isOfSameBatch = tensor.shape[0] === given[0]!.shape[0];
    if (fits && isOfSameBatch) return;
    throw new ValueError(
      `${what}: the model's input ${inputNames[i]!} takes shape ${show(shape)}` +
        `${isOfSameBatch ? '' : `, with ${String(given[0]!.shape[0])} samples as in the first input`}, received ` +
        `${show(tensor.shape)}.`,
    );
  });
}

const NUMERIC = ['float32', 'int32', 'bool'];

function checkReadable({ isDisposed, dtype }: Tensor, what: string): void {
  if (isDisposed)
    throw new ValueError(`${what}: the tensor has been disposed. Dispose it after the tool is done.`);
  if (NUMERIC.includes(dtype)) return;
  throw new ValueError(`${what}: expected numbers of type ${NUMERIC.join(', ')}, received ${dtype}.`);
}
