/** @file Object headers: the messages that a group, a dataset or a named datatype consists of. */
import { CHECKSUM_LENGTH } from './checksum.js';
import { type Cursor, type Storage, damaged, unsupported } from './storage.js';

/** HDF5's numbers for the messages that are read. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFillValue: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** The flag of a message whose content lies in another object. */
const SHARED = 0x02;

interface Message {
  readonly type: number;
  readonly isShared: boolean;
  /** Where its content is: an address. */
  readonly address: number;
  readonly length: number;
}

/** An object of the file, with what its header says. */
export class StoredObject {
  constructor(
    readonly storage: Storage,
    readonly address: number,
    private readonly messages: readonly Message[],
  ) {}

  has(type: number): boolean {
    return this.messages.some((message) => message.type === type);
  }

  /** The content of every message of a type. */
  all(type: number, what: string): Cursor[] {
    return this.messages
      .filter((message) => message.type === type)
      .map(({ address, length, isShared }) => {
        const cursor = this.storage.cursor(address, what, length);
        return isShared ? followShared(cursor, type, what) : cursor;
      });
  }

  /** The content of the first message of a type; null where there is none. */
  find(type: number, what: string): Cursor | null {
    return this.all(type, what)[0] ?? null;
  }

  /** The content of a message that must be there. */
  get(type: number, what: string): Cursor {
    return this.find(type, what) ?? this.fail(`lacks ${what}`);
  }

  /** The content of a message that others share; it shares none itself. */
  own(type: number, what: string): Cursor {
    const message = this.messages.find((one) => one.type === type && !one.isShared);
    return message ? this.storage.cursor(message.address, what, message.length) : this.fail(`lacks ${what}`);
  }

  /** @throws ValueError always */
  fail(reason: string): never {
    throw damaged(`the object at byte ${this.storage.base + this.address} ${reason}`);
  }
}

/** The content that a shared message leads to, such as a named datatype. */
export function followShared(cursor: Cursor, type: number, what: string): Cursor {
  const version = cursor.expectVersion(1, 2, 3);
  const kind = cursor.u8();
  if (version === 3 && kind !== 2) throw unsupported('messages that are shared in a heap');
  if (version === 1) cursor.skip(6);
  return readObject(cursor.storage, cursor.place()).own(type, what);
}

/** @throws ValueError where the header is damaged */
export function readObject(storage: Storage, address: number): StoredObject {
  storage.takeEntry();
  const prefix = storage.cursor(address, 'an object header');
  const read = prefix.u8() === 1 ? readVersion1 : readVersion2;
  return new StoredObject(storage, address, read(storage, address));
}

/** Reads the messages of all blocks of a header: the first, and those that continuations lead to, none of them twice. */
function readBlocks(
  first: Cursor,
  readMessage: (block: Cursor) => Message | null,
  open: (address: number, length: number) => Cursor,
): Message[] {
  const messages: Message[] = [];
  const blocks = [first];
  const starts = new Set([first.start]);
  for (const block of blocks) {
    for (let message = readMessage(block); message; message = readMessage(block)) {
      block.storage.step();
      if (message.type !== MESSAGE.continuation) {
        messages.push(message);
        continue;
      }
      const { storage } = block;
      const content = storage.cursor(message.address, 'a continuation', message.length);
      const next = open(content.place(), content.length());
      if (starts.has(next.start)) content.fail('leads to a block that was read before');
      starts.add(next.start);
      blocks.push(next);
    }
  }
  return messages;
}

const WHAT = 'an object header';

function contentOf(block: Cursor, type: number, length: number, flags: number): Message {
  const { start } = block.piece(length);
  return { type, isShared: (flags & SHARED) !== 0, address: start - block.storage.base, length };
}

function readVersion1(storage: Storage, address: number): Message[] {
  const prefix = storage.cursor(address, WHAT);
  prefix.expectVersion(1);
  // Reserved, how many messages, how many links lead here.
  prefix.skip(1 + 2 + 4);
  const length = prefix.u32();
  prefix.skip(4);
  const readMessage = (block: Cursor): Message | null => {
    if (block.left < 8) return null;
    const [type, size, flags] = [block.u16(), block.u16(), block.u8()];
    block.skip(3);
    return contentOf(block, type, size, flags);
  };
  return readBlocks(prefix.piece(length), readMessage, (at, size) => storage.cursor(at, WHAT, size));
}

/** What a header of version 2 has beside its messages. */
const FLAG = { sizeOfLength: 0x03, hasOrder: 0x04, hasPhases: 0x10, hasTimes: 0x20 } as const;

function readVersion2(storage: Storage, address: number): Message[] {
  const prefix = storage.cursor(address, WHAT);
  prefix.expectSignature('OHDR');
  prefix.expectVersion(2);
  const flags = prefix.u8();
  if (flags & FLAG.hasTimes) prefix.skip(4 * 4);
  if (flags & FLAG.hasPhases) prefix.skip(2 * 2);
  const length = prefix.uint(2 ** (flags & FLAG.sizeOfLength));
  const first = prefix.piece(length);
  prefix.expectChecksum();
  const messagePrefix = flags & FLAG.hasOrder ? 6 : 4;
  const readMessage = (block: Cursor): Message | null => {
    // Less than a message needs is a gap.
    if (block.left < messagePrefix) return null;
    const [type, size, messageFlags] = [block.u8(), block.u16(), block.u8()];
    block.skip(messagePrefix - 4);
    return contentOf(block, type, size, messageFlags);
  };
  return readBlocks(first, readMessage, (at, size) => {
    const block = storage.cursor(at, WHAT, size);
    block.expectSignature('OCHK');
    const messages = block.piece(block.left - CHECKSUM_LENGTH);
    block.expectChecksum();
    return messages;
  });
}
