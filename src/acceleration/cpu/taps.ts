/**
 * @file What the pixels of a convolution's output see of its input, along one axis: which taps of the filter fall on which
 * pixels. Pixels that see the same taps make a group, so that for each of them one matrix product, of just these taps,
 * is the convolution: what is padding, or stepped over by a stride, is not computed at all.
 *
 *   output    pixel o sees by tap t the input's pixel    o·stride + t·dilation − pad
 *   gradient  pixel i gets by tap t from dy's pixel      (i + pad − t)/stride, if that is whole
 */

/** Pixels that see the same taps. */
export interface Group {
  /** The pixels. */
  readonly pixels: number[];
  /** For each of them, what `offsets` count from. */
  readonly bases: number[];
  readonly taps: readonly number[];
  /** For each tap, where it falls, from a pixel's base. */
  readonly offsets: readonly number[];
}

/** An axis of a convolution. */
export interface Axis {
  readonly inputs: number;
  readonly outputs: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
}

/** Groups of the output's pixels, by what they see of the input. */
export const groupsOfOutput = ({ inputs, outputs, taps, stride, dilation, pad }: Axis): Group[] =>
  groupsOf(outputs, taps, inputs, (pixel, tap) => ({
    base: pixel * stride - pad,
    offset: tap * dilation,
  }));

/** Groups of the input's pixels, by what they get of the output's gradient; without dilation. */
export const groupsOfInput = ({ inputs, outputs, taps, stride, pad }: Axis): Group[] =>
  groupsOf(inputs, taps, outputs, (pixel, tap) => {
    const base = Math.floor((pixel + pad) / stride);
    return { base, offset: (pixel + pad - tap) / stride - base };
  });

function groupsOf(
  pixels: number,
  taps: number,
  seen: number,
  look: (pixel: number, tap: number) => { base: number; offset: number },
): Group[] {
  const groups = new Map<string, Group>();
  for (let pixel = 0; pixel < pixels; pixel++) {
    const hits: number[] = [];
    for (let tap = 0; tap < taps; tap++) {
      const { base, offset } = look(pixel, tap);
      if (Number.isInteger(offset) && base + offset >= 0 && base + offset < seen) hits.push(tap);
    }
    const key = `${hits[0]} ${hits.length}`;
    let group = groups.get(key);
    if (!group) {
      group = { pixels: [], bases: [], taps: hits, offsets: hits.map((tap) => look(pixel, tap).offset) };
      groups.set(key, group);
    }
    group.pixels.push(pixel);
    group.bases.push(look(pixel, 0).base);
  }
  return [...groups.values()];
}
