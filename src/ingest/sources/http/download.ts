/**
 * Downloads an address into a file. What a killed process left is gone on with by the next one: the bytes are in
 * `PATH.part`, what the server said of the file in `PATH.part.json`, written before the first byte.
 *
 * Invariant: PATH appears when all bytes are there, synced, and have the checksum where one was given.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { fromSystemError, TokenmillError } from '../../../core/errors.js';
import { publishFile, readJson } from '../../../core/files.js';
import { formatCount } from '../../../core/format.js';
import { transfer, type Representation, type TransferOptions } from './transfer.js';

export type ChecksumAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

export interface DownloadOptions extends Omit<TransferOptions, 'from'> {
  readonly checksum?: Checksum;
  /** `total` null where the server does not say it. */
  readonly onProgress?: (done: number, total: number | null) => void;
}

const partSchema = z.object({
  url: z.string(),
  size: z.number().int().nonnegative().nullable(),
  validator: z.string().nullable(),
});

/**
 * Returns the file's size in bytes; at once where it is there already.
 * @throws TokenmillError DOWNLOAD_FAILED, CHECKSUM_MISMATCH, ADDRESS_FORBIDDEN, INPUT_TOO_LARGE, INTERRUPTED, DISK_FULL
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<number> {
  const there = await sizeOf(path);
  if (there !== undefined) return there;
  const part = `${path}.part`;
  try {
    await receive(url, part, options);
    if (options.checksum !== undefined) await verify(url, part, options.checksum);
    await publishFile(part, path);
    await rm(`${part}.json`, { force: true });
    return (await stat(path)).size;
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const left = await readPart(url, part);
  const file = await open(part, left === undefined ? 'w' : 'r+');
  try {
    let position = left?.offset ?? 0;
    let total = left?.representation.size ?? null;
    for await (const step of transfer(url, { ...options, from: left })) {
      if (step.kind === 'begin') {
        ({ size: total } = step.representation);
        if (step.offset !== position || position === 0) {
          await file.truncate(0);
          await writeFile(`${part}.json`, JSON.stringify({ url, ...step.representation }));
          position = 0;
        }
      } else {
        await writeAll(file, step.bytes, position);
        position += step.bytes.length;
        options.onProgress?.(position, total);
      }
    }
  } finally {
    await file.close();
  }
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}

/** What an earlier process left of this download; undefined where there is nothing that can be gone on with. */
async function readPart(
  url: string,
  part: string,
): Promise<{ offset: number; representation: Representation } | undefined> {
  const offset = await sizeOf(part);
  if (offset === undefined || offset === 0) return undefined;
  const parsed = partSchema.safeParse(await readJson(`${part}.json`).catch(() => undefined));
  if (!parsed.success || parsed.data.url !== url || parsed.data.validator === null) return undefined;
  const { size, validator } = parsed.data;
  if (size !== null && offset > size) return undefined;
  return { offset, representation: { size, validator } };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** A file with another checksum is removed: going on with it would never make it right. */
async function verify(url: string, part: string, { algorithm, hex }: Checksum): Promise<void> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(part), hash);
  const found = hash.digest('hex');
  if (found === hex) return;
  const size = await sizeOf(part);
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
  throw new TokenmillError(
    'CHECKSUM_MISMATCH',
    `${url} has ${algorithm} ${found}, not ${hex} (${formatCount(size ?? 0)} bytes)`,
    { hint: 'the file or its checksum is wrong at its origin; nothing of it was read' },
  );
}
