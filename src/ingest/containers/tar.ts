/**
 * Tar archives (POSIX.1-2001 pax interchange format and its ancestors ustar, GNU and version 7): walks the headers of
 * an archive and tells where the content of each member lies.
 *
 * Positions are bytes of the archive, decompressed. Blocks of zeros are passed, wherever they are, so that archives
 * behind each other are read like one.
 */
import type { ContentWindow } from './content-window.js';
import type { BadReason } from '../records.js';

export const BLOCK_BYTES = 512;
/** Content of a header that extends the next one: a long name, or records of pax. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
/** Bytes that are looked through at a time for the next header. */
const SCAN_BYTES = 256 * 1024;
const MAGIC = Buffer.from('ustar');
const MAGIC_OFFSET = 257;
const CHECKSUM_OFFSET = 148;

export interface TarMember {
  readonly kind: 'member';
  readonly name: string;
  /** Where its first header begins, so that walking can begin there. */
  readonly header: number;
  /** Its content begins at the window's position. */
  readonly offset: number;
  readonly size: number;
}

/** Bytes between two headers that are none. */
export interface TarGap {
  readonly kind: 'gap';
  readonly start: number;
  readonly reason: BadReason;
  readonly detail: string;
}

/** Whether an archive begins with these bytes. */
export function startsWithTar(bytes: Buffer): boolean {
  return bytes.length >= BLOCK_BYTES && parseHeader(bytes) !== undefined;
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** Undefined where a block is no header: its checksum does not fit, or a number in it is none. */
function parseHeader(block: Buffer): Header | undefined {
  const stored = parseNumber(block.subarray(CHECKSUM_OFFSET, CHECKSUM_OFFSET + 8));
  const size = parseNumber(block.subarray(124, 136));
  if (stored === undefined || size === undefined || block[0] === 0) return undefined;
  let sum = 8 * 0x20;
  let signed = sum;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + 8) continue;
    sum += block[i];
    // Old programs took bytes for signed.
    signed += (block[i] << 24) >> 24;
  }
  if (stored !== sum && stored !== signed) return undefined;
  const name = parseText(block.subarray(0, 100));
  const isPosix = block.toString('latin1', MAGIC_OFFSET, MAGIC_OFFSET + 6) === 'ustar\0';
  const prefix = isPosix ? parseText(block.subarray(345, 500)) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156]),
  };
}

/** Octal digits, or, with the highest bit set, a binary number with the highest byte first. */
function parseNumber(field: Buffer): number | undefined {
  if ((field[0] & 0x80) !== 0) {
    let value = field[0] & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
  }
  const text = field.toString('latin1').replace(/^[ \0]+|[ \0].*$/gs, '');
  return /^[0-7]*$/.test(text) ? Number.parseInt(text === '' ? '0' : text, 8) : undefined;
}

function parseText(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Records of pax: `length key=value` and a line feed each. What is not of that form ends them. */
function parsePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let position = 0;
  while (position < bytes.length) {
    const digits = /^(\d{1,7}) /.exec(bytes.toString('latin1', position, position + 9));
    const length = Number(digits?.[1] ?? 0);
    if (digits === null || length <= digits[0].length || position + length > bytes.length) break;
    const record = bytes.toString('utf8', position + digits[0].length, position + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    position += length;
  }
  return records;
}

const REGULAR = new Set(['0', '7']);

/**
 * Members of an archive whose header begins at the window's position. The consumer may take a member's content out of
 * the window, as much of it as it likes; the rest is passed.
 */
export async function* walkTar(window: ContentWindow): AsyncGenerator<TarMember | TarGap> {
  let header = window.position;
  let pax = new Map<string, string>();
  let longName: string | undefined;
  for (;;) {
    if (!(await window.fill(BLOCK_BYTES))) {
      const { damage } = window;
      if (damage === undefined) {
        const isPadding = window.peek(0, BLOCK_BYTES).every((byte) => byte === 0);
        if (isPadding) return;
        window.skip(window.available);
        yield { kind: 'gap', start: header, reason: 'truncated', detail: 'the archive ends in a header' };
        return;
      }
      window.passDamage();
      yield { kind: 'gap', start: header, reason: damage.reason, detail: damage.detail };
      await skipToHeader(window);
      header = window.position;
      continue;
    }
    const block = window.peek(0, BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) {
      window.skip(BLOCK_BYTES);
      header = window.position;
      continue;
    }
    const parsed = parseHeader(block);
    if (parsed === undefined) {
      const start = header;
      window.skip(1);
      await skipToHeader(window);
      header = window.position;
      yield { kind: 'gap', start, reason: 'garbage', detail: 'bytes that are no header of a tar archive' };
      continue;
    }
    window.skip(BLOCK_BYTES);
    const content = window.position;
    const size = pax.has('size') ? Number(pax.get('size')) : parsed.size;
    const end =
      window.position + BLOCK_BYTES * Math.ceil((Number.isSafeInteger(size) ? size : 0) / BLOCK_BYTES);
    if (parsed.type === 'x' || parsed.type === 'L') {
      const extension =
        parsed.size <= MAX_EXTENSION_BYTES ? await readContent(window, parsed.size) : undefined;
      if (extension !== undefined && parsed.type === 'x') pax = parsePax(extension);
      else if (extension !== undefined) longName = parseText(extension);
      await passTo(window, window.position + padding(parsed.size, extension?.length ?? 0));
      continue;
    }
    if (REGULAR.has(parsed.type) || parsed.type === 'S') {
      const name = pax.get('path') ?? longName ?? parsed.name;
      const isSparse = parsed.type === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'));
      if (isSparse) {
        const detail = `${name} is a sparse file, which cannot be read out of an archive`;
        yield { kind: 'gap', start: header, reason: 'garbage', detail };
      } else if (!name.endsWith('/')) {
        yield { kind: 'member', name, header, offset: window.position, size };
      }
    }
    // Folders, links, devices and what else there is have no content that is read.
    const isUnread = size > 0 && window.position === content;
    await passTo(window, end);
    if (isUnread && window.position < end && window.damage === undefined) {
      yield { kind: 'gap', start: header, reason: 'truncated', detail: 'the archive ends in a member' };
    }
    header = window.position;
    pax = new Map();
    longName = undefined;
  }
}

/** Bytes from behind what was read of a header's content to the next header. */
function padding(size: number, read: number): number {
  return BLOCK_BYTES * Math.ceil(size / BLOCK_BYTES) - read;
}

async function readContent(window: ContentWindow, size: number): Promise<Buffer | undefined> {
  if (!(await window.fill(size))) return undefined;
  const content = Buffer.from(window.peek(0, size));
  window.skip(size);
  return content;
}

async function passTo(window: ContentWindow, position: number): Promise<void> {
  if (position > window.position) await window.skipStream(position - window.position);
}

/** Goes forward to the next header that is marked as such, to damage, or to the end. */
async function skipToHeader(window: ContentWindow): Promise<void> {
  for (;;) {
    const isEnd = !(await window.fill(SCAN_BYTES));
    const bytes = window.peek(0, isEnd ? window.available : SCAN_BYTES);
    let found = bytes.indexOf(MAGIC, MAGIC_OFFSET);
    for (; found !== -1; found = bytes.indexOf(MAGIC, found + 1)) {
      const start = found - MAGIC_OFFSET;
      if (start + BLOCK_BYTES > bytes.length) break;
      if (parseHeader(bytes.subarray(start)) === undefined) continue;
      window.skip(start);
      return;
    }
    if (isEnd) {
      window.skip(window.available);
      return;
    }
    window.skip(bytes.length - BLOCK_BYTES);
  }
}
