/** Frames whose blocks are stored as they are, which needs no compressor: zstd (RFC 8878) and LZ4 (LZ4 Frame Format 1.6.4). */

const BLOCK_BYTES = 60_000;

function blocks(content: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < content.length; start += BLOCK_BYTES)
    parts.push(content.subarray(start, start + BLOCK_BYTES));
  return parts;
}

/** One frame with a window of 1 MB (RFC 8878, section 3.1.1.1.2), without size and checksum. */
export function storedZstd(content: Buffer): Buffer {
  const parts = blocks(content);
  const framed = parts.flatMap((part, index) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((part.length << 3) | (index === parts.length - 1 ? 1 : 0), 0, 3);
    return [header, part];
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]), ...framed]);
}

/** One frame of independent blocks of at most 64 kB, without checksums; 0x82 is the checksum of its descriptor. */
export function storedLz4(content: Buffer): Buffer {
  const framed = blocks(content).flatMap((part) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE((part.length | 0x8000_0000) >>> 0);
    return [header, part];
  });
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), ...framed, Buffer.alloc(4)]);
}
