/**
 * @file Freezes what is in a model as Keras does.
 *
 * In TF.js 4.22, a model's `trainable` reaches the weights of its own layers, and no layer that is deeper: not those of
 * a model or wrapper in it, nor a normalization that has no gamma and beta. And `Sequential.build`, which every
 * `compile` calls, undoes it where a sequential model begins with a model: it takes that model apart to make
 * `this.model`, which is what it trains, and writes `this.trainable` over the weights.
 *
 * Can be deleted when in tfjs-layers the setter of `Container.trainable` sets the `trainable` of every layer, and
 * `Sequential.build` keeps a model at the beginning as a layer.
 */
import { Sequential } from '@tensorflow/tfjs-layers';
import { type Layer, type NormalizationLayer, innerLayersOf, isContainer } from './graph.js';
import { builtModelOf, containerPrototype } from './tensorflow-internals.js';

interface Trainable {
  trainable: boolean;
  readonly layers: readonly Layer[];
}
interface Building {
  build: (this: Sequential, ...inputShape: unknown[]) => void;
}

let isBuilding = false;
/** The models that `trainable` has reached while it is being set. */
const reached = new Set<Trainable>();

/** From now on, `trainable` of any model means in TF.js what it means in Keras. */
export function freezeAsKeras(): void {
  const container = containerPrototype() as Trainable;
  const inherited = Object.getOwnPropertyDescriptor(container, 'trainable')!;
  Object.defineProperty(container, 'trainable', {
    ...inherited,
    set(this: Trainable, trainable: boolean) {
      if (isBuilding) return;
      const isOutermost = reached.size === 0;
      // A model in it is reached several times, and would reach those in it each time.
      if (reached.has(this)) return;
      reached.add(this);
      try {
        inherited.set!.call(this, trainable);
        for (const layer of this.layers) {
          layer.trainable = trainable;
          if (trainable) unfreezeHeld(layer);
        }
      } finally {
        if (isOutermost) reached.clear();
      }
    },
  });

  const sequential = Sequential.prototype as Building;
  const { build } = sequential;
  sequential.build = function (...inputShape) {
    isBuilding = true;
    try {
      build.apply(this, inputShape);
    } finally {
      isBuilding = false;
    }
    Object.defineProperties(builtModelOf(this), {
      trainableWeights: { configurable: true, get: () => this.trainableWeights },
      nonTrainableWeights: { configurable: true, get: () => this.nonTrainableWeights },
    });
  };
}

/**
 * Unfreezes what a layer holds: the cells of recurrent layers say themselves whether they are trained, and freeze() has
 * said no. What is in a model it reaches by itself.
 */
function unfreezeHeld(layer: Layer): void {
  if (isContainer(layer)) return;
  for (const held of innerLayersOf(layer)) {
    held.trainable = true;
    unfreezeHeld(held);
  }
}

/**
 * Whether a normalization is frozen: by its own word, or because it has parameters of which none is trainable. This
 * library's layer then infers in training too; TF.js' own does not, but its parameters stay.
 */
export function isFrozen({
  trainable,
  gamma,
  beta,
}: Pick<NormalizationLayer, 'trainable' | 'gamma' | 'beta'>): boolean {
  const hasParameters = (gamma ?? beta) != null;
  return !trainable || (hasParameters && !gamma?.trainable && !beta?.trainable);
}
