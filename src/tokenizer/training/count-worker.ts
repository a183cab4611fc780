/** Worker thread of training: counts the batches that it is given, and hands over all counts when it is asked to. */
import { parentPort, workerData } from 'node:worker_threads';
import { TextCounter, type CountOptions } from './text-counter.js';

/** Texts end to end in UTF-8, text i before `ends[i]`. */
export interface CountBatch {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Different pre-tokens end to end, piece i before `ends[i]`. */
export interface CountedPieces {
  readonly bytes: Uint8Array;
  readonly ends: Float64Array;
  readonly counts: Float64Array;
  /** What was left out for the bound, of `PieceCounter`. */
  readonly leftOut: number;
  readonly floor: number;
}

/** A batch to count, answered by null; or the end, answered by the pieces. */
export type CountRequest = CountBatch | 'finish';

const counter = new TextCounter(workerData as CountOptions);

parentPort?.on('message', (request: CountRequest) => {
  if (request === 'finish') {
    const pieces = pack();
    const buffers = [pieces.bytes.buffer, pieces.ends.buffer, pieces.counts.buffer] as ArrayBuffer[];
    parentPort?.postMessage(pieces, buffers);
    return;
  }
  let start = 0;
  for (const end of request.ends) {
    counter.add(request.bytes.subarray(start, end));
    start = end;
  }
  parentPort?.postMessage(null);
});

function pack(): CountedPieces {
  const { counter: pieces } = counter;
  const { size, leftOut, floor } = pieces;
  let length = 0;
  pieces.forEach((bytes) => {
    length += bytes.length;
  });
  const packed = {
    bytes: new Uint8Array(length),
    ends: new Float64Array(size),
    counts: new Float64Array(size),
    leftOut,
    floor,
  };
  let piece = 0;
  let end = 0;
  pieces.forEach((bytes, count) => {
    packed.bytes.set(bytes, end);
    end += bytes.length;
    packed.ends[piece] = end;
    packed.counts[piece++] = count;
  });
  pieces.clear();
  return packed;
}
