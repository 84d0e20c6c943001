/** @file What 'evenkeel/threads' exports. */
export type { ThreadWorker } from './platform.js';
export { type Thread, type ThreadTraining, trainAsThread } from './thread.js';
export { threadCommunicator } from './thread-communicator.js';
export { breakThreadGroup, makeThreadGroup, type ThreadGroup } from './thread-group.js';
export { type ThreadsOptions, trainOnThreads } from './train-on-threads.js';
