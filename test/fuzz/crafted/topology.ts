/** @file Crafted graphs: chains, ladders, nests, wrappers, shared layers, in any order, with huge sizes and hostile names. */
import { hostileName, hostileNumber, hostileValue } from '../hostile.js';
import type { Random } from '../random.js';

export interface LayerJson {
  class_name: string;
  name?: string;
  config: Record<string, unknown>;
  inbound_nodes?: unknown;
}

interface WeightJson {
  name: string;
  shape: unknown;
  dtype: unknown;
  quantization?: unknown;
}

/** A model's configuration, and the weights that it would have. */
export interface Topology {
  readonly recipe: string;
  readonly model: LayerJson;
  readonly weights: WeightJson[];
}

/** Every vector within has two values, so that layers fit whatever is drawn. */
const UNITS = 2;

const call = (...names: readonly string[]) => [names.map((name) => [name, 0, 0, {}])];

const input = (name = 'input', shape: unknown = [null, UNITS], dtype = 'float32'): LayerJson => ({
  class_name: 'InputLayer',
  name,
  config: { batch_input_shape: shape, dtype, name, sparse: false },
  inbound_nodes: [],
});

function functional(layers: readonly LayerJson[], first: string, last: string, name = 'model'): LayerJson {
  return {
    class_name: 'Functional',
    name,
    config: { name, layers, input_layers: [[first, 0, 0]], output_layers: [[last, 0, 0]] },
  };
}

const sequential = (layers: readonly LayerJson[], name = 'model'): LayerJson => ({
  class_name: 'Sequential',
  name,
  config: { name, layers },
});

const dense = (name: string): LayerJson => ({
  class_name: 'Dense',
  config: { name, units: UNITS, activation: 'linear', use_bias: true },
});

const weightsOfDense = (name: string): WeightJson[] => [
  { name: `${name}/kernel`, shape: [UNITS, UNITS], dtype: 'float32' },
  { name: `${name}/bias`, shape: [UNITS], dtype: 'float32' },
];

const normalization = (name: string): LayerJson => ({
  class_name: 'BatchNormalization',
  config: { name, axis: -1, momentum: 0.99, epsilon: 0.001, center: true, scale: true },
});

const weightsOfNormalization = (name: string): WeightJson[] =>
  ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((weight) => ({
    name: `${name}/${weight}`,
    shape: [UNITS],
    dtype: 'float32',
  }));

/** Layers that keep [batch, 2] as it is. */
function anyLayer(name: string, random: Random): { layer: LayerJson; weights: WeightJson[] } {
  return random.pick([
    () => ({ layer: dense(name), weights: weightsOfDense(name) }),
    () => ({ layer: normalization(name), weights: weightsOfNormalization(name) }),
    () => ({ layer: { class_name: 'Activation', config: { name, activation: 'relu' } }, weights: [] }),
    () => ({ layer: { class_name: 'Dropout', config: { name, rate: 0.5 } }, weights: [] }),
    () => ({ layer: { class_name: 'Reshape', config: { name, target_shape: [UNITS] } }, weights: [] }),
  ])();
}

/** Small mostly, and seldom as large as others have made them. */
const length = (random: Random) => random.count(random.once(20) ? 10_000 : 60);

function ordered(layers: LayerJson[], random: Random): { layers: LayerJson[]; order: string } {
  return random.pick([
    () => ({ layers, order: 'in order' }),
    () => ({ layers: layers.toReversed(), order: 'reversed' }),
    () => ({ layers: random.shuffled(layers), order: 'shuffled' }),
  ])();
}

function chain(random: Random): Topology {
  const layers = [input()];
  const weights: WeightJson[] = [];
  let last = 'input';
  for (let i = length(random); i > 0; i--) {
    const name = `layer_${i}`;
    const drawn = anyLayer(name, random);
    layers.push({ ...drawn.layer, name, inbound_nodes: call(last) });
    weights.push(...drawn.weights);
    last = name;
  }
  if (random.once(3)) {
    const plain = layers.slice(1).map(({ class_name, config }) => ({ class_name, config }));
    Object.assign(plain[0]!.config, { batch_input_shape: [null, UNITS] });
    return { recipe: 'a sequential chain', model: sequential(plain), weights };
  }
  const { layers: drawn, order } = ordered(layers, random);
  return { recipe: `a chain ${order}`, model: functional(drawn, 'input', last), weights };
}

