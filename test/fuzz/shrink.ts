/** @file Makes a case smaller that still has the same fault (Zeller's delta debugging, on JSON as a tree and on bytes). */
import type { NamedFile } from 'evenkeel/keras';
import type { Case } from './cases.js';
import { joinBytes } from './mutate-bytes.js';

/** Whether a case still has the fault. */
type HasFault = (one: Case) => Promise<boolean>;

const encode = (text: string) => new TextEncoder().encode(text);

/** All trees with one part less: without an entry, or with an entry in place of what holds it. */
function* smallerTrees(tree: unknown): Generator {
  if (typeof tree === 'string') {
    if (tree.length > 8) yield tree.slice(0, tree.length >> 1);
    return;
  }
  if (typeof tree !== 'object' || tree === null) return;
  if (Array.isArray(tree)) {
    for (let size = tree.length; size >= 1; size >>= 1) {
      for (let at = 0; at < tree.length; at += size) yield tree.toSpliced(at, size);
    }
    for (const [i, item] of tree.entries()) {
      for (const smaller of smallerTrees(item)) yield tree.with(i, smaller);
    }
    return;
  }
  for (const key of Object.keys(tree)) {
    yield Object.fromEntries(Object.entries(tree).filter(([other]) => other !== key));
  }
  for (const [key, value] of Object.entries(tree)) {
    for (const smaller of smallerTrees(value)) {
      yield Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, k === key ? smaller : v]));
    }
  }
}

/** The same bytes without a piece, and with zeros for one; large pieces first. */
function* smallerBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let size = bytes.length >> 1; size >= 8; size >>= 1) {
    for (let at = 0; at < bytes.length; at += size) {
      yield joinBytes([bytes.subarray(0, at), bytes.subarray(at + size)]);
      if (bytes.subarray(at, at + size).some((byte) => byte !== 0))
        yield bytes.slice().fill(0, at, at + size);
    }
  }
}

function asTree(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function* smallerFiles(bytes: Uint8Array): Generator<Uint8Array> {
  const tree = asTree(bytes);
  if (tree === undefined) yield* smallerBytes(bytes);
  else for (const smaller of smallerTrees(tree)) yield encode(JSON.stringify(smaller));
}

/**
 * The smallest case that is found in time. Each step takes away what it can.
 *
 * @param deadline when to stop, as `performance.now()` counts
 */
export async function shrink(one: Case, hasFault: HasFault, deadline: number): Promise<Case> {
  let smallest = one;
  const withFile = (i: number, bytes: Uint8Array): Case => ({
    ...smallest,
    files: smallest.files.map((file, j): NamedFile => (i === j ? { ...file, bytes } : file)),
  });
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const [i, { bytes }] of smallest.files.entries()) {
      for (const candidate of smallerFiles(bytes as Uint8Array)) {
        if (performance.now() > deadline) return smallest;
        const tried = withFile(i, candidate);
        if (!(await hasFault(tried))) continue;
        smallest = tried;
        isSmaller = true;
        break;
      }
      if (isSmaller) break;
    }
  }
  return smallest;
}
