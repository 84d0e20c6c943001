/**
 * @file Draws handwritten-looking digits: the strokes of a numeral, bent, slanted, turned, scaled and shifted at
 * random, then inked with a pen of random width on a noisy ground. The format is MNIST's: 28×28 bytes, 0 for ground
 * and 255 for ink, row by row.
 */
import type { Random } from './random.js';

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;

/** Images, one after the other, and the numeral that each of them shows. */
export interface Digits {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

type Point = readonly [x: number, y: number];
/** A pen's path from touching the paper to leaving it. */
type Stroke = readonly Point[];

/** A path through corners, with points between them, so that it can be bent. */
function path(...corners: Point[]): Stroke {
  const points: Point[] = [corners[0]!];
  for (let i = 1; i < corners.length; i++) {
    const [fromX, fromY] = corners[i - 1]!;
    const [toX, toY] = corners[i]!;
    for (let t = 1; t <= 4; t++) {
      points.push([fromX + ((toX - fromX) * t) / 4, fromY + ((toY - fromY) * t) / 4]);
    }
  }
  return points;
}

/** An arc of an ellipse; angles in degrees, clockwise on paper, 0 to the right. */
function arc(
  centerX: number,
  centerY: number,
  radiusX: number,
  radiusY: number,
  from: number,
  to: number,
): Stroke {
  const pieces = Math.ceil(Math.abs(to - from) / 24);
  return Array.from({ length: pieces + 1 }, (_, i): Point => {
    const angle = ((from + ((to - from) * i) / pieces) * Math.PI) / 180;
    return [centerX + radiusX * Math.cos(angle), centerY + radiusY * Math.sin(angle)];
  });
}

/** For each numeral the ways of writing it, in a box from −0.6 to 0.6 across and from −1 (top) to 1 down. */
const NUMERALS: readonly (readonly (readonly Stroke[])[])[] = [
  [[arc(0, 0, 0.58, 0.95, -80, 280)], [arc(0, 0, 0.4, 0.95, -60, 300)]],
  [
    [path([0, -0.95], [0, 0.95])],
    [path([-0.3, -0.55], [0.05, -0.95], [0.05, 0.95])],
    [path([-0.3, -0.55], [0.05, -0.95], [0.05, 0.95]), path([-0.35, 0.95], [0.45, 0.95])],
  ],
  [
    [[...arc(0, -0.45, 0.5, 0.5, 190, 400), ...path([-0.55, 0.95], [0.58, 0.92])]],
    [
      [
        ...arc(0, -0.45, 0.48, 0.5, 200, 410),
        ...arc(-0.35, 0.72, 0.24, 0.22, 30, 330),
        ...path([0.1, 0.8], [0.6, 0.9]),
      ],
    ],
  ],
  [
    [[...arc(-0.05, -0.48, 0.48, 0.46, 205, 445), ...arc(-0.05, 0.44, 0.55, 0.5, 275, 510)]],
    [[...path([-0.45, -0.95], [0.45, -0.95], [-0.05, -0.15]), ...arc(-0.05, 0.4, 0.52, 0.54, 275, 510)]],
  ],
  [
    [path([0.2, -0.95], [-0.58, 0.3], [0.58, 0.3]), path([0.25, -0.3], [0.2, 0.95])],
    [path([-0.4, -0.9], [-0.48, 0.1], [0.5, 0.05]), path([0.38, -0.9], [0.3, 0.95])],
  ],
  [
    [[...path([0.5, -0.92], [-0.35, -0.92], [-0.42, -0.1]), ...arc(-0.02, 0.38, 0.52, 0.56, 235, 500)]],
    [
      [...path([-0.3, -0.9], [-0.4, -0.1]), ...arc(-0.02, 0.38, 0.5, 0.56, 235, 500)],
      path([-0.3, -0.9], [0.5, -0.9]),
    ],
  ],
  [
    [[...path([0.35, -0.95], [-0.2, -0.45], [-0.5, 0.35]), ...arc(-0.02, 0.42, 0.48, 0.5, 185, -150)]],
    [[...path([0.05, -0.95], [-0.4, 0.1]), ...arc(0, 0.5, 0.42, 0.44, 180, -170)]],
  ],
  [
    [path([-0.5, -0.9], [0.52, -0.9], [-0.12, 0.95])],
    [path([-0.5, -0.9], [0.52, -0.9], [-0.12, 0.95]), path([-0.25, 0.05], [0.45, 0.05])],
    [path([-0.52, -0.6], [-0.48, -0.9], [0.5, -0.85], [0.1, 0.2], [0.05, 0.95])],
  ],
  [
    [arc(0, -0.47, 0.4, 0.45, 90, 450), arc(0, 0.47, 0.5, 0.48, -90, 270)],
    [[...arc(0, -0.47, 0.42, 0.46, -30, -250), ...arc(0, 0.47, 0.46, 0.46, -60, 230), [0.35, -0.65]]],
  ],
  [
    [arc(-0.02, -0.42, 0.46, 0.5, 0, -360), path([0.44, -0.45], [0.32, 0.95])],
    [[...arc(-0.02, -0.42, 0.46, 0.5, -20, -340), ...arc(-0.1, 0.3, 0.54, 0.62, -20, 130)]],
  ],
];

/** Pixels from a numeral's centre to its top. */
const HALF_HEIGHT = 9.6;

/** The numeral's strokes as one hand would draw them once, in pixels. */
function write(numeral: number, random: Random): Stroke[] {
  const ways = NUMERALS[numeral]!;
  const strokes = ways[random.integer(0, ways.length - 1)]!;

  const angle = random.normal(0.1);
  const slant = random.normal(0.2);
  const scaleX = HALF_HEIGHT * random.between(0.8, 1.2);
  const scaleY = HALF_HEIGHT * random.between(0.8, 1.1);
  const shiftX = SIDE / 2 + random.normal(0.7);
  const shiftY = SIDE / 2 + random.normal(0.7);
  const [bendX, bendY] = [random.normal(0.08), random.normal(0.08)];
  const [phaseX, phaseY] = [random.between(0, 6.3), random.between(0, 6.3)];
  const [waveX, waveY] = [random.between(1.5, 4), random.between(1.5, 4)];

  return strokes.map((stroke) =>
    stroke.map(([x, y]): Point => {
      const bentX = x + bendX * Math.sin(waveX * y + phaseX) + random.normal(0.025);
      const bentY = y + bendY * Math.sin(waveY * x + phaseY) + random.normal(0.025);
      const slantedX = (bentX - slant * bentY) * scaleX;
      const scaledY = bentY * scaleY;
      return [
        shiftX + slantedX * Math.cos(angle) - scaledY * Math.sin(angle),
        shiftY + slantedX * Math.sin(angle) + scaledY * Math.cos(angle),
      ];
    }),
  );
}

/**
 * Lowers `distance[pixel]` to the distance from the pixel's centre to the segment, for the pixels within `reach` of
 * the segment.
 */
function approach(distance: Float32Array, from: Point, to: Point, reach: number): void {
  const [deltaX, deltaY] = [to[0] - from[0], to[1] - from[1]];
  const lengthSquared = deltaX * deltaX + deltaY * deltaY || 1;
  const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - reach));
  const right = Math.min(SIDE - 1, Math.ceil(Math.max(from[0], to[0]) + reach));
  const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - reach));
  const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(from[1], to[1]) + reach));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [x, y] = [column + 0.5 - from[0], row + 0.5 - from[1]];
      const along = Math.min(1, Math.max(0, (x * deltaX + y * deltaY) / lengthSquared));
      const pixel = row * SIDE + column;
      distance[pixel] = Math.min(distance[pixel]!, Math.hypot(x - along * deltaX, y - along * deltaY));
    }
  }
}

