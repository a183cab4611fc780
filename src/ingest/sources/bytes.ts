/**
 * Bytes of a source, a chunk at a time: a file or an address from any offset, or standard input from its beginning.
 *
 * Invariant: a chunk's memory is never written again, so views on it stay valid. Standard input is one stream for
 * the whole process: what was peeked at is read again by the next reader.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import type { BadReason } from '../records.js';
import { openUrl } from './http/url-reader.js';
import { isUrl, STDIN } from './location.js';

/** The first read is small, because many files are; later ones are large against the cost of a call. */
const FIRST_READ_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;

export interface ByteReader {
  /** The next bytes, or undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
  /** Behind the last bytes: why there are no more, where there should be. */
  readonly damage?: { readonly reason: BadReason; readonly detail: string } | undefined;
}

/** @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN; INPUT_UNSUPPORTED for standard input from an offset; for an address what `transfer` throws */
export async function openBytes(location: string, offset: number): Promise<ByteReader> {
  if (isUrl(location)) return openUrl(location, offset);
  if (location !== STDIN) {
    try {
      return new FileReader(location, await open(location), offset);
    } catch (error) {
      throw fromSystemError(error, location);
    }
  }
  if (offset > 0) {
    throw new TokenmillError('INPUT_UNSUPPORTED', 'standard input cannot be read from an offset', {
      hint: 'write it to a file first, to be able to continue or to fetch records again',
    });
  }
  return standardInput;
}

/** The first `count` bytes of what a reader of a beginning gives; of standard input they are still there for the next one. */
export async function peekBytes(reader: ByteReader, count: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    while (total < count) {
      const chunk = await reader.read();
      if (chunk === undefined) break;
      chunks.push(chunk);
      total += chunk.length;
    }
  } finally {
    await reader.close();
  }
  if (reader === standardInput) standardInput.putBack(chunks);
  return Buffer.concat(chunks).subarray(0, count);
}

class FileReader implements ByteReader {
  private readonly path: string;
  private readonly handle: FileHandle;
  private offset: number;
  private readonly first: number;

  constructor(path: string, handle: FileHandle, offset: number) {
    this.path = path;
    this.handle = handle;
    this.offset = offset;
    this.first = offset;
  }

  async read(): Promise<Uint8Array | undefined> {
    const size = this.offset === this.first ? FIRST_READ_BYTES : READ_BYTES;
    const buffer = Buffer.allocUnsafeSlow(size);
    try {
      const { bytesRead } = await this.handle.read(buffer, 0, size, this.offset);
      this.offset += bytesRead;
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    } catch (error) {
      throw fromSystemError(error, this.path);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

class StandardInput implements ByteReader {
  private pending: Uint8Array[] = [];
  private chunks: AsyncIterator<Uint8Array> | undefined;

  async read(): Promise<Uint8Array | undefined> {
    const pending = this.pending.shift();
    if (pending !== undefined) return pending;
    this.chunks ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    try {
      const { done, value } = await this.chunks.next();
      return done === true ? undefined : value;
    } catch (error) {
      throw fromSystemError(error, 'standard input');
    }
  }

  putBack(chunks: readonly Uint8Array[]): void {
    this.pending = [...chunks, ...this.pending];
  }

  /** Stays open: it belongs to the process. */
  async close(): Promise<void> {}
}

const standardInput = new StandardInput();
