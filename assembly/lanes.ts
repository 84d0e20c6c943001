/**
 * @file How the kernels see memory, and the tables that go with it.
 *
 * The canonical layout is [outer, groups, middle, channels, inner] (src/core/layout.ts). One group of one outer index
 * is a *chunk* of middle rows of channels·inner elements, one after another. Two shapes of inner loop walk it:
 *
 *   in lanes   inner is short. Elements take turns on a table of `lanes` numbers per group, and memory is walked
 *              strictly in order. Short or odd rows are walked several at a time, so that the turns are long and
 *              their tail is rare:
 *                3 channels, 4 repeats   c0 c1 c2 c0 | c1 c2 c0 c1 | c2 c0 c1 c2      one v128 = 4 lanes
 *   in runs    inner is RUN or longer: one channel's run of inner elements after another.
 *                1 channel of 49         i0 i1 i2 i3 | i4 … i47 | i48                 one v128 = 4 elements of a run
 *
 * No access is aligned: WebAssembly's loads and stores need none, and whole lines are what counts for speed.
 */

/** The inner length from which on runs are walked by loops of their own. */
export const RUN: u32 = 16;

/** Rows per repeat in a block, which is what is summed in float32: as many numbers a lane adds up. */
export const BLOCK: u32 = 32;
/** The same where strands are walked together, whose numbers are added to each other first. */
export const BLOCK_OF_STRANDS: u32 = 512;
/** How many of a run's elements are summed in float32, by four lanes that add up four at a time. */
export const BLOCK_OF_A_RUN: u32 = 512;
/** Elements per channel in a block of runs. */
export const BLOCK_OF_RUNS: u32 = 1024;
/** The longest piece of a run in one block. */
export const LONGEST_PIECE: u32 = 16384;

/** Rows that are as wide as this are walked one at a time: their tail is rare enough. */
const WIDE: u32 = 128;
/** Rows that are walked several at a time, at most four or as many as make WIDE_ENOUGH, have together fewer lanes. */
export const MOST_JOINED_LANES: u32 = 4 * WIDE;
/** What a kernel keeps of a lane, at most: four float32, which are the tables of moments.ts. */
export const BYTES_PER_LANE: u32 = 16;
/** Rows are joined until they are about as wide as this. */
const WIDE_ENOUGH: u32 = 32;

/** How many rows of `width` elements are walked at a time, of at most `rows`. */
export function repeatsFor(width: u32, rows: u32): u32 {
  if (width >= WIDE) return 1;
  const odd: u32 = width % 4 == 0 ? 1 : width % 2 == 0 ? 2 : 4;
  const repeats = odd * ((WIDE_ENOUGH + width * odd - 1) / (width * odd));
  return min(repeats, rows);
}

/**
 * Writes every lane's number, as float32: that of its channel.
 *
 *   for every repeat, channel, inner: lanes[l++] = values[channel]
 */
export function spread<T>(values: usize, lanes: usize, repeats: u32, channels: u32, inner: u32): void {
  for (let repeat: u32 = 0; repeat < repeats; repeat++) {
    for (let channel: u32 = 0; channel < channels; channel++) {
      const value = <f32>load<T>(values + channel * sizeof<T>());
      for (let i: u32 = 0; i < inner; i++) {
        store<f32>(lanes, value);
        lanes += 4;
      }
    }
  }
}

/**
 * Adds up the lanes of every channel, in float64, and puts the sums one after another where the lanes were.
 * Safe in place: a lane is overwritten only after it has been added.
 *
 *   for every channel: lanes[channel] = Σ over repeats and inner
 */
export function gather(lanes: usize, repeats: u32, channels: u32, inner: u32): void {
  const width = channels * inner;
  for (let channel: u32 = 0; channel < channels; channel++) {
    let sum: f64 = 0;
    for (let first = channel * inner; first < repeats * width; first += width) {
      for (let lane = first; lane < first + inner; lane++) sum += <f64>load<f32>(lanes + lane * 4);
    }
    store<f32>(lanes + channel * 4, <f32>sum);
  }
}

/**
 * How many rows there are between the `strands` positions of a chunk that are walked together; 0 where it is too short.
 * Tables are then loaded and stored once for as many rows. The positions are as far apart as can be, since caches fetch
 * ahead along each of up to four far streams, but not along neighbouring rows.
 */
export function strandRows(rows: u32, repeats: u32, strands: u32): u32 {
  return rows < 32 * repeats ? 0 : (rows / (strands * repeats)) * repeats;
}

/** The sum of the four lanes of a vector, in float64. */
export function total(sums: v128): f64 {
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(sums, sums, 2, 3, 0, 1));
  const pairs = f64x2.add(f64x2.promote_low_f32x4(sums), high);
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}
