/**
 * @file The command that starts a job of MPI. What starts its processes listens on all interfaces, so a job runs in a
 * network namespace of which only the loopback interface is up; where the system does not allow that, MPI is told to
 * use none at all, and only mpiexec listens.
 */
import { dirname } from 'node:path';
import { hasNamespaces, inNamespace } from './namespace.js';

/** MPI's program that starts processes, if there is one to use. */
export const MPIEXEC = process.env.EVENKEEL_MPIEXEC;

const WITHOUT_NETWORK = { UCX_TLS: 'self,sm', FI_PROVIDER: 'shm', HYDRA_IFACE: 'lo' };

let isInNamespace: boolean | undefined;

/** A program, with what `spawn` is to be given. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * @param mpiexec its path
 * @param ranks how many processes; 0: one, without mpiexec
 * @param args those of Node in each process
 */
export function mpiCommand(mpiexec: string, ranks: number, args: readonly string[]): Command {
  isInNamespace ??= hasNamespaces();
  const job = [...(ranks > 0 ? [mpiexec, '-n', String(ranks)] : []), process.execPath, ...args];
  const [program, ...others] = isInNamespace ? inNamespace(...job) : job;
  // The library lies beside it.
  const PATH = `${dirname(mpiexec)}:${process.env.PATH ?? ''}`;
  return {
    program: program!,
    args: others,
    env: { ...process.env, PATH, ...(isInNamespace ? {} : WITHOUT_NETWORK) },
  };
}
