/** @file Convolutions that TensorFlow does not compute on a CPU, against others that it does; what they refuse. */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow } from 'evenkeel';
import { kerasLayers, loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw, valuesOf } from '../models/models.js';

accelerateTensorFlow();

type Layer = tf.layers.Layer;
type Make = (settings: object) => Layer;

const DRAWN = { biasInitializer: 'randomNormal' };

const MADE: Record<string, readonly [dimensions: number, make: Make]> = {
  Conv1D: [1, (s) => kerasLayers.conv1d({ filters: 4, kernelSize: 3, padding: 'causal', ...DRAWN, ...s })],
  Conv2D: [2, (s) => kerasLayers.conv2d({ filters: 4, kernelSize: 2, groups: 2, ...DRAWN, ...s })],
  Conv3D: [3, (s) => kerasLayers.conv3d({ filters: 3, kernelSize: 2, padding: 'same', ...DRAWN, ...s })],
  DepthwiseConv1D: [1, (s) => kerasLayers.depthwiseConv1d({ kernelSize: 2, strides: 2, ...DRAWN, ...s })],
  DepthwiseConv2D: [
    2,
    (s) => kerasLayers.depthwiseConv2d({ kernelSize: 2, dilationRate: 2, ...DRAWN, ...s }),
  ],
  SeparableConv1D: [1, (s) => kerasLayers.separableConv1d({ filters: 3, kernelSize: 2, ...DRAWN, ...s })],
  SeparableConv2D: [2, (s) => kerasLayers.separableConv2d({ filters: 3, kernelSize: 2, ...DRAWN, ...s })],
  Conv1DTranspose: [
    1,
    (s) => kerasLayers.conv1dTranspose({ filters: 3, kernelSize: 2, strides: 3, ...DRAWN, ...s }),
  ],
  Conv2DTranspose: [
    2,
    (s) => kerasLayers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, ...DRAWN, ...s }),
  ],
  Conv3DTranspose: [
    3,
    (s) => kerasLayers.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2, ...DRAWN, ...s }),
  ],
};

/** The layer's output, with another layer behind it, and the gradients of its input and weights. */
function outcome(layer: Layer, x: tf.Tensor, behind: Layer = kerasLayers.identity()): tf.Tensor[] {
  const compute = (input: tf.Tensor) => behind.apply(layer.apply(input)) as tf.Tensor;
  const y = compute(x);
  const variables = layer.getWeights().map((_, i) => layer.weights[i]!.read() as unknown as tf.Variable);
  const loss = (input: tf.Tensor) => tf.sum(tf.square(compute(input))).asScalar();
  const { grads } = tf.variableGrads(() => loss(x), variables);
  return [y, tf.grad(loss)(x), ...variables.map(({ name }) => grads[name]!)];
}

function expectClose(got: tf.Tensor, want: tf.Tensor): void {
  expect(got.shape).toEqual(want.shape);
  const [values, wanted] = [valuesOf(got), valuesOf(want)];
  const scale = Math.max(1, ...wanted.map(Math.abs));
  values.forEach((value, i) => {
    expect(Math.abs(value - wanted[i]!) / scale).toBeLessThan(2e-6);
  });
}

describeBackends(() => {
  test.each(Object.entries(MADE))('%s is the same with the channels first', (_, [dimensions, make]) => {
    const x = draw([2, ...[5, 4, 3].slice(0, dimensions), 4], 1);
    const space = Array.from({ length: dimensions }, (__, i) => i + 1);
    const toFirst = (t: tf.Tensor) => tf.transpose(t, [0, dimensions + 1, ...space]);
    const [last, first] = [
      make({ activation: 'tanh' }),
      make({ activation: 'tanh', dataFormat: 'channelsFirst' }),
    ];
    last.apply(x);
    first.apply(toFirst(x));
    first.setWeights(last.getWeights());
    const [wantY, wantX, ...wantWeights] = outcome(last, x) as [tf.Tensor, tf.Tensor, ...tf.Tensor[]];
    const [y, dx, ...weights] = outcome(first, toFirst(x)) as [tf.Tensor, tf.Tensor, ...tf.Tensor[]];
    expectClose(y, toFirst(wantY));
    expect(first.computeOutputShape(toFirst(x).shape)).toEqual(y.shape);
    expectClose(dx, toFirst(wantX));
    weights.forEach((weight, i) => {
      expectClose(weight, wantWeights[i]!);
    });
  });

  describe.each(['relu', 'relu6'] as const)('with the activation %s', (activation) => {
    test.each(
      Object.entries(MADE).flatMap(([name, made]) =>
        (['channelsLast', 'channelsFirst'] as const).map(
          (dataFormat) => [name, dataFormat, ...made] as const,
        ),
      ),
    )('%s, %s, gives what a layer of its own gives, and its gradients', (_, dataFormat, dimensions, make) => {
      const x = draw([4, ...[4, 4, 4].slice(0, dimensions), 4], 1);
      const [linear, activated] = [make({ dataFormat }), make({ dataFormat, activation })];
      linear.apply(x);
      activated.apply(x);
      // So that there are numbers below 0 and above 6.
      linear.setWeights(linear.getWeights().map(({ shape }, i) => tf.mul(draw(shape, i + 2), 5)));
      activated.setWeights(linear.getWeights());
      const want = outcome(linear, x, tf.layers.activation({ activation }));
      expect(valuesOf(want[0]!)).toContain(activation === 'relu6' ? 6 : 0);
      expect(valuesOf(want[0]!).some((value) => value > 0 && value < 6)).toBe(true);
      outcome(activated, x).forEach((value, i) => {
        expectClose(value, want[i]!);
      });
    });

    test.each([
      ['Conv2D', kerasLayers.conv2d({ filters: 3, kernelSize: 2, activation }), 'FusedConv2D'],
      ['DepthwiseConv2D', kerasLayers.depthwiseConv2d({ kernelSize: 2, activation }), 'FusedDepthwiseConv2D'],
    ])('one kernel does all that %s infers', async (_, layer, kernel) => {
      const x = draw([1, 4, 4, 2], 1);
      layer.apply(x);
      const { kernelNames } = await tf.profile(() => layer.apply(x) as tf.Tensor);
      expect(kernelNames.filter((name) => !name.endsWith('__op'))).toEqual([kernel]);
    });
  });

  test('at 6, where relu6 begins to be flat, it has the gradient of Keras', () => {
    const layer = kerasLayers.conv2d({
      ...{ filters: 1, kernelSize: 1, activation: 'relu6', kernelInitializer: 'ones' },
    });
    const gradient = tf.grad((x) => layer.apply(x) as tf.Tensor);
    expect(valuesOf(gradient(tf.tensor4d([5, 6, 7], [1, 1, 3, 1])))).toEqual([1, 0, 0]);
  });

  test.each(['Conv1DTranspose', 'Conv2DTranspose', 'Conv3DTranspose', 'Conv3D'])(
    'dilation of %s is zeros between the numbers of its kernel',
    (name) => {
      const [dimensions, make] = MADE[name]!;
      const x = draw([2, ...[6, 5, 7].slice(0, dimensions), 2], 1);
      const dilated = make({ strides: 1, kernelSize: 2, dilationRate: 3, padding: 'valid' });
      const whole = make({ strides: 1, kernelSize: 4, padding: 'valid' });
      dilated.apply(x);
      whole.apply(x);
      const [kernel, bias] = dilated.getWeights() as [tf.Tensor, tf.Tensor];
      // The corners of the kernel, at a distance of 3.
      const ends = kernel.shape.map((size, d) => (d < dimensions ? 2 * size : size));
      const spread = kernel.shape.slice(0, dimensions).reduce((t, __, d) => {
        const [one, other] = tf.split(t, 2, d) as [tf.Tensor, tf.Tensor];
        const zeros = tf.zeros(one.shape.with(d, 2));
        return tf.concat([one, zeros, other], d);
      }, kernel);
      expect(spread.shape).toEqual(ends);
      whole.setWeights([spread, bias]);
      const [wantY, wantX] = outcome(whole, x);
      const [y, dx] = outcome(dilated, x);
      expectClose(y!, wantY!);
      expectClose(dx!, wantX!);
    },
  );
});

