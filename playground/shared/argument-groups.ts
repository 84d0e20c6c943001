/** @file The layer's arguments by what they do, as the page shows them; and those that make no sense there. */

export interface ArgumentGroup {
  readonly title: string;
  readonly names: readonly string[];
}

export const ARGUMENT_GROUPS: readonly ArgumentGroup[] = [
  {
    title: 'Statistics',
    names: ['momentum', 'epsilon', 'movingMeanInitializer', 'movingVarianceInitializer'],
  },
  { title: 'Scale and offset', names: ['center', 'scale', 'betaInitializer', 'gammaInitializer'] },
  { title: 'Renorm', names: ['renorm', 'renormClipping', 'renormMomentum'] },
  { title: 'Groups and batches', names: ['virtualBatchSize', 'axis'] },
  {
    title: 'Expert',
    names: [
      ...['trainable', 'fused', 'adjustment'],
      ...['betaRegularizer', 'gammaRegularizer', 'betaConstraint', 'gammaConstraint'],
    ],
  },
];

/** What the page decides by itself: shapes and types follow from the data, `synchronized` from the number of threads. */
export const ABSENT_ARGUMENTS: readonly string[] = [
  ...['synchronized', 'inputShape', 'batchInputShape', 'batchSize', 'dtype', 'name', 'weights'],
];
