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

/** How many names a message has. */
const MOST_NAMES = 5;
/** How many reasons a message has, and how many notes are printed. */
const MOST_REASONS = 20;
/** How many characters the reasons of a message have. */
const LONGEST_REASONS = 3000;

/** What is found out about a file while it is read. */
export class Findings {
  readonly #blockers = new Map<string, { layers: string[]; className: string; reason: string }>();
  /** What will differ from Keras, with the layers of which it is said. */
  readonly #notes = new Map<string, string[]>();
  /** Layers that have another name here: the file's, and that. */
  readonly #names: [string, string][] = [];

  /** Layers of one class with one reason are one blocker. */
  block(layer: string, className: string, reason: string): void {
    const key = JSON.stringify([className, reason]);
    const blocker = this.#blockers.get(key) ?? { layers: [], className, reason };
    blocker.layers.push(layer);
    this.#blockers.set(key, blocker);
  }

  /** Says something of the whole model. */
  note(text: string): void {
    this.#notes.set(text, []);
  }

  /** Says something of a layer; what several have in common is one note. */
  noteLayer(layer: string, text: string): void {
    const layers = this.#notes.get(text);
    if (layers) layers.push(layer);
    else this.#notes.set(text, [layer]);
  }

  /** Says that a layer has another name here. */
  noteName(saved: string, name: string): void {
    this.#names.push([saved, name]);
  }

  /** What will differ from Keras, or is named otherwise, in a model that loads. */
  get notes(): readonly string[] {
    const notes = [...this.#notes].map(([text, layers]) =>
      layers.length === 0 ? text : `${layers.length > 1 ? 'Layers' : 'Layer'} ${namesOf(layers)}: ${text}`,
    );
    return this.#names.length === 0 ? notes : [...notes, noteOfNames(this.#names)];
  }

  get blockers(): readonly Blocker[] {
    return [...this.#blockers.values()];
  }

  /** Prints the notes, and no more than anyone reads. */
  warn(): void {
    for (const note of this.notes.slice(0, MOST_REASONS)) console.warn(note);
    const more = this.notes.length - MOST_REASONS;
    if (more > 0) console.warn(`${more} more notes on the model: checkKerasModel gives all of them.`);
  }

  /** @throws ValueError that names what blocks */
  throwIfBlocked(): void {
    const [first, ...others] = this.blockers;
    if (!first) return;
    if (others.length === 0 && first.layers.length === 1) {
      throw new ValueError(
        `Layer ${show(first.layers[0])} (${show(first.className)}) cannot be loaded: ${first.reason}`,
      );
    }
    const count = this.blockers.reduce((sum, { layers }) => sum + layers.length, 0);
    const lines: string[] = [];
    let left = LONGEST_REASONS;
    for (const { layers, className, reason } of this.blockers.slice(0, MOST_REASONS)) {
      const line = `\n- ${namesOf(layers)} (${show(className)}): ${reason}`;
      left -= line.length;
      if (left < 0) break;
      lines.push(line);
    }
    const more = this.blockers.length - lines.length;
    const rest = more > 0 ? `\n- and ${more} more: checkKerasModel gives all of them.` : '';
    throw new ValueError(`${count} layers cannot be loaded:${lines.join('')}${rest}`);
  }
}

function namesOf(layers: readonly string[]): string {
  const more = layers.length > MOST_NAMES ? ` and ${layers.length - MOST_NAMES} more` : '';
  return layers.slice(0, MOST_NAMES).map(show).join(', ') + more;
}

const ACCEPTED =
  "TF.js takes letters, digits, '-', '.', '_', '/', and no names that all objects have, such as 'constructor'.";

function noteOfNames(names: readonly (readonly [string, string])[]): string {
  const [[saved, name], ...others] = names as readonly [(typeof names)[number], ...typeof names];
  const shown = others.slice(0, MOST_NAMES - 1).map(([one, other]) => `, ${show(one)} ${show(other)}`);
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `Layer ${show(saved)} is named ${show(name)} here${shown.join('')}${more}: ${ACCEPTED}`;
}
