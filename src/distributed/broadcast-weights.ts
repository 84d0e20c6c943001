/** @file Gives the models of all ranks the weights of one. */
import { type Optimizer, tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Communicator } from '../group/communicator.js';
import { Group } from '../group/group.js';
import { buildIfNeeded, checkModel } from '../model/graph.js';
import { readOptimizerState, writeOptimizerState } from '../model/optimizer-state.js';
import { type Kept, trainedVariablesOf } from '../model/tensorflow-internals.js';
import { assignExactly } from '../model/weights.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { checkAgreement, weightLines } from './agreement.js';
import { checkBackend } from './backend.js';
import { broadcastNumbers, broadcastText } from './broadcast.js';

/**
 * Gives the model on every rank the weights that it has on one of them, all of them: what is trained, what is frozen, and
 * moving statistics. `distributedDataParallel` does this with rank 0 as the root. The names of weights may differ.
 *
 * As `broadcast_variables` of Horovod.
 *
 * @param root the rank whose weights all get. Default 0
 * @throws ValueError on all ranks, where one of them has another model: it names the first weight that differs
 */
export function broadcastWeights(model: LayersModel, communicator: Communicator, root = 0): void {
  const group = Group.of(communicator);
  checkModel(model);
  checkBackend();
  buildIfNeeded(model);
  if (!(Number.isInteger(root) && root >= 0 && root < group.size)) {
    throw new ValueError(`root: ${show(root)}. Expected is a rank, from 0 to ${group.size - 1}.`);
  }
  checkAgreement(group, weightLines(model));
  sendWeights(group, model, root);
}

/** As `broadcastWeights`, of models that are known to be alike. */
export function sendWeights(group: Group, { weights }: LayersModel, root: number): void {
  tidy(() => {
    weights.forEach((weight, i) => {
      const { shape, dtype } = weight.read();
      const received = broadcastNumbers(group, `weight ${i + 1}`, weight.read().dataSync(), root);
      const values = dtype === 'float32' ? Float32Array.from(received) : Int32Array.from(received);
      assignExactly(weight, tensor(values, shape, dtype));
    });
  });
}

/** What an optimizer keeps, as a text tells it. */
interface Layout {
  readonly iterations: number;
  readonly kept: readonly (Omit<Kept, 'tensor'> & { readonly shape: readonly number[] })[];
}

/** Gives the optimizer on every rank what that of rank 0 keeps, such as momenta, so that a training goes on everywhere. */
export function sendOptimizerState(group: Group, model: LayersModel, optimizer: Optimizer): void {
  const weights = trainedVariablesOf(model);
  tidy(() => {
    const { iterations, kept } = readOptimizerState(optimizer, weights);
    const own: Layout = {
      iterations,
      kept: kept.map(({ tensor: { shape }, ...about }) => ({ ...about, shape })),
    };
    const layout = JSON.parse(broadcastText(group, 'the optimizer', JSON.stringify(own), 0)) as Layout;
    const received = layout.kept.map(({ shape, ...about }, i) => {
      const length = shape.reduce((size, one) => size * one, 1);
      const numbers = group.rank === 0 ? kept[i]!.tensor.dataSync() : new Float32Array(length);
      const sum = broadcastNumbers(group, `the optimizer's ${about.field}`, numbers, 0);
      return { ...about, tensor: tensor(Float32Array.from(sum), [...shape]) };
    });
    writeOptimizerState(optimizer, weights, { iterations: layout.iterations, kept: received });
  });
}
