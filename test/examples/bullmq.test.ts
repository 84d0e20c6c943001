/** @file The example for BullMQ, with a Redis of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { collectUndos } from '../after-all.js';
import { makeFolder, readWeights } from '../cli/files.js';
import { ROOT } from '../docs/blocks.js';
import { findProgram } from '../programs.js';
import { type Casualty, bundleCommand, makeCommand, runProgram } from './command.js';
import { OPTIONS, type Task, makeTask, recalibrateAlone } from './shards.js';

// A test starts some thirty processes.
vi.setConfig({ testTimeout: 400_000 });

const redis = findProgram('EVENKEEL_REDIS', 'redis-server');

const EXAMPLE = join(ROOT, 'examples/bullmq');
const TSX = ['--import', import.meta.resolve('tsx')];

/** Ends a process, and waits until it has. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill();
  await ended;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

/** Starts a Redis that keeps nothing, and that no other machine can reach. */
async function startRedis(program: string, undoAfter: ReturnType<typeof collectUndos>): Promise<string> {
  const port = await freePort();
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    save: '',
    appendonly: 'no',
    dir: makeFolder(undoAfter),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn(program, args, { stdio: 'ignore' });
  undoAfter(() => end(server));
  while (!(await canConnect(port))) {
    if (server.exitCode !== null) throw new Error(`${program} has ended.`);
    await wait(50);
  }
  return `redis://127.0.0.1:${port}`;
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .on('connect', () => {
        socket.end();
        resolve(true);
      })
      .on('error', () => {
        resolve(false);
      });
  });

describe.skipIf(!redis)('BullMQ', { tags: ['redis'] }, () => {
  const undoAfterAll = collectUndos();
  let task: Task;
  let program: string;
  let address: string;

  beforeAll(async () => {
    task = await makeTask(makeFolder(undoAfterAll));
    program = await bundleCommand(undoAfterAll);
    address = await startRedis(redis!, undoAfterAll);
  });

  /** Two workers and the program that gives them work. */
  async function recalibrateByWorkers(casualty: Casualty, ...options: string[]) {
    const folder = makeFolder();
    const repaired = join(folder, 'repaired.h5');
    const { env, hasDied } = makeCommand(folder, program, casualty);
    const environment = { ...env, REDIS_URL: address, PATIENCE: '1000' };
    const workers = [1, 2].map(() =>
      spawn(process.execPath, [...TSX, join(EXAMPLE, 'work.ts')], { env: environment, stdio: 'ignore' }),
    );
    onTestFinished(async () => {
      await Promise.all(workers.map(end));
    });
    const args = [join(EXAMPLE, 'recalibrate.ts'), task.model, repaired, task.shards, ...OPTIONS, ...options];
    const ended = await runProgram(process.execPath, [...TSX, ...args], environment);
    return {
      ...ended,
      repaired,
      hasDied: hasDied(),
      killed: workers.filter(({ signalCode }) => signalCode === 'SIGKILL').length,
    };
  }

  it('gives the bits of one process, layer by layer, though a worker is killed in the middle of a shard', async () => {
    const { code, output, ...run } = await recalibrateByWorkers('its parent');
    expect(code, output).toBe(0);
    expect(run).toMatchObject({ hasDied: true, killed: 1 });
    expect(await readWeights(run.repaired)).toEqual(await recalibrateAlone(task));
  });

  it('writes nothing where one of the shards cannot be read', async () => {
    const shard = join(task.shards, 'shard-3.npy');
    const bytes = readFileSync(shard);
    writeFileSync(shard, bytes.subarray(0, -1));
    try {
      const run = await recalibrateByWorkers('nobody', '--one-pass');
      expect(run.code).not.toBe(0);
      expect(run.output).toContain('shard-3.npy');
      expect(existsSync(run.repaired)).toBe(false);
    } finally {
      writeFileSync(shard, bytes);
    }
  });
});