/** Draws the numeral into `image`, which holds 28×28 bytes. */
export function drawDigit(numeral: number, random: Random, image: Uint8Array): void {
  const halfWidth = random.between(0.7, 1.7);
  const ink = random.between(0.65, 1);
  const noise = random.between(0, 0.1);

  const reach = halfWidth + 1;
  const distance = new Float32Array(PIXELS).fill(reach);
  for (const stroke of write(numeral, random)) {
    for (let i = 1; i < stroke.length; i++) approach(distance, stroke[i - 1]!, stroke[i]!, reach);
  }
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    // A pixel that the stroke's edge crosses is inked in part: about as much as lies on the inner side.
    const covered = Math.min(1, Math.max(0, halfWidth + 0.5 - distance[pixel]!));
    const value = ink * covered + random.normal(noise);
    image[pixel] = Math.round(255 * Math.min(1, Math.max(0, value)));
  }
}

/** `count` digits, as many of each numeral as of any other (but for a remainder), in random order. */
export function drawDigits(count: number, random: Random): Digits {
  const images = new Uint8Array(count * PIXELS);
  const labels = Uint8Array.from(random.permutation(count), (i) => i % CLASSES);
  labels.forEach((numeral, i) => {
    drawDigit(numeral, random, images.subarray(i * PIXELS, (i + 1) * PIXELS));
  });
  return { images, labels };
}
