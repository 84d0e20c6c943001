/** @file PyTorch as a peer, where python3 has it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LEARNING_RATE, type Network } from '../networks/networks.js';
import type { Data, Results } from '../networks/subject.js';

/** What a program here prints, or why it printed nothing. */
function runPython(program: string, args: readonly string[], input = ''): unknown {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const python = process.env.PYTHON ?? 'python3';
  const { status, stdout, stderr, error } = spawnSync(python, [path, ...args], {
    encoding: 'utf8',
    input,
    maxBuffer: 2 ** 28,
  });
  if (error) return `${python} does not start: ${error.message}`;
  if (status !== 0) return stderr.trim().split('\n').pop() ?? 'it ended without a word';
  return JSON.parse(stdout);
}

/** Milliseconds of a training step of the layer by shape, or why there are none. */
export const torchStepMs = (shapes: readonly (readonly number[])[]): Record<string, number> | string =>
  runPython(
    'torch_step.py',
    shapes.map((shape) => shape.join('x')),
  ) as Record<string, number> | string;

const encode = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
const decode = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

/** A network's results and milliseconds, or why there are none. */
export function torchNetwork(
  network: Network,
  data: Data,
  measureMs: number,
): { results: Results; stepMs: number; forwardMs: number } | string {
  const request = {
    network,
    learningRate: LEARNING_RATE,
    measureMs,
    x: encode(data.x).toString('base64'),
    classes: [...data.classes],
    weights: data.weights.map(({ shape, values }) => ({ shape, values: encode(values).toString('base64') })),
  };
  const reply = runPython('torch_networks.py', [], JSON.stringify(request)) as
    { loss: number; gradients: string[]; stepMs: number; forwardMs: number } | string;
  if (typeof reply === 'string') return reply;
  const { loss, gradients, stepMs, forwardMs } = reply;
  return { results: { loss, gradients: gradients.map(decode) }, stepMs, forwardMs };
}
