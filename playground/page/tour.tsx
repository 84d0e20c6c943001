/**
 * @file A tour of the page for who sees it first: what to look at, one thing after the other, in a panel beside the page,
 * which works on all the while. That it was ended is remembered; it can be taken again.
 */
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { recall, remember } from './memory.js';

interface Step {
  readonly title: string;
  readonly text: string;
  /** What it points at. */
  readonly target: string;
}

const STEPS: readonly Step[] = [
  {
    title: 'Choose a story',
    text: 'Each preset sets up networks that show one thing, and says what to look at.',
    target: '.presets',
  },
  {
    title: 'Start',
    text: 'All networks train on the same batches, from the same weights. They differ in their normalization alone.',
    target: '.toolbar',
  },
  {
    title: 'The curves',
    text: 'Accuracy on digits that none of them was trained on. A dashed curve is the same network in training mode, where the two differ.',
    target: '[aria-labelledby="results-title"]',
  },
  {
    title: 'The arguments',
    text: 'Every argument of the layer can be changed, while it trains too. The question mark says what it does.',
    target: '[aria-labelledby="networks-title"]',
  },
  {
    title: 'The statistics',
    text: 'What reaches a unit, and the batch’s mean and deviation beside the moving ones: where normalization happens.',
    target: '[aria-labelledby="inside-title"]',
  },
];

const KEY = 'evenkeel-tour';
const ENDED = 'ended';

/** Which step is shown; null for none. Where nothing is kept, every visit is the first. */
const at = signal<number | null>(recall(KEY) === ENDED ? null : 0);

function end(): void {
  at.value = null;
  remember(KEY, ENDED);
}

/** Takes the tour, or takes it again. */
export function TourButton() {
  return (
    <button
      type="button"
      class="plain"
      aria-expanded={at.value !== null}
      onClick={() => {
        at.value = 0;
      }}
    >
      Show me around
    </button>
  );
}

/** Marks what the step points at, and brings it into view. */
function usePointing(target: string, isAsked: boolean): void {
  useLayoutEffect(() => {
    const element = document.querySelector(target);
    element?.classList.add('pointed-at');
    // Not at the first step, which a visitor did not ask for.
    if (isAsked) element?.scrollIntoView({ block: 'start' });
    return () => element?.classList.remove('pointed-at');
  }, [target]);
}

function Panel({ index }: { readonly index: number }) {
  const { title, text, target } = STEPS[index]!;
  const isAsked = useRef(false);
  usePointing(target, isAsked.current);
  const go = (to: number) => {
    isAsked.current = true;
    at.value = to;
  };
  const isLast = index === STEPS.length - 1;
  return (
    <aside
      class="tour"
      aria-label="Tour"
      onKeyDown={(event) => {
        if (event.key === 'Escape') end();
      }}
    >
      <div aria-live="polite">
        <h2>
          {title}{' '}
          <small>
            {index + 1} of {STEPS.length}
          </small>
        </h2>
        <p>{text}</p>
      </div>
      <p class="steps">
        {!isLast && (
          <button type="button" class="skip" onClick={end}>
            Skip
          </button>
        )}
        <button
          type="button"
          disabled={index === 0}
          onClick={() => {
            go(index - 1);
          }}
        >
          Back
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            if (isLast) end();
            else go(index + 1);
          }}
        >
          {isLast ? 'Done' : 'Next'}
        </button>
      </p>
    </aside>
  );
}

export function Tour() {
  return at.value === null ? null : <Panel index={at.value} />;
}
