/** @file The page as a whole. */
import { lazy } from './lazy.js';
import { Drawing } from './drawing.js';
import { Decisions } from './decisions.js';
import { Header } from './header.js';
import { Inside } from './inside.js';
import { Machine } from './machine.js';
import { NetworkForms } from './network-form.js';
import { Presets } from './presets.js';
import { Problems } from './problems.js';
import { Results } from './results.js';
import { Samples } from './samples.js';
import { SettingsForm } from './settings-form.js';
import { place, settings } from './state.js';
import { Toolbar } from './toolbar.js';
import { Tour } from './tour.js';
import { hasImages } from '../shared/settings.js';

function Train() {
  return (
    <>
      <Tour />
      <Presets />
      <Toolbar />
      <div class="columns">
        <div class="content">
          <Results />
          <NetworkForms />
          {hasImages(settings.value.data) ? (
            <>
              <Samples />
              <Drawing />
            </>
          ) : (
            <Decisions />
          )}
          <Inside />
        </div>
        <SettingsForm />
      </div>
    </>
  );
}

const Doctor = lazy(() => import('./doctor.js'));

export function App() {
  return (
    <>
      <Header />
      <main>
        <Problems />
        {place.value.view === 'train' ? <Train /> : <Doctor />}
      </main>
      <footer>
        <p>Everything runs in this page: nothing leaves the machine.</p>
        {place.value.view === 'train' && <Machine />}
      </footer>
    </>
  );
}
