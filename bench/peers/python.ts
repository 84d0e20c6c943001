/** @file Runs the programs of Python beside this file. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What has PyTorch. */
export const TORCH_PYTHON = process.env.PYTHON ?? 'python3';

/** What a program here prints, or why it printed nothing. */
export function runPython(python: string, program: string, args: readonly string[], input = ''): unknown {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { status, stdout, stderr, error } = spawnSync(python, [path, ...args], {
    encoding: 'utf8',
    input,
    maxBuffer: 2 ** 28,
  });
  if (error) return `${python} does not start: ${error.message}`;
  if (status !== 0) return stderr.trim().split('\n').pop() ?? 'it ended without a word';
  return JSON.parse(stdout);
}

/** Numbers as the programs read and write them. */
export const encode = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

export const decode = (text: string): Float32Array =>
  new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
