/** Unpacking compressed bytes as a test has them. */
import type { Piece } from '../../src/ingest/containers/pieces.js';
import type { ByteReader } from '../../src/ingest/sources/bytes.js';

/** Hands out bytes `chunk` at a time. */
export function readerOf(bytes: Uint8Array, chunk: number): ByteReader {
  let offset = 0;
  return {
    read: () => {
      const part = bytes.subarray(offset, offset + chunk);
      offset += part.length;
      return Promise.resolve(part.length === 0 ? undefined : part);
    },
    close: () => Promise.resolve(),
  };
}

export interface Unpacked {
  readonly content: Buffer;
  /** Content and file offsets where members or frames end. */
  readonly boundaries: [number, number][];
  readonly damage: string[];
}

export async function unpackPieces(pieces: AsyncIterable<Piece>): Promise<Unpacked> {
  const parts: Uint8Array[] = [];
  let total = 0;
  const boundaries: [number, number][] = [];
  const damage: string[] = [];
  for await (const piece of pieces) {
    if (piece.kind === 'damage') damage.push(`${piece.reason} ${piece.start} to ${piece.end}`);
    if (piece.kind === 'content') {
      parts.push(piece.bytes);
      total += piece.bytes.length;
    }
    const file =
      piece.kind === 'boundary' ? piece.file : piece.kind === 'content' ? piece.memberEnd : undefined;
    if (file !== undefined) boundaries.push([total, file]);
  }
  return { content: Buffer.concat(parts), boundaries, damage };
}
