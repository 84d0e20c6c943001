/** @file The presets, as links, and the story of the one that is shown. */
import { linkTo } from '../shared/address.js';
import { PRESETS, PRESET_NAMES, type PresetName } from '../shared/presets.js';
import { destination, isChanged, place, placeOfPreset } from './state.js';
import { TourButton } from './tour.js';

const linkToPreset = (preset: PresetName): string => linkTo(placeOfPreset(preset));

export function Presets() {
  const { preset } = place.value;
  const { title, story } = PRESETS[preset];
  return (
    <section class="presets" aria-labelledby="preset-title">
      <nav aria-label="Presets">
        {PRESET_NAMES.map((name) => (
          <a key={name} href={linkToPreset(name)} aria-current={name === preset ? 'page' : undefined}>
            {PRESETS[name].title}
          </a>
        ))}
      </nav>
      <h2 id="preset-title">{title}</h2>
      <p>
        {story} <TourButton />
      </p>
      {isChanged.value && destination.value === null && (
        <p class="note">
          You changed what this preset sets: what it says may not hold.{' '}
          <a href={linkToPreset(preset)}>Set it back</a>
        </p>
      )}
    </section>
  );
}
