/** @file The data's way through a model, batch by batch: what reaches its normalizations, in inference and in training. */
import { type Tensor, clone, dispose, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { BorrowedStates } from '../model/states.js';
import type { InputStatistics, OutputGap } from './findings.js';
import { type Normalization, isEvenkeel } from './normalizations.js';
import { type Call, type MomentsOfCalls, MomentsOfRun, normalizeByBatch, runWith } from './observe.js';
import { OutputComparison } from './output-comparison.js';
import { Population, areFinite } from './population.js';
import type { RunLimits } from './run-limits.js';
import { isFrozen } from '../model/frozen.js';

const MODES = ['inference', 'training'] as const;
type Mode = (typeof MODES)[number];

/** What the inputs of a layer have shown so far. */
type Inputs = Pick<InputStatistics, 'training' | 'perCall'> & {
  readonly inference: Population;
  brokenBatch: number | null;
};

/** To be disposed after use. */
export class Examination {
  batches = 0;
  samples = 0;
  #largestBatch = 0;
  readonly #inputs = new Map<Normalization, Inputs>();
  readonly #outputs: readonly OutputComparison[];
  #states: Readonly<Record<Mode, BorrowedStates>> | null = null;

  constructor(
    private readonly model: LayersModel,
    private readonly normalizations: readonly Normalization[],
    private readonly limits: RunLimits,
  ) {
    this.#outputs = model.outputs.map(({ name }) => new OutputComparison(name.split('/')[0]!));
  }

  /** Runs a batch through the model, in both modes. */
  async add(inputs: readonly Tensor[]): Promise<void> {
    // The outputs of both are compared.
    this.limits.check({ inputs: inputs.map(({ shape }) => shape), count: MODES.length });
    // After the check, since states are tensors.
    this.#states ??= { inference: new BorrowedStates(this.model), training: new BorrowedStates(this.model) };
    const samples = inputs[0]!.shape[0];
    this.batches++;
    this.samples += samples;
    this.#largestBatch = Math.max(this.#largestBatch, samples);
    const runs = MODES.map((mode) => ({ mode, moments: new MomentsOfRun(), outputs: [] as Tensor[] }));
    try {
      for (const run of runs) run.outputs = this.#run(inputs, run.mode, run.moments);
      for (const { mode, moments } of runs) {
        for (const layer of await moments.read()) this.#add(mode, layer);
      }
      const [inference, training] = await Promise.all(
        runs.map(({ outputs }) => Promise.all(outputs.map((output) => output.data()))),
      );
      this.#outputs.forEach((comparison, i) => {
        comparison.add(inference![i]!, training![i]!, runs[0]!.outputs[i]!.shape);
      });
    } finally {
      for (const { moments, outputs } of runs) {
        moments.dispose();
        dispose(outputs);
      }
    }
  }

  #run(inputs: readonly Tensor[], mode: Mode, moments: MomentsOfRun): Tensor[] {
    const normalize = (call: Call): Tensor => {
      const { layer } = call.normalization;
      const batch = moments.take(call);
      if (mode === 'inference') return call.infer();
      if (!isEvenkeel(layer)) return normalizeByBatch(call, batch);
      if (isFrozen(layer)) return call.infer();
      if (!layer.renorm) return normalizeByBatch(call, batch);
      // Close to inference on purpose. Training takes whole ghost batches only.
      const isWhole = layer.virtualBatchSize === null || call.x.shape[0] % layer.virtualBatchSize === 0;
      return isWhole ? call.train() : call.infer();
    };
    return tidy(() => {
      const outputs = this.#states![mode].during(() =>
        runWith(this.model, inputs, this.normalizations, normalize),
      );
      // A model may hand an input or a weight on as its output, and what is given back here is to be disposed.
      return outputs.map((output) => clone(output));
    });
  }

  #add(mode: Mode, { normalization, hasBessel, calls }: MomentsOfCalls): void {
    const inputs = this.#inputsOf(normalization, hasBessel);
    if (!calls.every(areFinite)) {
      inputs.brokenBatch ??= this.batches;
      return;
    }
    inputs[mode].add(calls);
    if (mode === 'training') return;
    calls.forEach((moments, i) => inputs.perCall[i]?.add([moments]));
  }

  #inputsOf(normalization: Normalization, hasBessel: boolean): Inputs {
    let inputs = this.#inputs.get(normalization);
    if (!inputs) {
      const { layer, calls, isWrapped } = normalization;
      const make = () => new Population(layer.movingMean.read().size, hasBessel);
      const perCall = calls.length > 1 && !isWrapped ? calls.map(make) : [];
      inputs = { training: make(), inference: make(), perCall, brokenBatch: null };
      this.#inputs.set(normalization, inputs);
    }
    return inputs;
  }

  /** null where nothing has reached the layer. */
  inputsOf(normalization: Normalization): InputStatistics | null {
    const inputs = this.#inputs.get(normalization);
    return inputs ? { ...inputs, batchSize: this.#largestBatch, samples: this.samples } : null;
  }

  outputGaps(): OutputGap[] {
    return this.#outputs.flatMap((comparison) => comparison.result() ?? []);
  }

  dispose(): void {
    for (const mode of MODES) this.#states?.[mode].dispose();
  }
}
