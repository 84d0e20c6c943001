/**
 * @file The tables of docs/clusters.md on clusters that nobody has measured: calculated from the messages of a training step
 * of ResNet-50, and from assumptions about networks.
 */
import { table } from './table.js';

/** ResNet-50: its batch normalizations, by channels and how often they come, and its parameters. */
const NORMALIZATIONS: readonly (readonly [channels: number, count: number])[] = [
  [64, 1],
  // Of each stage: two in every block, a third at its end, and that of the shortcut.
  ...[
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ].flatMap(([channels, blocks]): [number, number][] => [
    [channels!, 2 * blocks!],
    [4 * channels!, blocks! + 1],
  ]),
];
const LAYERS = NORMALIZATIONS.reduce((sum, [, count]) => sum + count, 0);
const CHANNELS = NORMALIZATIONS.reduce((sum, [channels, count]) => sum + channels * count, 0);
const PARAMETERS = 25.6e6;

/** Of a layer's messages in float64: three numbers for each channel forward, two backward. */
const MOMENTS_BYTES = CHANNELS * (3 + 2) * 8;
const GRADIENTS_BYTES = PARAMETERS * 4;

const NODES = [10, 100, 1000];

interface Network {
  readonly name: string;
  /** Seconds until a message is there, however short. */
  readonly latency: number;
  /** Bytes in a second. */
  readonly bandwidth: number;
}

const ETHERNET: Network = { name: '10 Gbit Ethernet', latency: 40e-6, bandwidth: 1.25e9 };
const INFINIBAND: Network = { name: 'InfiniBand', latency: 2e-6, bandwidth: 12e9 };

const rounds = (nodes: number) => Math.ceil(Math.log2(nodes));

/** Seconds of a step for the moments: recursive doubling, in which every round sends all numbers. */
const momentsTime = (nodes: number, { latency, bandwidth }: Network, messages = 2 * LAYERS): number =>
  rounds(nodes) * (messages * latency + MOMENTS_BYTES / bandwidth);

/** Seconds of a step for the gradients: a reduce-scatter and an all-gather, each of which sends nearly all numbers once. */
const gradientsTime = (nodes: number, { latency, bandwidth }: Network): number =>
  2 * (rounds(nodes) * latency + ((nodes - 1) / nodes) * (GRADIENTS_BYTES / bandwidth));

/**
 * What ranks wait for the slowest, as a part of the time: the largest of `nodes` normal deviations is at most √(2·ln nodes)
 * of them in the mean.
 *
 * @param deviation of the time between two sums on one rank, as a part of it
 * @param sums in a step; with one, what varies between evens out
 */
const waiting = (nodes: number, deviation: number, sums: number): number =>
  (Math.sqrt(2 * Math.log(nodes)) * deviation) / Math.sqrt((2 * LAYERS) / sums);

const efficiency = (step: number, ...messages: number[]): number =>
  step / (step + messages.reduce((sum, time) => sum + time));

const milliseconds = (seconds: number) => `${(seconds * 1000).toPrecision(seconds < 0.1 ? 2 : 3)} ms`;
const percent = (part: number) => `${(part * 100).toPrecision(part < 0.1 ? 2 : 3)} %`;

type Row = readonly [name: string, value: (nodes: number) => string];

const ofNetwork = (network: Network): Row[] => [
  [`${network.name}: moments, as here`, (nodes) => milliseconds(momentsTime(nodes, network))],
  [
    `${network.name}: moments in five messages a layer, as in tf-keras`,
    (nodes) => milliseconds(momentsTime(nodes, network, 5 * LAYERS)),
  ],
  [`${network.name}: gradients`, (nodes) => milliseconds(gradientsTime(nodes, network))],
];

const ofStep = (seconds: number): Row[] => [
  [
    `part of a step of ${seconds} s that is computing, on ${ETHERNET.name}: synchronized`,
    (nodes) => percent(efficiency(seconds, momentsTime(nodes, ETHERNET), gradientsTime(nodes, ETHERNET))),
  ],
  [`the same, not synchronized`, (nodes) => percent(efficiency(seconds, gradientsTime(nodes, ETHERNET)))],
];

const DEVIATION = 0.05;

const ROWS: readonly Row[] = [
  ...ofNetwork(ETHERNET),
  ...ofNetwork(INFINIBAND),
  ...ofStep(1),
  ...ofStep(60),
  [
    `waiting, if the time between two sums deviates by ${percent(DEVIATION)}: synchronized`,
    (nodes) => percent(waiting(nodes, DEVIATION, 2 * LAYERS)),
  ],
  [`the same, not synchronized`, (nodes) => percent(waiting(nodes, DEVIATION, 1))],
];

export function clusterLines(): string[] {
  return [
    ...table(
      ['calculated, not measured', ...NODES.map((nodes) => `${nodes.toLocaleString('en-US')} nodes`)],
      ROWS.map(([name, value]) => [name, ...NODES.map(value)]),
    ),
    '',
    `A step of ResNet-50 has ${LAYERS} batch normalizations with ${CHANNELS.toLocaleString('en-US')} channels together and ` +
      `${PARAMETERS / 1e6} million parameters.`,
  ];
}
