/**
 * @file Pooling in three dimensions, of NDHWC; two are a depth of 1. A table says for depth, height and width, one after
 * another: size, windows, stride, length, before, each of 32 bits. Window w of a dimension begins at w·stride − before,
 * and sees of its length what lies within the size.
 *
 * maxPool              y = the largest that a window sees, −∞ where it sees nothing
 * maxPoolGradient      dx[the first place of the largest] += dy
 * averagePoolGradient  dx[every place that a window sees] += dy / how many these are
 *
 * NaN is passed over, as on TF.js' cpu backend, unless a window has nothing else.
 *
 * memory     Windows in the order of the output; four channels of all places of a window at a time.
 * precision  float32.
 * tail       Channels beyond a multiple of 4 one by one.
 * requires   Addresses aligned to 4 bytes; an image of x and of dx has less than 4 GiB.
 */

export function maxPool(x: usize, y: usize, batch: u32, channels: u32, table: usize): void {
  walk(Pooling.Max, x, y, 0, batch, channels, table);
}

export function maxPoolGradient(
  x: usize,
  dy: usize,
  dx: usize,
  batch: u32,
  channels: u32,
  table: usize,
): void {
  walk(Pooling.MaxGradient, x, dy, dx, batch, channels, table);
}

export function averagePoolGradient(dy: usize, dx: usize, batch: u32, channels: u32, table: usize): void {
  walk(Pooling.AverageGradient, dx, dy, dx, batch, channels, table);
}

const enum Pooling {
  Max,
  MaxGradient,
  AverageGradient,
}

/** Where the entry of a dimension begins: depth, height, width. */
const HEIGHT: usize = 20;
const WIDTH: usize = 40;

function sizeOf(dimension: usize): u32 {
  return load<u32>(dimension);
}
function windowsOf(dimension: usize): u32 {
  return load<u32>(dimension, 4);
}
/** Where window `index` begins, before the input or within it. */
function beginOf(dimension: usize, index: u32): i32 {
  return <i32>index * load<i32>(dimension, 8) - load<i32>(dimension, 16);
}
function firstOf(dimension: usize, index: u32): u32 {
  return max<i32>(beginOf(dimension, index), 0);
}
/** Behind the last place that window `index` sees; not before the first. */
function endOf(dimension: usize, index: u32): u32 {
  const end = min<i32>(beginOf(dimension, index) + load<i32>(dimension, 12), sizeOf(dimension));
  return max<i32>(end, firstOf(dimension, index));
}

/** @param pooled y, or dy. */
function walk(
  pooling: Pooling,
  x: usize,
  pooled: usize,
  dx: usize,
  batch: u32,
  channels: u32,
  table: usize,
): void {
  const pixelBytes = channels * 4;
  const rowBytes = sizeOf(table + WIDTH) * pixelBytes;
  const layerBytes = sizeOf(table + HEIGHT) * rowBytes;
  const imageBytes = sizeOf(table) * layerBytes;
  if (pooling != Pooling.Max) memory.fill(dx, 0, <usize>batch * imageBytes);
  for (let n: u32 = 0; n < batch; n++) {
    for (let d: u32 = 0; d < windowsOf(table); d++) {
      const layers = endOf(table, d) - firstOf(table, d);
      for (let h: u32 = 0; h < windowsOf(table + HEIGHT); h++) {
        const rows = endOf(table + HEIGHT, h) - firstOf(table + HEIGHT, h);
        for (let w: u32 = 0; w < windowsOf(table + WIDTH); w++) {
          const columns = endOf(table + WIDTH, w) - firstOf(table + WIDTH, w);
          const first =
            firstOf(table, d) * layerBytes +
            firstOf(table + HEIGHT, h) * rowBytes +
            firstOf(table + WIDTH, w) * pixelBytes;
          if (layers * rows * columns == 0) {
            if (pooling == Pooling.Max) fillLowest(pooled, channels);
          } else if (pooling == Pooling.AverageGradient) {
            spreadWindow(pooled, dx + first, layers, layerBytes, rows, rowBytes, columns, channels);
          } else {
            const reached: usize = pooling == Pooling.Max ? <usize>0 : dx + first;
            searchWindow(x + first, pooled, reached, layers, layerBytes, rows, rowBytes, columns, channels);
          }
          pooled += pixelBytes;
        }
      }
    }
    x += imageBytes;
    dx += imageBytes;
  }
}

