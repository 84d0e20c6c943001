/**
 * @file What a run of a model takes, from the shapes in its graph, before there is a tensor: how much memory at most, and
 * how many steps. An estimate: TF.js' operations hold more or less beside their inputs and outputs.
 */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { refusing } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import {
  type Layer,
  type LayerCall,
  callsOf,
  channelDimension,
  isChannelsFirst,
  isContainer,
  isTimeDistributed,
  withInner,
} from './graph.js';
import { heldLayersOf, ownWeightsOf, propertyOf } from './tensorflow-internals.js';

/** A shape whose batch is known. What stays null, such as how many words a text has, counts as 1. */
export type RunShape = readonly (number | null)[];

/** What a call of a layer takes. */
export interface Work {
  /** Numbers of four bytes that are held at once beside inputs and outputs. */
  readonly numbers: number;
  readonly multiplications: number;
}

/** A layer that takes more than its inputs, outputs and weights show. */
export interface HiddenWork {
  workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work;
}

const saysWork = (layer: Layer): layer is Layer & HiddenWork => 'workOf' in layer;

/** Where in a run the most memory is held. */
export interface Peak {
  readonly path: string;
  readonly inputs: readonly RunShape[];
  readonly outputs: readonly RunShape[];
}

export interface RunCost {
  /** At the peak, inputs and outputs included, weights not. */
  readonly bytes: number;
  /** null where no layer is called. */
  readonly peak: Peak | null;
  /** One for each call of a layer and each 2^20 multiplications, `STEPS_OF_CELL` for each step of a sequence. */
  readonly steps: number;
  readonly outputs: readonly RunShape[];
}

const BYTES = 4;
const MULTIPLICATIONS_OF_STEP = 2 ** 20;
/** What a cell computes for one step of a sequence is some twenty operations of TF.js. */
const STEPS_OF_CELL = 16;
/** What a tensor takes in JavaScript, whatever it holds, in numbers of four bytes. */
const NUMBERS_OF_TENSOR = 512;

export const countNumbers = (shape: RunShape): number =>
  shape.reduce<number>((product, size) => product * (size ?? 1), 1);

const countAll = (shapes: readonly RunShape[]): number =>
  shapes.reduce((sum, shape) => sum + countNumbers(shape), 0);

/** Bytes of all weights of a model. */
export const weightBytes = (model: LayersModel): number =>
  BYTES * countAll([...new Set(model.weights)].map(({ shape }) => shape));

/** What runs of one model take. The same inputs are looked at once. */
export class RunEstimate {
  readonly #known = new Map<LayersModel, Map<string, RunCost>>();

  constructor(private readonly model: LayersModel) {}

  /**
   * @param inputs the shapes that the model is called with
   * @throws ValueError for inputs that a layer cannot take
   */
  of(inputs: readonly RunShape[]): RunCost {
    return this.#run(this.model, inputs, '');
  }

  #run(container: LayersModel, inputs: readonly RunShape[], prefix: string): RunCost {
    const known = this.#known.get(container) ?? new Map<string, RunCost>();
    this.#known.set(container, known);
    const key = inputs.map((shape) => shape.join()).join(';');
    const cost = known.get(key) ?? this.#compute(container, inputs, prefix);
    known.set(key, cost);
    return cost;
  }

  #compute(container: LayersModel, inputs: readonly RunShape[], prefix: string): RunCost {
    const shapes = new Map<SymbolicTensor, RunShape>(
      container.inputs.map((tensor, i) => [tensor, inputs[i]!]),
    );
    const calls = callsOf(container);
    const users = new Map<SymbolicTensor, number>();
    for (const tensor of calls.flatMap((call) => call.inputs))
      users.set(tensor, (users.get(tensor) ?? 0) + 1);
    for (const tensor of [...container.inputs, ...container.outputs]) users.set(tensor, Infinity);
    let held = countAll(inputs);
    let most = held;
    let peak: Peak | null = null;
    let steps = 0;
    for (const call of calls) {
      const taken = call.inputs.map((tensor) => shapes.get(tensor) ?? tensor.shape);
      const { outputs, numbers, steps: ofCall, inner } = this.#call(call.layer, taken, prefix);
      steps += ofCall;
      call.outputs.forEach((tensor, i) => shapes.set(tensor, outputs[i]!));
      held += countAll(outputs);
      if (held + numbers > most || !peak) {
        most = held + numbers;
        peak = inner ?? { path: prefix + call.layer.name, inputs: taken, outputs };
      }
      // TF.js frees what no layer needs any more, unless it trains.
      held -= countAll(unused(call, users).map((tensor) => shapes.get(tensor) ?? tensor.shape));
    }
    return {
      bytes: BYTES * most,
      peak,
      steps,
      outputs: container.outputs.map((tensor) => shapes.get(tensor) ?? tensor.shape),
    };
  }

  /** What one call holds beside its inputs and outputs, and gives. */
  #call(
    layer: Layer,
    inputs: readonly RunShape[],
    prefix: string,
  ): Pick<RunCost, 'outputs' | 'steps'> & Pick<Work, 'numbers'> & { readonly inner?: Peak | null } {
    if (isContainer(layer)) {
      const { outputs, steps, bytes, peak } = this.#run(layer, inputs, `${prefix}${layer.name}/`);
      return { outputs, steps, inner: peak, numbers: bytes / BYTES - countAll(inputs) - countAll(outputs) };
    }
    if (isTimeDistributed(layer)) return this.#timeDistributed(layer, inputs, prefix);
    const outputs = outputShapesOf(layer, inputs);
    const { forwardLayer, backwardLayer, cell } = heldLayersOf(layer);
    if (forwardLayer && backwardLayer) {
      const both = [forwardLayer, backwardLayer].map((one) => this.#call(one, inputs, prefix));
      return {
        outputs,
        steps: both.reduce((sum, one) => sum + one.steps, 0),
        numbers: both.reduce((sum, one) => sum + one.numbers + countAll(one.outputs), 0),
      };
    }
    const { numbers, multiplications, calls } = cell
      ? workOfSteps(layer, cell, inputs[0]!, outputs[0]!)
      : {
          calls: 1,
          ...(saysWork(layer) ? layer.workOf(inputs, outputs) : workOfAny(layer, inputs, outputs)),
        };
    return { outputs, numbers, steps: calls + multiplications / MULTIPLICATIONS_OF_STEP };
  }

  /** Whether the steps are folded into the batch or follow each other: this is as much as either takes. */
  #timeDistributed(layer: Layer & { readonly layer: Layer }, inputs: readonly RunShape[], prefix: string) {
    const [batch, time, ...sample] = inputs[0]!;
    const folded = [(batch ?? 1) * (time ?? 1), ...sample];
    const { outputs, numbers, steps } = this.#call(layer.layer, [folded], `${prefix}${layer.name}/`);
    const all = countNumbers(folded) + countAll(outputs);
    return {
      outputs: outputs.map(([, ...own]): RunShape => [batch!, time!, ...own]),
      steps: steps + (time ?? 1),
      numbers: numbers + all + (time ?? 1) * NUMBERS_OF_TENSOR,
    };
  }
}

