/** @file Points of the plane in two classes, drawn at random: small problems whose answer can be looked at. */
import type { Random } from '../../shared/random.js';
import type { ToySetName } from '../shared/settings.js';
import type { Dataset } from './dataset.js';

const COUNT = 1000;
const NOISE = 0.08;

type Point = readonly [x: number, y: number];

/** A point of each class, before noise. */
const SHAPES: Readonly<Record<ToySetName, (label: number, random: Random) => Point>> = {
  circles(label, random) {
    const angle = random.between(0, 2 * Math.PI);
    const radius = label === 0 ? random.between(0, 0.5) : random.between(0.85, 1.25);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  },
  moons(label, random) {
    const angle = random.between(0, Math.PI);
    const [x, y] = [0.85 * Math.cos(angle), 0.85 * Math.sin(angle)];
    return label === 0 ? [x - 0.42, y - 0.2] : [0.42 - x, 0.2 - y];
  },
  xor(label, random) {
    const [x, y] = [random.between(0.1, 1.2), random.between(0.1, 1.2)];
    const isMirrored = random.integer(0, 1) === 1;
    const signed: Point = label === 0 ? [x, y] : [x, -y];
    return isMirrored ? [-signed[0], -signed[1]] : signed;
  },
  spirals(label, random) {
    const along = random.between(0.05, 1);
    const angle = along * 3 * Math.PI + label * Math.PI;
    return [1.25 * along * Math.cos(angle), 1.25 * along * Math.sin(angle)];
  },
};

const SOURCES: Readonly<Record<ToySetName, string>> = {
  circles: 'a disc within a ring',
  moons: 'two half-moons',
  xor: 'four squares, classes crosswise (XOR)',
  spirals: 'two spirals',
};

/** As many points of one class as of the other, in random order, of which four fifths train. */
export function toyDataset(name: ToySetName, random: Random): Dataset {
  const noise = name === 'spirals' ? NOISE / 2 : NOISE;
  const labels = Uint8Array.from(random.permutation(COUNT), (i) => i % 2);
  const features = new Float32Array(2 * COUNT);
  labels.forEach((label, i) => {
    const [x, y] = SHAPES[name](label, random);
    features.set([x + random.normal(noise), y + random.normal(noise)], 2 * i);
  });
  const all = Uint32Array.from({ length: COUNT }, (_, i) => i);
  const trainingCount = (COUNT * 4) / 5;
  return {
    source: `drawn points: ${SOURCES[name]}`,
    size: 2,
    classes: 2,
    features,
    labels,
    training: all.subarray(0, trainingCount),
    test: all.subarray(trainingCount),
  };
}
