/** @file A network's training on one rank, and on two: threads, or processes of MPI. Each is started anew in turn. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Command, MPIEXEC, mpiCommand } from '../../shared/mpi-job.js';
import { median } from '../measure.js';
import type { Measured } from './training.js';

export interface RanksRow extends Partial<Omit<Measured, 'losses' | 'stepMs'>> {
  engine: string;
  ranks: number;
  /** Null where the engine is not there. */
  stepMs: number | null;
  /** How many times as long a step takes alone. */
  timesAsFast?: number;
  /** Why there is no time. */
  why?: string;
}

const ROUNDS = 3;
/** How far losses may lie apart, relative. */
const AGREEMENT = 1e-5;

const PROGRAM = fileURLToPath(new URL('group.ts', import.meta.url));
const GROUPS = [
  { engine: 'alone', ranks: 1 },
  { engine: 'threads', ranks: 2 },
  { engine: 'MPI', ranks: 2 },
];
type Group = (typeof GROUPS)[number];

function start({ engine, ranks }: Group): Measured {
  const args = ['--import', 'tsx', PROGRAM, engine, String(ranks)];
  const node: Command = { program: process.execPath, args, env: process.env };
  const command = engine === 'MPI' ? mpiCommand(MPIEXEC!, ranks, args) : node;
  const { env } = command;
  const { status, stdout, stderr } = spawnSync(command.program, command.args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${engine}: it ended with ${status}. ${stderr}`);
  return JSON.parse(stdout) as Measured;
}

function compare(engine: string, actual: Measured, expected: Measured): void {
  actual.losses.forEach((loss, step) => {
    const error = Math.abs(loss / expected.losses[step]! - 1);
    if (!(error <= AGREEMENT)) {
      throw new Error(`${engine}: the loss of step ${step + 1} differs by ${error}, relative.`);
    }
  });
}

export function raceRanks(say: (what: string) => void): RanksRow[] {
  const groups = GROUPS.filter(({ engine }) => engine !== 'MPI' || MPIEXEC);
  const runs = new Map(groups.map((group) => [group, [] as Measured[]]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const group of groups) {
      say(`ranks: ${group.engine}, ${round} of ${ROUNDS}`);
      runs.get(group)!.push(start(group));
      compare(group.engine, runs.get(group)!.at(-1)!, runs.get(groups[0]!)![0]!);
    }
  }
  const medianOf = (group: Group, name: Exclude<keyof Measured, 'losses'>) =>
    median(runs.get(group)!.map((run) => run[name]));
  return GROUPS.map((group): RanksRow => {
    if (!runs.has(group)) return { ...group, stepMs: null, why: 'EVENKEEL_MPIEXEC names no mpiexec' };
    const stepMs = medianOf(group, 'stepMs');
    return {
      ...{ ...group, stepMs, timesAsFast: medianOf(groups[0]!, 'stepMs') / stepMs },
      ...{ cpuMs: medianOf(group, 'cpuMs'), sumsMs: medianOf(group, 'sumsMs') },
      ...{ gradientsMs: medianOf(group, 'gradientsMs'), momentsMs: medianOf(group, 'momentsMs') },
    };
  });
}