/** What nobody needs after a call. */
function unused({ inputs }: LayerCall, users: Map<SymbolicTensor, number>): SymbolicTensor[] {
  return inputs.filter((tensor) => {
    const left = users.get(tensor)! - 1;
    users.set(tensor, left);
    return left === 0;
  });
}

function outputShapesOf(layer: Layer, inputs: readonly RunShape[]): RunShape[] {
  const what = `Layer ${show(layer.name)} cannot take an input of shape ${inputs.map(show).join(' and ')}`;
  const given = inputs.map((shape) => [...shape]);
  const result = refusing(what, () => layer.computeOutputShape(given.length === 1 ? given[0]! : given));
  const shapes = (Array.isArray(result[0]) ? result : [result]) as RunShape[];
  const cannotBe = shapes.find((shape) => shape.some((size) => size !== null && !(size >= 0)));
  if (cannotBe) throw new ValueError(`${what}: its output would have the shape ${show(cannotBe)}.`);
  return shapes;
}

/** How many numbers all kernels in a layer have. */
const countKernels = (layer: Layer): number =>
  withInner(layer)
    .flatMap(ownWeightsOf)
    .filter(({ name }) => name.slice(name.lastIndexOf('/') + 1).includes('kernel'))
    .reduce((sum, { shape }) => sum + countNumbers(shape), 0);

/** How many numbers of a sample each of its channels has. */
const countPositions = (layer: Layer, sample: RunShape): number =>
  sample.length === 0 ? 1 : countNumbers(sample.with(channelDimension(layer, sample.length), 1));

/** Most layers: every kernel meets every position of the input, or of the output, once. */
export function workOfAny(layer: Layer, inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
  const sizes = [...inputs, ...outputs].map(countNumbers);
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const positions = [...inputs, ...outputs]
    .map(([batch, ...sample]) => (batch ?? 1) * countPositions(layer, sample))
    .reduce((most, one) => Math.max(most, one), 0);
  const products =
    layer.getClassName() === 'Dot'
      ? // Of matrices [a, b] and [b, c] come [a, c], and a·b·c products.
        Math.sqrt(sizes.reduce((product, size) => product * size, 1))
      : positions * countKernels(layer);
  return {
    numbers: 2 * largest,
    multiplications: all + products + countPooled(layer, inputs[0]!, outputs[0]!),
  };
}

/** How many numbers all windows of a pooling layer have together. */
function countPooled(layer: Layer, input: RunShape, output: RunShape): number {
  const sizes = propertyOf(layer, 'poolSize');
  if (!Array.isArray(sizes)) return 0;
  const first = isChannelsFirst(layer) ? 2 : 1;
  return (sizes as number[]).reduce(
    (product, size, i) => product * Math.min(size, input[first + i] ?? 1),
    countNumbers(output),
  );
}

/** A recurrent layer holds what its cell gives, for all steps at once. */
function workOfSteps(layer: Layer, cell: Layer, input: RunShape, output: RunShape): Work & { calls: number } {
  const isTimeMajor = propertyOf(layer, 'timeMajor') === true;
  const time = input[isTimeMajor ? 0 : 1] ?? 1;
  const batch = input[isTimeMajor ? 1 : 0] ?? 1;
  const sample = output.slice(propertyOf(layer, 'returnSequences') === true ? 2 : 1);
  const positions = batch * time * countPositions(layer, sample);
  return {
    calls: time * STEPS_OF_CELL,
    numbers: 2 * countNumbers(input) + time * (4 * batch * countNumbers(sample) + 4 * NUMBERS_OF_TENSOR),
    multiplications: positions * countKernels(cell),
  };
}
