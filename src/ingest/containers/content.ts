/** Opens the content of a source, compressed or not; which of both is told by its first bytes. */
import { TokenmillError } from '../../core/errors.js';
import { openBytes, peekBytes, type ByteReader } from '../sources/bytes.js';
import { STDIN, parseMemberLocation, type MemberLocation } from '../sources/location.js';
import { BZIP2_HEAD_BYTES, bzip2Head, bzip2Pieces, startsWithBzip2 } from './bzip2.js';
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

export type Container = 'plain' | 'gzip' | 'bzip2' | keyof typeof FRAMES;

/** What names of compressed files end with. */
export const COMPRESSED_NAME = /\.(?:gz|bz2|zst|zstd|lz4)$/i;

/** What can be told of a source without reading it: how it is packed, and the beginning of its content. */
export interface Head {
  readonly container: Container;
  readonly content: Buffer;
}

/** @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN */
export async function readHead(location: string): Promise<Head> {
  return headOf(
    async (count) => Buffer.from(await peekBytes(await openSource(location, 0), count)),
    location,
  );
}

/** @param peek the first bytes of the source, as many as it has; may be asked more than once */
export async function headOf(peek: (count: number) => Promise<Buffer>, name: string): Promise<Head> {
  const bytes = await peek(HEAD_BYTES);
  for (const container of ['zstd', 'lz4'] as const) {
    if (!startsWithFrame(FRAMES[container], bytes)) continue;
    return { container, content: frameHead(FRAMES[container], await peek(FRAME_HEAD_BYTES), HEAD_BYTES) };
  }
  if (startsWithBzip2(bytes)) {
    return { container: 'bzip2', content: bzip2Head(await peek(BZIP2_HEAD_BYTES), HEAD_BYTES) };
  }
  const hasMagic = bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  // A name may be wrong in both directions: servers decompress, and a damaged file has lost its magic number.
  const isNamed = name.endsWith('.gz') && bytes.includes(GZIP_MAGIC);
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

/**
 * Bytes of a source from an offset on, whatever it is: a file, an address, standard input, a member of an archive.
 * @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN, INPUT_UNSUPPORTED
 */
export async function openSource(location: string, offset: number): Promise<ByteReader> {
  const member = parseMemberLocation(location);
  return member === undefined ? openBytes(location, offset) : openMember(member, offset);
}

/** A member of a compressed archive is reached by decompressing all that lies before it. */
async function openMember(member: MemberLocation, offset: number): Promise<ByteReader> {
  const { archive } = member;
  if (archive === STDIN) {
    throw new TokenmillError('INPUT_UNSUPPORTED', 'standard input cannot be read again', {
      hint: 'write it to a file first, to be able to fetch records again',
    });
  }
  const { container } = await readHead(archive);
  const isPlain = container === 'plain';
  const opened = await openContent(archive, container, isPlain ? member.offset + offset : 0, () => true);
  let skip = isPlain ? 0 : member.offset + offset;
  let left = Math.max(0, member.length - offset);
  return {
    async read() {
      while (left > 0) {
        const { done, value } = await opened.pieces.next();
        if (done === true) return undefined;
        if (value.kind !== 'content') continue;
        const bytes = value.bytes.subarray(skip, skip + left);
        skip = Math.max(0, skip - value.bytes.length);
        left -= bytes.length;
        if (bytes.length > 0) return bytes;
      }
      return undefined;
    },
    close: () => opened.close(),
  };
}

export interface OpenContent {
  readonly pieces: AsyncGenerator<Piece>;
  close(): Promise<void>;
}

/**
 * Content from a file offset on: where it is compressed, a boundary of members or frames.
 * @param open of the source, where that is not to be opened by its location
 * @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN
 */
export async function openContent(
  location: string,
  container: Container,
  from: number,
  startsRecord: (content: Buffer) => boolean,
  open: (offset: number) => Promise<ByteReader> = (offset) => openSource(location, offset),
): Promise<OpenContent> {
  const reader = await open(from);
  const pieces = unpack(reader, container, from, startsRecord);
  return {
    pieces,
    async close() {
      await pieces.return(undefined);
      await reader.close();
    },
  };
}

/** Content of the bytes of a source from the file offset `from` on. */
function unpack(
  reader: ByteReader,
  container: Container,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece> {
  switch (container) {
    case 'plain':
      return plainPieces(reader, from);
    case 'gzip':
      return gzipPieces(reader, from, startsRecord);
    case 'bzip2':
      return bzip2Pieces(reader, from, startsRecord);
    default:
      return framePieces(FRAMES[container], reader, from, startsRecord);
  }
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

async function* plainPieces(reader: ByteReader, from: number): AsyncGenerator<Piece> {
  let position = from;
  for (let bytes = await reader.read(); bytes !== undefined; bytes = await reader.read()) {
    position += bytes.length;
    yield { kind: 'content', bytes };
  }
  if (reader.damage !== undefined) yield { kind: 'damage', start: position, end: position, ...reader.damage };
}
