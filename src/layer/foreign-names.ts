/**
 * @file What other frameworks call the arguments of batch normalization, and what this library calls them. Keys are
 * written small and without underscores.
 */

const is = (...names: string[]) => `Here it is ${names.map((name) => `'${name}'`).join(' and ')}.`;
const BY_CALL = 'Here each call says it: layer.apply(x, { training: true }).';
const OF_THE_INPUT = "Leave it out: the input's shape says how many channels there are.";

/** Of the layer: those of PyTorch, TensorFlow 1, Keras 1, Flax and Haiku that are not Keras' own. */
export const FOREIGN_ARGUMENTS: Readonly<Record<string, string>> = {
  eps: is('epsilon'),
  varianceepsilon: is('epsilon'),
  affine: is('center', 'scale'),
  decay: is('momentum'),
  decayrate: is('momentum'),
  renormdecay: is('renormMomentum'),
  dataformat: `${is('axis')} 1 for channels first, -1 for channels last.`,
  scope: is('name'),
  numfeatures: OF_THE_INPUT,
  trackrunningstats: BY_CALL,
  training: BY_CALL,
  istraining: BY_CALL,
  userunningaverage: BY_CALL,
  usebias: is('center'),
  createoffset: is('center'),
  usescale: is('scale'),
  createscale: is('scale'),
  betainit: is('betaInitializer'),
  biasinit: is('betaInitializer'),
  gammainit: is('gammaInitializer'),
  scaleinit: is('gammaInitializer'),
};

/** Of a call. */
export const FOREIGN_CALL_ARGUMENTS: Readonly<Record<string, string>> = {
  train: is('training'),
  istraining: is('training'),
  userunningaverage: "Here it is 'training', the other way round.",
  batchweights: is('mask'),
  sampleweight: is('mask'),
};
