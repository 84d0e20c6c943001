/** @file What a tool may take for a run of a model: estimated before anything is computed, and refused above a limit. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Limits, checkLimits } from '../data/limits.js';
import { type RunCost, RunEstimate, type RunShape, countNumbers, weightBytes } from '../model/run-cost.js';
import { shorten, show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** How much work a model may ask for. */
export interface LimitOptions {
  /**
   * `memory`: bytes that the model, copies of it and what it computes may take at once; default 4 GiB, which is all that a
   * WebAssembly memory holds. `steps`: calls of layers in a run, 16 for each step of a sequence, and one for each 2^20
   * multiplications; default 2^22. Both are estimated by the shapes in the model's graph. Other limits say nothing here.
   */
  readonly limits?: Partial<Limits> | undefined;
}

/** Runs of a model, one after the other. */
export interface Runs {
  /** The shapes that the model is called with. */
  readonly inputs: readonly RunShape[];
  /** How many there are whose outputs are kept. Default: 1. */
  readonly count?: number;
}

const DEFAULTS = { memory: 2 ** 32, steps: 2 ** 22 } as const;

/** Estimates what runs of a model take, and holds it against the limits. */
export class RunLimits {
  readonly #estimate: RunEstimate;
  readonly #weights: number;
  readonly #limits: Partial<Limits>;
  readonly #checked = new Set<string>();

  /**
   * @param models how many copies of the model's weights there are at once, its own included
   * @throws TypeError or ValueError for limits that cannot be
   */
  constructor(model: LayersModel, { limits = {} }: LimitOptions, models = 1) {
    checkLimits(limits);
    this.#limits = limits;
    this.#estimate = new RunEstimate(model);
    this.#weights = models * weightBytes(model);
  }

  /** @throws ValueError where the weights alone, and their copies, take too much */
  checkWeights(): void {
    if (this.#weights <= this.#limitOf('memory')) return;
    throw this.#refusal('memory', this.#weights, 'for its weights and their copy');
  }

  /** Whether runs take no more memory than the limit. */
  fits(runs: Runs): boolean {
    return this.#bytesOf(this.#costOf(runs), runs) <= this.#limitOf('memory');
  }

  /** @throws ValueError where runs take too much, or where the model cannot be run on such inputs */
  check(runs: Runs): void {
    const { inputs } = runs;
    const key = inputs.map((shape) => shape.join()).join(';');
    if (this.#checked.has(key)) return;
    const cost = this.#costOf(runs);
    const bytes = this.#bytesOf(cost, runs);
    const given = `for ${inputs.length === 1 ? 'an input' : 'inputs'} of shape ${showAll(inputs)}`;
    if (!(bytes <= this.#limitOf('memory'))) {
      throw this.#refusal('memory', bytes, `${given}${whereOf(cost)}`);
    }
    if (!(cost.steps <= this.#limitOf('steps'))) {
      throw this.#refusal('steps', cost.steps, given);
    }
    this.#checked.add(key);
  }

  #costOf({ inputs }: Runs): RunCost {
    return this.#estimate.of(inputs);
  }

  #bytesOf({ bytes, outputs }: RunCost, { inputs, count = 1 }: Runs): number {
    // Tools cut the batch out of the data, join outputs, and read them to compare them.
    return this.#weights + bytes + count * (bytesOf(inputs) + 3 * bytesOf(outputs));
  }

  #limitOf(name: keyof typeof DEFAULTS): number {
    return this.#limits[name] ?? DEFAULTS[name];
  }

  #refusal(name: keyof typeof DEFAULTS, amount: number, what: string): ValueError {
    const showAmount =
      name === 'memory' ? showBytes : (steps: number) => `${showNumber(Math.ceil(steps))} steps`;
    return new ValueError(
      `model: it takes about ${showAmount(amount)}${name === 'memory' ? ' of memory' : ''} ${what}, and at most ` +
        `${showAmount(this.#limitOf(name))} are accepted. Give fewer samples at once, if there are several; raise the limit if you trust the model: ` +
        `limits: { ${name}: … }, or --limit ${name}=… of the command.`,
    );
  }
}

const bytesOf = (shapes: readonly RunShape[]): number =>
  shapes.reduce((sum, shape) => sum + 4 * countNumbers(shape), 0);

const showAll = (shapes: readonly RunShape[]): string => shorten(shapes.map(show).join(' and '), 200);

const whereOf = ({ peak }: RunCost): string =>
  peak
    ? ` (most of it where ${show(peak.path)} makes ${showAll(peak.outputs)} of ${showAll(peak.inputs)})`
    : '';

const showNumber = (value: number): string =>
  value < 1e15 ? value.toLocaleString('en-US') : value.toExponential(1);

function showBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value < 1e4 ? value.toPrecision(3) : value.toExponential(1)} ${units[power]!}`;
}
