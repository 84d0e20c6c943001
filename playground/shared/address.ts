/**
 * @file The settings as the part of an address after #, so that a state can be shared: what differs from the defaults, as
 * `depth=5&b={"renorm":true}`. Addresses come from anywhere, so what they say is checked.
 */
import { show } from '../../src/text/show.js';
import { ValueError } from '../../src/text/value-error.js';
import { LONGEST_ADDRESS, MOST_PROBLEMS } from './limits.js';
import {
  ACCEPTED,
  DEFAULTS,
  type LayerArguments,
  NETWORKS,
  type Settings,
  type ValueName,
  forEach,
  parseValue,
  withValue,
} from './settings.js';
import { messageOf } from '../../src/text/refusal.js';

/** The word for a network without normalization. */
const NONE = 'none';

export const VIEWS = ['train', 'doctor'] as const;
export type View = (typeof VIEWS)[number];

/** What an address says. */
export interface Place {
  readonly view: View;
  readonly settings: Settings;
  /** Which layer, and which unit of it, is looked at; counted from 0. */
  readonly layer: number;
  readonly unit: number;
}

export const HOME: Place = { view: 'train', settings: DEFAULTS, layer: 0, unit: 0 };

const VALUE_NAMES = Object.keys(ACCEPTED) as ValueName[];

const isLayerArguments = (value: unknown): value is LayerArguments =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Levels of lists and objects in the layer's arguments, which take three. */
const MOST_LEVELS = 8;

/** Whether a value is too deep to be written again, or sent to the worker, without end of the stack. */
const isDeep = (value: unknown, levels = MOST_LEVELS): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((part) => isDeep(part, levels - 1)));

function parseLayer(name: string, text: string): LayerArguments | null {
  if (text === NONE) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isLayerArguments(value) && !isDeep(value)) return value;
  throw new ValueError(
    `${name}: expected '${NONE}' or the layer's arguments as JSON, such as {"renorm":true}, received ${show(text)}.`,
  );
}

function parseIndex(name: string, text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new ValueError(`${name}: expected a whole number from 0 on, received ${show(text)}.`);
}

function parseView(text: string): View {
  const view = VIEWS.find((name) => name === text);
  if (view) return view;
  throw new ValueError(`view: expected one of ${VIEWS.join(', ')}, received ${show(text)}.`);
}

/** What `hash` says, defaults where it says nothing, and what it says that cannot be. */
export function readAddress(hash: string): { place: Place; problems: string[] } {
  const problems: string[] = [];
  const isLong = hash.length > LONGEST_ADDRESS;
  if (isLong) {
    problems.push(
      `The address: expected at most ${LONGEST_ADDRESS} characters after #, received ${hash.length}.`,
    );
  }
  const given = new URLSearchParams(isLong ? '' : hash.replace(/^#/, ''));
  /** The value that the address gives for `name`; `fallback` where it gives none, or one that cannot be. */
  const read = <T>(name: string, fallback: T, parse: (text: string) => T): T => {
    const text = given.get(name);
    given.delete(name);
    if (text === null) return fallback;
    try {
      return parse(text);
    } catch (error) {
      problems.push(`The address: ${messageOf(error)}`);
      return fallback;
    }
  };

  let settings: Settings = {
    ...DEFAULTS,
    layers: forEach((name) => read(name, DEFAULTS.layers[name], (text) => parseLayer(name, text))),
  };
  for (const name of VALUE_NAMES) {
    settings = withValue(
      settings,
      name,
      read<string | number>(name, DEFAULTS[name], (text) => parseValue(name, text)),
    );
  }
  const place = {
    view: read('view', HOME.view, parseView),
    settings,
    layer: read('layer', HOME.layer, (text) => parseIndex('layer', text)),
    unit: read('unit', HOME.unit, (text) => parseIndex('unit', text)),
  };
  // More would only push one another out.
  const unknown = [...new Set(given.keys())];
  for (const name of unknown.slice(0, MOST_PROBLEMS)) {
    problems.push(`The address: there is no setting ${show(name)}.`);
  }
  return { place, problems };
}

/** The address of a place, with # in front; empty for the defaults. */
export function writeAddress({ view, settings, layer, unit }: Place): string {
  const parts = new URLSearchParams();
  if (view !== HOME.view) parts.set('view', view);
  for (const name of VALUE_NAMES) {
    if (settings[name] !== DEFAULTS[name]) parts.set(name, String(settings[name]));
  }
  for (const name of NETWORKS) {
    const text = settings.layers[name] === null ? NONE : JSON.stringify(settings.layers[name]);
    const usual = DEFAULTS.layers[name] === null ? NONE : JSON.stringify(DEFAULTS.layers[name]);
    if (text !== usual) parts.set(name, text);
  }
  if (layer !== HOME.layer) parts.set('layer', String(layer));
  if (unit !== HOME.unit) parts.set('unit', String(unit));
  const text = parts.toString();
  return text && `#${text}`;
}
