/** @file The digits that the demo draws. */
import { describe, expect, it } from 'vitest';
import { CLASSES, drawDigits, PIXELS } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';

const draw = (seed: number, count = 1000) => drawDigits(count, new Random(seed, 'digits'));

describe('drawn digits', () => {
  it('are the same for the same seed', () => {
    expect(draw(7, 20)).toEqual(draw(7, 20));
  });

  it('are others for another seed', () => {
    expect(draw(7, 20).images).not.toEqual(draw(8, 20).images);
  });

  it('show every numeral equally often, in no order', () => {
    const { labels } = draw(1);
    const counts = new Array<number>(CLASSES).fill(0);
    for (const label of labels) counts[label]!++;
    expect(counts).toEqual(new Array<number>(CLASSES).fill(100));
    expect(labels.slice(0, 20)).not.toEqual(Uint8Array.from({ length: 20 }, (_, i) => i % CLASSES));
  });

  it('are about as dark as those of MNIST, 13 %', () => {
    const { images } = draw(1);
    const ink = images.reduce((sum, byte) => sum + byte, 0) / images.length / 255;
    expect(ink).toBeGreaterThan(0.1);
    expect(ink).toBeLessThan(0.16);
  });

  it('are told apart by the nearest of the numerals’ means, though not always', () => {
    const { images, labels } = draw(1);
    const means = Array.from({ length: CLASSES }, () => new Float64Array(PIXELS));
    labels.forEach((label, i) => {
      for (let pixel = 0; pixel < PIXELS; pixel++) means[label]![pixel]! += images[i * PIXELS + pixel]! / 100;
    });

    const test = draw(2);
    let hits = 0;
    test.labels.forEach((label, i) => {
      const distances = means.map((mean) =>
        mean.reduce((sum, value, pixel) => sum + (value - test.images[i * PIXELS + pixel]!) ** 2, 0),
      );
      if (distances.indexOf(Math.min(...distances)) === label) hits++;
    });
    expect(hits).toBeGreaterThan(600);
    expect(hits).toBeLessThan(950);
  });
});
