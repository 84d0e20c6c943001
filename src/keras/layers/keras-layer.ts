/** @file What the layers of this folder have in common: each is a Keras layer that TF.js lacks, or computes otherwise. */
import { type Tensor, serialization } from '@tensorflow/tfjs-core';
import { type LayerVariable, type SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import type { Initializer } from '../../layer/keras-objects.js';
import { expectShape, penaltyOf } from '../../layer/variables.js';
import { constrain } from '../../model/constraints.js';
import { checkNames } from '../../text/names.js';
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type ParameterSettings, settingsOfParameter } from './parameters.js';

/** The size of each axis, the batch first; null where it is open. */
export type Shape = (number | null)[];

/** The arguments that every layer has. */
export type LayerArguments = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

const OF_EVERY_LAYER = [
  'name',
  'trainable',
  'dtype',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'inputDType',
  'weights',
] as const satisfies readonly (keyof LayerArguments)[];

/** A class of this folder. */
export interface KerasLayerClass {
  new (args: never): KerasLayer;
  /** Keras' name, under which models are saved and loaded. */
  readonly className: string;
  /** The class's own arguments: Keras' in camelCase, and those that its configuration has. */
  readonly settings: readonly string[];
}

/** How many inputs a layer takes, and what they are called where there are others. */
export interface AcceptedInputs {
  readonly least: number;
  readonly most: number;
  readonly expected: string;
}

/** Any number of inputs. */
export const ANY_INPUTS: AcceptedInputs = { least: 1, most: Infinity, expected: 'one input or more' };

/** The input of a layer that has one. */
export const only = <T>(given: T | T[]): T => (Array.isArray(given) ? given[0]! : given);

/** The shape of the input of a layer that has one. */
export const onlyShape = (given: Shape | Shape[]): Shape =>
  (Array.isArray(given[0]) ? given[0] : given) as Shape;

/** The properties of some names, own ones and those of the class. */
export const pick = (from: object, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.filter((name) => name in from).map((name) => [name, Reflect.get(from, name) as unknown]),
  );

/** An object of TF.js as it is saved; of activations, which have no settings, the name. */
function describe(name: string, value: unknown): unknown {
  if (!(value instanceof serialization.Serializable)) return value;
  return /activation$/i.test(name)
    ? value.getClassName()
    : { className: value.getClassName(), config: value.getConfig() };
}

/** A layer whose settings are properties of the same names. */
export abstract class KerasLayer extends layers.Layer {
  static readonly settings: readonly string[] = [];

  /** @throws TypeError for an argument that the class does not have */
  constructor(args: LayerArguments | undefined) {
    const { className, settings } = new.target as unknown as KerasLayerClass;
    if (args == null) refuse(TypeError, `The arguments of ${className}`, 'an object', args);
    checkNames('argument', className, args, [...settings, ...OF_EVERY_LAYER]);
    super(pick(args, OF_EVERY_LAYER));
    this.supportsMasking = true;
  }

  /** Keys of other programs, which a file may have, are left out. */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { settings } = cls as unknown as KerasLayerClass;
    return new cls(pick(config, [...settings, ...OF_EVERY_LAYER]));
  }

  /** Which inputs the layer takes. */
  protected get acceptedInputs(): AcceptedInputs {
    return { least: 1, most: 1, expected: 'one input' };
  }

  /** TF.js checks what has an `inputSpec`, and calls other layers with any number of inputs. */
  protected override assertInputCompatibility(
    inputs: Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[],
  ): void {
    const count = [inputs].flat().length;
    const { least, most, expected } = this.acceptedInputs;
    if (count < least || count > most) {
      throw new ValueError(`Layer ${show(this.name)}: expected ${expected}, received ${count}.`);
    }
    super.assertInputCompatibility(inputs);
  }

  /** The value of a setting: a property of its name, where TF.js has no other of that name. */
  protected settingNamed(name: string): unknown {
    return Reflect.get(this, name);
  }

  /** The layers that this one consists of. */
  protected get parts(): readonly layers.Layer[] {
    return [];
  }

  override get trainableWeights(): LayerVariable[] {
    const ofParts = this.trainable ? this.parts.flatMap((part) => part.trainableWeights) : [];
    return [...super.trainableWeights, ...ofParts];
  }

  override get nonTrainableWeights(): LayerVariable[] {
    const ofParts = this.parts.flatMap((part) => (this.trainable ? part.nonTrainableWeights : part.weights));
    return [...super.nonTrainableWeights, ...ofParts];
  }

  /** TF.js' own recurrent layers drop the penalties of their cells. */
  override get losses(): layers.Layer['losses'] {
    // TF.js adds to the list that it gets here.
    return this.parts.length > 0 ? this.parts.flatMap((part) => part.losses) : super.losses;
  }

  override getConfig(): serialization.ConfigDict {
    const { settings } = this.constructor as unknown as KerasLayerClass;
    const own = settings
      .filter((name) => name in this)
      .map((name) => [name, describe(name, this.settingNamed(name))]);
    return { ...Object.fromEntries(own), ...super.getConfig() } as serialization.ConfigDict;
  }

  /**
   * Makes a weight by the layer's settings (parameters.ts).
   *
   * @param parameter whose settings: `recurrent` for `recurrentInitializer`
   * @param initial changes the initializer
   */
  protected addParameter(
    parameter: string,
    name: string,
    shape: readonly number[],
    initial: (initializer: Initializer) => Initializer = (initializer) => initializer,
  ): LayerVariable {
    // What comes of an input of open size is null, or no number.
    if (!shape.every((size) => Number.isInteger(size) && size > 0)) {
      throw new ValueError(
        `Layer ${show(this.name)}: its ${show(name)} would have the shape ${show(shape)}. Fix the sizes of its input.`,
      );
    }
    const settings = this as unknown as ParameterSettings<string>;
    const [initializer, regularizer, constraint] = settingsOfParameter(parameter);
    const checked = expectShape(initial(settings[initializer]!), this.name, name);
    const variable = this.addWeight(name, [...shape], 'float32', checked);
    const limit = settings[constraint];
    if (limit) constrain(variable, limit);
    const penalty = settings[regularizer];
    if (penalty) this.addLoss(penaltyOf(penalty, variable));
    return variable;
  }
}
