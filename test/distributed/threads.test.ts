/** @file Groups of threads: sums, and each way in which one cannot be made, which all ranks must hear of at once. */
import { breakThreadGroup, makeThreadGroup, threadCommunicator, type ThreadGroup } from 'evenkeel/threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { bring, bringLess, countTogether, end, makeSums } from './programs/threads.js';
import { onRanks, outcomesOnRanks } from './ranks.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('sums', () => {
  test.each([
    { size: 1, isFloat64: true },
    { size: 2, isFloat64: true },
    { size: 2, isFloat64: false },
    { size: 3, isFloat64: false },
    { size: 5, isFloat64: true },
  ])('have the same bits on all of $size ranks (float64: $isFloat64), also in pieces', async (one) => {
    const { size, isFloat64 } = one;
    const lengths = [0, 1, 7, 8, 9, 16, 17, 33, 1000, 2, 4099, 0, 5];
    // Some 8 numbers a piece, of float64.
    const options = { size, input: { lengths, isFloat64 }, byteLength: 64 };
    const ranks = await onRanks<typeof makeSums>('threads', 'makeSums', options);
    for (const sums of ranks) expect(sums).toEqual(ranks[0]);
    expect(ranks[0]!.map(({ length, isExact }) => ({ length, isExact }))).toEqual(
      lengths.map((length) => ({ length, isExact: true })),
    );
  });

  test('of more ranks than cores are right, a thousand in a row', async () => {
    const options = { size: 6, input: undefined };
    expect(await onRanks<typeof countTogether>('threads', 'countTogether', options)).toEqual(
      new Array(6).fill(1000),
    );
  });

  test('of one rank are its own numbers, and wait for nobody', () => {
    const communicator = threadCommunicator(makeThreadGroup(1), 0);
    const values = Float32Array.of(1, 2, NaN);
    communicator.allReduce(values);
    expect([...values]).toEqual([1, 2, NaN]);
  });
});

describe('all ranks throw, at once,', () => {
  const float64 = (...lengths: number[]) => ({ lengths, isFloat64: true });
  const float32 = (...lengths: number[]) => ({ lengths, isFloat64: false });
  const ALIKE = 'All ranks must have the same model, call it in the same order, and get as many batches.';

  test.each([
    ['of other lengths', [float64(4), float64(5)], ['4 numbers of float64', '5 numbers of float64']],
    ['of other types', [float64(4), float32(4)], ['4 numbers of float64', '4 numbers of float32']],
    ['of as many bytes', [float64(4), float32(8)], ['4 numbers of float64', '8 numbers of float32']],
    ['of nothing', [float64(0), float32(0)], ['0 numbers of float64', '0 numbers of float32']],
    // Their first pieces are alike.
    ['of more pieces', [float64(16), float64(8)], ['16 numbers of float64', '8 numbers of float64']],
  ])('at messages %s', async (_, input, [first, second]) => {
    const outcomes = await outcomesOnRanks<typeof bring>('threads', 'bring', {
      size: 2,
      input,
      byteLength: 64,
    });
    expect(outcomes).toEqual([
      {
        error: `ValueError: Rank 0 of 2 brought ${first!} to a sum, and rank 1 brought ${second!}. ${ALIKE}`,
      },
      {
        error: `ValueError: Rank 1 of 2 brought ${second!} to a sum, and rank 0 brought ${first!}. ${ALIKE}`,
      },
    ]);
  });

  test('where one of three brings something else', async () => {
    const input = [float64(4), float64(4), float64(6)];
    const outcomes = await outcomesOnRanks<typeof bring>('threads', 'bring', { size: 3, input });
    const [six, four] = ['6 numbers of float64', '4 numbers of float64'];
    expect(outcomes).toEqual([
      { error: `ValueError: Rank 0 of 3 brought ${four} to a sum, and rank 2 brought ${six}. ${ALIKE}` },
      { error: `ValueError: Rank 1 of 3 brought ${four} to a sum, and rank 2 brought ${six}. ${ALIKE}` },
      { error: `ValueError: Rank 2 of 3 brought ${six} to a sum, and rank 0 brought ${four}. ${ALIKE}` },
    ]);
  });

  test('after the timeout, where one has fewer batches', async () => {
    const options = { size: 2, input: 7, timeout: 4 };
    const outcomes = await outcomesOnRanks<typeof bringLess>('threads', 'bringLess', options);
    const why = 'Rank 0 of 2 waited 4 s in a sum for rank 1. Did every thread get as many batches?';
    expect(outcomes).toEqual([
      { error: `Error: ${why}` },
      { error: `Error: Rank 1 of 2: the group of threads has ended. ${why}` },
    ]);
  });

  test.each([
    ['throws', 'throw', 'RangeError: It fails.', 'Rank 1 has ended by RangeError: It fails.'],
    [
      'leaves the process',
      'exit',
      'The thread ended with 9.',
      'Rank 1 has ended by The thread ended with 9.',
    ],
    [
      'leaves a rejection unhandled',
      'reject',
      'Error: Nobody listens.',
      'Rank 1 has ended by Error: Nobody listens.',
    ],
    ['aborts', 'abort', 'Error: Rank 1 of 2: the group of threads has ended. It gives up.', 'It gives up.'],
    [
      'sums what are no numbers',
      'array',
      'TypeError: Rank 1 of 2: values: expected a Float64Array or a Float32Array, received [1, 2, 3].',
      'Rank 1 of 2: values: expected a Float64Array or a Float32Array, received [1, 2, 3].',
    ],
  ] as const)('where one %s', async (_, how, own, why) => {
    const started = performance.now();
    const outcomes = await outcomesOnRanks<typeof end>('threads', 'end', { size: 2, input: how });
    // Far from the timeout.
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(outcomes).toEqual([
      { error: `Error: Rank 0 of 2: the group of threads has ended. ${why}` },
      { error: own },
    ]);
  });
});

