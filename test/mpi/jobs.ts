/**
 * @file Jobs of MPI, whose processes run `rank.ts`. What starts them listens on all interfaces, so they run in a network
 * namespace of which only the loopback interface is up; where the system does not allow that, MPI is told to use none at
 * all, and only mpiexec listens.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ROOT } from '../docs/blocks.js';

/** MPI's program that starts the processes; where a path is given, the tests may not skip. */
export const MPIEXEC = process.env.EVENKEEL_MPIEXEC;

/** A library of the same MPI. */
export const libraryOfMpi = (name: string): string => join(dirname(MPIEXEC!), '../lib', name);

const IN_A_NAMESPACE = [
  ...['unshare', '--map-root-user', '--net'],
  ...['sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
];

let hasNamespaces: boolean | undefined;

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
 * @param scenario its name in `rank.ts`
 */
export function runJob(ranks: number, scenario: string, env: Record<string, string> = {}): Job {
  hasNamespaces ??= spawnSync(IN_A_NAMESPACE[0]!, [...IN_A_NAMESPACE.slice(1), 'true']).status === 0;
  const onlyLoopback = { UCX_TLS: 'self,sm', FI_PROVIDER: 'shm', HYDRA_IFACE: 'lo' };
  const [program, ...args] = [
    ...(hasNamespaces ? IN_A_NAMESPACE : []),
    ...(ranks > 0 ? [MPIEXEC!, '-n', String(ranks)] : []),
    ...[process.execPath, '--import', 'tsx', 'test/mpi/rank.ts', scenario],
  ] as [string, ...string[]];
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: LIMIT * 1000,
    env: {
      ...process.env,
      PATH: `${dirname(MPIEXEC!)}:${process.env.PATH ?? ''}`,
      ...(hasNamespaces ? {} : onlyLoopback),
      ...env,
    },
  });
  return {
    status,
    stdout: stdout.split('\n').filter(Boolean),
    stderr,
    seconds: (performance.now() - start) / 1000,
  };
}
