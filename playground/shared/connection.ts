/** @file Joins a worker and the page, so that each can call the other's functions. */
import { type BirpcReturn, createBirpc } from 'birpc';

/** A worker as the page sees it, or the other way round. */
interface Peer {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
}

/**
 * @param functions what the other side may call
 * @param events those of the other side's functions that answer nothing
 */
export function connect<Theirs extends object, Ours extends object>(
  peer: Peer,
  functions: Ours,
  events: (keyof Theirs)[] = [],
): BirpcReturn<Theirs, Ours> {
  return createBirpc<Theirs, Ours>(functions, {
    post: (message) => {
      peer.postMessage(message);
    },
    on: (receive) => {
      peer.addEventListener('message', ({ data }) => {
        receive(data);
      });
    },
    bind: 'functions',
    eventNames: events,
    // A step of a large network on a slow backend takes as long as it takes.
    timeout: -1,
  });
}
