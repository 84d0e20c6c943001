/** @file How many golden models each group has. */
export const COUNTS: Readonly<Record<string, number>> = {
  models: 134,
  attention: 30,
  recurrent: 58,
  graphs: 20,
  shapes: 89,
  applications: 86,
  tutorials: 117,
  augmentation: 57,
  activations: 40,
  preprocessing: 59,
  operations: 49,
  resumed: 123,
  convolutions: 64,
  weighted: 8,
  synchronized: 6,
};
