/** @file The site: which pages there are, what it is made with, and how its Markdown differs from GitHub's: hardly. */
import { type DefaultTheme, defineConfig } from 'vitepress';
import { licencesPlugins } from '../../shared/licences.js';
import { anchorOf } from './markdown/anchor.js';
import { formulas } from './markdown/formulas.js';
import { linksOfRepository } from './markdown/links.js';
import { breakableNames } from './markdown/names.js';
import { pictures } from './markdown/pictures.js';
import { BASE, MANIFEST, REPOSITORY, ROOT } from './project.js';

const TITLE = 'evenkeel';

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

/** One line for each page, so that a new page is a new line. */
const SIDEBAR: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: [
      page('What and why', '/'),
      page('Ten minutes', '/start'),
      page('Install', '/install'),
      page('Speed and size', '/benchmarks'),
    ],
  },
  {
    text: 'Recipes',
    items: [
      page('All recipes', '/recipes/'),
      page('When validation is bad', '/recipes/bad-validation'),
      page('Fine-tune', '/recipes/fine-tune'),
      page('Small batches', '/recipes/small-batches'),
      page('Time series with masks', '/recipes/sequences'),
      page('Train a GAN', '/recipes/gan'),
      page('From Keras', '/recipes/keras'),
      page('From R', '/recipes/r'),
      page('Replace the stock layer', '/recipes/replace'),
      page('Convolutions on wasm', '/recipes/accelerate'),
      page('Train in a worker', '/recipes/worker'),
      page('Several cores, several machines', '/recipes/ranks'),
      page('Clusters', '/clusters'),
      page('Deploy', '/recipes/deploy'),
      page('Without TensorFlow.js', '/recipes/without-tensorflow'),
    ],
  },
  {
    text: 'Every argument',
    link: '/arguments/',
    items: [
      page('axis', '/arguments/axis'),
      page('momentum, moving statistics', '/arguments/moving-statistics'),
      page('epsilon', '/arguments/epsilon'),
      page('center, scale, gamma, beta', '/arguments/gamma-beta'),
      page('renorm, renormClipping', '/arguments/renorm'),
      page('fused, synchronized', '/arguments/fused'),
      page('virtualBatchSize', '/arguments/ghost-batches'),
      page('adjustment', '/arguments/adjustment'),
      page('shapes, dtype, trainable, weights', '/arguments/layer'),
      page('training, mask', '/arguments/call'),
    ],
  },
  {
    text: 'How it works',
    items: [
      page('The paper in pictures', '/how/paper'),
      page('The canonical layout', '/how/layout'),
      page('Kernels and accuracy', '/how/kernels'),
      page('The experiment', '/experiment'),
      page('Architecture', '/architecture'),
    ],
  },
  {
    text: 'Tools',
    items: [
      page('The doctor', '/doctor'),
      page('The command', '/command'),
      page('JSON of the command', '/command-json'),
      page('What inspect finds', '/findings'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Compatibility', '/compatibility'),
      page('What it cannot do', '/limits'),
      page('Coming from PyTorch', '/pytorch'),
      page('Glossary', '/glossary'),
      apiPages(),
      page('Changes', '/changelog'),
      page('Security', '/security'),
      page('Contributing', '/contributing'),
    ],
  },
];

/** The pages that TypeDoc makes, a page for each entry of the package. */
function apiPages(): DefaultTheme.SidebarItem {
  const items = [
    page('evenkeel', '/api/evenkeel'),
    page('evenkeel/keras', '/api/evenkeel/keras/'),
    page('kerasLayers', '/api/evenkeel/keras/namespaces/kerasLayers'),
    ...['tools', 'data', 'distributed', 'threads', 'mpi', 'core'].map((entry) =>
      page(`evenkeel/${entry}`, `/api/evenkeel/${entry}`),
    ),
  ];
  return { text: 'API', link: '/api/', collapsed: true, items };
}

export default defineConfig({
  title: TITLE,
  description: MANIFEST.description,
  lang: 'en',
  base: BASE,
  // Works from any folder of files, without a server that knows pages by other names.
  cleanUrls: false,
  head: [
    ['link', { rel: 'icon', href: `${BASE}icon.svg`, type: 'image/svg+xml' }],
    ['meta', { property: 'og:site_name', content: TITLE }],
    ['meta', { property: 'og:type', content: 'website' }],
  ],
  transformHead: ({ title, description }) => [
    ['meta', { property: 'og:title', content: title }],
    ['meta', { property: 'og:description', content: description }],
  ],
  markdown: {
    // Comments in code that can be read on grey, too.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: anchorOf },
    config: (markdown) => {
      markdown.use(linksOfRepository).use(formulas).use(pictures).use(breakableNames);
    },
  },
  vite: {
    plugins: [licencesPlugins().ofPage],
    resolve: {
      alias: [
        { find: /^evenkeel\/(\w+)$/, replacement: `${ROOT}src/$1/index.ts` },
        { find: /^evenkeel$/, replacement: `${ROOT}src/index.ts` },
      ],
    },
    server: { fs: { allow: [ROOT] } },
    // The index of the search, which is loaded when it opens.
    build: { chunkSizeWarningLimit: 3000 },
  },
  themeConfig: {
    nav: [
      { text: 'Playground', link: '/playground/', target: '_self' },
      { text: 'Doctor', link: '/playground/#view=doctor', target: '_self' },
      { text: 'API', link: '/api/' },
      { text: 'GitHub', link: REPOSITORY },
    ],
    sidebar: SIDEBAR,
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // A page that explains comes before the reference, which has a section for every name.
        miniSearch: { searchOptions: { boostDocument: (id: string) => (id.includes('/api/') ? 0.2 : 1) } },
      },
    },
    externalLinkIcon: false,
  },
});
