/**
 * @file Writes a network as ONNX, with the weights that it has: what onnxruntime-web runs. The layers of
 * `networks.ts` and no others. ONNX has channels first, so kernels are turned once, here.
 *
 * protobufjs writes it, by the part of onnx.proto that these graphs need; onnxruntime-web reads models by it too.
 * (npm has no ONNX writer of today: onnx-proto is of 2021's ONNX, and asks for a protobufjs of that year.)
 * Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and docs/Operators.md.
 */
import * as tf from '@tensorflow/tfjs';
import protobuf from 'protobufjs';
import { type Layer, type LayerCall, callsOf } from '../../src/model/graph.js';
import { SAMPLE } from './networks.js';

const { root } = protobuf.parse(`
  syntax = "proto2";
  message ModelProto {
    optional int64 ir_version = 1;
    repeated OperatorSetIdProto opset_import = 8;
    optional GraphProto graph = 7;
  }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
  message TypeProto {
    message Tensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
    optional Tensor tensor_type = 1;
  }
  message TensorShapeProto {
    message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
    repeated Dimension dim = 1;
  }
`);
const ModelProto = root.lookupType('ModelProto');

/** The numbers of types in TensorProto and AttributeProto. */
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTES = { f: 1, i: 2, s: 3, ints: 7 } as const;
const IR_VERSION = 8;
const OPERATORS = 17;

type Attribute = Partial<Record<'f' | 'i', number> & { s: string; ints: readonly number[] }>;
type Attributes = Readonly<Record<string, Attribute>>;

/** What a graph is put together in. */
class Graph {
  readonly nodes: object[] = [];
  readonly initializers: object[] = [];

  /** Numbers that stand in the graph, by the name that nodes take them by. */
  constant(name: string, values: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const isFloat = values instanceof Float32Array;
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.initializers.push({ name, dims, dataType: isFloat ? FLOAT : INT64, rawData: raw });
    return name;
  }

  /** A weight, its axes in another order. */
  weight(name: string, weight: tf.Tensor, order?: readonly number[], shape?: readonly number[]): string {
    const turned = tf.transpose(weight, order && [...order]);
    const dims = shape ?? (order ? turned.shape : weight.shape);
    const values = Float32Array.from((order ? turned : weight).dataSync());
    turned.dispose();
    return this.constant(name, values, dims);
  }

  /** An operation of one output, by whose name it is taken. */
  operation(name: string, type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const attribute = Object.entries(attributes).map(([key, value]) => {
      const kind = Object.keys(value)[0] as keyof typeof ATTRIBUTES;
      const written = value.s === undefined ? value : { s: Buffer.from(value.s) };
      return { name: key, type: ATTRIBUTES[kind], ...written };
    });
    this.nodes.push({ name, opType: type, input: inputs, output: [name], attribute });
    return name;
  }
}

type Convolution = Layer & {
  readonly kernelSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: string;
  readonly activation: Layer;
};
type Normalization = Layer & { readonly epsilon: number };
type Pooling = Layer & { readonly poolSize: readonly number[]; readonly strides: readonly number[] };
type Padding = Layer & { readonly padding: readonly [readonly [number, number], readonly [number, number]] };

