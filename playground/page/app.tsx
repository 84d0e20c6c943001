/** @file The page as a whole. */
import { lazy } from './lazy.js';
import { Drawing } from './drawing.js';
import { Decisions } from './decisions.js';
import { Inside } from './inside.js';
import { LayerForms } from './layer-form.js';
import { Problems } from './problems.js';
import { Results } from './results.js';
import { SettingsForm } from './settings-form.js';
import { place, settings, show } from './state.js';
import { Toolbar } from './toolbar.js';
import { VIEWS, type View } from '../shared/address.js';
import { hasImages } from '../shared/settings.js';

const VIEW_TITLES: Readonly<Record<View, string>> = { train: 'Playground', doctor: 'Doctor' };

function Views() {
  return (
    <nav aria-label="Views">
      {VIEWS.map((view) => (
        <button
          key={view}
          type="button"
          aria-current={place.value.view === view ? 'page' : undefined}
          onClick={() => {
            show(view);
          }}
        >
          {VIEW_TITLES[view]}
        </button>
      ))}
    </nav>
  );
}

function Train() {
  return (
    <>
      <Toolbar />
      <div class="columns">
        <SettingsForm />
        <div class="content">
          <LayerForms />
          <Results />
          {hasImages(settings.value.data) ? <Drawing /> : <Decisions />}
          <Inside />
        </div>
      </div>
    </>
  );
}

const Doctor = lazy(() => import('./doctor.js'));

export function App() {
  return (
    <>
      <header>
        <h1>
          evenkeel <span>playground</span>
        </h1>
        <Views />
      </header>
      <main>
        <Problems />
        {place.value.view === 'train' ? <Train /> : <Doctor />}
      </main>
      <footer>Everything runs in this page: nothing leaves the machine.</footer>
    </>
  );
}
