/**
 * @file A convolution as matrix products, part by part: some images, or some rows of one, at a time, and some channels of
 * what comes out. Every product is that of the pixels that see the same taps (taps.ts), as they lie in the part, with what
 * they see of the filter:
 *
 *   target[pixel, j] = Σ source[pixel's base + tap, channel]·filter[tap, channel, j]
 *
 * where source and target are x and y, or dy and dx.
 */
import { type Room, copyBlock, takeRoom, writeOffsets } from './product-memory.js';
import type { Group } from './taps.js';

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** What is convolved. */
export interface Patches {
  readonly images: number;
  readonly source: Image;
  readonly target: Image;
  /** The target's pixels by what they see, along both axes. */
  readonly rows: readonly Group[];
  readonly columns: readonly Group[];
  readonly taps: { readonly height: number; readonly width: number };
  /** Whether the filter's source is its last axis, and its target the one before. */
  readonly isTurned: boolean;
}

/** Numbers of the source, or the target, in a part, at most if a row has no more: 512 kB. */
const PART = 2 ** 17;
/** Numbers of the filter, at most if eight channels have no more: 1 MB. */
const FILTER_PART = 2 ** 18;

/** Some images, or some rows of one. */
export interface Part {
  readonly image: number;
  readonly images: number;
  /** The target's rows. */
  readonly first: number;
  readonly rows: number;
  /** The source's rows that they see. */
  readonly firstSeen: number;
  readonly rowsSeen: number;
}

/** Where parts and tables lie in the room for products. */
export interface Place {
  readonly parts: readonly Part[];
  readonly room: Room;
  /** How many of the target's channels there is room for. */
  readonly channels: number;
  readonly source: number;
  readonly filter: number;
  readonly target: number;
  /** The table of the filter's columns. */
  readonly columns: number;
  readonly tables: number;
}

/** Takes room; null where there is none. */
export function placeOf(patches: Patches): Place | null {
  const { source, target, taps, isTurned } = patches;
  const rows = taps.height * taps.width * source.channels;
  const channels = Math.min(target.channels, Math.max(8, Math.floor(FILTER_PART / rows / 8) * 8));
  const parts = partsOf(patches, channels);
  const largest = (lengthOf: (part: Part) => number) =>
    parts.reduce((most, part) => Math.max(most, lengthOf(part)), 0);
  const room = takeRoom(
    largest(({ images, rowsSeen }) => images * rowsSeen * source.width * source.channels),
    rows * channels,
    largest(({ images, rows }) => images * rows * target.width * channels),
    channels,
    largest((part) => tableLength(patches, part)),
  );
  if (!room) return null;
  const [sourceAt, filter, targetAt, columns, tables] = room.at as [number, number, number, number, number];
  writeOffsets(room.offsets, columns, channels, isTurned ? source.channels : 1);
  return { parts, room, channels, source: sourceAt, filter, target: targetAt, columns, tables };
}

/** Parts that see the same rows of their images follow each other. */
function partsOf(patches: Patches, channels: number): Part[] {
  const { images, source, target } = patches;
  const numbers = Math.max(
    source.height * source.width * source.channels,
    target.height * target.width * channels,
  );
  const rows = Math.max(1, Math.min(target.height, Math.floor((target.height * PART) / numbers)));
  const atOnce = rows < target.height ? 1 : Math.max(1, Math.floor(PART / numbers));
  const parts: Part[] = [];
  for (let first = 0; first < target.height; first += rows) {
    const count = Math.min(rows, target.height - first);
    const seen = seenBy(patches.rows, first, count);
    for (let image = 0; image < images; image += atOnce) {
      parts.push({ image, images: Math.min(atOnce, images - image), first, rows: count, ...seen });
    }
  }
  return parts;
}

/** The pixels of a group, by their place in it, of `count` from `first` on. */
const within = ({ pixels }: Group, first: number, count: number) =>
  [...pixels.keys()].filter((i) => pixels[i]! >= first && pixels[i]! < first + count);

