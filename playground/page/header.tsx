/** @file What all views have above them: what this is, the way to the others and to the site's pages, light or dark. */
import { VIEWS, type View, linkTo } from '../shared/address.js';
import { destination, place } from './state.js';
import { THEMES, type Theme, choose, theme } from './theme.js';

export const VIEW_TITLES: Readonly<Record<View, string>> = { train: 'Playground', doctor: 'Doctor' };

const SENTENCES: Readonly<Record<View, string>> = {
  train:
    'See what batch normalization does: small networks, with and without it, train side by side in this page.',
  doctor: 'Drop a model: read what is wrong with its batch normalization, repair it, take it away.',
};

const THEME_TITLES: Readonly<Record<Theme, string>> = { auto: 'as system', light: 'light', dark: 'dark' };

/** The pages of the site around this one; nothing where there is no site around it. */
const PAGES: readonly (readonly [title: string, path: string])[] = [
  ['What it is', ''],
  ['Ten minutes', 'start.html'],
  ['Arguments', 'arguments/'],
];

function Views() {
  return (
    <nav class="views" aria-label="Views">
      {VIEWS.map((view) => (
        <a
          key={view}
          href={linkTo({ ...(destination.value ?? place.value), view })}
          aria-current={place.value.view === view ? 'page' : undefined}
        >
          {VIEW_TITLES[view]}
        </a>
      ))}
    </nav>
  );
}

function Pages() {
  const site = import.meta.env.VITE_SITE;
  if (site === undefined) return null;
  return (
    <nav class="pages" aria-label="Pages of the site">
      {PAGES.map(([title, path]) => (
        <a key={title} href={`${site}${path}`}>
          {title}
        </a>
      ))}
    </nav>
  );
}

function ThemeChooser() {
  return (
    <p class="theme">
      <label for="theme">Theme</label>{' '}
      <select
        id="theme"
        value={theme.value}
        onChange={(event) => {
          choose(event.currentTarget.value as Theme);
        }}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {THEME_TITLES[one]}
          </option>
        ))}
      </select>
    </p>
  );
}

export function Header() {
  const { view } = place.value;
  return (
    <header>
      <h1>
        evenkeel <span>{VIEW_TITLES[view].toLowerCase()}</span>
      </h1>
      <Views />
      <Pages />
      <ThemeChooser />
      <p class="sentence">{SENTENCES[view]}</p>
    </header>
  );
}
