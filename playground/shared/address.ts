/**
 * @file The settings as the part of an address after #, so that a state can be shared: the preset, and what differs from
 * it, as `preset=momentum&depth=5&b={"renorm":true}`. Addresses come from anywhere, so what they say is checked.
 */
import { show } from '../../src/text/show.js';
import { ValueError } from '../../src/text/value-error.js';
import { LONGEST_ADDRESS, MOST_PROBLEMS } from './limits.js';
import {
  ACCEPTED,
  FROZEN_AFTER,
  type LayerArguments,
  NETWORK_KEYS,
  type NetworkKey,
  type NetworkSettings,
  type Settings,
  type ValueName,
  parseNumber,
  parseValue,
  withValue,
} from './settings.js';
import { PRESETS, PRESET_NAMES, type PresetName } from './presets.js';
import { messageOf } from '../../src/text/refusal.js';

/** The words for a network without normalization, for none at all, and for one that is not frozen. */
const NONE = 'none';
const OFF = 'off';
const NEVER = 'never';

export const VIEWS = ['train', 'doctor'] as const;
export type View = (typeof VIEWS)[number];

/** What an address says. */
export interface Place {
  readonly view: View;
  /** Where the settings come from; they may have been changed since. */
  readonly preset: PresetName;
  readonly settings: Settings;
  /** Which layer, and which unit of it, is looked at; counted from 0. */
  readonly layer: number;
  readonly unit: number;
}

/** Where a preset begins. */
export const beginningOf = (preset: PresetName): Place => ({
  view: 'train',
  preset,
  settings: PRESETS[preset].settings,
  layer: 0,
  unit: 0,
});

export const HOME: Place = beginningOf('covariate-shift');

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

function parseLayer(name: string, text: string): LayerArguments | null | undefined {
  if (text === NONE) return null;
  if (text === OFF) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isLayerArguments(value) && !isDeep(value)) return value;
  throw new ValueError(
    `${name}: expected '${NONE}', '${OFF}' or the layer's arguments as JSON, such as {"renorm":true}, received ${show(text)}.`,
  );
}

function parseIndex(name: string, text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new ValueError(`${name}: expected a whole number from 0 on, received ${show(text)}.`);
}

function parseName<Name extends string>(what: string, names: readonly Name[], text: string): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new ValueError(`${what}: expected one of ${names.join(', ')}, received ${show(text)}.`);
}

const parseFreezing = (name: string, text: string): number | null =>
  text === NEVER ? null : parseNumber(name, text, FROZEN_AFTER);

/** What an address calls the step after which a network is frozen. */
const freezingOf = (key: NetworkKey): string => `${key}.frozenAfter`;

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

  const preset = read('preset', HOME.preset, (text) => parseName('preset', PRESET_NAMES, text));
  const usual = PRESETS[preset].settings;
  const networks = NETWORK_KEYS.flatMap((key, i): NetworkSettings[] => {
    const layer = read(key, usual.networks[i]?.layer, (text) => parseLayer(key, text));
    const frozenAfter = read(freezingOf(key), usual.networks[i]?.frozenAfter ?? null, (text) =>
      parseFreezing(freezingOf(key), text),
    );
    return layer === undefined ? [] : [{ layer, frozenAfter: layer && frozenAfter }];
  });
  if (networks.length === 0) problems.push('The address: at least one network has to be there.');
  let settings: Settings = { ...usual, networks: networks.length > 0 ? networks : usual.networks };
  for (const name of VALUE_NAMES) {
    settings = withValue(
      settings,
      name,
      read<string | number>(name, settings[name], (text) => parseValue(name, text)),
    );
  }
  const place = {
    view: read('view', HOME.view, (text) => parseName('view', VIEWS, text)),
    preset,
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

const writeLayer = (network: NetworkSettings | undefined): string =>
  network === undefined ? OFF : network.layer === null ? NONE : JSON.stringify(network.layer);

const writeFreezing = (network: NetworkSettings | undefined): string => String(network?.frozenAfter ?? NEVER);

/** The address of a place, with # in front; empty for the place where the page begins. */
export function writeAddress({ view, preset, settings, layer, unit }: Place): string {
  const usual = PRESETS[preset].settings;
  const parts = new URLSearchParams();
  const set = (name: string, text: string, usualText: string) => {
    if (text !== usualText) parts.set(name, text);
  };
  set('view', view, HOME.view);
  set('preset', preset, HOME.preset);
  for (const name of VALUE_NAMES) set(name, String(settings[name]), String(usual[name]));
  NETWORK_KEYS.forEach((key, i) => {
    const [network, usualNetwork] = [settings.networks[i], usual.networks[i]];
    set(key, writeLayer(network), writeLayer(usualNetwork));
    set(freezingOf(key), writeFreezing(network), network ? writeFreezing(usualNetwork) : NEVER);
  });
  set('layer', String(layer), String(HOME.layer));
  set('unit', String(unit), String(HOME.unit));
  const text = parts.toString();
  return text && `#${text}`;
}

/** What a link to a place says: alone, # leads home. */
export const linkTo = (place: Place): string => writeAddress(place) || '#';
