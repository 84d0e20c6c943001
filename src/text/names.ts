/** @file Names that came and are not known: options, arguments, layers. What was meant, where that is near. */
import { distance } from 'fastest-levenshtein';
import { refuse } from './refusal.js';
import { isTensor, show } from './show.js';

/** Spellings that mean the same: `renorm_momentum`, `RenormMomentum`. */
const plain = (name: string) => name.replaceAll('_', '').toLowerCase();

/** How much of a name may be misspelt. */
const NEAR = 1 / 3;

/** The known name that is nearest; null where none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = plain(name);
  let best: string | null = null;
  let least = Math.ceil(wanted.length * NEAR);
  for (const candidate of known) {
    const own = plain(candidate);
    // A long name is as far as its length differs, which is known at once.
    if (Math.abs(own.length - wanted.length) > least) continue;
    const far = distance(wanted, own);
    if (far < least || (far === least && best === null)) [best, least] = [candidate, far];
  }
  return best;
}

/**
 * Checks the names in an object of options or arguments; null and undefined stand for one without any.
 *
 * @param kind what they are called: 'argument', 'option'
 * @param owner whose they are, where several things have such: 'fold'
 * @param elsewhere what to say of other frameworks' names, by the name in small letters and without underscores
 * @throws TypeError for what is no such object, and for a name that is not known
 */
export function checkNames(
  kind: string,
  owner: string | null,
  given: unknown,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  if (given == null) return;
  const of = owner === null ? '' : ` of ${owner}`;
  if (typeof given !== 'object' || Array.isArray(given) || isTensor(given)) {
    refuse(TypeError, `The ${kind}s${of}`, `an object with any of ${known.join(', ')}`, given);
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const meant = near === null ? '' : ` Did you mean '${near}'?`;
    const answer = Object.hasOwn(elsewhere, plain(name)) ? ` ${elsewhere[plain(name)]!}` : meant;
    throw new TypeError(`Unknown ${kind} ${show(name)}${of}.${answer} Known are ${known.join(', ')}.`);
  }
}
