/** @file One pass over data, for the statistics of some normalizations of a model. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { breathe } from '../model/progress.js';
import { BorrowedStates } from '../model/states.js';
import { ValueError } from '../text/value-error.js';
import type { Source } from './data.js';
import { type Result, type StatisticsKind, isSettled } from './new-statistics.js';
import { type Normalization, isEvenkeel } from './normalizations.js';
import {
  type Call,
  EndOfRun,
  MomentsOfRun,
  normalizeByBatch,
  normalizeByStatistics,
  runWith,
} from './observe.js';
import { Population, areFinite } from './population.js';
import type { RunLimits } from './run-limits.js';

export interface PassOptions {
  /** How many batches to look at, at most. */
  readonly batches?: number;
  /** As for `recalibrate`; 0 for all batches. */
  readonly tolerance?: number;
  readonly signal: AbortSignal | undefined;
  /** Called after each batch. */
  readonly onBatch: (number: number) => void;
}

/** For one pass over the data. */
export class RecalibrationPass {
  readonly #populations = new Map<Normalization, Population>();

  /**
   * @param normalizations all of the model's
   * @param targets those that statistics are computed for
   * @param results what others normalize by; those without any normalize by the batch
   */
  constructor(
    private readonly model: LayersModel,
    private readonly normalizations: readonly Normalization[],
    private readonly targets: readonly Normalization[],
    private readonly results: ReadonlyMap<Normalization, Result>,
    private readonly statistics: StatisticsKind,
    private readonly limits: RunLimits,
  ) {}

  get name(): string {
    return this.targets.length === 1 ? this.targets[0]!.name : 'all layers';
  }

  /** Goes through the data, or as much of it as is enough. Returns how many batches that were. */
  async run(
    source: Source,
    { batches = Infinity, tolerance = 0, signal, onBatch }: PassOptions,
  ): Promise<number> {
    let states: BorrowedStates | null = null;
    let number = 0;
    try {
      for await (const inputs of source.batches(signal)) {
        this.limits.check({ inputs: inputs.map(({ shape }) => shape) });
        // After the check, since states are tensors.
        states ??= new BorrowedStates(this.model);
        await this.#add(inputs, ++number, states);
        onBatch(number);
        await breathe();
        signal?.throwIfAborted();
        if (number >= batches || this.#isSettled(tolerance)) break;
      }
    } finally {
      states?.dispose();
    }
    return number;
  }

  /** Adds what a batch shows of the targets. */
  async #add(inputs: readonly Tensor[], number: number, states: BorrowedStates): Promise<void> {
    const moments = new MomentsOfRun();
    try {
      this.#run(inputs, moments, states);
      for (const { normalization, hasBessel, calls } of await moments.read()) {
        if (!calls.every(areFinite)) throw notFiniteError(number, normalization.name);
        const population =
          this.#populations.get(normalization) ?? new Population(channelsOf(normalization), hasBessel);
        population.add(calls);
        this.#populations.set(normalization, population);
      }
    } finally {
      moments.dispose();
    }
  }

  #run(inputs: readonly Tensor[], moments: MomentsOfRun, states: BorrowedStates): void {
    const { targets, results } = this;
    const [only] = targets;
    // A lone target that is called once has been called when anything else is.
    const canStop = targets.length === 1 && only!.calls.length === 1 && !only!.isWrapped;
    const normalize = (call: Call): Tensor => {
      if (canStop && !moments.isEmpty) throw new EndOfRun();
      const { normalization } = call;
      const result = results.get(normalization);
      if (result) return normalizeByStatistics(call, result.after);
      const virtualBatchSize = this.statistics === 'batches' ? virtualBatchSizeOf(call) : null;
      const isTarget = targets.includes(normalization);
      const taken = isTarget ? moments.take(call, virtualBatchSize) : null;
      return normalizeByBatch(call, virtualBatchSize === null ? taken : null);
    };
    try {
      tidy(() => {
        states.during(() => runWith(this.model, inputs, this.normalizations, normalize));
      });
    } catch (error) {
      if (!(error instanceof EndOfRun)) throw error;
    }
  }

  /** Whether there are batches enough for all targets. */
  #isSettled(tolerance: number): boolean {
    return this.targets.every((target) => {
      const population = this.#populations.get(target);
      return population !== undefined && isSettled(population, tolerance, target.layer.epsilon);
    });
  }

  /** What came to a target. */
  populationOf(target: Normalization): Population {
    return this.#populations.get(target) ?? new Population(channelsOf(target), false);
  }
}

const channelsOf = ({ layer }: Normalization): number => layer.movingMean.read().size;

/** The size of the ghost batches that training would divide this batch into; null for none. */
function virtualBatchSizeOf({ normalization: { layer, name }, x }: Call): number | null {
  const virtualBatchSize = isEvenkeel(layer) ? layer.virtualBatchSize : null;
  const samples = x.shape[0];
  if (virtualBatchSize !== null && samples % virtualBatchSize !== 0) {
    throw new ValueError(
      `The layer '${name}' has virtualBatchSize ${virtualBatchSize}, which does not divide the batch of ${samples}. ` +
        `Give batches of a multiple, or take the statistics of the population, to which batches do not matter.`,
    );
  }
  return virtualBatchSize;
}

const notFiniteError = (batch: number, layer: string) =>
  new ValueError(
    `Batch ${batch} of the data brings values to the layer '${layer}' that are NaN or infinite. Look for them in the ` +
      `data and in the weights of the layers before; inspect tells of those in normalizations.`,
  );
