/** @file What keeps a model from being loaded: all of it is told at once, with the layers, the reason and the fix. */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** Why layers of one class do not load. */
export interface Blocker {
  /** The names that the file has for them. */
  readonly layers: readonly string[];
  readonly className: string;
  /** What TF.js or this library lacks, and what to do about it. */
  readonly reason: string;
}

/** What is found out about a file while it is read. */
export class Findings {
  readonly #blockers = new Map<string, { layers: string[]; className: string; reason: string }>();
  /** What will differ from Keras, or is named otherwise, in a model that loads. */
  readonly #notes: string[] = [];

  /** Layers of one class with one reason are one blocker. */
  block(layer: string, className: string, reason: string): void {
    const key = JSON.stringify([className, reason]);
    const blocker = this.#blockers.get(key) ?? { layers: [], className, reason };
    blocker.layers.push(layer);
    this.#blockers.set(key, blocker);
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  get blockers(): readonly Blocker[] {
    return [...this.#blockers.values()];
  }

  /** @throws ValueError that names all that blocks */
  throwIfBlocked(): void {
    const [first, ...others] = this.blockers;
    if (!first) return;
    if (others.length === 0 && first.layers.length === 1) {
      throw new ValueError(
        `Layer ${show(first.layers[0])} (${show(first.className)}) cannot be loaded: ${first.reason}`,
      );
    }
    const count = this.blockers.reduce((sum, { layers }) => sum + layers.length, 0);
    const lines = this.blockers.map(
      ({ layers, className, reason }) => `\n- ${namesOf(layers)} (${show(className)}): ${reason}`,
    );
    throw new ValueError(`${count} layers cannot be loaded:${lines.join('')}`);
  }
}

/** How many names a message has. */
const MOST_NAMES = 5;

function namesOf(layers: readonly string[]): string {
  const more = layers.length > MOST_NAMES ? ` and ${layers.length - MOST_NAMES} more` : '';
  return layers.slice(0, MOST_NAMES).map(show).join(', ') + more;
}
