/**
 * From a stream to a file: what arrives while one write is under way becomes the next write (one writev of many buffers,
 * no copy), and the stream is paused while more than `BUFFER_BYTES` wait. Memory per upload is bounded by that.
 *
 * However the stream ends, everything that arrived before is in the file when `appendStream` resolves, so a broken
 * connection loses nothing that a resumed upload could keep.
 */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** Bytes that wait for the disk before the stream is held back. */
export const BUFFER_BYTES = 1 << 20;
/** Buffers of one write: the kernel takes at most 1024 (IOV_MAX). */
const MAX_BUFFERS = 512;
/** A client that sends nothing for so long is taken for gone. */
export const IDLE_MS = 60_000;

/** How the stream ended: by itself, by breaking off (or `signal`), or by going on beyond `limit`. */
export type StreamEnd = 'complete' | 'broken' | 'too-long';

export interface AppendOptions {
  /** Offset in the file of the stream's first byte. */
  readonly offset: number;
  /** Bytes that the stream may have at most. */
  readonly limit: number;
  /** Takes every byte as it arrives. */
  readonly hash?: Hash;
  /** Ends the reading early, as a broken connection would. */
  readonly signal?: AbortSignal;
  /**
   * After each write, with the new length of the file; the next write waits for it. `bytes` are those that were written, where
   * nobody else has them: whoever is told may let them go, or give them away.
   */
  readonly onWritten?: (length: number, bytes: readonly Buffer[] | undefined) => void | Promise<void>;
}

/**
 * Appends the stream to the file. The stream is left undestroyed, so that a response can still be sent over its socket.
 * @returns the file's length then, and how the stream ended
 * @throws what writing or `onWritten` threw, after the stream was let go
 */
export async function appendStream(
  source: Readable,
  file: FileHandle,
  options: AppendOptions,
): Promise<{ length: number; end: StreamEnd }> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let received = 0;
  let length = options.offset;
  let end: StreamEnd | undefined;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const settle = (how: StreamEnd): void => {
    end ??= how;
    wake?.();
  };
  const onData = (chunk: Buffer): void => {
    idle.refresh();
    const room = options.limit - received;
    const taken = chunk.length > room ? chunk.subarray(0, room) : chunk;
    received += taken.length;
    if (taken.length > 0) {
      options.hash?.update(taken);
      waiting.push(taken);
      waitingBytes += taken.length;
    }
    if (taken.length < chunk.length) {
      source.off('data', onData);
      source.pause();
      settle('too-long');
    } else if (waitingBytes >= BUFFER_BYTES || waiting.length >= MAX_BUFFERS) {
      source.pause();
    }
    wake?.();
  };
  const onEnd = (): void => settle('complete');
  const onBroken = (): void => settle('broken');
  // While it is held back, it is the disk that is slow.
  const idle = setTimeout(() => (source.isPaused() ? idle.refresh() : onBroken()), IDLE_MS);
  source.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  options.signal?.addEventListener('abort', onBroken);
  if (source.readableEnded) onEnd();
  if (options.signal?.aborted === true || source.destroyed) onBroken();

  try {
    for (;;) {
      if (waiting.length === 0) {
        if (end !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
        continue;
      }
      const batch = waiting;
      waiting = [];
      waitingBytes = 0;
      if (end === undefined) source.resume();
      await writeWhole(file, batch, length);
      length += batch.reduce((sum, buffer) => sum + buffer.length, 0);
      // The parser of HTTP makes each buffer for its one reader; other streams may hand out what is not theirs.
      await options.onWritten?.(length, source instanceof IncomingMessage ? batch : undefined);
    }
  } catch (error) {
    failure = error;
  }
  clearTimeout(idle);
  source.off('data', onData).off('end', onEnd).off('close', onBroken);
  options.signal?.removeEventListener('abort', onBroken);
  // `error` keeps its listener: a socket that breaks later must not end the process.
  if (failure !== undefined) {
    source.pause();
    throw failure;
  }
  return { length, end: end ?? 'complete' };
}

/** Writes all buffers, also where the kernel takes only a part of them at a time. */
async function writeWhole(file: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  let rest = buffers;
  let offset = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest.slice(0, MAX_BUFFERS), offset);
    offset += bytesWritten;
    rest = without(rest, bytesWritten);
  }
}

function without(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes;
  let index = 0;
  while (index < buffers.length && buffers[index].length <= left) {
    left -= buffers[index].length;
    index += 1;
  }
  return left === 0 ? buffers.slice(index) : [buffers[index].subarray(left), ...buffers.slice(index + 1)];
}
