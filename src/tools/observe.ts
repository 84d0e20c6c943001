/**
 * @file Runs a model in inference mode and looks at what reaches its normalizations, or lets them normalize by other
 * statistics, without touching a weight: for the time of the run, and no longer, each of them calls the tool.
 */
import {
  type Tensor,
  cast,
  dispose,
  keep,
  relu,
  reshape,
  tensor,
  tidy,
  unstack,
  where,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { refusing } from '../text/refusal.js';
import { show } from '../text/show.js';
import { activeFusedBackend } from '../backends/active.js';
import type { Moments } from '../core/passes.js';
import { runAlone } from '../group/group.js';
import type { CallArguments } from '../layer/call-arguments.js';
import { type Plan, makePlan } from '../layer/plan.js';
import { batchMoments, infer } from '../operation/composed/composed.js';
import { momentsFused } from '../operation/fused.js';
import type { NormalizationLayer } from '../model/graph.js';
import { override } from '../model/override.js';
import { type Normalization, isEvenkeel } from './normalizations.js';
import type { Statistics } from './population.js';

/** A normalization's call. */
export interface Call {
  readonly normalization: Normalization;
  /** The input, as float32. */
  readonly x: Tensor;
  readonly plan: Plan;
  /** Which elements count; null where all do. */
  readonly mask: Tensor | null;
  /** The output in inference mode, by the layer itself. */
  infer(): Tensor;
  /** The output in training mode, by this library's layer itself, its statistics left alone. */
  train(): Tensor;
}

/**
 * Applies the model to a batch, in inference mode, while `normalize` gives the outputs of its normalizations. Must be
 * called within a `tidy`.
 */
export function runWith(
  model: LayersModel,
  inputs: readonly Tensor[],
  normalizations: readonly Normalization[],
  normalize: (call: Call) => Tensor,
): Tensor[] {
  const undo = normalizations.map((normalization) => standIn(normalization, normalize));
  try {
    return running(model, () => [model.apply([...inputs], { training: false }) as Tensor | Tensor[]].flat());
  } finally {
    for (const one of undo) one();
  }
}

/**
 * Thrown through TF.js to end a run where nothing that comes after it is of interest: layer by layer, that is half of
 * all work. TF.js runs a container to its end; `LayersModel.execute` stops at a layer of the model, but not at one of a
 * model within. This can go when TF.js runs a model up to any tensor in it.
 */
export class EndOfRun extends Error {}

/**
 * Runs a model. What TF.js throws then is about the model, or about what was given to it.
 *
 * @throws ValueError that names the model
 */
export function running<T>(model: LayersModel, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof EndOfRun) throw error;
    return refusing(`The model ${show(model.name)} cannot be run`, () => {
      throw error;
    });
  }
}

/** Puts another `call` on the layer. Returns how to put things back. */
function standIn(normalization: Normalization, normalize: (call: Call) => Tensor): () => void {
  const { layer } = normalization;
  const call = layer.call.bind(layer) as (inputs: Tensor | Tensor[], kwargs: CallArguments) => Tensor;
  return override(layer, 'call', (inputs: Tensor | Tensor[], kwargs: CallArguments) =>
    tidy(() => {
      const x = cast([inputs].flat()[0]!, 'float32');
      const infer = () => call(inputs, { training: false, updateMovingStatistics: false });
      if (x.size === 0) return infer();
      return normalize({
        normalization,
        x,
        plan: planFor(layer, x.shape),
        mask: isEvenkeel(layer) ? layer.maskInCall(x, kwargs) : null,
        infer,
        train: () =>
          runAlone(() => call(inputs, { ...kwargs, training: true, updateMovingStatistics: false })),
      });
    }),
  );
}

/** TF.js' own layer as a plan: one axis, and moving variances without Bessel's correction. */
function planFor(layer: NormalizationLayer, shape: number[]): Plan {
  const stock = {
    ...{ axis: layer.axis, fused: false, renorm: false, virtualBatchSize: null, adjustment: null },
    synchronized: false,
  };
  return makePlan(isEvenkeel(layer) ? layer : stock, shape);
}

