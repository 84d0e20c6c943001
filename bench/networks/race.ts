/**
 * @file Whole networks: a training step (forward, loss, gradients of all weights, the SGD update, the loss read) and its
 * own forward pass, against stock TF.js and PyTorch. The results of contenders are compared before they are timed.
 *
 * jax-js is none of them: in Node it has no GPU, and on wasm it takes longer for the gradients of one such convolution
 * than TF.js, accelerated, for some ten steps of the whole network.
 */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { type Effort, race } from '../measure.js';
import { torchNetwork } from '../peers/torch.js';
import { type Profile, profile } from '../exclusive-times.js';
import { NETWORKS, type NetworkName } from './networks.js';
import { type Data, type Results, type Subject, drawData, makeSubject } from './subject.js';

/** Of evenkeel's also where a step's time goes, if it does not take too long to look. */
export interface NetworkRow extends Partial<Profile> {
  network: NetworkName;
  contender: string;
  /** Null where the contender does not train the network. */
  stepMs: number | null;
  forwardMs: number | null;
  /** Why there is no time. */
  why?: string;
}

const EFFORTS: Record<string, Effort> = {
  wasm: { warmCalls: 3, warmMs: 300, measureMs: 6000, minCalls: 5 },
  // Where a step may take half a minute.
  cpu: { warmCalls: 1, warmMs: 0, measureMs: 4000, minCalls: 1 },
};
/** How far losses may lie apart, relative. */
const LOSS_AGREEMENT = 1e-5;
/**
 * How far gradients may, in Euclidean norm, relative. Rounding alone moves them by 1e-6, but where one number of a
 * million passes a ReLU in one contender and not in the other, by up to 1 %.
 */
const GRADIENT_AGREEMENT = 2e-2;

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Throws where results are not those of the first contender. */
function compare(contender: string, actual: Results, expected: Results): void {
  const check = (what: string, error: number, limit: number) => {
    if (!(error <= limit)) throw new Error(`${contender}: ${what} differs by ${error}, relative.`);
  };
  check('the loss', Math.abs(actual.loss / expected.loss - 1), LOSS_AGREEMENT);
  // Some gradients are 0 but for rounding, such as that of an offset before another normalization.
  const least = 1e-3 * Math.max(...expected.gradients.map(norm));
  expected.gradients.forEach((gradient, i) => {
    const error = norm(gradient.map((value, j) => value - actual.gradients[i]![j]!));
    check(`gradient ${i}`, error / Math.max(norm(gradient), least), GRADIENT_AGREEMENT);
  });
}

/** The layers and kernels of evenkeel, and those of TF.js alone. */
const KINDS = {
  evenkeel: { normalization: () => layerBatchNormalization(), isAccelerated: true },
  stock: { normalization: () => tf.layers.batchNormalization({}), isAccelerated: false },
};
type Kind = keyof typeof KINDS;

/** Runs something with the kernels of one kind. */
function withKernels<Result>(kind: Kind, run: () => Result): Result {
  const undo = KINDS[kind].isAccelerated ? accelerateTensorFlow() : null;
  try {
    return run();
  } finally {
    undo?.();
  }
}

const MISSING_KERNEL = /Kernel '(\w+)' not registered/;

/** Results and how long they took, or why the network does not train. */
function resultsOrWhy({ results }: Subject): { results: Results; ms: number } | string {
  const start = performance.now();
  try {
    return { results: results(), ms: performance.now() - start };
  } catch (error) {
    const [, kernel] = MISSING_KERNEL.exec(String(error)) ?? [];
    if (kernel === undefined) throw error;
    return `does not train: ${kernel} is missing`;
  }
}

async function raceOnBackend(
  name: NetworkName,
  data: Data,
  backend: string,
  compareWithFirst: (contender: string, results: Results) => void,
): Promise<NetworkRow[]> {
  await tf.setBackend(backend);
  const effort = EFFORTS[backend]!;
  const subjects = (Object.keys(KINDS) as Kind[]).map((kind) => {
    const subject = makeSubject(NETWORKS[name], data, KINDS[kind].normalization);
    const first = withKernels(kind, () => resultsOrWhy(subject));
    const row = { network: name, contender: `${kind}, ${backend}` };
    if (typeof first === 'string')
      return { kind, subject, isRaced: false, row: { ...row, stepMs: null, why: first } };
    compareWithFirst(row.contender, first.results);
    // What takes minutes has taken its only step.
    return { kind, subject, isRaced: first.ms < effort.measureMs, row: { ...row, stepMs: first.ms } };
  });
  const contenders = Object.fromEntries(
    subjects.flatMap(({ kind, subject, isRaced }) => [
      ...(isRaced ? [[`${kind} step`, subject.step]] : []),
      [`${kind} forward`, subject.forward],
    ]),
  ) as Record<string, () => void>;
  const times = race(contenders, effort, (contender, turn) => {
    withKernels(contender.split(' ')[0] as Kind, turn);
  });
  const rows = subjects.map(({ kind, subject, isRaced, row }): NetworkRow => {
    const forwardMs = times[`${kind} forward`]!;
    if (!isRaced) return { ...row, forwardMs };
    const stepMs = times[`${kind} step`]!;
    const where = kind === 'evenkeel' ? withKernels(kind, () => profile(subject.step, stepMs)) : {};
    return { ...row, forwardMs, stepMs, ...where };
  });
  for (const { subject } of subjects) subject.dispose();
  return rows;
}

/** All contenders of a network, evenkeel on the first backend first. */
export async function raceNetwork(
  name: NetworkName,
  backends: readonly string[],
  say: (what: string) => void,
): Promise<NetworkRow[]> {
  await tf.setBackend(backends[0]!);
  const data = drawData(NETWORKS[name]);
  let first: Results | undefined;
  const compareWithFirst = (contender: string, results: Results) => {
    if (first) compare(`${name}, ${contender}`, results, first);
    first ??= results;
  };
  const rows: NetworkRow[] = [];
  for (const backend of backends) {
    say(`${name} on ${backend}`);
    rows.push(...(await raceOnBackend(name, data, backend, compareWithFirst)));
  }
  say(`${name} in PyTorch`);
  const contender = 'PyTorch, one thread';
  const torch = torchNetwork(NETWORKS[name], data, EFFORTS.wasm!.measureMs);
  if (typeof torch === 'string') {
    return [...rows, { network: name, contender, stepMs: null, forwardMs: null, why: torch }];
  }
  const { results, ...times } = torch;
  compareWithFirst(contender, results);
  return [...rows, { network: name, contender, ...times }];
}