/** Each rung takes the one before twice, so that there are exponentially many ways through. */
function ladder(random: Random): Topology {
  const isMasked = random.once(2);
  const merge = random.pick(['Add', 'Multiply', 'Average', 'Maximum', 'Concatenate']);
  const isDense = random.once(3);
  const layers = [input()];
  const names = ['input'];
  if (isMasked) {
    layers.push({
      class_name: 'Masking',
      name: 'masking',
      config: { name: 'masking', mask_value: 0 },
      inbound_nodes: call('input'),
    });
    if (random.once(2)) names.push('masking');
  }
  const rungs = merge === 'Concatenate' ? random.count(22) : random.count(90);
  for (let i = 0; i < rungs; i++) {
    const name = `rung_${i}`;
    const before = names.at(-1)!;
    const from = isDense && names.length > 1 ? names.slice(-20) : [before, before];
    layers.push({ class_name: merge, name, config: { name, axis: -1 }, inbound_nodes: call(...from) });
    names.push(name);
  }
  const { layers: drawn, order } = ordered(layers, random);
  return {
    recipe: `a ladder of ${merge} ${order}${isMasked ? ' with a mask' : ''}`,
    model: functional(drawn, 'input', names.at(-1)!),
    weights: [],
  };
}

function nest(random: Random): Topology {
  const isFunctional = random.once(2);
  const { layer, weights } = anyLayer('inner', random);
  let model = layer;
  for (let depth = random.count(random.once(10) ? 4000 : 20); depth > 0; depth--) {
    const name = `nest_${depth}`;
    const first = { batch_input_shape: [null, UNITS] };
    if (isFunctional) {
      const held = { ...model, name: String(model.config.name), inbound_nodes: call('input') };
      model = functional([input(), held], 'input', held.name, name);
    } else {
      model = sequential([{ class_name: model.class_name, config: { ...first, ...model.config } }], name);
    }
  }
  if (!('layers' in model.config)) model = sequential([input(), model]);
  return { recipe: `nested ${isFunctional ? 'functional' : 'sequential'} models`, model, weights };
}

function wrappers(random: Random): Topology {
  let layer = dense('inner');
  const wrapper = random.pick(['TimeDistributed', 'Bidirectional', 'both'] as const);
  for (let depth = random.count(random.once(10) ? 3000 : 8); depth > 0; depth--) {
    const name = wrapper === 'both' ? random.pick(['TimeDistributed', 'Bidirectional']) : wrapper;
    layer = { class_name: name, config: { name: `wrapper_${depth}`, layer, merge_mode: 'concat' } };
  }
  Object.assign(layer.config, {
    batch_input_shape: [null, ...Array.from({ length: random.count(6) }, () => 3), UNITS],
  });
  return { recipe: `nested ${wrapper}`, model: sequential([layer]), weights: weightsOfDense('inner') };
}

function shared(random: Random): Topology {
  const calls = length(random);
  const { layer, weights } = anyLayer('shared', random);
  const layers = [
    input(),
    {
      ...layer,
      name: 'shared',
      inbound_nodes: Array.from({ length: calls }, (_, i) => [
        i === 0 ? ['input', 0, 0, {}] : ['shared', random.once(50) ? random.below(calls) : i - 1, 0, {}],
      ]),
    },
  ];
  const model = functional(layers, 'input', 'shared');
  model.config.output_layers = [['shared', random.once(10) ? hostileNumber(random) : calls - 1, 0]];
  return { recipe: 'a shared layer', model, weights };
}

