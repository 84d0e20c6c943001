/** @file The layer that computes an operation: one class for all that stands bare in a functional model's graph. */
import { type Tensor, type serialization, scalar, tensor, tidy } from '@tensorflow/tfjs-core';
import { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { ValueError } from '../../text/value-error.js';
import { type HiddenWork, type RunShape, type Work, workOfAny } from '../../model/run-cost.js';
import { reasonOf, refuse } from '../../text/refusal.js';
import { snakeCase } from '../../text/naming.js';
import { show } from '../../text/show.js';
import { type Json, isObject } from '../json.js';
import { ANY_INPUTS, type AcceptedInputs, KerasLayer, type LayerArguments } from '../layers/keras-layer.js';
import { Arguments, shapeOfConstant } from './arguments.js';
import type { OperationEntry } from './entry.js';
import { TYPES, type Type, type Values, checkValues, countInputs, numberOf } from './parameters.js';
import { type Shape, sizeOf } from './shapes.js';
import { operationEntry } from './table.js';

/** The arguments of {@link Operation}. */
export interface OperationArguments extends LayerArguments {
  /** Which one: 'multiply', 'get_item', 'mean'. */
  operation: string;
  /**
   * What it is called with, by name: constants, and `{ tensor: 0 }` for the first input of the layer, `{ tensor: 1 }` for
   * the second.
   */
  parameters: Values;
}

/** A gigabyte of them. */
const MOST_NUMBERS = 2 ** 28;

/**
 * Computes one of Keras' operations, such as `x * 2`, of its inputs; what it gives has the shape that the
 * operation makes of theirs. Passes no mask on, as in both Kerases.
 */
export class Operation extends KerasLayer implements HiddenWork {
  static readonly className = 'Operation';
  static override readonly settings = ['operation', 'parameters'];

  readonly operation: string;
  readonly parameters: Values;
  private readonly entry: OperationEntry;
  private readonly inputCount: number;
  private readonly constants = new Map<Json, { values: Float32Array; shape: number[] }>();

  /** @throws ValueError for an operation that is not in the table, and for parameters that it does not have */
  constructor(args: OperationArguments) {
    super(args);
    // TF.js spells names in camelCase when it reads a model.
    if (typeof args.operation !== 'string')
      refuse(TypeError, 'operation', "the name of one, such as 'multiply'", args.operation);
    if (!isObject(args.parameters)) refuse(TypeError, 'parameters', 'an object', args.parameters);
    this.operation = snakeCase(args.operation);
    const entry = operationEntry(this.operation);
    if (!entry) throw new ValueError(`operation: there is no ${show(args.operation)}.`);
    this.entry = entry;
    const given = Object.entries(args.parameters).map(([name, value]) => [snakeCase(name), value]);
    this.parameters = checkValues(
      show(this.operation),
      entry.parameters,
      Object.fromEntries(given) as Values,
    );
    this.inputCount = Math.max(...Object.values(this.parameters).map(countInputs));
    this.supportsMasking = false;
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return ANY_INPUTS;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const shapes = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as Shape[];
    try {
      this.checkCount(shapes.length);
      return this.entry.shape(new Arguments(this.parameters, shapes, shapeOfConstant));
    } catch (error) {
      throw new ValueError(`Layer ${show(this.name)} (${this.operation}): ${reasonOf(error)}`);
    }
  }

  workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
    const any = workOfAny(this, inputs, outputs);
    const given = new Arguments<Shape>(
      this.parameters,
      inputs.map((shape) => [...shape]),
      shapeOfConstant,
    );
    return this.entry.work?.(given, outputs[0]!, any) ?? any;
  }

  /** TF.js takes whatever a layer gives for real numbers. Nothing here goes by that, but what is saved does. */
  override apply(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
    kwargs?: serialization.ConfigDict,
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const results = super.apply(inputs, kwargs);
    const types = [inputs].flat().map(({ dtype }) => dtype as Type);
    [results].flat().forEach((result, i) => {
      if (!(result instanceof SymbolicTensor)) return;
      (result as { dtype: string }).dtype = this.typeOf(i, types);
    });
    return results;
  }

  private typeOf(output: number, types: readonly Type[]): Type {
    const own = this.entry.type;
    const given = Object.hasOwn(this.entry.parameters, 'dtype')
      ? (this.parameters.dtype as Type | null)
      : null;
    const known =
      given ?? (Array.isArray(own) ? (own as (Type | null)[])[output] : (own as Type | undefined));
    // The first that is among them.
    return known ?? TYPES.find((type) => types.includes(type)) ?? 'float32';
  }

  override call(inputs: Tensor | Tensor[]): Tensor | Tensor[] {
    return tidy(() => {
      const tensors = [inputs].flat();
      this.checkCount(tensors.length);
      this.checkSize(tensors);
      const type = tensors.some(({ dtype }) => dtype === 'float32') ? 'float32' : 'int32';
      return this.entry.compute(
        new Arguments(this.parameters, tensors, (value) => this.makeConstant(value, type)),
      );
    });
  }

  override computeMask(): Tensor {
    // TF.js takes null for none, though its types do not say so.
    return null as unknown as Tensor;
  }

  private checkCount(count: number): void {
    if (count >= this.inputCount) return;
    throw new ValueError(`it takes ${this.inputCount} inputs, received ${count}.`);
  }

  /** What a file asks for may be far larger than the file. */
  private checkSize(tensors: readonly Tensor[]): void {
    const shapes = this.computeOutputShape(tensors.map(({ shape }) => shape));
    for (const shape of (Array.isArray(shapes[0]) ? shapes : [shapes]) as Shape[]) {
      if ((sizeOf(shape) ?? 0) > MOST_NUMBERS) {
        throw new ValueError(
          `Layer ${show(this.name)} (${this.operation}) would make a tensor of shape ${show(shape)}, too large to be held.`,
        );
      }
    }
  }

  /** Whole numbers beside whole numbers stay such. */
  private makeConstant(value: Json, type: 'float32' | 'int32'): Tensor {
    if (typeof value === 'boolean') return scalar(value, 'bool');
    let constant = this.constants.get(value);
    if (!constant) {
      constant = { values: Float32Array.from(numbersIn(value)), shape: shapeOfConstant(value) };
      this.constants.set(value, constant);
    }
    const { values, shape } = constant;
    return type === 'int32' && values.every(Number.isInteger)
      ? tensor(Int32Array.from(values), shape, 'int32')
      : tensor(values, shape, 'float32');
  }
}

const numbersIn = (value: Json): number[] =>
  Array.isArray(value) ? value.flatMap(numbersIn) : [numberOf(value)];

/**
 * Makes an {@link Operation}.
 *
 * @throws TypeError for an `operation` that is no string, or `parameters` that are no object
 * @throws ValueError for an operation that is not known, and for parameters that it does not have
 */
export const operation = (args: OperationArguments) => new Operation(args);
