/** @file The two Keras: who writes a file, or is to read it; some of their layers compute something else under one name. */
export const DIALECTS = ['tf-keras', 'keras3'] as const;

export type Dialect = (typeof DIALECTS)[number];
