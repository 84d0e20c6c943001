/**
 * @file Operations as files of both Kerases have them, read as the layer of this library: which operation, its constants,
 * and which tensors it takes.
 */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type Json, type JsonObject, expectArray, expectName, expectObject, isObject } from '../json.js';
import { readDataType } from '../../layer/data-type.js';
import { isTensor } from '../keras-tensors.js';
import type { Dialect } from '../setting-values.js';
import { type ForeignName, type ForeignValues, foreignNames } from './entry.js';
import { type Values, checkValues, tensorReference } from './parameters.js';
import { operationEntry, operationOfClass, operationOfFunction } from './table.js';

/** An operation of a file. */
export interface ReadOperation {
  /** Those of the layer. */
  readonly operation: string;
  readonly parameters: Values;
  /** For each call, `[layer, node, tensor]` of every tensor, as the file has it. */
  readonly inputs: readonly Json[][];
}

const IN_TF_KERAS = ['TFOpLambda', 'SlicingOpLambda'];

/** Classes of tf-keras that reach into tensors of other kinds. */
const REFUSED = ['ClassMethod', 'InstanceMethod', 'InstanceProperty', 'TensorFlowOpLayer'];

const ADVICE = 'Compute it before or after the model, or replace it by a layer, and save the model again.';

/** Whether a layer of a file is an operation. Some of Keras 3 have names that layers have, too. */
export function isOperation(
  { class_name: className, module, config }: JsonObject,
  dialect: Dialect,
): boolean {
  if (typeof className !== 'string') return false;
  if (IN_TF_KERAS.includes(className) || REFUSED.includes(className)) return true;
  if (dialect !== 'keras3') return false;
  if (typeof module === 'string') return /^keras\.(?:src\.)?(?:ops|activations)\b/.test(module);
  // HDF5 names no modules; but every layer says whether it is trained.
  return isObject(config) && !('trainable' in config) && operationOfClass(className) !== undefined;
}

/**
 * @throws ValueError for an operation that is not in the table, or is called as TF.js cannot; the message is a reason
 */
export function readOperation(saved: JsonObject): ReadOperation {
  const className = expectName(saved.class_name, "An operation's class");
  const config = expectObject(saved.config, `The configuration of ${show(className)}`);
  const nodes = expectArray(saved.inbound_nodes, `The nodes of ${show(className)}`);
  const isOfTfKeras = IN_TF_KERAS.includes(className);
  const name = isOfTfKeras ? `tf.${expectName(config.function, 'Its function')}` : className;
  const operation = isOfTfKeras ? operationOfFunction(name) : operationOfClass(className);
  if (operation === undefined) {
    throw new ValueError(
      `it is the operation ${show(name)}, which is not among those that are known here. ${ADVICE}`,
    );
  }
  const calls = nodes.map((node) =>
    isOfTfKeras ? readListed(operation, node) : readSerialized(operation, config, node),
  );
  const [first, ...others] = calls;
  if (!first) throw new ValueError('it is never called. The file is damaged.');
  if (others.some(({ parameters }) => JSON.stringify(parameters) !== JSON.stringify(first.parameters))) {
    throw new ValueError(`it is called with different constants, which is not here. ${ADVICE}`);
  }
  if (first.inputs.length === 0) throw new ValueError(`it takes no tensor that the file has. ${ADVICE}`);
  return { operation, parameters: first.parameters, inputs: calls.map(({ inputs }) => inputs) };
}

/** The nodes of an operation as those of other layers. */
export const nodesOfOperation = (saved: JsonObject): Json[] =>
  readOperation(saved).inputs.map((ends) => ends.map((end) => [...(end as Json[]), {}]));

interface ReadCall {
  readonly parameters: Values;
  readonly inputs: Json[];
}

/** Collects the tensors of a call, each once. */
class Tensors {
  readonly ends: Json[] = [];

  add(end: Json): Json {
    const text = JSON.stringify(end);
    let index = this.ends.findIndex((one) => JSON.stringify(one) === text);
    if (index < 0) index = this.ends.push(end) - 1;
    return tensorReference(index);
  }
}

