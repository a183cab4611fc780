/**
 * The thread behind `hasher.ts`: SHA-256 of files that still grow. Bytes that it is handed as they are written it takes from
 * memory; what else was written since its last turn it reads from the file, a block a file and turn, so that many uploads
 * get on evenly. Memory: one block, whatever the number and size of files, and what it is handed, which the sender bounds.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { releaseBuffers } from './release.js';

const BLOCK_BYTES = 1 << 20;

/** What the thread is told. Lengths are bytes of the file that are written and may be read. */
export type HashOrder =
  | { readonly kind: 'follow'; readonly id: number; readonly path: string }
  | { readonly kind: 'advance'; readonly id: number; readonly length: number }
  /** `advance`, with the bytes that end there; each is answered. */
  | {
      readonly kind: 'bytes';
      readonly id: number;
      readonly length: number;
      readonly bytes: readonly Uint8Array[];
    }
  | { readonly kind: 'finish'; readonly id: number; readonly length: number }
  | { readonly kind: 'forget'; readonly id: number };

export type HashAnswer =
  | { readonly taken: number }
  | { readonly id: number; readonly sha256: string }
  | { readonly id: number; readonly problem: string };

interface Followed {
  readonly path: string;
  readonly hash: Hash;
  descriptor: number | undefined;
  position: number;
  length: number;
  finished: boolean;
}

const port = parentPort;
if (port === null) throw new Error('hash-thread.js runs as a worker thread only');
const files = new Map<number, Followed>();
const block = Buffer.allocUnsafe(BLOCK_BYTES);
let turning = false;

port.on('message', (order: HashOrder) => {
  if (order.kind === 'follow') {
    files.set(order.id, {
      path: order.path,
      hash: createHash('sha256'),
      descriptor: undefined,
      position: 0,
      length: 0,
      finished: false,
    });
    return;
  }
  const file = files.get(order.id);
  if (order.kind === 'bytes') takeBytes(file, order.length, order.bytes);
  if (file === undefined) return;
  if (order.kind === 'forget') {
    forget(order.id, file);
    return;
  }
  file.length = order.length;
  if (order.kind === 'finish') file.finished = true;
  if (!turning) {
    turning = true;
    setImmediate(turn);
  }
});

/** Bytes that do not follow what is hashed are read from the file later, as if they had not been handed over. */
function takeBytes(file: Followed | undefined, length: number, bytes: readonly Uint8Array[]): void {
  const size = bytes.reduce((sum, part) => sum + part.length, 0);
  if (file !== undefined && file.position === length - size) {
    for (const part of bytes) file.hash.update(part);
    file.position = length;
  }
  answer({ taken: size });
  releaseBuffers(bytes);
}

/** One block of every file that has one; between turns the thread hears new orders. */
function turn(): void {
  let more = false;
  for (const [id, file] of files) {
    try {
      if (file.position < file.length) readBlock(file);
      if (file.position < file.length) more = true;
      else if (file.finished) {
        forget(id, file);
        answer({ id, sha256: file.hash.digest('hex') });
      }
    } catch (error) {
      forget(id, file);
      answer({ id, problem: (error as Error).message });
    }
  }
  turning = more;
  if (more) setImmediate(turn);
}

function readBlock(file: Followed): void {
  file.descriptor ??= openSync(file.path, 'r');
  const wanted = Math.min(BLOCK_BYTES, file.length - file.position);
  const read = readSync(file.descriptor, block, 0, wanted, file.position);
  if (read === 0) throw new Error(`${file.path} ends at byte ${file.position}, before byte ${file.length}`);
  file.hash.update(block.subarray(0, read));
  file.position += read;
}

function forget(id: number, file: Followed): void {
  files.delete(id);
  if (file.descriptor !== undefined) closeSync(file.descriptor);
}

function answer(message: HashAnswer): void {
  port?.postMessage(message);
}
