/** @file Jobs of MPI, whose processes run `rank.ts`. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { MPIEXEC, mpiCommand } from '../../shared/mpi-job.js';
import { ROOT } from '../docs/blocks.js';

export { MPIEXEC };

/** A library of the same MPI. */
export const libraryOfMpi = (name: string): string => join(dirname(MPIEXEC!), '../lib', name);

interface Job {
  /** mpiexec's status, which is that of the process that ended the job; null where it had to be ended. */
  readonly status: number | null;
  /** What all of them printed, lines in the order in which they came. */
  readonly stdout: string[];
  readonly stderr: string;
  /** How long it took, in seconds. */
  readonly seconds: number;
}

/** No job of these takes longer, in seconds, unless it hangs. */
const LIMIT = 100;

/**
 * @param ranks how many processes; 0: one, without mpiexec
 * @param scenario its name in `rank.ts`, and what else it takes
 */
export function runJob(
  ranks: number,
  scenario: string | readonly string[],
  added: Record<string, string> = {},
): Job {
  const { program, args, env } = mpiCommand(MPIEXEC!, ranks, [
    '--import',
    'tsx',
    'test/mpi/rank.ts',
    ...[scenario].flat(),
  ]);
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    ...{ cwd: ROOT, encoding: 'utf8', timeout: LIMIT * 1000, maxBuffer: 2 ** 28 },
    env: { ...env, ...added },
  });
  return {
    status,
    stdout: stdout.split('\n').filter(Boolean),
    stderr,
    seconds: (performance.now() - start) / 1000,
  };
}