/** tf-keras: `[name, node, tensor, { …the other arguments }]`, or a list of such for a list of tensors. */
function readListed(operation: string, node: Json): ReadCall {
  const { tfKeras } = operationEntry(operation)!;
  const tensors = new Tensors();
  const list = expectArray(node, 'A call');
  const isSingle = typeof list[0] === 'string';
  const ends = isSingle ? [list] : list.map((end) => expectArray(end, 'An input'));
  const called = ends[0]?.[3];
  const firsts = ends.map(([name, index, tensor]) =>
    name === '_CONSTANT_VALUE' ? decode(tensor ?? null, tensors) : tensors.add([name!, index!, tensor!]),
  );
  const [first, ...others] = foreignNames(tfKeras!.parameters);
  const values = nameValues(isObject(called) ? called : {}, others, tensors);
  const all = { [first!.ours!]: isSingle ? firsts[0]! : firsts, ...values };
  const read = tfKeras!.read ? tfKeras!.read(all) : all;
  return { parameters: checked(operation, read), inputs: tensors.ends };
}

/** Keras 3: `{ args, kwargs }`, beside a configuration that holds what the operation was made with. */
function readSerialized(operation: string, config: JsonObject, node: Json): ReadCall {
  const { keras3 } = operationEntry(operation)!;
  const tensors = new Tensors();
  const { args, kwargs } = expectObject(node, 'A call');
  const inputs = foreignNames(keras3!.inputs);
  const given = expectArray(args, 'Its arguments');
  const positional = keras3!.inputs.startsWith('*')
    ? { [inputs[0]!.ours!]: given.map((value) => decode(value, tensors)) }
    : Object.fromEntries(
        given.map((value, i) => {
          if (inputs[i]) return [inputs[i].ours!, decode(value, tensors)];
          throw new ValueError(
            `it is called with ${given.length} arguments, and takes ${inputs.length}. ${ADVICE}`,
          );
        }),
      );
  const all: ForeignValues = {
    ...nameValues(config, foreignNames(keras3!.settings), tensors),
    ...positional,
    ...nameValues(isObject(kwargs) ? kwargs : {}, inputs, tensors),
  };
  const read = keras3!.read ? keras3!.read(all) : all;
  return { parameters: checked(operation, read), inputs: tensors.ends };
}

/** Values by our names. */
function nameValues(given: JsonObject, names: readonly ForeignName[], tensors: Tensors): ForeignValues {
  const values: ForeignValues = {};
  for (const [key, value] of Object.entries(given)) {
    const name = names.find(({ theirs }) => theirs === key);
    if (name) {
      if (name.ours !== null) values[name.ours] = decode(key === 'dtype' ? typeOf(value) : value, tensors);
    } else if (key !== 'name' && value !== null && value !== false) {
      throw new ValueError(`its ${key} is ${show(value)}, which is not here. ${ADVICE}`);
    }
  }
  return values;
}

/** Checked; where a file says null and a parameter cannot be, its default holds. */
function checked(operation: string, values: ForeignValues): Values {
  const { parameters } = operationEntry(operation)!;
  const given = Object.entries(values).filter(
    ([name, value]) => value !== null || (Object.hasOwn(parameters, name) && parameters[name]!.accepts(null)),
  );
  return checkValues(show(operation), parameters, Object.fromEntries(given));
}

/** A type as TF.js has it. */
function typeOf(value: Json): Json {
  return readDataType(value)?.type ?? value;
}

/** Values in files are nested no deeper. */
const DEEPEST = 10;

/** A value as this library keeps it. */
function decode(value: Json, tensors: Tensors, depth = 0): Json {
  if (depth > DEEPEST) throw new ValueError('Its arguments are nested too deeply. The file is damaged.');
  const inner = (one: Json) => decode(one, tensors, depth + 1);
  if (value === Infinity) return 'infinity';
  if (value === -Infinity) return '-infinity';
  if (Array.isArray(value)) return isEnd(value) ? tensors.add(value) : value.map(inner);
  if (!isObject(value)) return value;
  if (isTensor(value)) {
    const { keras_history: history } = expectObject(value.config, 'An input');
    return tensors.add(expectArray(history, 'An input'));
  }
  const { class_name: className, config } = value;
  const content: JsonObject = isObject(config) ? config : {};
  if (className === '__ellipsis__') return 'ellipsis';
  if (className === '__numpy__' || className === '__tensor__') return inner(content.value ?? null);
  if (className === '__tuple__') return inner(content.items ?? null);
  const { start, stop, step } = className === '__slice__' ? content : value;
  if (start !== undefined && stop !== undefined && step !== undefined) {
    return { start: inner(start), stop: inner(stop), step: inner(step) };
  }
  throw new ValueError(`it is called with ${show(value)}, which is not here. ${ADVICE}`);
}

/** Whether tf-keras means a tensor by a list. */
const isEnd = (value: readonly Json[]): boolean =>
  value.length === 3 && typeof value[0] === 'string' && value.slice(1).every(Number.isSafeInteger);