/** Moments of one call, of which the host may have to wait for the numbers. */
export interface PendingMoments {
  /** On the backend, per group and channel: count, mean, variance; good within the run's tidy. */
  readonly tensors: readonly [Tensor, Tensor, Tensor];
  /** On the host; good until `dispose`. */
  read(): Promise<Moments>;
  dispose(): void;
}

/** The moments of a normalization's calls in one run of the model. */
export interface MomentsOfCalls {
  readonly normalization: Normalization;
  /** Whether training gives the moving variance Bessel's correction. */
  readonly hasBessel: boolean;
  readonly calls: readonly Moments[];
}

/** Takes moments of calls during a run, to be read after it. */
export class MomentsOfRun {
  readonly #taken: { readonly call: Call; readonly pending: PendingMoments }[] = [];

  get isEmpty(): boolean {
    return this.#taken.length === 0;
  }

  take(call: Call, virtualBatchSize: number | null = null): PendingMoments {
    const pending = momentsOfCall(call, virtualBatchSize);
    this.#taken.push({ call, pending });
    return pending;
  }

  async read(): Promise<MomentsOfCalls[]> {
    const layers = new Map<Normalization, { hasBessel: boolean; calls: Moments[] }>();
    for (const { call, pending } of this.#taken) {
      const moments = await pending.read();
      const known = layers.get(call.normalization);
      if (known) known.calls.push(moments);
      else layers.set(call.normalization, { hasBessel: call.plan.isFusedInKeras, calls: [moments] });
    }
    return [...layers].map(([normalization, rest]) => ({ normalization, ...rest }));
  }

  dispose(): void {
    for (const { pending } of this.#taken) pending.dispose();
  }
}

/** The moments of a call's input: by the kernels in float64, where the backend has them. */
function momentsOfCall({ x, plan: { axes }, mask }: Call, virtualBatchSize: number | null): PendingMoments {
  const step = { axes, virtualBatchSize, mask };
  const backend = activeFusedBackend();
  const moments = backend?.hasNumbers && momentsFused(backend, x, step);
  if (moments) {
    const { count, mean, variance } = moments;
    const upload = (values: Float64Array) => tensor(new Float32Array(values));
    return {
      tensors: [upload(count), upload(mean), upload(variance)],
      read: () => Promise.resolve(moments),
      dispose: () => undefined,
    };
  }
  const all = keep(batchMoments(x, step));
  return {
    tensors: unstack(all) as [Tensor, Tensor, Tensor],
    async read() {
      const values = Float64Array.from(await all.data());
      const length = values.length / 3;
      const part = (i: number) => values.subarray(i * length, (i + 1) * length);
      return { count: part(0), mean: part(1), variance: part(2) };
    },
    dispose() {
      dispose(all);
    },
  };
}

/**
 * The call's output where the layer normalizes by the batch's own moments; by the moving ones where there are none.
 *
 * @param known the whole batch's moments, where they have been taken
 */
export function normalizeByBatch(call: Call, known: PendingMoments | null): Tensor {
  const moments = known ?? momentsOfCall(call, null);
  if (!known) moments.dispose();
  const [count, mean, variance] = moments.tensors;
  const { movingMean, movingVariance } = call.normalization.layer;
  if (!call.mask) return normalizeBy(call, mean, variance);
  const isKnown = cast(relu(count), 'bool');
  const choose = (own: Tensor, moving: Tensor) => where(isKnown, own, reshape(moving, [moving.size]));
  return normalizeBy(call, choose(mean, movingMean.read()), choose(variance, movingVariance.read()));
}

/** The call's output where the layer normalizes by other statistics. */
export function normalizeByStatistics(call: Call, { mean, variance }: Statistics): Tensor {
  return normalizeBy(call, tensor(new Float32Array(mean)), tensor(new Float32Array(variance)));
}

function normalizeBy({ x, plan, normalization: { layer } }: Call, mean: Tensor, variance: Tensor): Tensor {
  const { gamma, beta, epsilon } = layer;
  const parameters = { gamma: gamma?.read() ?? null, beta: beta?.read() ?? null };
  const statistics = { movingMean: mean, movingVariance: variance, renorm: null };
  return infer(x, parameters, statistics, plan.axes, epsilon);
}
