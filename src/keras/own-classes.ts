/**
 * @file Layers of a user's own: a class in Python, and one in JavaScript that is registered with TF.js under the same name.
 * Nothing is known of them but what their configurations say.
 */
import { registeredClass } from '../model/tensorflow-internals.js';

/** The names that files have had for classes, with the package: 'package>MyLayer'. */
const registeredNames = new Map<string, string>();

/**
 * The name under which TF.js has a class for a layer in a file; undefined where it has none.
 *
 * @param className as the file has it: 'MyLayer', or in files of Keras 2 'package>MyLayer'
 * @param registeredName as Keras 3 writes it beside
 */
export function ownClassName(className: string, registeredName: unknown): string | undefined {
  const names = [registeredName, className, className.replace(/^.*>/, '')];
  const known = names.find(
    (name): name is string => typeof name === 'string' && registeredClass(name) !== undefined,
  );
  if (known !== undefined)
    registeredNames.set(known, typeof registeredName === 'string' ? registeredName : className);
  return known;
}

/** How Keras finds a class of a user's own: what it was registered as in a file, or by its name alone. */
export const registeredNameOf = (className: string): string => registeredNames.get(className) ?? className;
