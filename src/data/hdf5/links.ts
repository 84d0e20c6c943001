/** @file The links of a group: to what it holds, in a table of symbols, in messages, or in a heap. */
import { openLocalHeap, readInHeap } from './heaps.js';
import { MESSAGE, type StoredObject } from './object-header.js';
import { type Cursor, type Storage, unsupported } from './storage.js';
import { RECORDS, TREE, readTree1 } from './trees.js';

/** The address of an object, the path of another link in the file, or what another file holds. */
export type Link =
  | { readonly kind: 'hard'; readonly address: number }
  | { readonly kind: 'soft'; readonly path: string }
  | { readonly kind: 'external' };

export const isGroup = (object: StoredObject): boolean =>
  [MESSAGE.symbolTable, MESSAGE.linkInfo, MESSAGE.link, MESSAGE.groupInfo].some((type) => object.has(type));

/** The links of a group, by their names. */
export function readLinks(group: StoredObject): ReadonlyMap<string, Link> {
  const { storage } = group;
  const links = new Map<string, Link>();
  const table = group.find(MESSAGE.symbolTable, 'the table of a group');
  if (table) for (const [name, link] of inTable(storage, table)) links.set(name, link);
  for (const message of group.all(MESSAGE.link, 'a link')) links.set(...readLink(message));
  const info = group.find(MESSAGE.linkInfo, 'the list of links');
  if (!info) return links;
  const inHeap = readInHeap(info, 8, RECORDS.linksByName, (record, heap) => {
    // The hash of its name.
    record.skip(4);
    return heap.read(record, 'a link');
  });
  for (const message of inHeap) links.set(...readLink(message));
  return links;
}

/** What an entry of a table says of a link that is no hard one. */
const SOFT_IN_TABLE = 2;

/** What groups have had from the beginning: a B-tree of tables, whose names are in a heap. */
function* inTable(storage: Storage, message: Cursor): Generator<[string, Link]> {
  const [tree, heap] = [message.place(), message.place()];
  const textAt = openLocalHeap(storage, heap);
  for (const { child } of readTree1(storage, tree, TREE.group, storage.lengthSize)) {
    const table = storage.cursor(child, 'a table of a group');
    table.expectSignature('SNOD');
    table.expectVersion(1);
    table.skip(1);
    const count = table.u16();
    for (let i = 0; i < count; i++) {
      storage.step();
      const name = textAt(table.uint(storage.offsetSize));
      const address = table.address();
      const kind = table.u32();
      table.skip(4);
      const more = table.piece(16);
      if (kind === SOFT_IN_TABLE) yield [name, { kind: 'soft', path: textAt(more.u32()) }];
      else yield [name, { kind: 'hard', address: address ?? table.fail('leads nowhere') }];
    }
  }
}

/** What a link's flags say that it has. */
const FLAG = { sizeOfLength: 0x03, hasOrder: 0x04, hasKind: 0x08, hasCharacterSet: 0x10 } as const;
const [HARD, SOFT, EXTERNAL] = [0, 1, 64];

function readLink(message: Cursor): [string, Link] {
  message.expectVersion(1);
  const flags = message.u8();
  const kind = flags & FLAG.hasKind ? message.u8() : HARD;
  if (flags & FLAG.hasOrder) message.skip(8);
  if (flags & FLAG.hasCharacterSet) message.skip(1);
  const name = message.text(message.uint(2 ** (flags & FLAG.sizeOfLength)));
  switch (kind) {
    case HARD:
      return [name, { kind: 'hard', address: message.place() }];
    case SOFT:
      return [name, { kind: 'soft', path: message.text(message.u16()) }];
    case EXTERNAL:
      return [name, { kind: 'external' }];
    default:
      throw unsupported(`links of kind ${kind}`);
  }
}
