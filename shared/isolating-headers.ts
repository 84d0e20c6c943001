/** @file How a server isolates a page from other sites, without which it has no shared memory and so no threads. */

export const ISOLATING_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
