/**
 * @file The group of ranks that trains: sums of which every rank must make the same ones, in the same order. Keras has it
 * so too: a layer says `synchronized`, and over what is said elsewhere.
 */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Communicator, SAME_SUMS } from './communicator.js';

/** Bits of a tag: size·tag² is exact in float64 for up to 8,192 ranks. */
const TAG_BITS = 20;

/** A call of a layer that all ranks make together. */
export interface JointCall {
  /** Sums over all ranks, in place, as a part of this call: forward, or later backward. */
  sum(what: string, message: Float64Array): Float64Array;
}

/** A communicator whose ranks are held to making the same sums. */
export class Group {
  readonly rank: number;
  readonly size: number;
  /** How many sums there were. */
  private count = 0;
  /** How many calls of layers there were. */
  private calls = 0;
  /** Which of the layers each was that came. Not by names: those of one model may differ between ranks. */
  private readonly numbers = new WeakMap<object, number>();
  private layers = 0;

  private constructor(readonly communicator: Communicator) {
    this.rank = communicator.rank;
    this.size = communicator.size;
  }

  private static readonly made = new WeakMap<Communicator, Group>();

  /** The one group of a communicator, whose sums are counted together. */
  static of(communicator: Communicator): Group {
    let group = Group.made.get(communicator);
    if (!group) {
      checkCommunicator(communicator);
      group = new Group(communicator);
      Group.made.set(communicator, group);
    }
    return group;
  }

  /**
   * Sums over all ranks, in place, and gives the sums. Two more numbers travel with them, tag and tag²: their sums are
   * size·tag and size·tag² only if all ranks have the same tag.
   *
   * @param what is summed, for an error's message
   * @param message the numbers, and room for the tag: made by `makeMessage`
   * @param identity what of it must be the same on all ranks
   */
  sum(what: string, message: Float64Array, identity = what): Float64Array {
    const { size } = this;
    const length = message.length - 2;
    const tag = tagOf(`${this.count++} ${identity} ${length}`);
    message[length] = tag;
    message[length + 1] = tag * tag;
    this.communicator.allReduce(message);
    if (message[length] !== size * tag || message[length + 1] !== size * tag * tag) {
      throw new ValueError(
        `Rank ${this.rank} of ${size} was at ${what} (${length} numbers, sum ${this.count}), and another rank was somewhere ` +
          `else. ${SAME_SUMS}`,
      );
    }
    return message.subarray(0, length);
  }

  /**
   * Begins a call of a layer. Its sums are told from those of other calls of as many channels: ranks that call their layers
   * in another order, or take the gradients of their calls in another order, get an error in the place of wrong numbers.
   */
  begin(layer: { readonly name: string }): JointCall {
    let number = this.numbers.get(layer);
    if (number === undefined) {
      number = this.layers++;
      this.numbers.set(layer, number);
    }
    const call = `call ${this.calls++}, layer ${number}`;
    return {
      sum: (what, message) => this.sum(`${what} of layer ${show(layer.name)}`, message, `${what}, ${call}`),
    };
  }
}

/** Room for numbers that are to be summed over ranks, all 0. */
export const makeMessage = (length: number): Float64Array => new Float64Array(length + 2);

/** A message of these numbers, with the room for the tag. */
export function messageOf(numbers: ArrayLike<number>): Float64Array {
  const message = makeMessage(numbers.length);
  message.set(numbers);
  return message;
}

/** A hash (FNV-1a), of as many bits as a tag has; never 0. */
function tagOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> (32 - TAG_BITS) || 1;
}

function checkCommunicator(communicator: Communicator): void {
  if (typeof (communicator as Communicator | null | undefined)?.allReduce !== 'function') {
    throw new TypeError(
      'A communicator has rank, size and allReduce(values), and this one has no allReduce. Make one by ' +
        "threadCommunicator of 'evenkeel/threads', or by mpiCommunicator of 'evenkeel/mpi', which gives a promise.",
    );
  }
  const { rank, size } = communicator;
  if (!(Number.isInteger(size) && size >= 1 && Number.isInteger(rank) && rank >= 0 && rank < size)) {
    throw new ValueError(
      `A communicator has ranks 0 … size − 1, as whole numbers; this one has rank ${rank} and size ${size}.`,
    );
  }
}

/** The groups that layers were told of; the last one is in use. */
const groups: { readonly group: Group | null }[] = [];

/** The group over which layers with `synchronized` train; null: each for itself. */
export const activeGroup = (): Group | null => groups.at(-1)?.group ?? null;

/**
 * From now on, layers with `synchronized: true` train with the moments of all ranks' batches together. All ranks must call
 * their layers in the same order. `distributedDataParallel` does this for a model.
 *
 * @returns a function that ends it
 */
export const synchronizeOver = (communicator: Communicator): (() => void) => use(Group.of(communicator));

/** Runs what this rank does for itself, at whatever step of it the others are: layers are called as if alone. */
export function runAlone<T>(run: () => T): T {
  const end = use(null);
  try {
    return run();
  } finally {
    end();
  }
}

function use(group: Group | null): () => void {
  const entry = { group };
  groups.push(entry);
  return () => {
    const index = groups.indexOf(entry);
    if (index >= 0) groups.splice(index, 1);
  };
}

let isStandIn = false;

/** Whether the samples that layers are called with stand for none: they are there for the sake of other layers only. */
export const areStandIns = (): boolean => isStandIn;

/** Runs the step of a rank without samples, on some that stand for none: layers train as if they had an empty input. */
export function runOnStandIns<T>(run: () => T): T {
  isStandIn = true;
  try {
    return run();
  } finally {
    isStandIn = false;
  }
}
