/** @file PyTorch as a peer, where python3 has it. */
import { LEARNING_RATE, type Network } from '../networks/networks.js';
import type { Data, Results } from '../networks/subject.js';
import { TORCH_PYTHON, decode, encode, runPython } from './python.js';

/** Milliseconds of a training step of the layer by shape, or why there are none. */
export const torchStepMs = (shapes: readonly (readonly number[])[]): Record<string, number> | string =>
  runPython(
    TORCH_PYTHON,
    'torch_step.py',
    shapes.map((shape) => shape.join('x')),
  ) as Record<string, number> | string;

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
    x: encode(data.x),
    classes: [...data.classes],
    weights: data.weights.map(({ shape, values }) => ({ shape, values: encode(values) })),
  };
  const reply = runPython(TORCH_PYTHON, 'torch_networks.py', [], JSON.stringify(request)) as
    { loss: number; gradients: string[]; stepMs: number; forwardMs: number } | string;
  if (typeof reply === 'string') return reply;
  const { loss, gradients, stepMs, forwardMs } = reply;
  return { results: { loss, gradients: gradients.map(decode) }, stepMs, forwardMs };
}
