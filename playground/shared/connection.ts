/** @file Joins a worker and the page, so that each can call the other's functions. */
import { type BirpcReturn, createBirpc } from 'birpc';
import { messageOf } from '../../src/text/refusal.js';

/** The workers that there are. */
export type WorkerName = 'trainer' | 'assistant' | 'doctor';

/** What a worker sends to show that it does not hang, and how often, in milliseconds. */
export const ALIVE = 'alive';
export const ALIVE_INTERVAL = 1000;

/** A worker as the page sees it, or the other way round. */
interface Peer {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
}

/**
 * @param functions what the other side may call; calls that come before they are there wait
 * @param events those of the other side's functions that answer nothing
 */
export function connect<Theirs extends object, Ours extends object>(
  peer: Peer,
  functions: Ours | Promise<Ours>,
  events: readonly (keyof Theirs)[] = [],
): BirpcReturn<Theirs, Ours> {
  return createBirpc<Theirs, Ours>({} as Ours, {
    post: (message) => {
      peer.postMessage(message);
    },
    on: (receive) => {
      peer.addEventListener('message', ({ data }) => {
        if (data !== ALIVE) receive(data);
      });
    },
    resolver: async (name) => {
      try {
        const ours = (await functions) as Record<string, (...args: unknown[]) => unknown>;
        return ours[name]?.bind(ours);
      } catch (error) {
        // Thrown to the caller; birpc itself would leave it waiting.
        return () => {
          throw new Error(messageOf(error));
        };
      }
    },
    eventNames: [...events],
    // A step of a large network on a slow backend takes as long as it takes.
    timeout: -1,
  });
}
