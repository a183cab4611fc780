/**
 * Gives the memory of buffers back at once. What a socket delivers at gigabytes a second is garbage a moment later; left
 * to the collector it piles up, and the pages that hold it are fetched from the kernel and returned again and again,
 * which costs a busy upload more than everything else that the event loop does for it.
 */
import { MessageChannel } from 'node:worker_threads';

const { port1: sink, port2 } = new MessageChannel();
// A message to a port whose other end is closed is dropped, with what was transferred in it.
port2.close();

/** Whether the bytes are all of their memory, and so can be moved to a thread. */
export function ownsItsMemory({ buffer, byteLength }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}

/**
 * The buffers have no bytes any more. Nobody else may use them. One that is a part of something larger stays as it is.
 */
export function releaseBuffers(buffers: readonly Uint8Array[]): void {
  for (const bytes of buffers) {
    if (!ownsItsMemory(bytes)) continue;
    try {
      sink.postMessage(null, [bytes.buffer as ArrayBuffer]);
    } catch {
      // Memory that may not be moved is the collector's.
    }
  }
}
