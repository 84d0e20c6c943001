/** @file The look of the site, and the cells that compute in its pages: one line for each. */
import { type Component, defineAsyncComponent } from 'vue';
import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';
import './cells/style.css';

/** By the names that pages use. Each is loaded by the pages that have it. */
const CELLS: Readonly<Record<string, Component>> = {
  AdjustmentCell: defineAsyncComponent(() => import('./cells/adjustment.js')),
  AxisCell: defineAsyncComponent(() => import('./cells/axis.js')),
  EpsilonCell: defineAsyncComponent(() => import('./cells/epsilon.js')),
  GammaBetaCell: defineAsyncComponent(() => import('./cells/gamma-beta.js')),
  GhostBatchCell: defineAsyncComponent(() => import('./cells/ghost-batch.js')),
  LayoutCell: defineAsyncComponent(() => import('./cells/layout.js')),
  MomentumCell: defineAsyncComponent(() => import('./cells/momentum.js')),
  RenormCell: defineAsyncComponent(() => import('./cells/renorm.js')),
};

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    for (const [name, cell] of Object.entries(CELLS)) app.component(name, cell);
  },
} satisfies Theme;
