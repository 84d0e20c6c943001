/** @file Operations as both Kerases write them. */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type Json, type JsonObject, pythonFloat } from '../json.js';
import type { Dialect } from '../setting-values.js';
import { type ForeignName, foreignNames } from './entry.js';
import type { Operation } from './operation.js';
import {
  INDICES,
  type Index,
  OPERAND,
  OPERANDS,
  type Parameter,
  ROWS,
  type Values,
  constantShape,
  isReference,
  numberOf,
} from './parameters.js';
import { operationEntry } from './table.js';

/** A tensor that an operation takes. */
export interface WrittenTensor {
  /** As Keras writes it. */
  readonly written: Json;
  readonly rank: number;
  readonly type: string;
}

/**
 * A layer of a functional model, without its name in the graph.
 *
 * @param name in the file
 * @param calls for each call of the layer, its inputs
 * @throws ValueError for what this Keras lacks; the message is a reason
 */
export function writeOperation(
  layer: Operation,
  name: string,
  dialect: Dialect,
  calls: readonly (readonly WrittenTensor[])[],
): JsonObject {
  return dialect === 'keras3' ? writeForKeras3(layer, name, calls) : writeForTfKeras(layer, name, calls);
}

function writeForTfKeras(
  layer: Operation,
  name: string,
  calls: readonly (readonly WrittenTensor[])[],
): JsonObject {
  const { tfKeras } = operationEntry(layer.operation)!;
  if (!tfKeras) throw new ValueError(`TensorFlow has no such function. Save for: 'keras3'`);
  const className = layer.operation === 'get_item' ? 'SlicingOpLambda' : 'TFOpLambda';
  const [first, ...others] = foreignNames(tfKeras.parameters);
  return {
    module: 'tf_keras.src.layers.core.tf_op_layer',
    class_name: className,
    config: { name, trainable: true, dtype: 'float32', function: tfKeras.functions[0]! },
    registered_name: className,
    inbound_nodes: calls.map((tensors): Json => {
      const encoder = new Encoder(layer, tensors);
      const given = parametersFor(layer, tensors);
      const { [first!.ours!]: input, ...values } = tfKeras.write ? tfKeras.write(given) : given;
      const kwargs = encoder.encodeAll(values, others);
      const end = (value: Json): Json =>
        isReference(value)
          ? [...(tensors[value.tensor]!.written as Json[]), kwargs]
          : ['_CONSTANT_VALUE', -1, encoder.encode(first!.ours!, value), kwargs];
      return Array.isArray(input) && input.some(isReference) ? input.map(end) : end(input!);
    }),
  };
}

function writeForKeras3(
  layer: Operation,
  name: string,
  calls: readonly (readonly WrittenTensor[])[],
): JsonObject {
  const { keras3 } = operationEntry(layer.operation)!;
  if (!keras3) throw new ValueError(`Keras 3 has no such operation. Save for: 'tf-keras'`);
  const path = keras3.classes[0]!.split('.');
  const className = path.pop()!;
  const inputs = foreignNames(keras3.inputs);
  const written = calls.map((tensors) => {
    const encoder = new Encoder(layer, tensors);
    const given = parametersFor(layer, tensors);
    const values = keras3.write ? keras3.write(given) : given;
    const isInput = (name: string) => inputs.some(({ ours }) => ours === name);
    const own = Object.fromEntries(Object.entries(values).filter(([name]) => !isInput(name)));
    const args = inputs.map(({ ours }) => encoder.encodeObjects(ours!, values[ours!] ?? null));
    return {
      config: encoder.encodeAll(own, foreignNames(keras3.settings)),
      node: { args: keras3.inputs.startsWith('*') ? args[0]! : args, kwargs: {} },
    };
  });
  return {
    module: ['keras', 'src', ...(path[0] === 'activations' ? [] : ['ops']), ...path].join('.'),
    class_name: className,
    config: { name, ...written[0]!.config },
    registered_name: className,
    inbound_nodes: written.map(({ node }) => node),
  };
}

/** The parameters, in which an ellipsis is written out: tf-keras cannot save one in `.keras`. */
function parametersFor(layer: Operation, tensors: readonly WrittenTensor[]): Record<string, Json> {
  const values: Values = layer.parameters;
  if (layer.operation !== 'get_item') return { ...values };
  const { x, indices } = values as unknown as { x: { tensor: number }; indices: Index[] };
  const taken = indices.filter((index) => index !== 'ellipsis' && index !== 'newaxis').length;
  const all: Index = { start: null, stop: null, step: null };
  const rest = Array<Index>(tensors[x.tensor]!.rank - taken).fill(all);
  const written = indices.flatMap((index) => (index === 'ellipsis' ? rest : [index]));
  return { ...values, indices: written.map((index) => (index === 'newaxis' ? null : index)) as Json };
}

/** Writes the values of one call. */
class Encoder {
  private readonly parameters: Readonly<Record<string, Parameter>>;
  /** Python tells 2 from 2.0, and TensorFlow takes the one beside real numbers only in some places. */
  private readonly isReal: boolean;

  constructor(
    { operation }: Operation,
    private readonly tensors: readonly WrittenTensor[],
  ) {
    this.parameters = operationEntry(operation)!.parameters;
    this.isReal = tensors.some(({ type }) => type === 'float32');
  }

  /** Values under their names. What they have no name for is left out where it is the default. */
  encodeAll(values: Values, names: readonly ForeignName[]): JsonObject {
    const entries = Object.entries(values).flatMap(([ours, value]): [string, Json][] => {
      const name = names.find((one) => one.ours === ours);
      if (name) return [[name.theirs, this.encode(ours, value)]];
      if (JSON.stringify(value) === JSON.stringify(this.parameters[ours]?.byDefault)) return [];
      throw new ValueError(`its ${ours} is ${show(value)}, and Keras has no such argument`);
    });
    return Object.fromEntries(entries);
  }

  /** A value as both write it. */
  encode(name: string, value: Json): Json {
    if (isReference(value)) return this.tensors[value.tensor]!.written;
    if (Array.isArray(value)) return value.map((one) => this.encode(name, one));
    const isOperand = this.isOperand(name) && typeof value === 'number';
    const isInfinite = typeof value === 'string' && constantShape(value) !== null;
    return isInfinite || (isOperand && this.isReal) ? pythonFloat(numberOf(value)) : value;
  }

  /** The same for a call in Keras 3, where arrays and slices are objects. */
  encodeObjects(name: string, value: Json): Json {
    const parameter = this.parameters[name];
    if (parameter === INDICES) {
      const isSlice = (index: Json) => typeof index === 'object' && index !== null;
      const slice = (index: Json): Json => ({ class_name: '__slice__', config: index });
      return (value as Json[]).map((index) => (isSlice(index) ? slice(index) : index));
    }
    if (parameter === OPERANDS) return (value as Json[]).map((one) => this.encodeArray(one, name));
    return parameter === OPERAND || parameter === ROWS
      ? this.encodeArray(value, name)
      : this.encode(name, value);
  }

  private encodeArray(value: Json, name: string): Json {
    const encoded = this.encode(name, value);
    if (!Array.isArray(value)) return encoded;
    const dtype = this.isOperand(name) ? 'float32' : 'int32';
    return { class_name: '__numpy__', config: { value: encoded, dtype } };
  }

  private isOperand(name: string): boolean {
    return this.parameters[name] === OPERAND || this.parameters[name] === OPERANDS;
  }
}
