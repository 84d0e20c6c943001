/**
 * @file A process that writes a model of eight shards is ended at random moments: then the old model or the new one is
 * there, whole, and nothing else; after SIGKILL, once the next process has written there.
 * `EVENKEEL_KILLS=200` ends so many.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import { makeFolder } from './files.js';
import { leftIn, numberOf, writeNumbered } from './numbered.js';

const KILLS = Number(process.env.EVENKEEL_KILLS ?? 12);

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SIGNALS = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Its multiples are spread evenly over each interval of length one. */
const GOLDEN = 0.618033988749895;

interface Writer {
  readonly child: ChildProcess;
  /** The number of the model that it wrote last; −1 before. */
  readonly last: () => number;
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

/** Starts a process that writes models, and waits until it has written one. */
async function startWriter(path: string, first: number, ...options: string[]): Promise<Writer> {
  const args = ['--import', 'tsx', 'test/cli/writer.ts', path, String(first), ...options];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { stdout: '', stderr: '' };
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stderr: written.stderr });
    });
  });
  const started = new Promise((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      written.stdout += chunk.toString();
      resolve(undefined);
    });
  });
  await Promise.race([started, ended]);
  return { child, last: () => Number(written.stdout.trim().split('\n').at(-1) || -1), ended };
}

describe('a process that writes models, and is ended', () => {
  it(
    `at ${KILLS} random moments leaves the old model or the new one`,
    async () => {
      const path = join(makeFolder(), 'model.json');
      const counts = { killed: 0, old: 0, new: 0, leftDrafts: 0, leftShards: 0, leftLock: 0, stopped: 0 };
      await writeNumbered(path, 0);
      const started = performance.now();
      for (let number = 1; number <= 10; number++) await writeNumbered(path, number);
      const duration = (performance.now() - started) / 10;
      for (let kill = 0; kill < KILLS; kill++) {
        const name = SIGNALS[kill % SIGNALS.length]!;
        const { child, last, ended } = await startWriter(path, numberOf(path) + 1);
        await wait(2 * duration * ((kill * GOLDEN) % 1));
        child.kill(name);
        const { code, stderr } = await ended;
        const number = numberOf(path);
        expect(stderr).toBe('');
        if (name === 'SIGKILL') {
          // One may be written that the process could not tell of any more.
          expect([last(), last() + 1]).toContain(number);
          counts.killed++;
          counts[number === last() ? 'old' : 'new']++;
          const left = leftIn(path).join();
          if (left.includes('.draft')) counts.leftDrafts++;
          if (left.includes('shard')) counts.leftShards++;
          if (left.includes('lock')) counts.leftLock++;
          await writeNumbered(path, number + 1);
        } else {
          expect([code, number]).toEqual([EXIT_CODES[name], last()]);
          counts.stopped++;
        }
        expect(leftIn(path)).toEqual([]);
      }
      if (process.env.EVENKEEL_KILLS)
        console.log(`${KILLS} kills:`, counts, `${duration.toFixed(1)} ms a model`);
    },
    KILLS * 10_000 + 60_000,
  );

  it('by a second signal, ends at once, and leaves no draft', async () => {
    const path = join(makeFolder(), 'model.json');
    const { child, ended } = await startWriter(path, 0, 'deaf');
    child.kill('SIGINT');
    await wait(1500);
    expect(child.exitCode).toBe(null);
    // One that comes too soon after the first, where the process heard of that late, does not count.
    const pressing = setInterval(() => child.kill('SIGINT'), 1500);
    expect((await ended).code).toBe(130);
    clearInterval(pressing);
    expect(numberOf(path)).toBeGreaterThan(0);
    expect(leftIn(path)).toEqual([]);
  });

  it('while others write there too, leaves a model of one of them', async () => {
    const path = join(makeFolder(), 'model.json');
    for (let round = 0; round < 3; round++) {
      const writers = await Promise.all([1e3, 1e6, 1e9].map((first) => startWriter(path, first)));
      for (const [i, { child, ended }] of writers.entries()) {
        await wait(20 * GOLDEN * (i + round));
        child.kill(i === 2 ? 'SIGTERM' : 'SIGKILL');
        await ended;
        expect(numberOf(path)).toBeGreaterThanOrEqual(1e3);
      }
    }
    await writeNumbered(path, 1);
    expect([numberOf(path), leftIn(path)]).toEqual([1, []]);
  });
});