/** A few bytes that ask for much. */
function sizes(random: Random): Topology {
  const size = () => (random.once(3) ? random.count(100) : hostileNumber(random));
  const rank = random.integer(0, 7);
  const shape = random.once(2)
    ? [null, UNITS]
    : [
        random.pick([null, null, 0, 1, 5]),
        ...Array.from({ length: rank }, () => (random.once(3) ? null : size())),
      ];
  const [first, last] = [shape.at(1) ?? 1, shape.at(-1) ?? 1];
  const drawn = Array.from({ length: random.integer(1, 4) }, (_, i): LayerJson => {
    const name = `layer_${i}`;
    const n = size();
    return random.pick<() => LayerJson>([
      () => ({ class_name: 'RepeatVector', config: { name, n } }),
      () => ({ class_name: 'UpSampling2D', config: { name, size: [n, size()] } }),
      () => ({ class_name: 'UpSampling1D', config: { name, size: n } }),
      () => ({
        class_name: 'ZeroPadding2D',
        config: {
          name,
          padding: [
            [n, size()],
            [1, 1],
          ],
        },
      }),
      () => ({ class_name: 'ZeroPadding1D', config: { name, padding: n } }),
      () => ({
        class_name: 'Cropping2D',
        config: {
          name,
          cropping: [
            [n, size()],
            [1, 1],
          ],
        },
      }),
      () => ({ class_name: 'Dense', config: { name, units: n, use_bias: random.once(2) } }),
      () => ({ class_name: 'Embedding', config: { name, input_dim: n, output_dim: size() } }),
      () => ({
        class_name: 'Conv2D',
        config: { name, filters: n, kernel_size: [size(), 1], strides: [size(), 1] },
      }),
      () => ({
        class_name: 'DepthwiseConv2D',
        config: { name, depth_multiplier: n, kernel_size: [1, size()] },
      }),
      () => ({
        class_name: 'Conv1D',
        config: { name, filters: 2, kernel_size: n, dilation_rate: size(), groups: size() },
      }),
      () => ({
        class_name: 'Conv2DTranspose',
        config: { name, filters: 2, kernel_size: n, strides: size() },
      }),
      () => ({ class_name: 'MaxPooling2D', config: { name, pool_size: [n, size()], strides: [size(), 1] } }),
      () => ({ class_name: 'LSTM', config: { name, units: n, return_sequences: random.once(2) } }),
      () => ({ class_name: 'GRU', config: { name, units: n, reset_after: random.once(2) } }),
      () => ({ class_name: 'Reshape', config: { name, target_shape: [n, size()] } }),
      () => ({ class_name: 'Permute', config: { name, dims: [n, 1] } }),
      () => ({ class_name: 'Flatten', config: { name } }),
      () => ({ class_name: 'GaussianNoise', config: { name, stddev: n } }),
      () => ({ class_name: 'CategoryEncoding', config: { name, num_tokens: n, output_mode: 'one_hot' } }),
      () => ({ class_name: 'Resizing', config: { name, height: n, width: size() } }),
      () => ({ class_name: 'GroupNormalization', config: { name, groups: n } }),
      () => ({ class_name: 'MultiHeadAttention', config: { name, num_heads: n, key_dim: size() } }),
      () => ({
        class_name: 'BatchNormalization',
        config: { name, axis: random.once(2) ? -1 : n, virtual_batch_size: n },
      }),
      () => ({ class_name: 'TFOpLambda', config: { name, function: 'math.multiply' } }),
    ])();
  });
  Object.assign(drawn[0]!.config, { batch_input_shape: shape });
  // The weights that a first dense layer or normalization would ask for, so that it does load.
  const weights: WeightJson[] = [];
  for (const { class_name, config } of drawn) {
    if (class_name === 'BatchNormalization') {
      for (const { name } of weightsOfNormalization(String(config.name))) {
        weights.push({ name, shape: [last], dtype: 'float32' });
      }
    } else if (class_name === 'Dense') {
      weights.push({ name: `${String(config.name)}/kernel`, shape: [first, config.units], dtype: 'float32' });
    }
  }
  return {
    recipe: `sizes of ${drawn.map((layer) => layer.class_name).join(', ')}`,
    model: sequential(drawn),
    weights,
  };
}

function names(random: Random): Topology {
  const count = random.once(20) ? random.count(20_000) : random.count(6);
  const same = hostileName(random);
  const layers = [input()];
  const weights: WeightJson[] = [];
  let last = 'input';
  for (let i = 0; i < count; i++) {
    const name = count > 20 ? `${same.slice(0, 60)}${i}` : random.once(3) ? same : hostileName(random);
    const drawn = anyLayer(name, random);
    layers.push({ ...drawn.layer, name, inbound_nodes: call(last) });
    weights.push(...drawn.weights);
    last = name;
  }
  return { recipe: 'hostile names', model: functional(layers, 'input', last, hostileName(random)), weights };
}

/** Settings of the wrong type and beyond what they may be. */
function types(random: Random): Topology {
  const { layer, weights } = anyLayer('layer', random);
  const settings = [
    'activation',
    'kernel_initializer',
    'kernel_regularizer',
    'bias_constraint',
    'dtype',
    'trainable',
    'units',
  ];
  for (let i = random.count(4); i > 0; i--) {
    layer.config[random.pick([...Object.keys(layer.config), ...settings])] = hostileValue(random);
  }
  const model = sequential([input('input', random.once(4) ? hostileValue(random) : [null, UNITS]), layer]);
  if (random.once(4)) model.class_name = hostileName(random);
  return { recipe: 'settings of other types', model, weights };
}

/** Every call, of layers that are there and that are not. */
function tangle(random: Random): Topology {
  const count = random.count(12);
  const all = ['input', ...Array.from({ length: count }, (_, i) => `layer_${i}`)];
  const weights: WeightJson[] = [];
  const layers = all.slice(1).map((name): LayerJson => {
    const drawn = random.once(2)
      ? { layer: { class_name: 'Add', config: { name } }, weights: [] }
      : anyLayer(name, random);
    weights.push(...drawn.weights);
    const from = Array.from({ length: random.integer(1, 3) }, () => random.pick(all));
    return { ...drawn.layer, name, inbound_nodes: random.once(10) ? hostileValue(random) : call(...from) };
  });
  return { recipe: 'a tangle', model: functional([input(), ...layers], 'input', random.pick(all)), weights };
}

const TOPOLOGIES = [chain, ladder, nest, wrappers, shared, sizes, sizes, names, types, tangle];

export const makeTopology = (random: Random): Topology => random.pick(TOPOLOGIES)(random);

/** A model that loads, for files around it that do not. */
export const plainTopology = (): Topology => ({
  recipe: 'a plain model',
  model: sequential([input(), dense('dense'), normalization('bn')]),
  weights: [...weightsOfDense('dense'), ...weightsOfNormalization('bn')],
});
