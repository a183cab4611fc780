/**
 * What the index must say about an earlier document, by its slot: who it is and its minhashes, and its set of shingles
 * where duplicates are verified. Nothing of it stays in memory; a look is a read or two.
 *
 * Files: `documents.bin` has a record of fixed length a slot: ordinal and end of its part of `names.bin` (float64), end
 * of its part of `shingles.bin` (float64), minhashes (uint32). A document's parts begin where those of the one before end.
 * Invariant: both only grow; what lies behind the last slot is cut off when they are opened.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError } from '../../core/errors.js';

export interface StoredDocument {
  readonly ordinal: number;
  readonly id: string;
  readonly minhashes: Uint32Array;
  /** Sorted set of 64-bit shingles; absent where duplicates are not verified. */
  readonly shingles?: BigUint64Array;
}

const FIXED_BYTES = 24;

export class DocumentStore {
  private readonly recordBytes: number;
  private readonly records: GrowingFile;
  private readonly names: GrowingFile;
  private readonly shingles: GrowingFile;

  /** @param permutations minhashes of a document */
  constructor(folder: string, permutations: number) {
    this.recordBytes = Math.ceil((FIXED_BYTES + permutations * 4) / 8) * 8;
    this.records = new GrowingFile(join(folder, 'documents.bin'));
    this.names = new GrowingFile(join(folder, 'names.bin'));
    this.shingles = new GrowingFile(join(folder, 'shingles.bin'));
  }

  /** Slots that are filled. */
  get size(): number {
    return Math.floor(this.records.bytes / this.recordBytes);
  }

  get bytes(): number {
    return this.records.bytes + this.names.bytes + this.shingles.bytes;
  }

  /** Forgets all slots from `size` on. Returns false where there are fewer, and then nothing has changed. */
  truncate(size: number): boolean {
    if (this.size < size) return false;
    const [, names, shingles] = size === 0 ? [0, 0, 0] : this.fixed(size - 1);
    if (this.names.bytes < names || this.shingles.bytes < shingles) return false;
    this.records.truncate(size * this.recordBytes);
    this.names.truncate(names);
    this.shingles.truncate(shingles);
    return true;
  }

  /** Fills the next slots. */
  append(documents: readonly StoredDocument[]): void {
    const records = Buffer.alloc(documents.length * this.recordBytes);
    const names: Uint8Array[] = [];
    const shingles: Uint8Array[] = [];
    let namesEnd = this.names.bytes;
    let shinglesEnd = this.shingles.bytes;
    documents.forEach((document, index) => {
      const name = Buffer.from(document.id);
      const set = document.shingles;
      names.push(name);
      if (set !== undefined) shingles.push(new Uint8Array(set.buffer, set.byteOffset, set.byteLength));
      namesEnd += name.length;
      shinglesEnd += set?.byteLength ?? 0;
      const at = index * this.recordBytes;
      records.writeDoubleLE(document.ordinal, at);
      records.writeDoubleLE(namesEnd, at + 8);
      records.writeDoubleLE(shinglesEnd, at + 16);
      const { minhashes } = document;
      records.set(
        new Uint8Array(minhashes.buffer, minhashes.byteOffset, minhashes.byteLength),
        at + FIXED_BYTES,
      );
    });
    this.names.append(Buffer.concat(names));
    this.shingles.append(Buffer.concat(shingles));
    this.records.append(records);
  }

  ordinal(slot: number): number {
    return this.fixed(slot)[0];
  }

  id(slot: number): string {
    const start = slot === 0 ? 0 : this.fixed(slot - 1)[1];
    return this.names.read(start, this.fixed(slot)[1] - start).toString('utf8');
  }

  minhashes(slot: number): Uint32Array {
    const record = this.records.read(slot * this.recordBytes + FIXED_BYTES, this.recordBytes - FIXED_BYTES);
    return new Uint32Array(record.buffer, record.byteOffset, record.length / 4);
  }

  shingleSet(slot: number): BigUint64Array {
    const start = slot === 0 ? 0 : this.fixed(slot - 1)[2];
    const set = this.shingles.read(start, this.fixed(slot)[2] - start);
    return new BigUint64Array(set.buffer, set.byteOffset, set.length / 8);
  }

  /** Makes all slots durable. */
  sync(): void {
    this.names.sync();
    this.shingles.sync();
    this.records.sync();
  }

  close(): void {
    this.records.close();
    this.names.close();
    this.shingles.close();
  }

  private fixed(slot: number): Float64Array {
    const record = this.records.read(slot * this.recordBytes, FIXED_BYTES);
    return new Float64Array(record.buffer, record.byteOffset, FIXED_BYTES / 8);
  }
}

/** A file that is appended to and read anywhere. */
class GrowingFile {
  bytes: number;
  private readonly path: string;
  private readonly file: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.file = openSync(path, 'a+');
    } catch (error) {
      throw fromSystemError(error, path);
    }
    this.bytes = fstatSync(this.file).size;
  }

  append(data: Uint8Array): void {
    try {
      for (let done = 0; done < data.length;) done += writeSync(this.file, data, done);
    } catch (error) {
      throw fromSystemError(error, this.path);
    }
    this.bytes += data.length;
  }

  /** @returns bytes in a buffer of their own, aligned for any typed array */
  read(position: number, length: number): Buffer {
    const buffer = Buffer.from(new ArrayBuffer(length));
    readSync(this.file, buffer, 0, length, position);
    return buffer;
  }

  truncate(bytes: number): void {
    if (bytes === this.bytes) return;
    ftruncateSync(this.file, bytes);
    this.bytes = bytes;
  }

  sync(): void {
    fsyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }
}