/** The source's rows that some of the target's see. */
function seenBy(rows: readonly Group[], first: number, count: number) {
  let [low, end] = [Infinity, 0];
  for (const group of rows) {
    for (const i of within(group, first, count)) {
      for (const offset of group.offsets) {
        low = Math.min(low, group.bases[i]! + offset);
        end = Math.max(end, group.bases[i]! + offset + 1);
      }
    }
  }
  return end === 0 ? { firstSeen: 0, rowsSeen: 0 } : { firstSeen: low, rowsSeen: end - low };
}

/** One matrix product of a part. */
interface Product {
  readonly pixels: number;
  readonly terms: number;
  /** The tables: of pixels in source and target, of terms in source and filter. */
  readonly sourcePixels: number;
  readonly targetPixels: number;
  readonly sourceTerms: number;
  readonly filterTerms: number;
}

/** How many offsets the tables of a part take. */
function tableLength({ source, target, rows, columns }: Patches, part: Part): number {
  const [down, across] = [rows, columns].map((groups) =>
    groups.reduce((sum, { taps }) => sum + taps.length, 0),
  ) as [number, number];
  return 2 * (part.images * part.rows * target.width + down * across * source.channels);
}

/** Every part's products, with its source in place and its tables written, for so many of the target's channels. */
export function* productsOf(patches: Patches, place: Place, source: Float32Array, channels: number) {
  const rowLength = patches.source.width * patches.source.channels;
  const imageLength = patches.source.height * rowLength;
  let before: Part | undefined;
  let products: Product[] = [];
  for (const part of place.parts) {
    if (before?.first !== part.first || before.images !== part.images) {
      products = writeTables(patches, place, part, channels);
    }
    before = part;
    const length = part.rowsSeen * rowLength;
    copyBlock(
      { values: source, at: part.image * imageLength + part.firstSeen * rowLength, step: imageLength },
      { values: place.room.floats, at: place.source, step: length },
      part.images,
      length,
    );
    yield { part, products };
  }
}

function writeTables(
  { source, target, rows, columns, taps, isTurned }: Patches,
  { room: { offsets }, tables }: Place,
  part: Part,
  channels: number,
): Product[] {
  const products: Product[] = [];
  const channelStep = isTurned ? 1 : channels;
  let next = tables;
  for (const row of rows) {
    const own = within(row, part.first, part.rows);
    if (own.length === 0) continue;
    for (const column of columns) {
      const pixels = part.images * own.length * column.pixels.length;
      const terms = row.taps.length * column.taps.length * source.channels;
      const [sourcePixels, targetPixels] = [next, next + pixels];
      const sourceTerms = targetPixels + pixels;
      const filterTerms = sourceTerms + terms;
      let pixel = 0;
      for (let image = 0; image < part.images; image++) {
        for (const i of own) {
          const sourceRow = image * part.rowsSeen + row.bases[i]! - part.firstSeen;
          const targetRow = image * part.rows + row.pixels[i]! - part.first;
          for (let j = 0; j < column.pixels.length; j++) {
            const [from, to] = [
              sourceRow * source.width + column.bases[j]!,
              targetRow * target.width + column.pixels[j]!,
            ];
            offsets[sourcePixels + pixel] = 4 * from * source.channels;
            offsets[targetPixels + pixel] = 4 * to * channels;
            pixel++;
          }
        }
      }
      let term = 0;
      row.taps.forEach((y, i) => {
        column.taps.forEach((x, j) => {
          const seen = (row.offsets[i]! * source.width + column.offsets[j]!) * source.channels;
          const tap = (y * taps.width + x) * source.channels * channels;
          for (let channel = 0; channel < source.channels; channel++) {
            offsets[sourceTerms + term] = 4 * (seen + channel);
            offsets[filterTerms + term] = 4 * (tap + channel * channelStep);
            term++;
          }
        });
      });
      next = filterTerms + terms;
      products.push({ pixels, terms, sourcePixels, targetPixels, sourceTerms, filterTerms });
    }
  }
  return products;
}