test.each<[make: () => unknown, message: RegExp]>([
  [
    () => kerasLayers.conv2d({ filters: 3, kernelSize: 2, groups: 2 }),
    /groups: expected a divisor of filters \(3\)/,
  ],
  [
    () => kerasLayers.conv2d({ filters: 0, kernelSize: 2 }),
    /filters: expected a positive integer, received 0/,
  ],
  [
    () => kerasLayers.conv2d({ filters: 1, kernelSize: [2] }),
    /kernelSize: expected a positive integer, or 2/,
  ],
  [
    () => kerasLayers.conv2d({ filters: 1, kernelSize: 2, padding: 'causal' }),
    /padding: expected 'valid' or 'same'/,
  ],
  [
    () => kerasLayers.conv1d({ filters: 1, kernelSize: 2, strides: 2, dilationRate: 2 }),
    /at most one of them/,
  ],
  [
    () => kerasLayers.conv1dTranspose({ filters: 1, kernelSize: 2, strides: 2, outputPadding: 2 }),
    /outputPadding: expected integers from 0 on, less than strides/,
  ],
  [
    () => kerasLayers.conv1d({ filters: 1, kernelSize: 4 }).apply(tf.zeros([1, 3, 1])),
    /larger than its input/,
  ],
  [
    () => kerasLayers.conv1d({ filters: 2, kernelSize: 1, groups: 2 }).apply(tf.zeros([1, 3, 3])),
    /3 channels, which 2 groups do not divide/,
  ],
])('%# is refused', (make, message) => {
  expect(make).toThrow(message);
});

test.each([
  [
    kerasLayers.depthwiseConv2d({ kernelSize: 2, strides: 2, dilationRate: 2, inputShape: [6, 6, 2] }),
    'tf-keras',
    /Save for: 'keras3'/,
  ],
  [
    kerasLayers.separableConv1d({ filters: 2, kernelSize: 2, padding: 'causal', inputShape: [6, 2] }),
    'keras3',
    /Save for: 'tf-keras'/,
  ],
  [
    kerasLayers.conv3dTranspose({ filters: 2, kernelSize: 2, dilationRate: 2, inputShape: [4, 4, 4, 2] }),
    'tf-keras',
    /Save for: 'keras3'/,
  ],
  [
    tf.layers.depthwiseConv2d({ kernelSize: 2, dilationRate: 2, inputShape: [6, 6, 2] }),
    'keras3',
    /TF\.js' own layer of that name, which does not use its dilationRate/,
  ],
] as const)('what one Keras lacks is saved for the other, %#', async (layer, target, message) => {
  const model = tf.sequential({ layers: [layer] });
  await expect(saveKerasModel(model, null, { for: target })).rejects.toThrow(message);
});

test('names of settings are those of Keras in a file', async () => {
  const layer = kerasLayers.conv2dTranspose({
    filters: 2,
    kernelSize: 2,
    strides: 2,
    outputPadding: 1,
    inputShape: [4, 4, 2],
  });
  const again = await loadKerasModel(
    await saveKerasModel(tf.sequential({ layers: [layer] }), null, { for: 'keras3' }),
  );
  expect(again.layers.at(-1)!.getConfig()).toMatchObject({
    outputPadding: [1, 1],
    strides: [2, 2],
    filters: 2,
  });
});
