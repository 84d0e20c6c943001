/** @file What the normalizations of a model get by moments, where these are of this model, and of one history. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkNames } from '../text/names.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { plural } from './findings.js';
import type { LayerMoments } from './layer-moments.js';
import { type MergeMomentsOptions, haveSameShards, mergeMoments, populationOf } from './merge-moments.js';
import { MomentsOrigin, differenceOf } from './moments-origin.js';
import {
  type PassOrder,
  type Result,
  type StatisticsKind,
  checkKinds,
  checkResult,
  readStatistics,
  resultOf,
} from './new-statistics.js';
import type { Normalization } from './normalizations.js';
import type { Statistics } from './population.js';

/** What belongs to one computation of statistics, round by round. */
export interface Rounds {
  readonly order: PassOrder;
  readonly statistics: StatisticsKind;
}

/** By the moments that there are. */
export interface Given {
  readonly results: ReadonlyMap<Normalization, Result>;
  /** The moving statistics as they are, of every normalization. */
  readonly before: readonly Statistics[];
  /** What moments of the next round are of. */
  readonly originIn: (preparation: string) => Promise<string>;
}

export interface GivenMomentsOptions extends MergeMomentsOptions {
  /** As it was for `collectMoments`. Default: 'population'. */
  readonly statistics?: StatisticsKind | undefined;
}

const GIVEN_MOMENTS_OPTIONS = Object.keys({
  shards: true,
  statistics: true,
} satisfies Record<keyof GivenMomentsOptions, true>);

/**
 * Merges moments, and reads them as those of a computation that is over, or as far as it has come.
 *
 * @param owner whose options these are
 * @throws as `mergeMoments` and `readMoments`; TypeError for an unknown option
 */
export async function mergeAndRead(
  owner: string,
  model: LayersModel,
  normalizations: readonly Normalization[],
  moments: Iterable<LayerMoments>,
  options: GivenMomentsOptions,
): Promise<Given & Rounds & { readonly merged: readonly LayerMoments[] }> {
  checkNames('option', owner, options, GIVEN_MOMENTS_OPTIONS);
  const { shards, statistics = 'population' } = options;
  const merged = mergeMoments(moments, { shards });
  const order = merged[0]?.order ?? 'layer by layer';
  checkKinds(statistics, order);
  const given = await readMoments(model, normalizations, merged, { order, statistics }, null);
  return { ...given, order, statistics, merged };
}

/**
 * @param moments merged
 * @param preparation of the data, where that is known
 * @throws ValueError for moments of another model, round or preparation, of a layer that the model does not have, of
 *   other shards than those of other layers, or without what the statistics need
 */
export async function readMoments(
  model: LayersModel,
  normalizations: readonly Normalization[],
  moments: readonly LayerMoments[],
  { order, statistics }: Rounds,
  preparation: string | null,
): Promise<Given> {
  checkLayers(normalizations, moments);
  const origin = await MomentsOrigin.of(model);
  const before = await Promise.all(normalizations.map(readStatistics));
  const results = new Map<Normalization, Result>();
  const known: LayerMoments[] = [];
  const originIn = (how: string) => origin.in([order, statistics, order === 'one pass' ? [] : known], how);
  for (const [i, normalization] of normalizations.entries()) {
    const one = moments.find(({ layer }) => layer === normalization.name);
    if (!one) continue;
    const [first = one] = known;
    const parts = preparation === null ? (['model', 'round'] as const) : undefined;
    const difference =
      (one.order === order ? null : `of the order '${one.order}', not '${order}'`) ??
      differenceOf(one.of, await originIn(preparation ?? ''), parts) ??
      differenceOf(one.of, first.of, ['preparation']) ??
      (one.count.length === before[i]!.mean.length ? null : `of ${plural(one.count.length, 'channel')}`) ??
      (haveSameShards(one, first) ? null : `of other shards than '${first.layer}' has`) ??
      (statistics === 'population' || one.perBatch
        ? null
        : 'without perBatch, which statistics of batches need');
    if (difference !== null) {
      throw new ValueError(
        `The moments of the layer ${show(one.layer)} do not fit here: they are ${difference}. Take them with this model as it ` +
          'is, with the same options, round after round.',
      );
    }
    const result = resultOf(populationOf([one]), statistics, before[i]!);
    checkResult(one.layer, result);
    results.set(normalization, result);
    known.push(one);
  }
  return { results, before, originIn };
}

function checkLayers(normalizations: readonly Normalization[], moments: readonly LayerMoments[]): void {
  const other = moments.find((one) => normalizations.every(({ name }) => name !== one.layer));
  if (!other) return;
  throw new ValueError(
    `There are moments of the layer ${show(other.layer)}, and the model has no batch normalization of that name. It has ` +
      `${show(normalizations.map(({ name }) => name))}.`,
  );
}
