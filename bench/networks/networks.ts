/**
 * @file The networks, as plain data that every contender builds its own model from: TF.js here, PyTorch in
 * `peers/torch_networks.py`. Padding is 'same', convolutions have no bias.
 */
import * as tf from '@tensorflow/tfjs';

/** One layer, or a residual block: the sum of what two rows of layers make of the same input. */
export type Part =
  | readonly ['convolution', filters: number, kernelSize: number, strides: number]
  | readonly ['depthwise', kernelSize: number, strides: number]
  | readonly ['normalization' | 'averagePooling' | 'sigmoid']
  | readonly ['relu', maxValue: number | null]
  | readonly ['maxPooling', size: number, strides: number]
  | readonly ['dense', units: number, useBias: boolean]
  | readonly ['lstm', units: number]
  | readonly ['residual', block: readonly Part[], shortcut: readonly Part[]];

export interface Network {
  /** The batch's shape: channels, features last. */
  readonly inputShape: readonly number[];
  readonly parts: readonly Part[];
}

export const CLASSES = 10;
export const LEARNING_RATE = 0.001;

const NORMALIZATION: Part = ['normalization'];
const RELU: Part = ['relu', null];
const RELU6: Part = ['relu', 6];
const HEAD: Part[] = [['averagePooling'], ['dense', CLASSES, true]];

const convolution = (filters: number, kernelSize: number, strides: number): Part[] => [
  ['convolution', filters, kernelSize, strides],
  NORMALIZATION,
];

/** MobileNetV2's block: wide inside, narrow outside, and a sum where the shapes are the same. */
function invertedResidual(from: number, to: number, strides: number): Part[] {
  const block: Part[] = [
    ...[...convolution(6 * from, 1, 1), RELU6],
    ...([['depthwise', 3, strides], NORMALIZATION, RELU6] as Part[]),
    ...convolution(to, 1, 1),
  ];
  return strides === 1 && from === to ? [['residual', block, []]] : block;
}

/** ResNet's block, with a projection where the shape changes. */
const residual = (filters: number, strides: number): Part[] => [
  [
    'residual',
    [...convolution(filters, 3, strides), RELU, ...convolution(filters, 3, 1)],
    strides === 1 ? [] : convolution(filters, 1, strides),
  ],
  RELU,
];

/** Each takes about as long as the others of its kind; all convolutional ones have batches of 32. */
export const NETWORKS = {
  convnet: {
    inputShape: [32, 32, 32, 3],
    parts: [
      ...[
        [32, 1],
        [32, 1],
        [64, 2],
        [64, 1],
        [128, 2],
      ].flatMap(([filters, strides]) => [...convolution(filters!, 3, strides!), RELU]),
      ...HEAD,
    ],
  },
  mobilenet: {
    inputShape: [32, 32, 32, 3],
    parts: [
      ...[...convolution(32, 3, 2), RELU6],
      ...invertedResidual(32, 24, 1),
      ...invertedResidual(24, 24, 1),
      ...invertedResidual(24, 32, 2),
      ...invertedResidual(32, 32, 1),
      ...invertedResidual(32, 64, 2),
      ...invertedResidual(64, 64, 1),
      ...[...convolution(256, 1, 1), RELU6],
      ...HEAD,
    ],
  },
  resnet: {
    inputShape: [32, 32, 32, 3],
    parts: [
      // No ReLU before the pooling: windows whose maximum is negative count, too.
      ...convolution(32, 3, 1),
      ['maxPooling', 3, 2],
      ...residual(32, 1),
      ...residual(32, 1),
      ...residual(64, 2),
      ...residual(64, 1),
      ...residual(128, 2),
      ...HEAD,
    ],
  },
  lstm: {
    inputShape: [32, 28, 28],
    parts: [['lstm', 128], NORMALIZATION, ['dense', CLASSES, true]],
  },
  experiment: {
    inputShape: [60, 784],
    parts: [
      ...[1, 2, 3].flatMap((): Part[] => [['dense', 100, false], NORMALIZATION, ['sigmoid']]),
      ['dense', CLASSES, true],
    ],
  },
} satisfies Record<string, Network>;

export type NetworkName = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];

/** A model in TF.js, and its layers in the order of the description. */
export interface Built {
  readonly model: tf.LayersModel;
  readonly layers: readonly tf.layers.Layer[];
}

export function build({ inputShape, parts }: Network, normalization: () => tf.layers.Layer): Built {
  const layers: tf.layers.Layer[] = [];
  const make = (part: Exclude<Part, readonly ['residual', ...unknown[]]>): tf.layers.Layer => {
    const same = { padding: 'same', useBias: false } as const;
    switch (part[0]) {
      case 'convolution':
        return tf.layers.conv2d({ filters: part[1], kernelSize: part[2], strides: part[3], ...same });
      case 'depthwise':
        return tf.layers.depthwiseConv2d({ kernelSize: part[1], strides: part[2], ...same });
      case 'normalization':
        return normalization();
      case 'averagePooling':
        return tf.layers.globalAveragePooling2d({});
      case 'sigmoid':
        return tf.layers.activation({ activation: 'sigmoid' });
      case 'relu':
        return tf.layers.reLU(part[1] === null ? {} : { maxValue: part[1] });
      case 'maxPooling':
        return tf.layers.maxPooling2d({ poolSize: part[1], strides: part[2], padding: 'same' });
      case 'dense':
        return tf.layers.dense({ units: part[1], useBias: part[2] });
      case 'lstm':
        // Keras' own defaults, but for an initializer that takes seconds in TF.js.
        return tf.layers.lstm({
          units: part[1],
          recurrentActivation: 'sigmoid',
          recurrentInitializer: 'glorotUniform',
        });
    }
  };
  const apply = (input: tf.SymbolicTensor, row: readonly Part[]): tf.SymbolicTensor =>
    row.reduce((x, part) => {
      if (part[0] === 'residual') {
        return tf.layers.add().apply([apply(x, part[1]), apply(x, part[2])]) as tf.SymbolicTensor;
      }
      const layer = make(part);
      layers.push(layer);
      return layer.apply(x) as tf.SymbolicTensor;
    }, input);
  const inputs = tf.input({ shape: inputShape.slice(1) });
  return { model: tf.model({ inputs, outputs: apply(inputs, parts) }), layers };
}
