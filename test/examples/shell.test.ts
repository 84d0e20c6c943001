/** @file The examples that are shell scripts, for GNU parallel, xargs and Slurm. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { collectUndos } from '../after-all.js';
import { makeFolder, readWeights } from '../cli/files.js';
import { ROOT } from '../docs/blocks.js';
import { findProgram } from '../programs.js';
import { type Casualty, type Ended, bundleCommand, makeCommand, runProgram } from './command.js';
import { OPTIONS, type Task, makeTask, recalibrateAlone } from './shards.js';

// Each test starts some thirty processes.
vi.setConfig({ testTimeout: 400_000 });

const undoAfterAll = collectUndos();
let task: Task;
let program: string;

beforeAll(async () => {
  task = await makeTask(makeFolder(undoAfterAll));
  program = await bundleCommand(undoAfterAll);
});

interface Run extends Ended {
  /** The repaired model. */
  readonly repaired: string;
  readonly hasDied: boolean;
}

/** Runs a script of the examples on the task, in `folder`, which may hold what an earlier run left. */
async function runScript(
  script: string,
  folder: string,
  casualty: Casualty,
  ...options: string[]
): Promise<Run> {
  const { env, hasDied } = makeCommand(folder, program, casualty);
  const repaired = join(folder, 'repaired.h5');
  const args = [task.model, repaired, task.shards, join(folder, 'work'), ...OPTIONS, ...options];
  const ended = await runProgram(join(ROOT, 'examples', script), args, env);
  return { ...ended, repaired, hasDied: hasDied() };
}

const parallel = findProgram('EVENKEEL_PARALLEL', 'parallel');

it.skipIf(!parallel)(
  'GNU parallel gives the bits of one process, layer by layer, though a process is killed',
  { tags: ['gnu-parallel'] },
  async () => {
    const run = await runScript('gnu-parallel/recalibrate.sh', makeFolder(), 'itself');
    expect(run).toMatchObject({ code: 0, hasDied: true });
    expect(await readWeights(run.repaired)).toEqual(await recalibrateAlone(task));
  },
);

/** A command that does nothing, and where it merges, Ctrl-C comes when it has done its work. */
const INTERRUPTED = `#!/bin/sh
trap '' INT
echo "$1" >> "$CALLED"
case "$*" in
*--count*) echo 1 ;;
merge*) kill -INT 0 ;;
esac
`;

it.each(['xargs', ...(parallel ? ['gnu-parallel'] : [])])(
  '%s ends by Ctrl-C whenever it comes',
  async (name) => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'evenkeel'), INTERRUPTED, { mode: 0o755 });
    const [called, work] = [join(folder, 'called'), join(folder, 'work')];
    mkdirSync(work);
    const child = spawn(
      join(ROOT, `examples/${name}/recalibrate.sh`),
      ['model.h5', 'repaired.h5', task.shards, work],
      // In a group of its own, as a terminal has it.
      {
        detached: true,
        stdio: 'ignore',
        env: { ...process.env, PATH: `${folder}:${process.env.PATH!}`, CALLED: called },
      },
    );
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(readFileSync(called, 'utf8')).toMatch(/merge\n$/);
  },
);

describe('xargs', () => {
  const script = 'xargs/recalibrate.sh';

  it('gives the bits of one process though a process is killed; again, it computes what is missing', async () => {
    const folder = makeFolder();
    const run = await runScript(script, folder, 'itself', '--one-pass');
    expect(run).toMatchObject({ code: 0, hasDied: true });
    const expected = await recalibrateAlone(task, '--one-pass');
    expect(await readWeights(run.repaired)).toEqual(expected);

    const partOf = (shard: string) => join(folder, `work/round-1/${shard}.jsonl`);
    const before = statSync(partOf('shard-0.npy')).mtimeMs;
    rmSync(partOf('shard-3.npy'));
    // A shard that is there twice counts once.
    copyFileSync(partOf('shard-5.npy'), partOf('copy'));
    rmSync(join(folder, 'bin'), { recursive: true });
    rmSync(run.repaired);
    const again = await runScript(script, folder, 'nobody', '--one-pass');
    expect(again.code, again.output).toBe(0);
    expect(await readWeights(again.repaired)).toEqual(expected);
    expect(statSync(partOf('shard-0.npy')).mtimeMs).toBe(before);
  });

  it('writes nothing where one of the shards cannot be read', async () => {
    const shard = join(task.shards, 'shard-3.npy');
    const bytes = readFileSync(shard);
    writeFileSync(shard, bytes.subarray(0, -1));
    try {
      const run = await runScript(script, makeFolder(), 'nobody', '--one-pass');
      expect(run.code).toBe(3);
      expect(run.output).toMatch(/of 7 shards, and those of 8 are\s+expected/);
      expect(existsSync(run.repaired)).toBe(false);
    } finally {
      writeFileSync(shard, bytes);
    }
  });
});

/**
 * Runs a job where it is submitted, with the variables that Slurm sets. The last task of an array runs first, and a task
 * that fails runs again.
 */
const SBATCH = `#!/usr/bin/env bash
set -euo pipefail
echo "$*" >> "$SUBMITTED"
export SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_COUNT
while [[ $1 == -* ]]; do
  [[ $1 != --array=0-* ]] || last=\${1#--array=0-}
  shift
done
if [ -n "\${last:-}" ]; then
  SLURM_ARRAY_TASK_COUNT=$((last + 1))
  for ((SLURM_ARRAY_TASK_ID = last; SLURM_ARRAY_TASK_ID >= 0; SLURM_ARRAY_TASK_ID--)); do
    bash "$@" >&2 || bash "$@" >&2
  done
else
  bash "$@" >&2
fi
wc -l < "$SUBMITTED"
`;

it('Slurm gives the bits of one process, layer by layer, though a task is killed', async () => {
  const folder = makeFolder();
  const { env, hasDied } = makeCommand(folder, program, 'itself');
  const sbatch = join(folder, 'bin/sbatch');
  writeFileSync(sbatch, SBATCH);
  chmodSync(sbatch, 0o755);
  const [repaired, submitted] = [join(folder, 'repaired.h5'), join(folder, 'submitted')];
  const args = [task.model, repaired, task.shards, join(folder, 'work'), '3', ...OPTIONS];
  const { code, output } = await runProgram(join(ROOT, 'examples/slurm/submit.sh'), args, {
    ...env,
    SUBMITTED: submitted,
  });
  expect(code, output).toBe(0);
  expect(hasDied()).toBe(true);
  expect(await readWeights(repaired)).toEqual(await recalibrateAlone(task));
  // An array and a merge for each round. Each waits for the one before.
  const jobs = readFileSync(submitted, 'utf8').trim().split('\n');
  expect(jobs.map((job) => /--dependency=afterok:(\d+)/.exec(job)?.[1])).toEqual([
    undefined,
    '1',
    '2',
    '3',
    '4',
    '5',
  ]);
  expect(jobs.map((job) => job.includes('--array=0-2 '))).toEqual([true, false, true, false, true, false]);
});
