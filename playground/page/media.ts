/** @file What a media query says, as a signal. */
import { type ReadonlySignal, signal } from '@preact/signals';

export function matching(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const isMatching = signal(list.matches);
  list.addEventListener('change', ({ matches }) => {
    isMatching.value = matches;
  });
  return isMatching;
}
