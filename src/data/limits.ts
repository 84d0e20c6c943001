/**
 * @file How much reading a file may cost. A model or data may come from a stranger: without limits a few bytes can ask for
 * hours or gigabytes. So whoever reads takes what it does from a budget, and the budget follows from the file's size.
 */
import { checkNumber, refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/**
 * Limits of what is read, so that a small file cannot ask for hours or gigabytes. Each may be raised for files that one
 * trusts: `loadKerasModel(path, { limits: { memory: 8e9 } })`, or `--limit memory=8GB` of the command. `Infinity` is no
 * limit. What is left out has its default, which no honest file is known to pass.
 */
export interface Limits {
  /** Bytes of a file, and of the files that it names, all together. Default: 4 GiB. */
  readonly size: number;
  /** Bytes that are unpacked or computed from them. Default: 64 MiB and a hundredfold of their size. */
  readonly memory: number;
  /** Members of an archive; groups, datasets and attributes of HDF5; layers. Default: 10,000 and one per 256 bytes. */
  readonly entries: number;
  /** How deep lists, groups and models may lie within each other. Default: 200. */
  readonly depth: number;
  /** Steps through the file's structure, each at most some microseconds long. Default: 2^20 and one per byte. */
  readonly steps: number;
}

/**
 * How many characters a name in a file may have. Engines tell longer strings apart by comparing them in full, so that a
 * thousand of them take seconds to look up.
 */
export const LONGEST_NAME = 2 ** 14 - 1;

const DEFAULTS: { readonly [Name in keyof Limits]: (size: number) => number } = {
  size: () => 2 ** 32,
  memory: (size) => 2 ** 26 + 100 * size,
  entries: (size) => 10_000 + Math.floor(size / 256),
  depth: () => 200,
  steps: (size) => 2 ** 20 + size,
};

/** What messages call the amounts. */
const UNITS: { readonly [Name in keyof Limits]: string } = {
  size: 'bytes',
  memory: 'bytes of memory',
  entries: 'entries',
  depth: 'levels',
  steps: 'steps',
};

const isLimit = (name: string): name is keyof Limits => Object.hasOwn(DEFAULTS, name);

/**
 * @throws TypeError for what holds no limits
 * @throws ValueError for a name that is none, and for a limit that is no number from 0
 */
export function checkLimits(given: unknown): asserts given is Partial<Limits> | undefined {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null) refuse(TypeError, 'limits', 'an object', given);
  for (const [name, limit] of Object.entries(given)) {
    if (!isLimit(name)) {
      throw new ValueError(`limits: expected ${Object.keys(DEFAULTS).join(', ')}, received ${show(name)}.`);
    }
    if (limit !== undefined) checkNumber(`limits.${name}`, limit, (value) => value >= 0, 'a number from 0');
  }
}

/** What is left of the limits while a file is read. */
export class Budget {
  private readonly taken = { size: 0, memory: 0, entries: 0, steps: 0 };

  /**
   * @throws TypeError for what holds no limits
   * @throws ValueError for limits that cannot be
   */
  constructor(private readonly limits: Partial<Limits> = {}) {
    checkLimits(limits);
  }

  /**
   * Counts `amount` as used, before it is. What is taken of `size` raises the other limits.
   *
   * @param what begins the message, such as the name of the file
   * @throws ValueError where that is more than is left
   */
  take(name: keyof Budget['taken'], amount: number, what: string): void {
    this.taken[name] += amount;
    this.check(name, this.taken[name], what);
  }

  /** @throws ValueError for what lies deeper than the limit */
  checkDepth(depth: number, what: string): void {
    this.check('depth', depth, what);
  }

  /** How much of a limit is left. */
  left(name: keyof Budget['taken']): number {
    return this.limitOf(name) - this.taken[name];
  }

  private limitOf(name: keyof Limits): number {
    return this.limits[name] ?? DEFAULTS[name](this.taken.size);
  }

  private check(name: keyof Limits, amount: number, what: string): void {
    const limit = this.limitOf(name);
    if (amount <= limit) return;
    throw new ValueError(
      `${what}: takes ${Number.isFinite(amount) ? amount : 'endlessly many'} ${UNITS[name]}, and at most ${limit} are accepted` +
        `${name === 'size' ? '' : ` of a file of ${this.taken.size} bytes`}. If you trust it, raise the limit: ` +
        `limits: { ${name}: … }, or --limit ${name}=… of the command.`,
    );
  }
}
