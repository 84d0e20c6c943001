/**
 * @file What each kind of finding means, in plain words: for docs/findings.md, for reports, which stand alone, and for the
 * doctor.
 */
import type { FindingName } from 'evenkeel/tools';

export interface Explanation {
  /** The trouble in a few words. */
  readonly title: string;
  readonly meaning: string;
}

export const EXPLANATIONS: Readonly<Record<FindingName, Explanation>> = {
  'not-finite': {
    title: 'NaN or infinity in the weights',
    meaning:
      'A weight of the layer is NaN or infinite, so whatever comes after it is NaN. Most often training ' +
      'diverged, or a sample held NaN.',
  },
  'negative-variance': {
    title: 'A variance below 0',
    meaning:
      'No variance can be negative, and the square root of one is NaN. Weights were averaged or ' +
      'extrapolated, or something computed the variance as E[x²] − E[x]², which loses its digits far from ' +
      'zero.',
  },
  'huge-variance': {
    title: 'A huge variance',
    meaning:
      'The inputs of the layer were not scaled, or training diverged. Gradients that pass the layer are ' +
      'divided by the deviation, so that layers before it hardly learn.',
  },
  'not-finite-data': {
    title: 'NaN or infinity in the data',
    meaning:
      'A batch brings NaN or infinity to the layer: from the data, or from a layer before. One such batch ' +
      'in training makes the moving statistics NaN for good.',
  },
  'stock-axis': {
    title: "TF.js' own layer, along an axis that it cannot do",
    meaning:
      "TF.js' own layer takes any axis, and then normalizes along the last one only. Predictions on cpu and " +
      'wasm are wrong without a word, and training throws.',
  },
  'impossible-momentum': {
    title: 'A momentum that is no average',
    meaning:
      'The moving statistics keep the part momentum of what they are, and take the rest from the batch. ' +
      'Beyond 0 and 1 they run away from what they should follow.',
  },
  'inverted-momentum': {
    title: "PyTorch's momentum in Keras' place",
    meaning:
      'Here, as in Keras, momentum is the part that is kept; in PyTorch it is the part that is new. ' +
      "PyTorch's 0.1 is 0.9 here. With 0.1 the moving statistics are those of the last batch or two, and " +
      'predictions differ by which batch came last.',
  },
  'untrained-statistics': {
    title: 'Statistics that nothing has moved',
    meaning:
      'The moving statistics are what they began as, 0 and 1, so in inference the layer does not normalize ' +
      'at all. The model was not trained, the layer was frozen while it was, or weights were loaded without ' +
      'these two.',
  },
  'young-statistics': {
    title: 'Moving averages that are too young',
    meaning:
      'Moving averages begin at 0 and 1 and need about 3/(1 − momentum) steps to forget that: 300 with the ' +
      'default of 0.99. After fewer, the model predicts worse in inference than it did in training, ' +
      'although it learned well. Small data sets and short trainings are where this happens.',
  },
  'statistics-gap': {
    title: 'Statistics that lag behind',
    meaning:
      'Values that the moving statistics have normalized do not have mean 0 and deviation 1 on this data, ' +
      'even if all layers before normalize by the batch. The averages lag behind weights that moved on, as ' +
      'with a high learning rate or a high momentum; or they were computed with other weights.',
  },
  'data-shift': {
    title: 'Other data than in training',
    meaning:
      'What reaches the layer is the same in training and in inference mode, yet the moving statistics do ' +
      'not fit it. So they were computed from other data: prepared in another way, or of another kind.',
  },
  'zero-gamma': {
    title: 'Channels that gamma has switched off',
    meaning:
      'Gamma is 0, or next to it: whatever comes in, beta goes out. A regularizer of gamma does this, by ' +
      'intent or not. In a residual block whose last normalization starts at gamma 0, it means that the ' +
      'block has not been trained.',
  },
  'quantized-weights': {
    title: 'Variances lost to quantization',
    meaning:
      "TF.js' converter can store weights in 8 or 16 bits, by one step for all channels. Where variances " +
      'differ by orders of magnitude, the small ones become 0, epsilon takes their place, and these ' +
      'channels come out far too small.',
  },
  'constant-channel': {
    title: 'Channels that never vary',
    meaning:
      'The inputs of the channel are always the same: a dead unit before, or an input of the data that ' +
      'never changes. The channel tells nothing, and gives beta.',
  },
  'dead-relu': {
    title: 'Channels that the ReLU behind always cuts off',
    meaning:
      'Beta has gone so far below 0 that even values high above the mean do not pass the ReLU behind the ' +
      'layer. It gives 0 and no gradient, so that training cannot bring the channel back.',
  },
  'epsilon-dominates': {
    title: 'Epsilon sets the scale',
    meaning:
      'Epsilon is there to keep the division away from 0. Where variances are smaller than it, the output ' +
      'has a deviation below 0.71 in place of 1, and the layer no longer evens out the scale of its inputs.',
  },
  'small-batch': {
    title: 'Batches that are too small',
    meaning:
      'Training normalizes by the mean and variance of the batch. Those of a few values are far from those ' +
      'of the data, another way at each step; so training is noisy, and inference is not what was trained.',
  },
  'unshuffled-batches': {
    title: 'Batches that are sorted in some way',
    meaning:
      'Samples of one batch are more alike than samples of the data are: sorted by class, by time, by file. ' +
      'Then each batch is normalized by statistics of its own kind, a hint that inference does not have.',
  },
  'output-gap': {
    title: 'Outputs differ between training and inference',
    meaning:
      'What the findings of layers come to at the end: the same data, through the same weights, gives other ' +
      'outputs by the moving statistics than by those of the batch. If it does so, validation says little ' +
      'of what was learned.',
  },
  'shared-layer': {
    title: 'One layer, several inputs',
    meaning:
      'The layer is called several times in the model, and its one set of moving statistics mixes the ' +
      'inputs of all calls. In training each call is normalized by its own; if they differ, inference fits ' +
      'none of them.',
  },
  'foreign-epsilon': {
    title: "PyTorch's epsilon",
    meaning:
      "Epsilon is the default of PyTorch, Flax and ONNX, and not Keras'. Right for weights that were " +
      'trained with it, and wrong for others.',
  },
  'useless-bias': {
    title: 'A bias that does nothing',
    meaning:
      'The layer before adds a bias to each channel, and the mean that is subtracted takes it away again. ' +
      'It costs memory and time, and its gradient is 0.',
  },
};
