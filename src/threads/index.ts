/** @file What 'evenkeel/threads' exports. */
export {
  breakThreadGroup,
  makeThreadGroup,
  threadCommunicator,
  type ThreadGroup,
} from './thread-communicator.js';
