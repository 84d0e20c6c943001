/** @file The look of the site, and the cells that compute in its pages: one line for each. */
import type { Component } from 'vue';
import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';

/** By the names that pages use. */
const CELLS: Readonly<Record<string, Component>> = {};

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    for (const [name, cell] of Object.entries(CELLS)) app.component(name, cell);
  },
} satisfies Theme;
