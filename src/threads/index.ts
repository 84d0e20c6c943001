/** @file What 'evenkeel/threads' exports. */
export { threadCommunicator } from './thread-communicator.js';
export { breakThreadGroup, makeThreadGroup, type ThreadGroup } from './thread-group.js';
