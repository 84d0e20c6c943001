/** @file The arguments of an operation where it is called: with tensors, or with their shapes alone. */
import type { Json } from '../json.js';
import { type Index, type Type, type Values, constantShape, isReference, numberOf } from './parameters.js';

/** Read by name, as what the operation knows them to be. */
export class Arguments<T> {
  /**
   * @param inputs those of the layer
   * @param makeConstant what stands for a constant
   */
  constructor(
    private readonly values: Values,
    private readonly inputs: readonly T[],
    private readonly makeConstant: (value: Json) => T,
  ) {}

  /** A tensor, or what stands for a constant. */
  operand(name: string): T {
    return this.resolve(this.values[name]!);
  }

  operandOrNull(name: string): T | null {
    return this.values[name] === null ? null : this.operand(name);
  }

  operands(name: string): T[] {
    return (this.values[name] as Json[]).map((value) => this.resolve(value));
  }

  /** A number, where it is known before the model runs. */
  number(name: string): number {
    return numberOf(this.values[name]!);
  }

  numberOrNull(name: string): number | null {
    return this.values[name] === null ? null : this.number(name);
  }

  /** Whether a number is known before the model runs. */
  isNumber(name: string): boolean {
    return constantShape(this.values[name]!)?.length === 0;
  }

  flag(name: string): boolean {
    return this.values[name] as boolean;
  }

  word(name: string): string {
    return this.values[name] as string;
  }

  type(name: string): Type | null {
    return this.values[name] as Type | null;
  }

  /** One integer as a list of one; null for what is not given. */
  integers(name: string): number[] | null {
    const value = this.values[name] as number | number[] | null;
    return value === null ? null : [value].flat();
  }

  /** Pairs of axes, as two lists; a number stands for the last of one tensor and the first of the other. */
  axisPairs(name: string, rank: number): [number[], number[]] {
    const value = this.values[name] as number | [number | number[], number | number[]];
    if (typeof value !== 'number') return [[value[0]].flat(), [value[1]].flat()];
    const range = [...Array(Math.min(value, rank)).keys()];
    return [range.map((i) => rank - range.length + i), range];
  }

  pairs(name: string): [number, number][] {
    return this.values[name] as [number, number][];
  }

  indices(name: string): Index[] {
    return this.values[name] as unknown as Index[];
  }

  /** Sizes, some of which may be tensors; or one tensor that holds all of them. */
  sizes(name: string): { whole: T; sizes?: never } | { whole?: never; sizes: (T | number)[] } {
    const value = this.values[name]!;
    if (isReference(value)) return { whole: this.resolve(value) };
    return { sizes: (value as Json[]).map((size) => (typeof size === 'number' ? size : this.resolve(size))) };
  }

  private resolve(value: Json): T {
    return isReference(value) ? this.inputs[value.tensor]! : this.makeConstant(value);
  }
}

/** What is known of a constant before a model runs. */
export const shapeOfConstant = (value: Json): number[] => constantShape(value)!;
