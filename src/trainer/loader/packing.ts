/**
 * Best-fit-decreasing packing of documents into sequences (Ding et al., 2024, Fewer Truncations Improve Language
 * Modeling, section 3): a document is cut only where it is longer than a sequence; the pieces, longest first, go each
 * into the sequence with the least room that still holds it.
 */

/** Tokens `start` to `end` (exclusive) of a stream that belong to one document. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  /** Whether it begins its document. */
  readonly first: boolean;
}

/** Cuts documents that are longer than `capacity` into pieces of that length and a rest. `ends` rise from `start`. */
export function cutDocuments(start: number, ends: readonly number[], capacity: number): Piece[] {
  const pieces: Piece[] = [];
  let from = start;
  for (const end of ends) {
    for (let place = from; place < end; place += capacity) {
      pieces.push({ start: place, end: Math.min(end, place + capacity), first: place === from });
    }
    from = end;
  }
  return pieces;
}

/**
 * Sequences of pieces of at most `capacity` tokens together. Equal lengths count in the order given, and of sequences
 * with equal room the one that was opened first is taken, so equal input gives equal sequences.
 */
export function packBestFit(pieces: readonly Piece[], capacity: number): Piece[][] {
  const lengthOf = ({ start, end }: Piece): number => end - start;
  const sorted = [...pieces].sort((a, b) => lengthOf(b) - lengthOf(a) || a.start - b.start);
  const sequences: Piece[][] = [];
  /** Indices of the sequences with so much room, in the order in which they got it. */
  const byRoom: number[][] = Array.from({ length: capacity + 1 }, () => []);
  for (const piece of sorted) {
    const length = lengthOf(piece);
    let room = length;
    while (room < capacity && byRoom[room].length === 0) room += 1;
    const found = room < capacity ? byRoom[room].shift() : undefined;
    const index = found ?? sequences.push([]) - 1;
    sequences[index].push(piece);
    byRoom[(found === undefined ? capacity : room) - length].push(index);
  }
  return sequences;
}
