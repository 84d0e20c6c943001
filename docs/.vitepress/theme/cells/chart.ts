/** @file A small chart: two axes, lines, dots and bars, as SVG. */
import { type VNode, type VNodeChild, h } from 'vue';
import { digits, drawing } from './parts.js';

export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  /** Where there is a number. */
  readonly ticks: readonly number[];
  readonly isLogarithmic?: boolean;
}

export type Point = readonly [x: number, y: number];

const WIDTH = 400;
const HEIGHT = 230;
const LEFT = 40;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 38;

/** From a value to a place between two ends; what lies beyond them is put at the end. */
function scaleOf({ from, to, isLogarithmic = false }: Axis, start: number, end: number) {
  const on = isLogarithmic ? Math.log10 : Number;
  return (value: number): number => {
    const part = (on(value) - on(from)) / (on(to) - on(from));
    // Two digits, so that the server and every browser write the same.
    return Number((start + (end - start) * Math.min(1, Math.max(0, part))).toFixed(2));
  };
}

export interface Chart {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** @param kind a class of style.css: 'first', 'second', 'faint' */
  readonly line: (points: readonly Point[], kind: string) => VNode;
  readonly dots: (points: readonly Point[], kind: string, radius?: number) => VNode[];
  /** A text whose left end, or right end, is at a point. */
  readonly note: (text: string, point: Point, anchor?: 'start' | 'end') => VNode;
  /** The whole, with what is drawn in it. */
  readonly draw: (...marks: VNodeChild[]) => VNode;
}

export function chart(horizontal: Axis, vertical: Axis): Chart {
  const x = scaleOf(horizontal, LEFT, WIDTH - RIGHT);
  const y = scaleOf(vertical, HEIGHT - BOTTOM, TOP);
  const axes = [
    ...horizontal.ticks.map((tick) =>
      h('text', { x: x(tick), y: HEIGHT - BOTTOM + 15, 'text-anchor': 'middle' }, digits(tick)),
    ),
    ...vertical.ticks.flatMap((tick) => [
      h('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }),
      h('text', { x: LEFT - 6, y: y(tick) + 4, 'text-anchor': 'end' }, digits(tick)),
    ]),
    h('text', { x: WIDTH - RIGHT, y: HEIGHT - 6, 'text-anchor': 'end' }, horizontal.label),
    h('text', { x: 2, y: HEIGHT - 6 }, `↑ ${vertical.label}`),
  ];
  return {
    x,
    y,
    line: (points, kind) =>
      h('polyline', {
        class: `line ${kind}`,
        points: points.map(([at, value]) => `${x(at)},${y(value)}`).join(' '),
      }),
    dots: (points, kind, radius = 3) =>
      points.map(([at, value]) => h('circle', { class: `dot ${kind}`, cx: x(at), cy: y(value), r: radius })),
    note: (text, [at, value], anchor = 'start') =>
      h('text', { class: 'note', x: x(at), y: y(value), 'text-anchor': anchor }, text),
    draw: (...marks) => drawing(WIDTH, HEIGHT, [...axes, ...marks]),
  };
}

/** So many numbers from one end to the other, both included. */
export const range = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
