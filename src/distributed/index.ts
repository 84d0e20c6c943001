/** @file What 'evenkeel/distributed' exports. */
export type { Communicator } from '../group/communicator.js';
export { synchronizeOver } from '../group/group.js';