describe('a group that is broken', () => {
  test('says why, the first reason and no more than fits', () => {
    const group = makeThreadGroup(2);
    const communicator = threadCommunicator(group, 0);
    breakThreadGroup(group, new Error('€'.repeat(1000)));
    breakThreadGroup(group, 'another reason');
    expect(() => {
      communicator.allReduce(new Float64Array(1));
    }).toThrow(new Error(`Rank 0 of 2: the group of threads has ended. ${'€'.repeat(170)}`));
  });

  test('without a reason says that a thread has ended', () => {
    const group = makeThreadGroup(2);
    breakThreadGroup(group);
    expect(() => {
      threadCommunicator(group, 0).allReduce(new Float64Array(1));
    }).toThrow('Rank 0 of 2: the group of threads has ended. Another thread of it has ended.');
  });

  // A thread that looks, counts itself in and goes to sleep must not miss what happens in between.
  const STEPS = ['load', 'store', 'add', 'compareExchange'] as const;
  test.each(STEPS)('at any moment of a sum lets nobody sleep: after each Atomics.%s', (step) => {
    const original = (Atomics[step] as (...values: unknown[]) => number).bind(Atomics);
    for (let moment = 1, calls = Infinity; moment <= calls; moment++) {
      const group = makeThreadGroup(2);
      const communicator = threadCommunicator(group, 0);
      calls = 0;
      let [isBroken, sleeps] = [false, 0];
      vi.spyOn(Atomics, step).mockImplementation(((...values: unknown[]) => {
        const result = original(...values);
        if (!isBroken && ++calls === moment) {
          isBroken = true;
          breakThreadGroup(group, 'the test');
        }
        return result;
      }) as never);
      vi.spyOn(Atomics, 'wait').mockImplementation(((words: Int32Array, index: number, value: number) => {
        if (isBroken && words[index] === value) sleeps++;
        return 'timed-out';
      }) as never);
      expect(() => {
        communicator.allReduce(new Float64Array(1));
      }).toThrow();
      vi.restoreAllMocks();
      expect(sleeps).toBe(0);
    }
  });
});

