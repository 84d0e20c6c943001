/**
 * @file What cells are made of: a frame with a title, controls, a picture and a sentence that says what the picture
 * shows now. Controls are the browser's own, so that they work with a keyboard. A cell looks the same on the server.
 */
import { type Ref, type VNode, type VNodeChild, h } from 'vue';

interface Cell {
  readonly title: string;
  readonly controls: VNode[];
  readonly picture: VNode;
  /** What the picture shows, for those who do not see it, and for those who do. */
  readonly says: string;
}

export const cell = ({ title, controls, picture, says }: Cell): VNode =>
  h('figure', { class: 'cell' }, [
    h('figcaption', title),
    h('div', { class: 'cell-controls' }, controls),
    picture,
    h('p', { class: 'cell-says', 'aria-live': 'polite' }, says),
  ]);

interface Slider {
  readonly label: string;
  readonly value: Ref<number>;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value as it is read; where the slider's own number means nothing, that is what it stands for. */
  readonly shown?: string;
}

export const slider = ({ label, value, shown = digits(value.value), ...range }: Slider): VNode =>
  h('label', [
    h('span', [`${label} `, h('b', shown)]),
    h('input', {
      type: 'range',
      ...range,
      value: value.value,
      'aria-valuetext': shown,
      onInput: ({ target }: Event) => {
        value.value = (target as HTMLInputElement).valueAsNumber;
      },
    }),
  ]);

interface Choice {
  readonly label: string;
  /** The texts to choose from. */
  readonly choices: readonly string[];
  /** Of the one that is chosen. */
  readonly index: Ref<number>;
}

export const choice = ({ label, choices, index }: Choice): VNode =>
  h('label', [
    h('span', label),
    h(
      'select',
      {
        value: index.value,
        // A browser may show another already, chosen before the script was there or when the page was last seen.
        onVnodeMounted: ({ el }: VNode) => {
          index.value = (el as HTMLSelectElement).selectedIndex;
        },
        onChange: ({ target }: Event) => {
          index.value = (target as HTMLSelectElement).selectedIndex;
        },
      },
      choices.map((text, i) => h('option', { value: i, selected: i === index.value }, text)),
    ),
  ]);

/** An SVG of this size in units of its own, as wide as there is room; what it shows stands in the cell's sentence. */
export const drawing = (width: number, height: number, content: VNodeChild[]): VNode =>
  h('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, content);

/** A number for reading: at most so many digits, without zeros at its end. */
export const digits = (value: number, count = 3): string =>
  String(Number(value.toPrecision(count))).replace('-', '−');
