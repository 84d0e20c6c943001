/**
 * @file Models whose layers follow one another in too long a row. TF.js goes through a model's graph by recursion when it
 * is made; the stack that engines give is enough for some 4,000 layers.
 *
 * Can go when `buildMapOfGraph` of tfjs-layers (engine/container) keeps its place in a list of its own.
 */
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';

/** What V8 and JavaScriptCore, and SpiderMonkey, say. */
const STACK_OVERFLOW = /maximum call stack|too much recursion/i;

/**
 * Lets TF.js make a model.
 *
 * @throws ValueError where its graph is too deep for the stack
 */
export function withinStack<Result>(name: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Error) || !STACK_OVERFLOW.test(error.message)) throw error;
    throw new ValueError(
      `The model ${show(name)} has too many layers in a row: TF.js goes through them by recursion, and the stack of this ` +
        `JavaScript engine is used up. Most engines hold some 4,000 layers. Split the model, or give a larger stack: ` +
        `node --stack-size=4000`,
      { cause: error },
    );
  }
}
