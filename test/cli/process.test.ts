/** @file The command as a process: what goes to which stream, and Ctrl-C. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import { dataFile, makeFolder, modelFile } from './files.js';

async function start(args: readonly string[], meanwhile?: (interrupt: () => void) => Promise<void>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/src/main.ts', ...args], { cwd: ROOT });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  await meanwhile?.(() => child.kill('SIGINT'));
  return { code: await closed, ...outcome };
}

it.each(['wasm', 'cpu'])(
  'prints JSON and nothing else, on %s, and says by 1 that there is a finding',
  async (backend) => {
    const args = ['inspect', modelFile('tf-keras-mlp.h5'), '--data', dataFile([50, 6]), '--backend', backend];
    const { code, stdout, stderr } = await start([...args, '--json', '--fail-on', 'note']);
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({ data: { samples: 50, batches: 2 } });
  },
);

it('prints no colours where nobody looks', async () => {
  const { code, stdout, stderr } = await start([
    'inspect',
    modelFile('tf-keras-mlp.h5'),
    '--data',
    dataFile([50, 6]),
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/\n(warning|error) /);
  expect(stdout).not.toContain('\u001b');
});

it('stops on Ctrl-C, which npm passes on once more, and leaves no file', async () => {
  const folder = makeFolder();
  const args = ['recalibrate', modelFile('tf-keras-mlp.h5'), join(folder, 'out.h5'), '--batch-size', '1'];
  const outcome = await start([...args, '--data', dataFile([500_000, 6])], async (interrupt) => {
    await wait(5000);
    interrupt();
    interrupt();
  });
  expect(outcome).toEqual({ code: 130, stdout: '', stderr: 'Stopped. Nothing was written.\n' });
  expect(readdirSync(folder)).toEqual([]);
});
