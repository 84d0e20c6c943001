/**
 * @file Reads HDF5 files, by the format's specification (version 3.0, https://support.hdfgroup.org/documentation): what
 * Keras writes by h5py, in its oldest format and its latest, and what libraries may make of that. A reader of its own, since
 * those that there are trust a file. jsfive loops and allocates as a file says, reads numbers one by one, and has no
 * licence text of what it was made from. The C library, h5wasm, by which we write, read outside its memory or never
 * returned on 2 of 100 damaged files, and needs a worker to be ended, which bundlers and Content-Security-Policies
 * stand in the way of.
 *
 * Here nothing is read outside the file, and nothing is done without a budget (`../limits.ts`), which follows from the
 * file's size: whatever a file says, it is read or refused by a `ValueError`, in bounded time and memory.
 */
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import type { StoredArray } from '../elements.js';
import { Budget } from '../limits.js';
import { type Attribute, readAttributes, readTexts } from './attributes.js';
import { isDataset, readNumbers, readShape } from './dataset.js';
import { GlobalHeaps } from './heaps.js';
import { type Link, isGroup, readLinks } from './links.js';
import { type StoredObject, readObject } from './object-header.js';
import { type Storage, damaged, unsupported } from './storage.js';
import { openStorage } from './superblock.js';

export { isHdf5 } from './superblock.js';

/** As many links by path may follow one another as HDF5 itself allows. */
const MOST_SOFT_LINKS = 16;

/** An object, and what was read of it, once. */
interface KnownObject {
  readonly object: StoredObject;
  links?: ReadonlyMap<string, Link>;
  attributes?: ReadonlyMap<string, Attribute>;
}

/** A HDF5 file in memory. Everything throws a ValueError where the file is damaged. */
export class Hdf5File {
  private readonly objects = new Map<number, KnownObject>();
  private readonly heaps: GlobalHeaps;

  constructor(
    private readonly storage: Storage,
    private readonly root: number,
  ) {
    this.heaps = new GlobalHeaps(storage);
  }

  /** Whether there is a group or a dataset at `path`. */
  has(path: string): boolean {
    return this.find(path) !== null;
  }

  /** Names in the group at `path`; none where there is no group. */
  keys(path: string): string[] {
    const found = this.find(path);
    return found ? [...this.linksOf(found).keys()] : [];
  }

  /** A text attribute; null where there is none of that name. */
  text(path: string, attribute: string): string | null {
    const found = this.attribute(path, attribute);
    if (!found) return null;
    const [text] = found.shape?.length === 0 ? readTexts(found, attribute, this.heaps) : [];
    if (text === undefined) throw damaged(`its ${attribute} is not one text`);
    return text;
  }

  /** A list of texts, which Keras splits over `name0`, `name1`, … where it is long; null where there is none. */
  texts(path: string, attribute: string): string[] | null {
    const whole = this.attribute(path, attribute);
    if (whole) return readTexts(whole, attribute, this.heaps);
    const parts: string[][] = [];
    for (let i = 0; ; i++) {
      const name = `${attribute}${i}`;
      const part = this.attribute(path, name);
      if (!part) return parts.length === 0 ? null : parts.flat();
      parts.push(readTexts(part, name, this.heaps));
    }
  }

  /** The shape of the numbers at `path`. */
  shape(path: string): readonly number[] {
    return readShape(this.dataset(path), path);
  }

  /** The numbers at `path`, as float32. */
  array(path: string): StoredArray {
    return readNumbers(this.dataset(path), path);
  }

  private dataset(path: string): StoredObject {
    const object = this.find(path)?.object;
    if (object && isDataset(object)) return object;
    throw new ValueError(`The HDF5 file has no weight at ${show(path)}. It is damaged, or not of Keras.`);
  }

  private attribute(path: string, name: string): Attribute | undefined {
    const found = this.find(path);
    if (!found) return undefined;
    found.attributes ??= readAttributes(found.object);
    return found.attributes.get(name);
  }

  private linksOf(known: KnownObject): ReadonlyMap<string, Link> {
    known.links ??= isGroup(known.object) ? readLinks(known.object) : new Map<string, Link>();
    return known.links;
  }

  private at(address: number): KnownObject {
    const known = this.objects.get(address) ?? { object: readObject(this.storage, address) };
    this.objects.set(address, known);
    return known;
  }

  private find(path: string): KnownObject | null {
    return this.follow(path, this.at(this.root), { soft: 0 });
  }

  /** What `path` leads to from a group, links by path on the way. */
  private follow(path: string, from: KnownObject, followed: { soft: number }): KnownObject | null {
    let found = path.startsWith('/') ? this.at(this.root) : from;
    for (const name of path.split('/')) {
      this.storage.step();
      if (name === '' || name === '.') continue;
      const link = this.linksOf(found).get(name);
      if (!link) return null;
      const next = this.followLink(link, path, found, followed);
      if (!next) return null;
      found = next;
    }
    return found;
  }

  private followLink(
    link: Link,
    path: string,
    group: KnownObject,
    followed: { soft: number },
  ): KnownObject | null {
    if (link.kind === 'hard') return this.at(link.address);
    if (link.kind === 'external') throw unsupported(`a link to another file at ${show(path)}`);
    followed.soft += 1;
    if (followed.soft > MOST_SOFT_LINKS) {
      throw damaged(`more than ${MOST_SOFT_LINKS} links lead to one another at ${show(path)}`);
    }
    return this.follow(link.path, group, followed);
  }
}

/** The budget of a file that is read by itself. */
function budgetFor(bytes: Uint8Array): Budget {
  const budget = new Budget();
  budget.take('size', bytes.length, 'The HDF5 file');
  return budget;
}

/**
 * @param budget what reading may cost, for which the size of the file is counted already
 * @throws ValueError where the file is damaged; its methods throw it too
 */
export function readHdf5(bytes: Uint8Array, budget: Budget = budgetFor(bytes)): Hdf5File {
  const { storage, root } = openStorage(bytes, budget);
  return new Hdf5File(storage, root);
}
