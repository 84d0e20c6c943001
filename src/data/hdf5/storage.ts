/**
 * @file The bytes of an HDF5 file, and a cursor over a piece of them. Whatever is read goes through here, so that nothing
 * is read outside the file or its piece, and no number beyond 2⁵³ is taken for another.
 */
import { ValueError } from '../../text/value-error.js';
import type { Budget } from '../limits.js';
import { checksumOf } from './checksum.js';

/** For a file that is not as the format says. */
export const damaged = (reason: string): ValueError =>
  new ValueError(`The HDF5 file is damaged: ${reason}. Fetch or save it anew.`);

/** For what the format has and this reader does not. */
export const unsupported = (what: string): ValueError =>
  new ValueError(`The HDF5 file has ${what}, which is not read here. Save the model anew, as Keras does it.`);

/** Old structures fill what they hold up to a multiple of 8 bytes. */
export const paddedLength = (length: number): number => Math.ceil(length / 8) * 8;

/** How many bytes the checksums and filters of one step may have. */
const BYTES_PER_STEP = 16;

const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

/** Longer ones are no string of JavaScript in every engine. */
const LONGEST_TEXT = 2 ** 28;

export class Storage {
  readonly view: DataView;

  /**
   * @param base where in `bytes` the address 0 is
   * @param offsetSize how many bytes an address has
   * @param lengthSize how many bytes a length has
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly base: number,
    readonly offsetSize: number,
    readonly lengthSize: number,
    readonly budget: Budget,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A cursor over the bytes from `address`: so many, or all that there are. */
  cursor(address: number, what: string, length = this.bytes.length - this.base - address): Cursor {
    const start = this.base + address;
    if (!(length >= 0 && start + length <= this.bytes.length)) {
      throw damaged(`${what} at byte ${start} lies beyond the end of the file`);
    }
    this.step();
    return new Cursor(this, start, start + length, what);
  }

  step(amount = 1): void {
    this.budget.take('steps', amount, 'The HDF5 file');
  }

  /** Steps for going through so many bytes. */
  stepOver(byteLength: number): void {
    this.step(Math.ceil(byteLength / BYTES_PER_STEP));
  }

  takeEntry(): void {
    this.budget.take('entries', 1, 'The HDF5 file');
  }

  takeMemory(byteLength: number, what: string): void {
    this.budget.take('memory', byteLength, what);
  }

  /** @throws ValueError where it is too long */
  decode(bytes: Uint8Array): string {
    if (bytes.length > LONGEST_TEXT) {
      throw new ValueError(
        `The HDF5 file has a text of ${bytes.length} bytes; accepted are ${LONGEST_TEXT}. Save the model anew.`,
      );
    }
    this.stepOver(bytes.length);
    this.takeMemory(2 * bytes.length, 'A text of the HDF5 file');
    return TEXT.decode(bytes);
  }
}

/** Reads one thing after the other between `start` and `end`, which are places in the bytes. */
export class Cursor {
  private at: number;

  constructor(
    readonly storage: Storage,
    readonly start: number,
    readonly end: number,
    readonly what: string,
  ) {
    this.at = start;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.at;
  }

  /** The address of what comes next. */
  get here(): number {
    return this.at - this.storage.base;
  }

  /** @throws ValueError always: says what is wrong with that which is read */
  fail(reason: string): never {
    throw damaged(`${this.what} at byte ${this.start} ${reason}`);
  }

  private advance(length: number): number {
    if (!(length >= 0 && length <= this.left)) this.fail('is longer than its place');
    const { at } = this;
    this.at += length;
    return at;
  }

  skip(length: number): void {
    this.advance(length);
  }

  /** Skips what fills the last of the places of `size` bytes, counted from the start. */
  align(size: number): void {
    const over = (this.at - this.start) % size;
    if (over > 0) this.skip(size - over);
  }

  u8(): number {
    return this.storage.view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.storage.view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.storage.view.getUint32(this.advance(4), true);
  }

  /** A whole number of so many bytes, the lowest first. */
  uint(size: number): number {
    const at = this.advance(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = 256 * value + this.storage.bytes[at + i]!;
    if (!Number.isSafeInteger(value)) this.fail('has a number beyond 2^53');
    return value;
  }

  length(): number {
    return this.uint(this.storage.lengthSize);
  }

  /** A whole number; null where all its bits are set, which HDF5 has for none. */
  optional(size: number): number | null {
    const { bytes } = this.storage;
    const next = bytes.subarray(this.at, Math.min(this.at + size, this.end));
    if (next.length < size || next.some((byte) => byte !== 0xff)) return this.uint(size);
    this.skip(size);
    return null;
  }

  /** An address; null where it says that there is none. */
  address(): number | null {
    return this.optional(this.storage.offsetSize);
  }

  /** An address that must be there. */
  place(): number {
    return this.address() ?? this.fail('leads nowhere');
  }

  bytes(length: number): Uint8Array {
    const at = this.advance(length);
    return this.storage.bytes.subarray(at, at + length);
  }

  /** The next `length` bytes as a piece of their own. */
  piece(length: number, what = this.what): Cursor {
    const at = this.advance(length);
    return new Cursor(this.storage, at, at + length, what);
  }

  /** What begins `offset` bytes after the start, wherever this is. */
  pieceAt(offset: number, length: number): Cursor {
    const start = this.start + offset;
    if (!(start + length <= this.end)) this.fail('is longer than its place');
    return new Cursor(this.storage, start, start + length, this.what);
  }

  /** The text in the next `length` bytes, up to a NUL. */
  text(length: number): string {
    const bytes = this.bytes(length);
    const end = bytes.indexOf(0);
    return this.storage.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  expectSignature(signature: string): void {
    const found = String.fromCharCode(...this.bytes(signature.length));
    if (found !== signature) this.fail(`does not begin with ${signature}`);
  }

  expectVersion(...accepted: readonly number[]): number {
    const version = this.u8();
    if (!accepted.includes(version))
      this.fail(`is of version ${version}, and ${accepted.join(', ')} are known`);
    return version;
  }

  /** Compares the checksum that follows with that of all bytes from the start to it. */
  expectChecksum(): void {
    const { bytes } = this.storage;
    this.storage.stepOver(this.at - this.start);
    const computed = checksumOf(bytes.subarray(this.start, this.at));
    if (this.u32() !== computed) this.fail('has another checksum than it says');
  }
}
