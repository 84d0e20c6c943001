/** @file A thread that is one rank: it measures, and says what. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ThreadGroup, threadCommunicator } from 'evenkeel/threads';
import { measure } from './training.js';

const { group, rank } = workerData as { group: ThreadGroup; rank: number };
parentPort!.postMessage(await measure(threadCommunicator(group, rank)));