function fillLowest(y: usize, channels: u32): void {
  for (; channels > 0; channels--) {
    store<f32>(y, -Infinity);
    y += 4;
  }
}

/** The largest of a window that begins at x, into `pooled`; or, where dx is not 0, what `pooled` has to its place in dx. */
function searchWindow(
  x: usize,
  pooled: usize,
  dx: usize,
  layers: u32,
  layerBytes: u32,
  rows: u32,
  rowBytes: u32,
  columns: u32,
  channels: u32,
): void {
  const pixelBytes = channels * 4;
  for (; channels >= 4; channels -= 4) {
    let best = v128.load(x);
    let place = i32x4.splat(0);
    for (let layer: u32 = 0, atLayer: u32 = 0; layer < layers; layer++, atLayer += layerBytes) {
      for (let row: u32 = 0, atRow = atLayer; row < rows; row++, atRow += rowBytes) {
        for (let column: u32 = 0, at = atRow; column < columns; column++, at += pixelBytes) {
          const value = v128.load(x + at);
          const isMore = v128.or(f32x4.gt(value, best), f32x4.ne(best, best));
          best = v128.bitselect(value, best, isMore);
          place = v128.bitselect(i32x4.splat(at), place, isMore);
        }
      }
    }
    if (dx == 0) {
      v128.store(pooled, best);
    } else {
      const dy = v128.load(pooled);
      add(dx + <u32>i32x4.extract_lane(place, 0), f32x4.extract_lane(dy, 0));
      add(dx + <u32>i32x4.extract_lane(place, 1) + 4, f32x4.extract_lane(dy, 1));
      add(dx + <u32>i32x4.extract_lane(place, 2) + 8, f32x4.extract_lane(dy, 2));
      add(dx + <u32>i32x4.extract_lane(place, 3) + 12, f32x4.extract_lane(dy, 3));
      dx += 16;
    }
    x += 16;
    pooled += 16;
  }
  for (; channels > 0; channels--) {
    let best = load<f32>(x);
    let place: u32 = 0;
    for (let layer: u32 = 0, atLayer: u32 = 0; layer < layers; layer++, atLayer += layerBytes) {
      for (let row: u32 = 0, atRow = atLayer; row < rows; row++, atRow += rowBytes) {
        for (let column: u32 = 0, at = atRow; column < columns; column++, at += pixelBytes) {
          const value = load<f32>(x + at);
          if (value > best || best != best) {
            best = value;
            place = at;
          }
        }
      }
    }
    if (dx == 0) {
      store<f32>(pooled, best);
    } else {
      add(dx + place, load<f32>(pooled));
      dx += 4;
    }
    x += 4;
    pooled += 4;
  }
}

function add(to: usize, number: f32): void {
  store<f32>(to, load<f32>(to) + number);
}

/** Adds to every place of a window that begins at dx its share of dy. */
function spreadWindow(
  dy: usize,
  dx: usize,
  layers: u32,
  layerBytes: u32,
  rows: u32,
  rowBytes: u32,
  columns: u32,
  channels: u32,
): void {
  const pixelBytes = channels * 4;
  const seen = <f32>(layers * rows * columns);
  for (; channels >= 4; channels -= 4) {
    const share = f32x4.div(v128.load(dy), f32x4.splat(seen));
    for (let layer: u32 = 0, atLayer = dx; layer < layers; layer++, atLayer += layerBytes) {
      for (let row: u32 = 0, atRow = atLayer; row < rows; row++, atRow += rowBytes) {
        for (let column: u32 = 0, at = atRow; column < columns; column++, at += pixelBytes) {
          v128.store(at, f32x4.add(v128.load(at), share));
        }
      }
    }
    dx += 16;
    dy += 16;
  }
  for (; channels > 0; channels--) {
    const share = load<f32>(dy) / seen;
    for (let layer: u32 = 0, atLayer = dx; layer < layers; layer++, atLayer += layerBytes) {
      for (let row: u32 = 0, atRow = atLayer; row < rows; row++, atRow += rowBytes) {
        for (let column: u32 = 0, at = atRow; column < columns; column++, at += pixelBytes) add(at, share);
      }
    }
    dx += 4;
    dy += 4;
  }
}
