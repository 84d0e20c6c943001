/** @file What 'evenkeel/distributed' exports. */
export type { Communicator } from '../group/communicator.js';
export { synchronizeOver } from '../group/group.js';
export { broadcastWeights } from './broadcast-weights.js';
export { type DataParallel, distributedDataParallel } from './data-parallel.js';
export { distributedOptimizer } from './distributed-optimizer.js';
