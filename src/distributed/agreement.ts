/** @file Makes sure that all ranks train the same, before they begin. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Group, makeMessage } from '../group/group.js';
import { trainedVariablesOf, variableOf } from '../model/tensorflow-internals.js';
import { ValueError } from '../text/value-error.js';
import { broadcastText } from './broadcast.js';

/** A line for each weight: names of layers are left out, since TF.js counts them anew in each process. */
export const weightLines = ({ weights }: LayersModel): string[] =>
  weights.map(({ originalName, shape, dtype }, i) => {
    const name = originalName.split('/').pop()!;
    return `weight ${i + 1} of ${weights.length}: ${name} of shape [${shape.join(', ')}], ${dtype}`;
  });

type Given = string | ((...args: never[]) => unknown) | null | undefined;

/** Losses or metrics as they were given to `compile`, without the names of outputs, which are layers' names. */
function describe(
  given: Given | readonly Given[] | Record<string, Given | readonly Given[]>,
  outputNames: readonly string[],
): string {
  if (typeof given === 'function') return given.name;
  if (typeof given !== 'object' || given === null) return given ?? 'none';
  const list = Array.isArray(given)
    ? (given as readonly Given[])
    : outputNames.map((name) => (given as Record<string, Given>)[name]);
  return `[${list.map((one) => describe(one, outputNames)).join(', ')}]`;
}

/** Lines for how a model is compiled: another optimizer would change the weights otherwise. */
export function compiledLines(model: LayersModel): string[] {
  const { optimizer, loss, metrics, outputNames, weights } = model;
  const trained = new Set(trainedVariablesOf(model));
  const numbers = weights.flatMap((weight, i) => (trained.has(variableOf(weight)) ? [i + 1] : []));
  return [
    `optimizer: ${optimizer.getClassName()} ${JSON.stringify(optimizer.getConfig())}`,
    `loss: ${describe(loss, outputNames)}`,
    `metrics: ${describe(metrics, outputNames)}`,
    `weights that are trained: ${numbers.join(', ')}`,
  ];
}

/**
 * @param lines that must be the same on all ranks
 * @throws ValueError on all ranks, with the first line that differs
 */
export function checkAgreement(group: Group, lines: readonly string[]): void {
  const own = lines.join('\n');
  const expected = broadcastText(group, 'the model', own, 0);
  const differs = makeMessage(group.size);
  if (own !== expected) differs[group.rank] = 1;
  const rank = group.sum('the comparison of models', differs).indexOf(1);
  if (rank < 0) return;
  const other = broadcastText(group, 'the other model', own, rank).split('\n');
  const first = expected.split('\n');
  const differing = first.findIndex((line, i) => line !== other[i]);
  // Else the other one has more lines.
  const at = differing < 0 ? first.length : differing;
  throw new ValueError(
    `Rank ${rank} has another model than rank 0. Rank ${rank} has ${quote(other[at])}, and rank 0 ${quote(first[at])}. ` +
      'Build and compile the same model on all ranks.',
  );
}

const quote = (line: string | undefined): string => (line === undefined ? 'nothing more' : `“${line}”`);
