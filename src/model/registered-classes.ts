/** @file Has TF.js build classes of this library by their names. Never a side effect of an import. */
import { serialization } from '@tensorflow/tfjs-core';
import { registeredClass } from './tensorflow-internals.js';

/** A class with the name that TF.js knows it by. */
export type RegisteredClass = Parameters<typeof serialization.registerClass>[0] & {
  readonly className: string;
};

interface Registration {
  /** What was registered before ours. */
  readonly before: ReturnType<typeof registeredClass>;
  /** How many callers have not undone theirs. */
  callers: number;
}

const registrations = new Map<RegisteredClass, Registration>();

/**
 * Registers classes under their names, in the place of what is there.
 *
 * @returns what brings back the classes that were there, once every caller has undone it. Names that nobody had before
 *   stay registered
 */
export function registerClasses(classes: readonly RegisteredClass[]): () => void {
  for (const cls of classes) register(cls);
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    for (const cls of classes) unregister(cls);
  };
}

const isRegistered = (cls: RegisteredClass) => registeredClass(cls.className)?.[0] === cls;

function register(cls: RegisteredClass): void {
  let registration = registrations.get(cls);
  if (!registration || !isRegistered(cls)) {
    registration = { before: registeredClass(cls.className), callers: registration?.callers ?? 0 };
    registrations.set(cls, registration);
    serialization.registerClass(cls);
  }
  registration.callers++;
}

function unregister(cls: RegisteredClass): void {
  const registration = registrations.get(cls)!;
  registration.callers--;
  if (registration.callers === 0 && isRegistered(cls) && registration.before) {
    serialization.registerClass(registration.before[0]);
  }
}
