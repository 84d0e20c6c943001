/** @file What 'evenkeel/mpi' exports. */
export { type MpiCommunicator, mpiCommunicator, type MpiOptions } from './mpi-communicator.js';
