/** @file The command as a process: what goes to which stream, signals, and what is full or has gone away. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../docs/blocks.js';
import { dataFile, makeFolder, modelFile } from './files.js';

const PROGRAM = [process.execPath, '--import', 'tsx', 'cli/src/main.ts'] as const;

async function start(args: readonly string[], meanwhile?: (child: ChildProcess) => Promise<void>) {
  const [node, ...program] = PROGRAM;
  const child = spawn(node, [...program, ...args], { cwd: ROOT });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  await meanwhile?.(child);
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

/** Runs a line of a shell at a terminal, and gives what that shows. */
function atTerminal(line: (program: string) => string, variables: Record<string, string> = {}) {
  const { stdout } = spawnSync('script', ['-qec', line(PROGRAM.join(' ')), '/dev/null'], {
    ...{ cwd: ROOT, encoding: 'utf8', input: '' },
    // Without NO_COLOR and FORCE_COLOR, which whoever runs the tests may have set.
    env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...variables },
  });
  return stdout;
}

describe.skipIf(process.platform !== 'linux')('at a terminal', () => {
  const model = () => modelFile('tf-keras-mlp.h5');

  it('prints in colours, unless NO_COLOR says otherwise', () => {
    const line = (program: string) => `${program} inspect ${model()} --data ${dataFile([50, 6])} --quiet`;
    expect(atTerminal(line)).toContain('\u001b[33mwarning\u001b[39m');
    const plain = atTerminal(line, { NO_COLOR: '1' });
    expect(plain).toMatch(/\nwarning /);
    expect(plain).not.toContain('\u001b');
  });

  it('shows progress there, and nowhere else', () => {
    const output = join(makeFolder(), 'report.json');
    const line = (program: string) =>
      `${program} inspect ${model()} --data ${dataFile([50, 6])} --json > ${output}`;
    expect(atTerminal(line)).toContain('█');
    expect(JSON.parse(readFileSync(output, 'utf8'))).toMatchObject({ data: { samples: 50 } });
    expect(atTerminal((program) => `${line(program)} --quiet`)).toBe('');
  });
});

/** Waits until a process listens for signals. SIGHUP is one that Node by itself leaves to the system. */
async function listening({ pid }: ChildProcess): Promise<void> {
  const caught = () => /^SigCgt:.*(\w)$/m.exec(readFileSync(`/proc/${pid!}/status`, 'latin1'))![1]!;
  if (process.platform === 'linux') while (parseInt(caught(), 16) % 2 === 0) await wait(50);
  else await wait(2000);
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('stops on %s, which npm passes on once more, by %i, and leaves no file', async (signal, code) => {
  const folder = makeFolder();
  const args = ['recalibrate', modelFile('tf-keras-mlp.h5'), join(folder, 'out.h5'), '--batch-size', '1'];
  const outcome = await start([...args, '--data', dataFile([500_000, 6])], async (child) => {
    await listening(child);
    await wait(3000);
    child.kill(signal);
    child.kill(signal);
  });
  expect(outcome).toEqual({ code, stdout: '', stderr: 'Stopped. Nothing was written.\n' });
  expect(readdirSync(folder)).toEqual([]);
});

it('says that all is written, though it is told to stop while it ends', async () => {
  const output = join(makeFolder(), 'out.h5');
  const outcome = await start(['convert', modelFile('tf-keras-mlp.h5'), output], async (child) => {
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    // For less time than there is between two presses.
    for (let signals = 0; signals < 400 && child.exitCode === null; signals++) {
      child.kill('SIGTERM');
      await wait(1);
    }
  });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
});

/** Runs the command with what a shell puts before and after it. */
function inShell(args: readonly string[], before: string, after: string) {
  const script = `${before} exec "$@" ${after}`;
  const { status, stderr, stdout } = spawnSync('sh', ['-c', script, 'sh', ...PROGRAM, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { code: status, stderr, stdout };
}

it('says where standard output is full, by 3', () => {
  const args = ['inspect', modelFile('tf-keras-mlp.h5'), '--fail-on', 'note'];
  expect(inShell(args, '', '> /dev/full')).toEqual({
    code: 3,
    stdout: '',
    stderr:
      'Standard output cannot be written: ENOSPC: no space left on device, write. What it got is not all.\n',
  });
  expect(inShell(args, '', '> /dev/full 2> /dev/full').code).toBe(3);
  expect(inShell(['nothing'], '', '2> /dev/full').code).toBe(2);
});

it('ends as ever where nobody reads any more', async () => {
  const args = ['inspect', modelFile('tf-keras-mlp.h5'), '--fail-on', 'note', '--json'];
  const { code, stderr } = await start([...args, '--data', dataFile([50, 6])], (child) => {
    child.stdout!.destroy();
    return Promise.resolve();
  });
  expect([code, stderr]).toEqual([1, '']);
  expect(inShell(args.slice(0, 2), '', '>&-')).toEqual({ code: 0, stdout: '', stderr: '' });
});

it('leaves the old file where the new one does not fit', () => {
  const folder = makeFolder();
  const [model, output] = [modelFile('tf-keras-mlp.h5'), join(folder, 'out.h5')];
  copyFileSync(model, output);
  // In blocks of 512 bytes.
  expect(inShell(['convert', model, output], 'ulimit -f 8;', '')).toEqual({
    code: 3,
    stdout: '',
    stderr: `Cannot write '${output}': EFBIG: file too large, write\n`,
  });
  expect(readFileSync(output).equals(readFileSync(model))).toBe(true);
  expect(readdirSync(folder)).toEqual(['out.h5']);
});
