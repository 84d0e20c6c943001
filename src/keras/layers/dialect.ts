/** @file The two Keras, where a layer of theirs computes something else under the same name. */
export const DIALECTS = ['tf-keras', 'keras3'] as const;

export type Dialect = (typeof DIALECTS)[number];
