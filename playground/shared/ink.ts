/**
 * @file Turns a drawing into what the networks know: 28×28 bytes, the ink scaled so that its longer side takes 20 pixels
 * and placed with its centre of mass in the middle, as MNIST's digits are.
 */
import { PIXELS, SIDE } from '../../shared/digits.js';

/** Pixels of the longer side of the ink. */
const INK_SIDE = 20;
/** Looks per pixel and direction. */
const SAMPLES = 4;
/** Below it, ink is noise. */
const FAINTEST = 16;

/** A square of bytes, 0 for ground and 255 for ink, row by row. */
export interface Drawing {
  readonly side: number;
  readonly ink: Uint8Array;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The box around the ink, right and bottom not included; null where there is none. */
function boundsOf({ side, ink }: Drawing): Box | null {
  let [left, top, right, bottom] = [side, side, 0, 0];
  ink.forEach((value, i) => {
    if (value < FAINTEST) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + 1);
    bottom = Math.max(bottom, y + 1);
  });
  return right > left ? { left, top, right, bottom } : null;
}

function centreOf({ side, ink }: Drawing): readonly [x: number, y: number] {
  let [sum, sumX, sumY] = [0, 0, 0];
  ink.forEach((value, i) => {
    sum += value;
    sumX += value * ((i % side) + 0.5);
    sumY += value * (Math.floor(i / side) + 0.5);
  });
  return [sumX / sum, sumY / sum];
}

/** The digit as 28×28 bytes; null where nothing is drawn. */
export function toDigit(drawing: Drawing): Uint8Array | null {
  const bounds = boundsOf(drawing);
  if (!bounds) return null;
  const { side, ink } = drawing;
  const scale = Math.max(bounds.right - bounds.left, bounds.bottom - bounds.top) / INK_SIDE;
  const [centreX, centreY] = centreOf(drawing);
  const at = (x: number, y: number): number => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    return column >= 0 && row >= 0 && column < side && row < side ? ink[row * side + column]! : 0;
  };
  return Uint8Array.from({ length: PIXELS }, (_, pixel) => {
    let sum = 0;
    for (let i = 0; i < SAMPLES * SAMPLES; i++) {
      const x = (pixel % SIDE) + ((i % SAMPLES) + 0.5) / SAMPLES - SIDE / 2;
      const y = Math.floor(pixel / SIDE) + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES - SIDE / 2;
      sum += at(centreX + x * scale, centreY + y * scale);
    }
    return Math.round(sum / (SAMPLES * SAMPLES));
  });
}