/** Each writes what a layer computes and gives the name of the result. */
const WRITERS: Record<string, (graph: Graph, layer: Layer, inputs: readonly string[]) => string> = {
  Conv2D: (graph, layer, inputs) => convolve(graph, layer as Convolution, inputs, [3, 2, 0, 1]),
  DepthwiseConv2D: (graph, layer, inputs) => convolve(graph, layer as Convolution, inputs, [2, 3, 0, 1]),
  BatchNormalization: (graph, layer, inputs) => {
    const weights = layer.getWeights().map((weight, i) => graph.weight(`${layer.name}/${i}`, weight));
    const epsilon = { f: (layer as Normalization).epsilon };
    return graph.operation(layer.name, 'BatchNormalization', [...inputs, ...weights], { epsilon });
  },
  ReLU: (graph, layer, inputs) => {
    const { maxValue } = layer as Layer & { readonly maxValue?: number };
    return activate(graph, layer.name, maxValue === undefined ? 'relu' : 'relu6', inputs[0]!);
  },
  Activation: (graph, layer, inputs) => activate(graph, layer.name, activationOf(layer), inputs[0]!),
  ZeroPadding2D: (graph, layer, inputs) => {
    const [[top, bottom], [left, right]] = (layer as Padding).padding;
    const numbers = BigInt64Array.from([0, 0, top, left, 0, 0, bottom, right].map(BigInt));
    return graph.operation(layer.name, 'Pad', [
      ...inputs,
      graph.constant(`${layer.name}/pads`, numbers, [numbers.length]),
    ]);
  },
  MaxPooling2D: (graph, layer, inputs) => {
    const { poolSize, strides } = layer as Pooling;
    return graph.operation(layer.name, 'MaxPool', inputs, {
      kernel_shape: { ints: poolSize },
      strides: { ints: strides },
    });
  },
  Add: (graph, layer, inputs) => graph.operation(layer.name, 'Add', inputs),
  GlobalAveragePooling2D: (graph, layer, inputs) =>
    graph.operation(layer.name, 'Flatten', [
      graph.operation(`${layer.name}/pooled`, 'GlobalAveragePool', inputs),
    ]),
  Dense: (graph, layer, inputs) => {
    const [kernel, bias] = layer.getWeights() as [tf.Tensor, tf.Tensor];
    const weights = [graph.weight(`${layer.name}/0`, kernel), graph.weight(`${layer.name}/1`, bias)];
    const y = graph.operation(`${layer.name}/sum`, 'Gemm', [...inputs, ...weights]);
    return activate(graph, layer.name, activationOf(layer), y);
  },
};

const activationOf = (layer: Layer): string =>
  (layer as Layer & { readonly activation: Layer }).activation.getClassName();

function convolve(
  graph: Graph,
  layer: Convolution,
  inputs: readonly string[],
  order: readonly number[],
): string {
  const [kernel, bias] = layer.getWeights() as [tf.Tensor, tf.Tensor?];
  const [height, width, channels, others] = kernel.shape as [number, number, number, number];
  const isDepthwise = layer.getClassName() === 'DepthwiseConv2D';
  const shape = isDepthwise ? [channels * others, 1, height, width] : [others, channels, height, width];
  const weights = [graph.weight(`${layer.name}/0`, kernel, order, shape)];
  if (bias) weights.push(graph.weight(`${layer.name}/1`, bias));
  const name = `${layer.name}/sum`;
  const y = graph.operation(name, 'Conv', [...inputs, ...weights], {
    kernel_shape: { ints: layer.kernelSize },
    strides: { ints: layer.strides },
    group: { i: isDepthwise ? channels : 1 },
    auto_pad: { s: layer.padding === 'same' ? 'SAME_UPPER' : 'VALID' },
  });
  return activate(graph, layer.name, activationOf(layer), y);
}

function activate(graph: Graph, name: string, activation: string, x: string): string {
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return graph.operation(name, 'Relu', [x]);
    case 'relu6':
      return graph.operation(name, 'Clip', [
        x,
        graph.constant(`${name}/least`, Float32Array.of(0), []),
        graph.constant(`${name}/most`, Float32Array.of(6), []),
      ]);
    case 'softmax':
      return graph.operation(name, 'Softmax', [x], { axis: { i: -1 } });
    default:
      throw new Error(`'${name}' has the activation ${activation}, which is not written.`);
  }
}

const BATCH = { dimParam: 'batch' };
const described = (name: string, sample: readonly number[]) => ({
  name,
  type: {
    tensorType: { elemType: FLOAT, shape: { dim: [BATCH, ...sample.map((size) => ({ dimValue: size }))] } },
  },
});

/** The bytes of an .onnx file of a model whose input is 'x', channels first. */
export function writeOnnx(model: tf.LayersModel): Uint8Array {
  const graph = new Graph();
  const names = new Map([[model.inputs[0]!, 'x']]);
  for (const call of callsOf(model)) {
    names.set(call.outputs[0]!, write(graph, call, names));
  }
  const output = model.outputs[0]!;
  return ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPERATORS }],
    graph: {
      name: model.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: [described('x', [SAMPLE[2]!, SAMPLE[0]!, SAMPLE[1]!])],
      output: [described(names.get(output)!, output.shape.slice(1) as number[])],
    },
  }).finish();
}

function write(
  graph: Graph,
  { layer, inputs }: LayerCall,
  names: ReadonlyMap<tf.SymbolicTensor, string>,
): string {
  const writer = WRITERS[layer.getClassName()];
  if (!writer) throw new Error(`'${layer.name}' is of class ${layer.getClassName()}, which is not written.`);
  return writer(
    graph,
    layer,
    inputs.map((tensor) => names.get(tensor)!),
  );
}
