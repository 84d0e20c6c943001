/**
 * @file Merges the moments of shards, each shard once. The arithmetic is `Population`'s, by Chan's formula in float64;
 * it goes by the names of the shards, so that whoever came first leaves no trace.
 */
import { checkNames } from '../text/names.js';
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { positiveInteger } from './data.js';
import { plural } from './findings.js';
import { type LayerMoments, checkMoments } from './layer-moments.js';
import { differenceOf } from './moments-origin.js';
import { Population } from './population.js';

export interface MergeMomentsOptions {
  /** How many shards there must be for each layer. Default: as many as there are. */
  readonly shards?: number | undefined;
}

const MERGE_MOMENTS_OPTIONS = Object.keys({
  shards: true,
} satisfies Record<keyof MergeMomentsOptions, true>);

/**
 * Merges moments of shards, layer by layer: counts, means and sums of squared distances, in float64.
 *
 * A shard that comes twice counts once, so that a task may be run again. What was merged may be merged again, in a tree
 * of any form. Merged all at once, the same shards give the same bits, in whatever order they come; trees of different
 * forms agree to some units in the last place of float64.
 *
 * @param moments as `collectMoments` and this function make them, of one or more layers. They may come from strangers:
 *   every field is checked.
 * @returns one for each layer, sorted by the layers' names
 * @throws ValueError for moments that cannot be; for moments of different models, rounds or preparations of data; for a
 *   shard that comes twice with different numbers, or by itself and merged with others; for another number of shards
 *   than is asked for
 * @throws TypeError for what is no iterable, and for an unknown option
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [layerBatchNormalization({ inputShape: [1] })] });
 * const parts = [
 *   await collectMoments(model, tf.tensor2d([[1], [3]]), { shard: 'a' }),
 *   await collectMoments(model, tf.tensor2d([[5], [7]]), { shard: 'b' }),
 * ];
 * const [merged] = mergeMoments(parts.flat());
 * console.log(merged?.shards, merged?.count, merged?.mean, merged?.m2); // [ 'a', 'b' ] [ 4 ] [ 4 ] [ 20 ]
 * ```
 */
export function mergeMoments(
  moments: Iterable<LayerMoments>,
  options: MergeMomentsOptions = {},
): LayerMoments[] {
  checkNames('option', 'mergeMoments', options, MERGE_MOMENTS_OPTIONS);
  const expected = positiveInteger('shards', options.shards);
  if (typeof (moments as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') {
    refuse(
      TypeError,
      'moments',
      'an array or another iterable of moments, as collectMoments gives them',
      moments,
    );
  }
  const layers = new Map<string, Parts>();
  for (const one of moments) {
    const part = checkMoments(one);
    let parts = layers.get(part.layer);
    if (!parts) layers.set(part.layer, (parts = new Parts(part)));
    parts.add(part);
  }
  const merged = [...layers.values()].map((parts) => parts.merged());
  for (const { layer, shards } of merged) {
    if (expected === null || shards.length === expected) continue;
    throw new ValueError(
      `The moments of the layer ${show(layer)} are of ${plural(shards.length, 'shard')}, and those of ${expected} are ` +
        `expected: some are ${shards.length < expected ? 'missing' : 'too many'}. There are ${show(shards)}.`,
    );
  }
  return merged.sort((a, b) => (a.layer < b.layer ? -1 : 1));
}

/** The moments of a layer, as they come. */
class Parts {
  readonly #ofShards = new Map<string, LayerMoments>();
  readonly #all: LayerMoments[] = [];

  constructor(private readonly first: LayerMoments) {}

  add(part: LayerMoments): void {
    this.#checkKind(part);
    const known = part.shards.find((shard) => this.#ofShards.has(shard));
    if (known !== undefined) {
      this.#checkSame(part, known);
      return;
    }
    for (const shard of part.shards) this.#ofShards.set(shard, part);
    this.#all.push(part);
  }

  #checkKind({ layer, of, order, bessel, count, shards }: LayerMoments): void {
    const { first } = this;
    // A layer that nothing has reached does not know of Bessel's correction.
    const isSure = hasValues(first) && hasValues({ count });
    const difference =
      differenceOf(of, first.of) ??
      (count.length === first.count.length
        ? null
        : `of ${plural(count.length, 'channel')}, not ${first.count.length}`) ??
      (order === first.order ? null : `of the order '${order}', not '${first.order}'`) ??
      (bessel === first.bessel || !isSure ? null : `${bessel ? 'with' : 'without'} Bessel's correction`);
    if (difference === null) return;
    throw new ValueError(
      `The moments of the shard ${show(shards[0])} for the layer ${show(layer)} are not as those of the shard ` +
        `${show(first.shards[0])}: they are ${difference}. Merge what was taken of one model, in one round, of data that ` +
        'was prepared alike.',
    );
  }

  #checkSame(part: LayerMoments, shard: string): void {
    const known = this.#ofShards.get(shard)!;
    if (JSON.stringify(known) === JSON.stringify(part)) return;
    throw new ValueError(
      `The shard ${show(shard)} comes twice for the layer ${show(part.layer)}, ` +
        (haveSameShards(known, part)
          ? 'with different numbers. Different shards need different names; a shard that has changed needs a new round.'
          : 'and is merged with other shards in one of them, so that it would count twice. Leave one of them out.'),
    );
  }

  merged(): LayerMoments {
    const [only, ...others] = this.#all.sort((a, b) => (a.shards[0]! < b.shards[0]! ? -1 : 1));
    if (others.length === 0) return only!;
    const { format, layer, of, order } = this.first;
    const shards = this.#all.flatMap((part) => part.shards).sort();
    const population = populationOf(this.#all);
    return { format, layer, of, order, bessel: population.hasBessel, shards, ...population.moments() };
  }
}

const hasValues = ({ count }: Pick<LayerMoments, 'count'>): boolean => count.some((n) => n > 0);

export const haveSameShards = (a: LayerMoments, b: LayerMoments): boolean =>
  a.shards.join('\n') === b.shards.join('\n');

/** The population that moments of a layer tell of together. */
export function populationOf(parts: readonly LayerMoments[]): Population {
  const hasBessel = parts.some(({ bessel }) => bessel);
  const population = new Population(parts[0]!.count.length, hasBessel);
  for (const part of parts) population.merge(part);
  return population;
}
