/** @file The two Keras: who writes a file, or is to read it; some of their layers compute something else under one name. */
export const DIALECTS = ['tf-keras', 'keras3'] as const;

/** Which of the two a layer computes as, where they differ. */
export type Dialect = (typeof DIALECTS)[number];
