/** @file The states that stateful recurrent layers carry from one batch to the next. */
import { type Tensor, dispose, keep, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isTensor } from '../text/show.js';
import { type Layer, layersOf } from './graph.js';

type StatefulLayer = Layer & { getStates(): Tensor[]; setStates(states: Tensor[]): void };

/** Whether a layer holds states. One that was never built has none: Bidirectional keeps the layer that it was made from. */
const isStateful = (layer: Layer): layer is StatefulLayer =>
  layer.stateful && 'getStates' in layer && (layer as StatefulLayer).getStates().every(isTensor);

/** The stateful recurrent layers within a model, each with its path. */
export const statefulLayersOf = (model: LayersModel): { layer: StatefulLayer; path: string }[] =>
  layersOf(model).flatMap(({ layer, path }) => (isStateful(layer) ? [{ layer, path }] : []));

/** States for a model to run from, zero at first, in place of its own, which stay as they are. */
export class BorrowedStates {
  readonly #layers: readonly StatefulLayer[];
  #states: readonly Tensor[][];

  constructor(model: LayersModel) {
    this.#layers = statefulLayersOf(model).map(({ layer }) => layer);
    this.#states = this.#layers.map((layer) =>
      tidy(() => layer.getStates().map((state) => keep(zerosLike(state)))),
    );
  }

  /** Runs the model, in inference mode, from these states, which are then those that it has come to. */
  during<Result>(run: () => Result): Result {
    const own = this.#layers.map((layer) => layer.getStates());
    this.#layers.forEach((layer, i) => {
      layer.setStates(this.#states[i]!);
    });
    try {
      return run();
    } finally {
      this.#states = this.#layers.map((layer) => layer.getStates());
      this.#layers.forEach((layer, i) => {
        layer.setStates(own[i]!);
      });
    }
  }

  dispose(): void {
    dispose(this.#states as Tensor[][]);
  }
}
