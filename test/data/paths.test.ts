/** @file Files by their paths: only regular ones, of a known size, and no more than the limits allow. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { promises as files, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Limits, readArrays } from 'evenkeel/data';
import { loadKerasModel } from 'evenkeel/keras';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeFolder, npy } from '../cli/files.js';
import { refusalOf } from './refusal.js';

const bytes = npy('|u1', [4], Uint8Array.of(1, 2, 3, 4));

/** What reading says, by each of the functions that take a path. */
const refusals = (path: string, limits?: Partial<Limits>): Promise<string[]> =>
  Promise.all([readArrays(path, { limits }), loadKerasModel(path, { limits })].map(refusalOf));

describe.skipIf(process.platform === 'win32')(
  'what is no regular file is refused at once',
  { timeout: 5000 },
  () => {
    test.each(['/dev/zero', '/dev/null', '/dev/urandom'])('%s', async (path) => {
      for (const message of await refusals(path)) {
        expect(message).toBe(
          `Cannot read '${path}': it is a pipe or a device, and only regular files are read. Save what it gives to a file first.`,
        );
      }
    });

    test('a pipe that nobody writes to', async () => {
      const path = join(makeFolder(), 'pipe');
      execFileSync('mkfifo', [path]);
      for (const message of await refusals(path)) expect(message).toMatch(/it is a pipe or a device/);
    });

    test('a socket', async () => {
      const path = join(makeFolder(), 's');
      const server = createServer().listen(path);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      for (const message of await refusals(path)) expect(message).toMatch(/^Cannot read .*ENXIO/);
    });

    test('a folder', async () => {
      const [data, model] = await refusals(makeFolder());
      expect(data).toMatch(/it is a folder$/);
      expect(model).toMatch(/it is a folder\. A SavedModel is code/);
    });

    test('a link to a device', async () => {
      const path = join(makeFolder(), 'model.h5');
      symlinkSync('/dev/zero', path);
      for (const message of await refusals(path)) expect(message).toMatch(/it is a pipe or a device/);
    });
  },
);

describe('the size', () => {
  test('is looked at before anything is read', { timeout: 5000 }, async () => {
    const path = join(makeFolder(), 'sparse.h5');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 40);
    for (const message of await refusals(path)) {
      expect(message).toMatch(
        /takes 1099511627776 bytes, and at most 4294967296 are accepted\. If you trust it, raise the limit: limits: \{ size: … \}, or --limit size=…/,
      );
    }
    for (const message of await refusals(path, { size: Infinity })) {
      expect(message).toMatch(/there is no room for its 1099511627776 bytes in one piece/);
    }
  });

  test('is that of the limit at most', async () => {
    const path = join(makeFolder(), 'data.npy');
    writeFileSync(path, bytes);
    expect((await readArrays(path, { limits: { size: bytes.length } })).arrays.get('')?.shape).toEqual([4]);
    for (const message of await refusals(path, { size: bytes.length - 1 })) {
      expect(message).toMatch(new RegExp(`takes ${bytes.length} bytes, and at most ${bytes.length - 1} are`));
    }
  });

  test.each([
    [-1, /it became shorter while it was read/],
    [1, /it has more than the \d+ bytes that it should/],
  ])('that changes by %d while the file is read is told', async (by, message) => {
    const path = join(makeFolder(), 'data.npy');
    writeFileSync(path, bytes);
    const open = files.open;
    const spy = vi.spyOn(files, 'open').mockImplementation(async (...given) => {
      const handle = await open(...given);
      const stat = handle.stat.bind(handle);
      // What `stat` says is the size before the change.
      handle.stat = (async () => {
        const before = await stat();
        truncateSync(path, before.size + by);
        return before;
      }) as typeof handle.stat;
      return handle;
    });
    onTestFinished(() => {
      spy.mockRestore();
    });
    await expect(readArrays(path)).rejects.toThrow(message);
  });

  test.skipIf(process.platform !== 'linux')('of what the system makes up is none', async () => {
    for (const message of await refusals('/proc/self/status')) {
      expect(message).toMatch(/it has more than the 0 bytes that it should/);
    }
  });
});

describe('a file', () => {
  test('that is longer than what is read at once is read whole', async () => {
    const path = join(makeFolder(), 'data.npy');
    const elements = new Uint8Array(2 ** 26 + 5).fill(7);
    elements[2 ** 26] = 9;
    writeFileSync(path, npy('|u1', [elements.length], elements));
    const { values } = (await readArrays(path)).arrays.get('')!;
    expect([values.length, values[2 ** 26 - 1], values[2 ** 26]]).toEqual([2 ** 26 + 5, 7, 9]);
  });

  test('is read through a link that the user names', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(join(folder, 'elsewhere/x'), bytes);
    symlinkSync('elsewhere/x', join(folder, 'data.npy'));
    expect((await readArrays(join(folder, 'data.npy'))).arrays.get('')?.shape).toEqual([4]);
  });

  test('that is not there is told with a short path', async () => {
    for (const message of await refusals('x'.repeat(100_000))) {
      expect(message).toMatch(/^Cannot read 'x+…': ENAMETOOLONG/);
      expect(message.length).toBeLessThan(1000);
    }
  });

  test('with a zero byte in its path is refused', async () => {
    for (const message of await refusals('a\0b')) expect(message).toMatch(/^Cannot read 'a\\u\{0\}b': /);
  });
});
