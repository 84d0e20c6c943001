/**
 * @file MobileNetV2 and ResNet50 as keras.applications has them, for 224×224 pixels and 1000 classes. Weights are drawn
 * from fixed seeds; moving statistics are those of random pictures.
 */
import * as tf from '@tensorflow/tfjs';
import { recalibrate } from 'evenkeel/tools';

type Layer = tf.layers.Layer;
type Symbolic = tf.SymbolicTensor;
type Initializer = ReturnType<typeof tf.initializers.randomUniform>;
export type Normalization = (args: {
  name: string;
  epsilon: number;
  gammaInitializer: Initializer;
  betaInitializer: Initializer;
}) => Layer;

const { layers } = tf;
const SIZE = 224;
export const SAMPLE = [SIZE, SIZE, 3];
const CLASSES = 1000;

/** Layers of a network, each with a seed of its own. */
class Network {
  private seed = 0;

  constructor(
    private readonly normalization: Normalization,
    private readonly epsilon: number,
  ) {}

  private draw() {
    this.seed++;
    return tf.initializers.heNormal({ seed: this.seed });
  }

  conv(x: Symbolic, filters: number, kernelSize: number, more: object = {}): Symbolic {
    const kernelInitializer = this.draw();
    return apply(layers.conv2d({ filters, kernelSize, padding: 'same', kernelInitializer, ...more }), x);
  }

  depthwise(x: Symbolic, more: object): Symbolic {
    return apply(
      layers.depthwiseConv2d({ kernelSize: 3, useBias: false, depthwiseInitializer: this.draw(), ...more }),
      x,
    );
  }

  normalize(x: Symbolic): Symbolic {
    this.seed++;
    const between = (minval: number, maxval: number) =>
      tf.initializers.randomUniform({ minval, maxval, seed: this.seed });
    return apply(
      this.normalization({
        name: `bn_${this.seed}`,
        epsilon: this.epsilon,
        gammaInitializer: between(0.5, 1.5),
        betaInitializer: between(-0.5, 0.5),
      }),
      x,
    );
  }

  classify(x: Symbolic): Symbolic {
    const pooled = apply(layers.globalAveragePooling2d({}), x);
    const kernelInitializer = this.draw();
    return apply(layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer }), pooled);
  }
}

const apply = (layer: Layer, ...inputs: Symbolic[]): Symbolic =>
  layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as Symbolic;
const channelsOf = (x: Symbolic): number => x.shape.at(-1)!;
const padding = (...margins: [[number, number], [number, number]]) =>
  layers.zeroPadding2d({ padding: margins });

/** expansion, channels, how many blocks, stride of the first. */
const BOTTLENECKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function mobileNetV2(normalization: Normalization): tf.LayersModel {
  const network = new Network(normalization, 1e-3);
  const activate = (x: Symbolic) => apply(layers.reLU({ maxValue: 6 }), network.normalize(x));
  const block = (x: Symbolic, expansion: number, filters: number, strides: number): Symbolic => {
    let y = x;
    if (expansion > 1) y = activate(network.conv(y, expansion * channelsOf(x), 1, { useBias: false }));
    if (strides === 2) y = apply(padding([0, 1], [0, 1]), y);
    y = activate(network.depthwise(y, { strides, padding: strides === 2 ? 'valid' : 'same' }));
    y = network.normalize(network.conv(y, filters, 1, { useBias: false }));
    return strides === 1 && channelsOf(x) === filters ? apply(layers.add(), x, y) : y;
  };
  const inputs = tf.input({ shape: SAMPLE });
  let x = activate(network.conv(inputs, 32, 3, { strides: 2, useBias: false }));
  for (const [expansion, filters, blocks, strides] of BOTTLENECKS) {
    for (let i = 0; i < blocks; i++) x = block(x, expansion, filters, i === 0 ? strides : 1);
  }
  x = activate(network.conv(x, 1280, 1, { useBias: false }));
  return tf.model({ inputs, outputs: network.classify(x) });
}

/** channels within, how many blocks, stride of the first. */
const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const;

function resNet50(normalization: Normalization): tf.LayersModel {
  const network = new Network(normalization, 1.001e-5);
  const activate = (x: Symbolic) => apply(layers.activation({ activation: 'relu' }), x);
  const block = (x: Symbolic, filters: number, strides: number, isFirst: boolean): Symbolic => {
    const shortcut = isFirst ? network.normalize(network.conv(x, 4 * filters, 1, { strides })) : x;
    let y = activate(network.normalize(network.conv(x, filters, 1, { strides })));
    y = activate(network.normalize(network.conv(y, filters, 3)));
    y = network.normalize(network.conv(y, 4 * filters, 1));
    return activate(apply(layers.add(), shortcut, y));
  };
  const inputs = tf.input({ shape: SAMPLE });
  let x = apply(padding([3, 3], [3, 3]), inputs);
  x = activate(network.normalize(network.conv(x, 64, 7, { strides: 2, padding: 'valid' })));
  x = apply(padding([1, 1], [1, 1]), x);
  x = apply(layers.maxPooling2d({ poolSize: 3, strides: 2 }), x);
  for (const [filters, blocks, strides] of STAGES) {
    for (let i = 0; i < blocks; i++) x = block(x, filters, i === 0 ? strides : 1, i === 0);
  }
  return tf.model({ inputs, outputs: network.classify(x) });
}

export const NETWORKS = { mobileNetV2, resNet50 };

/** How many pictures the moving statistics are computed from. */
const PICTURES = 4;

/** The network with both kinds of normalization, and the same weights. */
export async function makeBoth(
  make: (normalization: Normalization) => tf.LayersModel,
  ours: Normalization,
  stocks: Normalization,
) {
  const model = make(ours);
  const pictures = tf.randomNormal([PICTURES, ...SAMPLE], 0, 1, 'float32', 1);
  await recalibrate(model, pictures, { order: 'one pass' });
  pictures.dispose();
  const stock = make(stocks);
  stock.setWeights(model.getWeights());
  return { model, stock };
}
