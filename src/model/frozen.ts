/**
 * @file Keeps a layer frozen that was frozen through its container.
 *
 * `container.trainable = false` reaches a layer in TF.js only as `trainable = false` on its trainable weights. A
 * sequential model that begins with such a container takes the container's layers for its own, and each `compile`
 * writes its own `trainable`, usually true, over them: TF.js then trains what was frozen. It does so right after
 * wiring the layers into a container of its own, which is the only occasion on which it reads a layer's `id`. A `true`
 * that follows a wiring is therefore nobody's wish to unfreeze, and is not heard.
 *
 * Can be deleted when `Sequential.build` of tfjs-layers leaves the layers of a nested model alone.
 */
import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';

/** Whether the last thing that happened to a layer was its wiring into a container. */
export interface Wiring {
  isLatest: boolean;
}

/** Notes when a layer is wired; whoever sees something else happen to the layer resets `isLatest`. */
export function watchWiring(layer: layers.Layer): Wiring {
  const wiring = { isLatest: false };
  const { id } = layer;
  Object.defineProperty(layer, 'id', {
    enumerable: true,
    get: () => {
      wiring.isLatest = true;
      // TF.js writes in the same breath; whatever comes later is the user's wish.
      queueMicrotask(() => {
        wiring.isLatest = false;
      });
      return id;
    },
  });
  return wiring;
}

/** Lets a frozen variable stay frozen when a wiring ends with `trainable = true`. */
export function keepFrozen(variable: LayerVariable, wiring: Wiring): void {
  const inherited = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(variable), 'trainable')!;
  Object.defineProperty(variable, 'trainable', {
    get: inherited.get?.bind(variable),
    set(trainable: boolean) {
      if (trainable && wiring.isLatest) return;
      // Nobody but the user freezes, so a `true` that follows is the user's too.
      wiring.isLatest = false;
      inherited.set?.call(variable, trainable);
    },
  });
}
