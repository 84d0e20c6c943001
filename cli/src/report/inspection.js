// @ts-check
/* global document, addEventListener, location */
/**
 * @file What a report does beside showing itself: it tells a channel's numbers where somebody points at it, and opens a
 * layer that is jumped to, or printed. It stands in the page as it is here, a module after the report as JSON.
 */

/** @type {NodeListOf<HTMLDetailsElement>} */
const layers = document.querySelectorAll('details.layer');

function openNamed() {
  for (const layer of layers) if (`#${layer.id}` === location.hash) layer.open = true;
}
openNamed();
addEventListener('hashchange', openNamed);

// For browsers whose style sheets cannot open them.
addEventListener('beforeprint', () => {
  for (const layer of layers) layer.open = true;
});

/** @typedef {import('./write-report.js').PageData} PageData */

/** @type {unknown} */
const parsed = JSON.parse(document.getElementById('inspection')?.textContent ?? '');
const { across, charts } = /** @type {PageData} */ (parsed);

/** @type {NodeListOf<HTMLElement>} */
const figures = document.querySelectorAll('figure');
for (const [i, figure] of [...figures].entries()) {
  const columns = charts[i] ?? [];
  const svg = /** @type {SVGElement} */ (figure.querySelector('svg'));
  const places = [...figure.querySelectorAll('figcaption b')];
  const where = /** @type {HTMLElement} */ (figure.querySelector('figcaption em'));
  const count = Math.max(...columns.map(({ length }) => length));
  svg.addEventListener('pointermove', ({ clientX }) => {
    const { x, width } = svg.getBoundingClientRect();
    const channel = Math.floor(
      (((clientX - x) / width - across.left) / (across.right - across.left)) * count,
    );
    if (channel < 0 || channel >= count) return;
    for (const [k, place] of places.entries()) {
      const value = columns[k]?.[channel];
      place.textContent = value == null ? 'not finite' : String(value);
    }
    where.textContent = `channel ${channel}`;
  });
  svg.addEventListener('pointerleave', () => {
    for (const place of places) place.textContent = '';
    where.textContent = '';
  });
}
