/** @file Mutations of a JSON document, as a tree. */
import { hostileName, hostileNumber, hostileValue, toJson } from './hostile.js';
import type { Random } from './random.js';

/** A value within a document: where it is held, and under which key. */
interface Spot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every value, at any depth. A document that is its own part is not JSON, so this ends. */
function spotsIn(root: unknown): Spot[] {
  const spots: Spot[] = [];
  const open = [root];
  while (open.length > 0) {
    const holder = open.pop();
    if (typeof holder !== 'object' || holder === null) continue;
    for (const [key, value] of Object.entries(holder)) {
      spots.push({ holder: holder as Record<string, unknown>, key });
      open.push(value);
    }
  }
  return spots;
}

const put = ({ holder, key }: Spot, value: unknown): void => {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
};

/** Characters of what is put in. */
const LARGEST = 300_000;

const MUTATORS: Record<string, (root: unknown, spot: Spot, spots: readonly Spot[], random: Random) => void> =
  {
    'a hostile value': (_root, spot, _spots, random) => {
      put(spot, hostileValue(random));
    },
    'a hostile number': (_root, _spot, spots, random) => {
      const numbers = spots.filter(({ holder, key }) => typeof holder[key] === 'number');
      if (numbers.length > 0) put(random.pick(numbers), hostileNumber(random));
    },
    'no value': (_root, { holder, key }) => {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else Reflect.deleteProperty(holder, key);
    },
    'a value twice': (_root, { holder, key }, _spots, random) => {
      const copy = structuredClone(holder[key]);
      if (Array.isArray(holder)) holder.splice(random.below(holder.length + 1), 0, copy);
      else put({ holder, key: `${key}_1` }, copy);
    },
    'a value many times': (_root, { holder, key }, _spots, random) => {
      const count = random.count(1000);
      if (count * toJson(holder[key]).length > LARGEST) return;
      put(
        { holder, key },
        Array.from({ length: count }, () => structuredClone(holder[key])),
      );
    },
    'a value within itself': (_root, { holder, key }, _spots, random) => {
      if (toJson(holder[key]).length > LARGEST) return;
      const inner = structuredClone(holder[key]);
      const spots = spotsIn(holder[key]);
      if (spots.length > 0) put(random.pick(spots), inner);
    },
    'a value in a list': (_root, { holder, key }) => {
      put({ holder, key }, [holder[key]]);
    },
    'a value in place of another': (_root, { holder, key }, spots, random) => {
      put(random.pick(spots), structuredClone(holder[key]));
    },
    'another key': (_root, { holder, key }, spots, random) => {
      if (Array.isArray(holder)) return;
      const value = holder[key];
      Reflect.deleteProperty(holder, key);
      put({ holder, key: random.once(2) ? hostileName(random) : random.pick(spots).key }, value);
    },
    'another name everywhere': (_root, _spot, spots, random) => {
      const names = spots.filter(({ holder, key }) => key === 'name' && typeof holder[key] === 'string');
      if (names.length === 0) return;
      const { holder, key } = random.pick(names);
      const [from, to] = [holder[key], hostileName(random)];
      for (const spot of spots) {
        const value = spot.holder[spot.key];
        if (value === from) put(spot, to);
        else if (typeof value === 'string' && value.startsWith(`${String(from)}/`)) {
          put(spot, to + value.slice(String(from).length));
        }
      }
    },
  };

/** Changes some values of a document. What is no JSON stays as it is. */
export function mutateJson(content: Uint8Array, random: Random): { bytes: Uint8Array; recipe: string } {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder().decode(content));
  } catch {
    return { bytes: content, recipe: 'no JSON' };
  }
  const recipes: string[] = [];
  for (let i = random.count(3); i > 0; i--) {
    const spots = spotsIn(root);
    if (spots.length === 0) break;
    const [recipe, mutate] = random.pick(Object.entries(MUTATORS));
    try {
      mutate(root, random.pick(spots), spots, random);
      recipes.push(recipe);
    } catch (error) {
      // What is very deep has no copy.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { bytes: new TextEncoder().encode(toJson(root)), recipe: `JSON with ${recipes.join(', ')}` };
}
