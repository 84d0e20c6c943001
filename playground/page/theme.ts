/** @file Light or dark: what the visitor chose, here or in the site around the page, or else what the system says. */
import { computed, effect, signal } from '@preact/signals';
import { matching } from './media.js';
import { recall, remember } from './memory.js';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Where VitePress keeps the choice, and in these words: the site's pages and this one look alike. */
const KEY = 'vitepress-theme-appearance';

const isSystemDark = matching('(prefers-color-scheme: dark)');

const chosenBefore = recall(KEY);
export const theme = signal<Theme>(THEMES.find((one) => one === chosenBefore) ?? 'auto');
export const isDark = computed(() => (theme.value === 'auto' ? isSystemDark.value : theme.value === 'dark'));

effect(() => {
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
});

export function choose(chosen: Theme): void {
  theme.value = chosen;
  remember(KEY, chosen);
}
