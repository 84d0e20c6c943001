/**
 * @file Programs that listen on all interfaces run in a network namespace: of its interfaces, only the loopback one is
 * up, and every port is free.
 */
import { spawnSync } from 'node:child_process';

/** The command that runs another in a new namespace. */
export const inNamespace = (...command: readonly string[]): [string, ...string[]] => [
  'unshare',
  ...['--map-root-user', '--net'],
  ...['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command],
];

/** Whether this system lets us make one. */
export function hasNamespaces(): boolean {
  const [program, ...args] = inNamespace('true');
  return spawnSync(program, args).status === 0;
}
