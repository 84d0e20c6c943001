/**
 * @file The address and the page follow each other. Links lead to views, so each of them is an entry of the browser's
 * history; what is changed within one rewrites its entry.
 */
import { effect } from '@preact/signals';
import { DEFAULTS } from '../shared/settings.js';
import { type Place, readAddress, writeAddress } from '../shared/address.js';
import { VIEW_TITLES } from './header.js';
import { change, forget, isSet, place, settings, tell } from './state.js';

/** How many addresses are being gone to. Until then they stand as they are, so that Back leads to each of them. */
let underWay = 0;

const rewrite = (to: Place): void => {
  if (underWay === 0)
    history.replaceState(null, '', `${location.pathname}${location.search}${writeAddress(to)}`);
};

/** @returns whether what the address asks for could be made */
async function goTo(hash: string): Promise<boolean> {
  underWay++;
  const { place: asked, problems } = readAddress(hash);
  forget(asked.view === place.value.view ? 'fields' : 'all');
  for (const text of problems) tell(text);
  place.value = { ...asked, settings: settings.value };
  const isMade = isSet(asked.settings) || (await change(null, () => asked.settings));
  underWay--;
  rewrite(place.value);
  return isMade;
}

/** Goes where the address says, from now on, and keeps the address up to date. */
export function begin(): void {
  void goTo(location.hash).then(async (isMade) => {
    // An address can ask for what is refused, or for files that are not there: the page is alive all the same.
    if (!isMade) await change(null, () => ({ ...DEFAULTS, backend: settings.value.backend }));
  });
  addEventListener('hashchange', () => void goTo(location.hash));
  effect(() => {
    document.title = `evenkeel ${VIEW_TITLES[place.value.view].toLowerCase()}`;
    rewrite(place.value);
  });
}
