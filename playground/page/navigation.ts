/**
 * @file The address and the page follow each other. Links lead to views, so each of them is an entry of the browser's
 * history; what is changed within one rewrites its entry.
 */
import { effect } from '@preact/signals';
import { type Place, readAddress, writeAddress } from '../shared/address.js';
import { VIEW_TITLES } from './header.js';
import { changeTo, destination, forget, isSet, makeAny, place, settings, tell } from './state.js';

/** While the page is going somewhere, addresses stand as they are, so that Back leads to each of them. */
const rewrite = (to: Place): void => {
  if (destination.value === null)
    history.replaceState(null, '', `${location.pathname}${location.search}${writeAddress(to)}`);
};

/** @returns whether what the address asks for could be made */
async function goTo(hash: string): Promise<boolean> {
  const { place: asked, problems } = readAddress(hash);
  const isUnderWay = destination.value !== null;
  destination.value = asked;
  forget(asked.view === place.value.view ? 'fields' : 'all');
  for (const text of problems) tell(text);
  place.value = { ...asked, settings: settings.value };
  // What is at hand says nothing while the page is going elsewhere: it is not there yet.
  const isMade = (!isUnderWay && isSet(asked.settings)) || (await changeTo(asked.settings));
  if (destination.value === asked) destination.value = null;
  return isMade;
}

/** Goes where the address says, from now on, and keeps the address up to date. */
export function begin(): void {
  void goTo(location.hash).then(async (isMade) => {
    // An address can ask for what is refused, or for files that are not there: the page is alive all the same.
    if (!isMade) await makeAny();
  });
  // The address itself may have been rewritten since, for what still came of the place that was left.
  addEventListener('hashchange', ({ newURL }) => void goTo(new URL(newURL).hash));
  effect(() => {
    document.title = `evenkeel ${VIEW_TITLES[place.value.view].toLowerCase()}`;
    rewrite(place.value);
  });
}
