/**
 * @file The order in which TF.js makes the nodes of a functional model.
 *
 * TF.js goes through the layers again and again, makes each node of which the inputs are there, and numbers the nodes of a
 * layer as they come. In Keras they have the numbers of the file. So layers are put in an order in which few rounds do,
 * and the inputs get the numbers that TF.js comes to. Can go when `fromConfig` of tfjs-layers (engine/container) makes
 * each node once, and keeps the numbers of the file.
 */
import type { Budget } from '../data/limits.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type LayerConfig, isContainer } from './layer-config.js';

/** An output of a layer, among whatever else: its name, which of its nodes, which of that node's tensors. */
type End = [layer: string, node: number, tensor: number, ...others: unknown[]];

interface Node {
  readonly layer: LayerConfig;
  readonly index: number;
  readonly inputs: readonly End[];
  /** The nodes that its inputs come from. */
  readonly makers: Node[];
  readonly takers: Node[];
  /** How many of the makers are not made yet. */
  waiting: number;
  /** In which round TF.js makes it. */
  round: number;
  /** The number that TF.js gives it. */
  number: number;
}

/** TF.js compares each connection with all nodes, some hundred times in the time of one of our steps. */
const COMPARISONS_PER_STEP = 256;

/**
 * Puts the nodes in TF.js' order: sets `turn` of the layers, and the numbers of nodes in their inputs and in `ends`.
 *
 * @throws ValueError where a node waits for itself, or for one that is not there; and for more than the budget has left
 */
export function orderGraph(
  name: string,
  layers: readonly LayerConfig[],
  ends: readonly End[],
  budget: Budget,
): void {
  const what = `The model ${show(name)}`;
  const nodes = nodesOf(layers);
  const all = layers.flatMap((layer) => nodes.get(layer.config.name)!);
  const byName = new Map(layers.map((layer) => [layer.config.name, layer]));
  /** The node that gives `end`; null where it is there from the beginning, undefined where it is never. */
  const makerOf = ([layer, node]: End): Node | null | undefined => {
    const first = madeAtFirst(byName.get(layer)!);
    return node < first ? null : nodes.get(layer)![node - first];
  };
  const order = sort(all, makerOf);
  const isThere = (end: End) => makerOf(end) !== undefined;
  if (order.length < all.length || ends.length === 0 || !ends.every(isThere)) {
    const first = all.find(({ waiting }) => waiting > 0);
    const waits = first ? `layer ${show(first.layer.config.name)}` : 'an output';
    throw new ValueError(`${what} is not connected: ${waits} waits for what is never made.`);
  }
  const connections = all.reduce((sum, { inputs }) => sum + inputs.length, 0);
  const comparisons = all.length * (all.length + connections);
  budget.take('steps', Math.ceil(comparisons / COMPARISONS_PER_STEP), what);

  for (const [turn, { layer }] of order.entries()) layer.turn ??= turn;
  let rounds = 1;
  let tries = 0;
  for (const node of order) {
    for (const maker of node.makers) {
      node.round = Math.max(node.round, isTriedBefore(maker, node) ? maker.round : maker.round + 1);
    }
    rounds = Math.max(rounds, node.round + 1);
    tries += node.round + 1;
  }
  budget.take('steps', tries + rounds * layers.length, what);
  for (const layer of layers) {
    const made = nodes.get(layer.config.name)!.toSorted((a, b) => a.round - b.round || a.index - b.index);
    for (const [i, node] of made.entries()) node.number = madeAtFirst(layer) + i;
  }
  for (const end of [...all.flatMap(({ inputs }) => inputs), ...ends]) {
    end[1] = makerOf(end)?.number ?? end[1];
  }
}

/** Inputs and models have a node before they are used. */
const madeAtFirst = (layer: LayerConfig): number =>
  layer.className === 'InputLayer' || isContainer(layer) ? 1 : 0;

const nodesOf = (layers: readonly LayerConfig[]): Map<string, Node[]> =>
  new Map(
    layers.map((layer) => [
      layer.config.name,
      (layer.inboundNodes as End[][]).map((inputs, index) => ({
        layer,
        index,
        inputs,
        makers: [],
        takers: [],
        waiting: 0,
        round: 0,
        number: 0,
      })),
    ]),
  );

/** Nodes, each after those that it takes from; without those that can never be made. */
function sort(all: readonly Node[], makerOf: (end: End) => Node | null | undefined): Node[] {
  for (const node of all) {
    const makers = node.inputs.map(makerOf);
    // A node without inputs is never made.
    node.waiting = makers.length === 0 || makers.includes(undefined) ? Infinity : 0;
    for (const maker of makers) {
      if (!maker) continue;
      node.makers.push(maker);
      node.waiting++;
      maker.takers.push(node);
    }
  }
  const ready = all.filter(({ waiting }) => waiting === 0);
  for (const node of ready) for (const taker of node.takers) if (--taker.waiting === 0) ready.push(taker);
  return ready;
}

/** Whether TF.js comes to one node before another within a round. */
const isTriedBefore = (one: Node, other: Node): boolean =>
  one.layer === other.layer ? one.index < other.index : one.layer.turn! < other.layer.turn!;
