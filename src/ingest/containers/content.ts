/** Opens the content of a source, compressed or not; which of both is told by its first bytes. */
import { openBytes, peekBytes, type ByteReader } from '../sources/bytes.js';
import { frameHead, framePieces, startsWithFrame, type FrameFormat } from './frames.js';
import { gzipPieces } from './gzip.js';
import { GZIP_MAGIC, TRAILER_BYTES, inflateStart, memberHeaderLength } from './gzip-member.js';
import { LZ4 } from './lz4.js';
import type { Piece } from './pieces.js';
import { ZSTD } from './zstd.js';

/** Compressed and decompressed bytes that are looked at to tell what a source is. */
const HEAD_BYTES = 64 * 1024;

/** For a format of frames, enough for its first block, which cannot be decoded in part. */
const FRAME_HEAD_BYTES = 256 * 1024;

const FRAMES = { zstd: ZSTD, lz4: LZ4 } as const satisfies Record<string, FrameFormat>;

export type Container = 'plain' | 'gzip' | keyof typeof FRAMES;

/** What names of compressed files end with. */
export const COMPRESSED_NAME = /\.(?:gz|zst|zstd|lz4)$/i;

/** What can be told of a source without reading it: how it is packed, and the beginning of its content. */
export interface Head {
  readonly container: Container;
  readonly content: Buffer;
}

/** @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN */
export async function readHead(location: string): Promise<Head> {
  const bytes = Buffer.from(await peekBytes(location, HEAD_BYTES));
  const hasMagic = bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  // A name may be wrong in both directions: servers decompress, and a damaged file has lost its magic number.
  const isNamed = location.endsWith('.gz') && bytes.includes(GZIP_MAGIC);
  for (const container of ['zstd', 'lz4'] as const) {
    if (!startsWithFrame(FRAMES[container], bytes)) continue;
    const more = Buffer.from(await peekBytes(location, FRAME_HEAD_BYTES));
    return { container, content: frameHead(FRAMES[container], more, HEAD_BYTES) };
  }
  return hasMagic || isNamed
    ? { container: 'gzip', content: inflateHead(bytes) }
    : { container: 'plain', content: bytes };
}

/** The beginning of the content of a gzip file, over as many members as it takes. */
function inflateHead(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  let position = 0;
  while (total < HEAD_BYTES && position < bytes.length) {
    const header = memberHeaderLength(bytes, position);
    if (typeof header !== 'number') break;
    const member = inflateStart(bytes.subarray(position + header));
    if (member === undefined) break;
    parts.push(member.content);
    total += member.content.length;
    position += header + member.consumed + TRAILER_BYTES;
  }
  return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

export interface OpenContent {
  readonly pieces: AsyncGenerator<Piece>;
  close(): Promise<void>;
}

/** Content from a file offset on: where it is compressed, a boundary of members or frames. @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN */
export async function openContent(
  location: string,
  container: Container,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<OpenContent> {
  const reader = await openBytes(location, from);
  const pieces =
    container === 'plain'
      ? plainPieces(reader)
      : container === 'gzip'
        ? gzipPieces(reader, from, startsRecord)
        : framePieces(FRAMES[container], reader, from, startsRecord);
  return {
    pieces,
    async close() {
      await pieces.return(undefined);
      await reader.close();
    },
  };
}

/** Bytes of content before a boundary of a compressed file. Reads all of it, so it is asked only when needed. */
export async function contentBytesBefore(
  location: string,
  container: Container,
  boundary: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<number> {
  if (boundary === 0) return 0;
  const content = await openContent(location, container, 0, startsRecord);
  let total = 0;
  try {
    for await (const piece of content.pieces) {
      if (piece.kind === 'content') total += piece.bytes.length;
      const file =
        piece.kind === 'content' ? piece.memberEnd : piece.kind === 'damage' ? piece.end : piece.file;
      if (file !== undefined && file >= boundary) break;
    }
  } finally {
    await content.close();
  }
  return total;
}

async function* plainPieces(reader: ByteReader): AsyncGenerator<Piece> {
  for (let bytes = await reader.read(); bytes !== undefined; bytes = await reader.read()) {
    yield { kind: 'content', bytes };
  }
}
