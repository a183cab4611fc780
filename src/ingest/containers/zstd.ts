/**
 * Zstandard frames (RFC 8878, section 3.1.1): their walk is ours, so that boundaries are exact; blocks are decoded by
 * fzstd, checksums by xxhash. The same on every runtime, with or without zstd in its zlib.
 */
import { Decompress } from 'fzstd';
import xxhash, { type XXHash } from 'xxhash-wasm';
import { formatBytes } from '../../core/format.js';
import { FrameDamage, type FrameFormat, type FrameReader } from './frames.js';

/** Window of `zstd --long`, its default for decoding; a frame may ask for terabytes. */
const MAX_WINDOW_BYTES = 2 ** 27;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE = 1;
const RESERVED = 3;

const hash = await xxhash();

export const ZSTD: FrameFormat = { name: 'zstd', magic: 0xfd2fb528, open: () => new ZstdFrame() };

interface Header {
  readonly length: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

class ZstdFrame implements FrameReader {
  private stage: 'header' | 'block' | 'checksum' | 'end' = 'header';
  private header: Header | undefined;
  private lastBlock = false;
  private checksum: XXHash<bigint> | undefined;
  private size = 0;
  private decoded: Uint8Array[] = [];
  private readonly decompress = new Decompress((bytes) => {
    this.decoded.push(bytes);
  });

  unit(ahead: Buffer): number | 'more' | undefined {
    switch (this.stage) {
      case 'header':
        this.header = parseHeader(ahead);
        return this.header?.length ?? 'more';
      case 'block': {
        if (ahead.length < BLOCK_HEADER_BYTES) return 'more';
        const header = ahead.readUIntLE(0, BLOCK_HEADER_BYTES);
        const type = (header >> 1) & 3;
        const size = header >> 3;
        if (type === RESERVED) throw new FrameDamage('garbage', 'a block of the reserved type');
        if (size > MAX_BLOCK_BYTES) throw new FrameDamage('garbage', `a block of ${size} bytes`);
        this.lastBlock = (header & 1) === 1;
        return BLOCK_HEADER_BYTES + (type === RLE ? 1 : size);
      }
      case 'checksum':
        return CHECKSUM_BYTES;
      default:
        return undefined;
    }
  }

  /** Nothing of a block can be decoded before all of it is there. */
  decodeStart(): Uint8Array {
    return new Uint8Array(0);
  }

  decode(unit: Buffer): readonly Uint8Array[] {
    const { contentBytes, hasChecksum } = this.header as Header;
    const sum = this.stage === 'checksum' ? unit.readUInt32LE(0) : undefined;
    if (this.stage === 'header') {
      this.checksum = hasChecksum ? hash.create64() : undefined;
      this.stage = 'block';
    } else if (this.stage === 'block' && this.lastBlock) {
      this.stage = hasChecksum ? 'checksum' : 'end';
    } else if (this.stage === 'checksum') {
      this.stage = 'end';
    }
    try {
      this.decompress.push(unit, this.stage === 'end');
    } catch (error) {
      throw new FrameDamage('garbage', (error as Error).message);
    }
    const content = this.decoded.splice(0).filter(({ length }) => length > 0);
    for (const bytes of content) {
      this.size += bytes.length;
      this.checksum?.update(bytes);
    }
    if (this.stage === 'end' && contentBytes !== undefined && contentBytes !== this.size) {
      throw new FrameDamage('checksum', `${this.size} bytes of content instead of ${contentBytes}`);
    }
    if (sum !== undefined && sum !== Number((this.checksum as XXHash<bigint>).digest() & 0xffff_ffffn)) {
      throw new FrameDamage('checksum', 'its checksum does not fit its content');
    }
    return content;
  }
}

/** Section 3.1.1.1. Undefined where the bytes are too few. @throws FrameDamage */
function parseHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < 6) return undefined;
  const descriptor = bytes[4];
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const sizeAt = 5 + (isSingle ? 0 : 1) + dictionaryBytes;
  const length = sizeAt + sizeBytes;
  if (bytes.length < length) return undefined;
  if ((descriptor & 0x08) !== 0) throw new FrameDamage('garbage', 'a reserved bit of its header is set');
  if (dictionaryBytes > 0 && bytes.readUIntLE(sizeAt - dictionaryBytes, dictionaryBytes) !== 0) {
    throw new FrameDamage('garbage', 'it was made with a dictionary, which is not here');
  }
  const contentBytes =
    sizeBytes === 0
      ? undefined
      : sizeBytes === 8
        ? Number(bytes.readBigUInt64LE(sizeAt))
        : bytes.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const window = isSingle ? (contentBytes as number) : windowBytes(bytes[5]);
  if (window > MAX_WINDOW_BYTES) {
    throw new FrameDamage(
      'garbage',
      `its window is ${formatBytes(window)}, the limit ${formatBytes(MAX_WINDOW_BYTES)}: compress it again with at most zstd --long=27`,
    );
  }
  return { length, contentBytes, hasChecksum: (descriptor & 0x04) !== 0 };
}

/** Section 3.1.1.1.2. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
