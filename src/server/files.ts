/**
 * A file of known content as a response: Range, If-Range, If-None-Match and HEAD after RFC 9110.
 *
 * Invariant: the file is immutable and `tag` stands for its content, so that its ETag is strong and a download can go on
 * where it broke off. Bytes go from disk to the socket in pieces.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import type { AppEnv } from './context.js';

export interface ServedFile {
  readonly path: string;
  readonly bytes: number;
  /** The SHA-256 of the content, or what else no other content of this name has. */
  readonly tag: string;
  readonly mediaType: string;
  /** Name that a client may save it by. */
  readonly name: string;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/**
 * The range that a Range header asks for. Undefined where the whole file is to be sent: no header, a unit or a form
 * that is not known, or several ranges (RFC 9110, section 14.2 lets a server ignore these).
 * @throws TokenmillError RANGE_NOT_SATISFIABLE
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | undefined {
  const match = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(header?.replaceAll(/[ \t]/g, '') ?? '');
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (first === undefined) {
    const length = Math.min(Number(suffix), bytes);
    if (length === 0) throw notSatisfiable(header, bytes);
    return { start: bytes - length, end: bytes - 1 };
  }
  const start = Number(first);
  const end = last === undefined ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (last !== undefined && Number(last) < start) return undefined;
  if (start >= bytes) throw notSatisfiable(header, bytes);
  return { start, end };
}

function notSatisfiable(header: string | undefined, bytes: number): TokenmillError {
  return new TokenmillError('RANGE_NOT_SATISFIABLE', `the file has ${bytes} bytes, not the range ${header}`);
}

/**
 * The response for a file: 200, 206 or 304.
 * @throws TokenmillError RANGE_NOT_SATISFIABLE, FILE_NOT_FOUND, SOURCE_CHANGED where the file is not as long as it was
 */
export async function serveFile(c: Context<AppEnv>, file: ServedFile): Promise<Response> {
  const etag = `"${file.tag}"`;
  const headers: Record<string, string> = {
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-cache',
  };
  if (matches(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers);
  headers['Content-Type'] = file.mediaType;
  // No name of the workspace has quotes or backslashes.
  headers['Content-Disposition'] = `attachment; filename="${file.name}"`;
  let range: ByteRange | undefined;
  const condition = c.req.header('if-range');
  if (condition === undefined || condition === etag) {
    try {
      range = parseRange(c.req.header('range'), file.bytes);
    } catch (error) {
      c.header('Content-Range', `bytes */${file.bytes}`);
      throw error;
    }
  }
  const { start, end } = range ?? { start: 0, end: file.bytes - 1 };
  headers['Content-Length'] = String(end - start + 1);
  if (range !== undefined) headers['Content-Range'] = `bytes ${start}-${end}/${file.bytes}`;
  const handle = await openChecked(file);
  if (c.req.method === 'HEAD' || end < start) {
    await handle.close();
    return new Response(null, { status: range === undefined ? 200 : 206, headers });
  }
  const stream = Readable.toWeb(handle.createReadStream({ start, end }));
  return new Response(stream as ReadableStream<Uint8Array>, {
    status: range === undefined ? 200 : 206,
    headers,
  });
}

/** Whether an If-None-Match header names the tag; weak comparison (RFC 9110, section 13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

async function openChecked({ path, bytes }: ServedFile): Promise<FileHandle> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  const { size } = await handle.stat();
  if (size === bytes) return handle;
  await handle.close();
  throw new TokenmillError('SOURCE_CHANGED', `${path} has ${size} bytes, not ${bytes}`, {
    hint: 'restore the file from a copy',
  });
}
