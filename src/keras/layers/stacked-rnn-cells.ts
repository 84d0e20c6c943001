/**
 * @file Keras' StackedRNNCells. Source: tf-keras 2.18 `layers/rnn/stacked_rnn_cells.py`.
 *
 * TF.js' own has its states in the reverse order.
 */
import type { Tensor, serialization } from '@tensorflow/tfjs-core';
import { inNameScope } from '../../model/tensorflow-internals.js';
import { refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { type Cell, KerasCell, outputShapeOf, stateShapesOf } from './cell.js';
import { type LayerDescription, describeLayer, expectLayer, makeLayer } from './inner-layers.js';
import { type LayerArguments, type Shape } from './keras-layer.js';

/** The arguments of {@link StackedRNNCells}. */
export interface StackedRNNCellsArguments extends LayerArguments {
  /** Each takes the output of the one before. */
  cells: Cell[];
}

/**
 * Several cells as one: each takes the output of the one before, and the last one's is the output. Its states
 * are those of all cells, in their order.
 */
export class StackedRNNCells extends KerasCell {
  static readonly className = 'StackedRNNCells';
  static override readonly settings = ['cells'];
  readonly cells: readonly Cell[];

  constructor(args: StackedRNNCellsArguments) {
    super(args);
    if (!Array.isArray(args.cells) || args.cells.length === 0) {
      refuse(ValueError, 'cells', 'one cell or more', args.cells);
    }
    for (const cell of args.cells) expectLayer('cells', cell);
    this.cells = args.cells;
  }

  get stateSize(): number[] {
    return this.cells.flatMap((cell) => cell.stateSize);
  }

  override get sampleRank(): number | null {
    const first = this.cells[0]!;
    return first instanceof KerasCell ? first.sampleRank : null;
  }

  /** The input of a step for each cell. */
  #steps(step: Shape): { cell: Cell; step: Shape }[] {
    const steps: { cell: Cell; step: Shape }[] = [];
    for (const cell of this.cells) {
      // The output of the last is left out: what asks for it asks once, however deep cells lie within cells.
      const before = steps.at(-1);
      steps.push({ cell, step: before ? outputShapeOf(before.cell, before.step) : step });
    }
    return steps;
  }

  override stateShapes(step: Shape): Shape[] {
    return this.#steps(step).flatMap(({ cell, step: own }) => stateShapesOf(cell, own));
  }

  override stepOutputShape(step: Shape): Shape {
    const last = this.#steps(step).at(-1)!;
    return outputShapeOf(last.cell, last.step);
  }

  beginSequence(step: Shape): void {
    for (const { cell, step: own } of this.#steps(step)) {
      if (cell instanceof KerasCell) cell.beginSequence(own);
    }
  }

  endSequence(): void {
    for (const cell of this.cells) if (cell instanceof KerasCell) cell.endSequence();
  }

  override build(step: Shape): void {
    this.#steps(step).forEach(({ cell, step: own }, i) => {
      // As TF.js names them.
      inNameScope(`RNNCell_${i}`, () => {
        cell.build(own);
      });
    });
    this.built = true;
  }

  override call(inputs: Tensor[], kwargs: Record<string, unknown>): Tensor[] {
    let [output, ...states] = inputs as [Tensor, ...Tensor[]];
    const after = this.cells.flatMap((cell) => {
      const count = [cell.stateSize].flat().length;
      const own = states.slice(0, count);
      states = states.slice(count);
      const [next, ...given] = cell.call([output, ...own], kwargs) as [Tensor, ...Tensor[]];
      output = next;
      return given;
    });
    return [output, ...after];
  }

  protected override get parts(): readonly Cell[] {
    return this.cells;
  }

  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const cells = (config.cells as unknown as LayerDescription[]).map(makeLayer);
    return super.fromConfig(cls, { ...config, cells: cells as never });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), cells: this.cells.map(describeLayer) };
  }
}

/**
 * Makes a {@link StackedRNNCells}.
 *
 * @throws TypeError for a cell that is no layer
 * @throws ValueError for an empty list
 */
export const stackedRNNCells = (args: StackedRNNCellsArguments) => new StackedRNNCells(args);
