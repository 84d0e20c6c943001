/**
 * @file The page's Content-Security-Policy: scripts, styles and files of the page itself and nothing else. It stands in
 * the page that is built; the development server, which injects scripts and styles, goes without.
 */
import type { Plugin } from 'vite';

const POLICY: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  // TF.js' wasm backend and the kernels are WebAssembly; nothing compiles JavaScript from text.
  'script-src': "'self' 'wasm-unsafe-eval'",
  'style-src': "'self'",
  // The icon, which is empty.
  'img-src': 'data:',
  // TF.js fetches its WebAssembly.
  'connect-src': "'self'",
  // A worker from an address has the policy of its server's answer, of which there may be none; one from a blob has the page's.
  'worker-src': "'self' blob:",
  'base-uri': "'none'",
  'form-action': "'none'",
};

/** Puts the policy into the page, before all that it is to hold for. */
export const contentSecurityPolicy = (): Plugin => ({
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: {
        'http-equiv': 'Content-Security-Policy',
        content: Object.entries(POLICY)
          .map(([directive, sources]) => `${directive} ${sources}`)
          .join('; '),
      },
      injectTo: 'head-prepend',
    },
  ],
});
