/** @file PyTorch as a peer, where python3 has it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Milliseconds of a training step by shape, or why there are none. */
export function torchStepMs(shapes: readonly number[][]): Record<string, number> | string {
  const program = fileURLToPath(new URL('torch_step.py', import.meta.url));
  const python = process.env.PYTHON ?? 'python3';
  const names = shapes.map((shape) => shape.join('x'));
  const { status, stdout, stderr, error } = spawnSync(python, [program, ...names], { encoding: 'utf8' });
  if (error) return `${python} does not start: ${error.message}`;
  if (status !== 0) return stderr.trim().split('\n').pop() ?? 'it ended without a word';
  return JSON.parse(stdout) as Record<string, number>;
}
