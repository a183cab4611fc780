/** Reads metrics.jsonl of a run from any step on, without reading what comes before: steps rise, so a search by halves finds the place. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromSystemError } from '../core/errors.js';
import { METRICS_FILE } from './metrics.js';

const BLOCK_BYTES = 1 << 16;
/** A line has about 200 bytes. One that is longer than this is no metrics. */
const MAX_LINE_BYTES = 1 << 14;

export const stepMetricsSchema = z.object({
  run: z.string(),
  step: z.number().int(),
  loss: z.number().nullable().describe('nats per token; null where it was not finite'),
  learning_rate: z.number(),
  gradient_norm: z.number().nullable().describe('before clipping'),
  tokens: z.number().int().describe('trained on so far'),
  tokens_per_second: z.number(),
  validation_loss: z.number().optional(),
  bits_per_byte: z.number().optional(),
});

export type RecordedMetrics = z.output<typeof stepMetricsSchema>;

/**
 * At most `limit` steps behind step `since`, in order. A line that is not whole yet, or damaged, is left out. None where
 * the run has no metrics.
 */
export async function readMetrics(folder: string, since: number, limit: number): Promise<RecordedMetrics[]> {
  const path = join(folder, METRICS_FILE);
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fromSystemError(error, path);
  }
  try {
    const start = await placeBehind(handle, since);
    const found: RecordedMetrics[] = [];
    for await (const line of linesFrom(handle, start)) {
      const metrics = parse(line);
      if (metrics === undefined || metrics.step <= since) continue;
      found.push(metrics);
      if (found.length === limit) break;
    }
    return found;
  } finally {
    await handle.close();
  }
}

/** The latest step; undefined where there is none. */
export async function readLastMetrics(folder: string): Promise<RecordedMetrics | undefined> {
  const path = join(folder, METRICS_FILE);
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw fromSystemError(error, path);
  });
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 2 * MAX_LINE_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.toString('utf8').split('\n').slice(0, -1);
    return lines.map(parse).findLast((metrics) => metrics !== undefined);
  } finally {
    await handle.close();
  }
}

/** A byte where a line begins, such that all lines before it are of steps up to `since`, and few behind it are. */
async function placeBehind(handle: FileHandle, since: number): Promise<number> {
  let low = 0;
  let high = (await handle.stat()).size;
  while (high - low > BLOCK_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const next = await lineBehind(handle, middle);
    if (next === undefined || next.start >= high || (next.metrics?.step ?? Infinity) > since) high = middle;
    else low = next.start;
  }
  return low;
}

/** The first whole line that begins behind a byte. */
async function lineBehind(
  handle: FileHandle,
  offset: number,
): Promise<{ start: number; metrics: RecordedMetrics | undefined } | undefined> {
  const { buffer, bytesRead } = await handle.read(
    Buffer.alloc(2 * MAX_LINE_BYTES),
    0,
    2 * MAX_LINE_BYTES,
    offset,
  );
  const begin = buffer.subarray(0, bytesRead).indexOf(0x0a) + 1;
  const end = buffer.subarray(0, bytesRead).indexOf(0x0a, begin);
  if (begin === 0 || end === -1) return undefined;
  return { start: offset + begin, metrics: parse(buffer.toString('utf8', begin, end)) };
}

async function* linesFrom(handle: FileHandle, start: number): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for (let offset = start; ;) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, from)) {
      yield bytes.toString('utf8', from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) return;
  }
}

function parse(line: string): RecordedMetrics | undefined {
  try {
    return stepMetricsSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
