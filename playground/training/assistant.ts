/** @file The second thread of a training: a worker of the trainer's, with half of every batch. */
import { accelerateTensorFlow } from 'evenkeel';
import { type ThreadGroup, breakThreadGroup, makeThreadGroup, threadCommunicator } from 'evenkeel/threads';
import { messageOf } from '../../src/text/refusal.js';
import { makeWorker } from '../shared/make-worker.js';
import type { Settings } from '../shared/settings.js';
import { useBackend } from './backends.js';
import type { Dataset } from './dataset.js';
import { Session } from './session.js';

interface Assignment {
  readonly group: ThreadGroup;
  readonly settings: Settings;
  readonly dataset: Dataset;
}

/**
 * A session whose batches two threads share.
 *
 * @param script the address of the workers' script
 * @throws where the page is not isolated, and where a session of one thread would
 */
export function sessionOfTwo(settings: Settings, dataset: Dataset, script: string): Session {
  const group = makeThreadGroup(2);
  const assistant = makeWorker('assistant', script);
  const end = (reason: string) => {
    breakThreadGroup(group, reason);
    assistant.terminate();
  };
  assistant.addEventListener('error', (event) => {
    event.preventDefault();
    end(`The second thread failed: ${event.message || 'its script could not be loaded'}.`);
  });
  try {
    const assignment: Assignment = { group, settings, dataset };
    assistant.postMessage(assignment);
    return new Session(settings, dataset, {
      communicator: threadCommunicator(group, 0),
      end: () => {
        end('The training has ended.');
      },
    });
  } catch (error) {
    end('The first thread failed.');
    throw error;
  }
}

/** Takes every step that rank 0 takes, until this worker is ended. */
export async function assist({ group, settings, dataset }: Assignment): Promise<void> {
  // It waits while the training is paused.
  const communicator = threadCommunicator(group, 1, { timeout: Infinity });
  try {
    accelerateTensorFlow();
    await useBackend(settings.backend);
    const session = new Session(settings, dataset, { communicator, end: () => undefined });
    for (;;) await session.step();
  } catch (error) {
    breakThreadGroup(group, `The second thread failed: ${messageOf(error)}`);
  }
}