test('a thread that is woken for nothing goes on waiting', () => {
  const communicator = threadCommunicator(makeThreadGroup(2), 0, { timeout: 0.2 });
  const wait = Atomics.wait.bind(Atomics);
  let calls = 0;
  vi.spyOn(Atomics, 'wait').mockImplementation((...values: Parameters<typeof wait>) =>
    ++calls < 3 ? 'ok' : wait(...values),
  );
  const started = performance.now();
  expect(() => {
    communicator.allReduce(new Float64Array(1));
  }).toThrow('Rank 0 of 2 waited 0.2 s in a sum for rank 1.');
  expect(performance.now() - started).toBeGreaterThan(190);
});

describe('refused are', () => {
  const group = makeThreadGroup(2);
  test.each([
    [
      'sizes',
      () => makeThreadGroup(0),
      'size: expected how many threads there are, from 1 to 8192, received 0.',
    ],
    [
      'sizes in part',
      () => makeThreadGroup(1.5),
      'size: expected how many threads there are, from 1 to 8192, received 1.5.',
    ],
    [
      'sizes as text',
      () => makeThreadGroup('2' as unknown as number),
      "size: expected how many threads there are, from 1 to 8192, received '2'.",
    ],
    [
      'parts of no number',
      () => makeThreadGroup(2, 8),
      'byteLength: expected a number of bytes, from 64 to 1073741824, received 8.',
    ],
    [
      'ranks that there are not',
      () => threadCommunicator(group, 2),
      'rank: expected a whole number from 0 to 1, as the group has 2, received 2.',
    ],
    [
      'ranks as text',
      () => threadCommunicator(group, '0' as unknown as number),
      "rank: expected a whole number from 0 to 1, as the group has 2, received '0'.",
    ],
    [
      'times of 0',
      () => threadCommunicator(group, 0, { timeout: 0 }),
      'timeout: expected seconds, more than 0, received 0.',
    ],
    [
      'times that are none',
      () => threadCommunicator(group, 0, { timeout: NaN }),
      'timeout: expected seconds, more than 0, received NaN.',
    ],
    [
      'options that there are not',
      () => threadCommunicator(group, 0, { timeOut: 3 } as object),
      "Unknown option 'timeOut' of threadCommunicator. Did you mean 'timeout'? Known are timeout.",
    ],
    ...[
      null,
      {},
      { size: 2 },
      { size: 2, buffer: new ArrayBuffer(4096) },
      { size: 2, buffer: new SharedArrayBuffer(2) },
      { size: 2, buffer: new SharedArrayBuffer(4096) },
      { size: 3, buffer: group.buffer },
    ].map((other): [string, () => unknown, string] => [
      `groups that are none: ${JSON.stringify(other)}`,
      () => threadCommunicator(other as ThreadGroup, 0),
      'group: expected what makeThreadGroup gave, handed to this thread as it is, received ',
    ]),
    [
      'groups to break that are none',
      () => {
        breakThreadGroup({} as ThreadGroup);
      },
      'group: expected what makeThreadGroup gave, handed to this thread as it is, received {}.',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  test('a rank that another thread has', async () => {
    const taken = makeThreadGroup(2);
    threadCommunicator(taken, 0);
    // The same thread may ask again.
    threadCommunicator(taken, 0);
    vi.resetModules();
    const other = await import('evenkeel/threads');
    expect(() => other.threadCommunicator(taken, 0)).toThrow('rank: 0 is that of another thread.');
    other.threadCommunicator(taken, 1);
  });

  test('pages that are not cross-origin isolated', () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const message =
      'There is no memory that threads can share (SharedArrayBuffer): this page is not cross-origin isolated. Serve it with ' +
      'the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.';
    expect(() => makeThreadGroup(2)).toThrow(message);
    expect(() => threadCommunicator(group, 0)).toThrow(message);
  });

  test('a page’s own thread, but for a group of one', () => {
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    expect(() => threadCommunicator(makeThreadGroup(2), 0)).toThrow(
      'This thread must not wait (Atomics.wait), as a page’s own thread must not: sum over ranks in workers.',
    );
    threadCommunicator(makeThreadGroup(1), 0).allReduce(new Float64Array(1));
  });
});
