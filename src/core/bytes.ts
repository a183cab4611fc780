/** Byte arrays that travel together in one buffer. */

/** Byte arrays end to end, and where each ends. */
export function concatenate(parts: readonly Uint8Array[]): {
  bytes: Uint8Array<ArrayBuffer>;
  ends: Int32Array<ArrayBuffer>;
} {
  let total = 0;
  for (const part of parts) total += part.length;
  // Not cleared first: every byte is written below. From no pool, so that it can be moved to another thread.
  const { buffer } = Buffer.allocUnsafeSlow(total);
  const bytes = new Uint8Array(buffer as ArrayBuffer);
  const ends = new Int32Array(parts.length);
  let offset = 0;
  parts.forEach((part, index) => {
    bytes.set(part, offset);
    offset += part.length;
    ends[index] = offset;
  });
  return { bytes, ends };
}
