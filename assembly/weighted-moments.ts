/**
 * @file Sums of weighted elements about the shift, for the moments: Σw(x − shift) and Σw(x − shift)², in the tables that
 * moments.ts says. Rows in lanes, in spans of one weight; the first channel of a span counts its weights, for all of it.
 *
 * The scalar loop that this equals, over the elements of a span whose weight w is not 0:
 *
 *   d = x − shift;  sum += w·d;  squares += w·d·d
 */

/** Rows of one weight each, which the first channel counts: four at a time, and what is left one by one. */
export function sumWeightedRows(
  x: usize,
  weights: usize,
  rows: u32,
  channels: u32,
  shifts: usize,
  tableBytes: usize,
): void {
  const sums = shifts + tableBytes;
  const weightSum = sums + 2 * tableBytes;
  for (; rows >= 4; rows -= 4) {
    const all = v128.load(weights);
    const vectors = channels / 4;
    sumFourWeightedRows(x, channels * 4, vectors, all, shifts, sums, tableBytes);
    for (let row: u32 = 0; row < 4; row++) {
      const weight = load<f32>(weights + row * 4);
      store<f32>(weightSum, load<f32>(weightSum) + weight);
      if (weight != 0) {
        sumWeightedTail(x + row * channels * 4, weight, vectors * 4, channels, shifts, tableBytes);
      }
    }
    weights += 16;
    x += channels * 16;
  }
  sumSpans(x, weights, channels, rows, channels, shifts, tableBytes);
}

/** As many whole vectors of four rows, where an element of weight 0 counts as one at the shift, even if it is NaN. */
function sumFourWeightedRows(
  x0: usize,
  rowBytes: usize,
  vectors: u32,
  weights: v128,
  shift: usize,
  sum: usize,
  tableBytes: usize,
): void {
  const x1 = x0 + rowBytes;
  const x2 = x1 + rowBytes;
  const x3 = x2 + rowBytes;
  const squares = sum + tableBytes;
  const w0 = v128.shuffle<f32>(weights, weights, 0, 0, 0, 0);
  const w1 = v128.shuffle<f32>(weights, weights, 1, 1, 1, 1);
  const w2 = v128.shuffle<f32>(weights, weights, 2, 2, 2, 2);
  const w3 = v128.shuffle<f32>(weights, weights, 3, 3, 3, 3);
  const zero = f32x4.splat(0);
  const counts0 = f32x4.ne(w0, zero);
  const counts1 = f32x4.ne(w1, zero);
  const counts2 = f32x4.ne(w2, zero);
  const counts3 = f32x4.ne(w3, zero);
  for (let at: usize = 0; at < 16 * <usize>vectors; at += 16) {
    const s = v128.load(shift + at);
    const d0 = v128.and(f32x4.sub(v128.load(x0 + at), s), counts0);
    const d1 = v128.and(f32x4.sub(v128.load(x1 + at), s), counts1);
    const d2 = v128.and(f32x4.sub(v128.load(x2 + at), s), counts2);
    const d3 = v128.and(f32x4.sub(v128.load(x3 + at), s), counts3);
    const wd0 = f32x4.mul(w0, d0);
    const wd1 = f32x4.mul(w1, d1);
    const wd2 = f32x4.mul(w2, d2);
    const wd3 = f32x4.mul(w3, d3);
    const squares01 = f32x4.add(f32x4.mul(wd0, d0), f32x4.mul(wd1, d1));
    const squares23 = f32x4.add(f32x4.mul(wd2, d2), f32x4.mul(wd3, d3));
    v128.store(sum + at, f32x4.add(v128.load(sum + at), f32x4.add(f32x4.add(wd0, wd1), f32x4.add(wd2, wd3))));
    v128.store(squares + at, f32x4.add(v128.load(squares + at), f32x4.add(squares01, squares23)));
  }
}

/** The elements from `first` on of a piece of one weight. */
function sumWeightedTail(
  x: usize,
  weight: f32,
  first: u32,
  length: u32,
  shifts: usize,
  tableBytes: usize,
): void {
  for (let at: usize = first * 4; at < length * 4; at += 4) {
    const sum = shifts + tableBytes + at;
    const squares = sum + tableBytes;
    const d = load<f32>(x + at) - load<f32>(shifts + at);
    store<f32>(sum, load<f32>(sum) + weight * d);
    store<f32>(squares, load<f32>(squares) + weight * d * d);
  }
}

/** Rows in spans of one weight each, which the first channel of the span counts. */
export function sumSpans(
  x: usize,
  weights: usize,
  weightSpan: u32,
  rows: u32,
  channels: u32,
  shifts: usize,
  tableBytes: usize,
): void {
  for (; rows > 0; rows--) {
    for (let channel: u32 = 0; channel < channels; channel += weightSpan) {
      const weight = load<f32>(weights);
      weights += 4;
      if (weight == 0) {
        x += weightSpan * 4;
        continue;
      }
      const shift = shifts + channel * 4;
      const sum = shift + tableBytes;
      const squares = sum + tableBytes;
      const weightSum = squares + tableBytes;
      store<f32>(weightSum, load<f32>(weightSum) + weight);
      const w = v128.splat<f32>(weight);
      const whole = weightSpan & ~3;
      for (let at: usize = 0; at < whole * 4; at += 16) {
        addWeighted(v128.load(x + at), v128.load(shift + at), w, sum + at, squares + at);
      }
      sumWeightedTail(x, weight, whole, weightSpan, shift, tableBytes);
      x += weightSpan * 4;
    }
  }
}

function addWeighted(x: v128, shift: v128, w: v128, sum: usize, squares: usize): void {
  const d = f32x4.sub(x, shift);
  const wd = f32x4.mul(w, d);
  v128.store(sum, f32x4.add(v128.load(sum), wd));
  v128.store(squares, f32x4.add(v128.load(squares), f32x4.mul(wd, d)));
}

/** Gives all channels of a span the weight that its first one counted. */
export function spreadOverSpans(weightSums: usize, weightSpan: u32, channels: u32): void {
  for (let first: u32 = 0; first < channels; first += weightSpan) {
    const sum = load<f32>(weightSums + first * 4);
    for (let channel = first + 1; channel < first + weightSpan; channel++) {
      store<f32>(weightSums + channel * 4, sum);
    }
  }
}
