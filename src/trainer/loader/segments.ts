/**
 * What a run's token stream is made of: segments, each a range of one shard's tokens, one after the other.
 *
 * The list is written to the run's `stream.json` before a token of a new segment is used, so that a run that was
 * killed reads the same stream again, whatever the queue looks like by then. It only grows; a segment is shortened where
 * its shard was lost to another run. Positions are tokens from the start of a shard.
 */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import { readJson, writeFileAtomic } from '../../core/files.js';
import type { Log } from '../../core/log.js';

const count = z.number().int().nonnegative();

export const segmentSchema = z.strictObject({
  /** The shard's name in the queue. */
  name: z.string(),
  /** Path of the shard relative to the dataset's folder. */
  shard: z.string(),
  sha256: z.string(),
  /** Tokens of the whole shard. */
  tokens: count,
  /** 1 for tokens that are new to the run, then how many times the run reads them with this one. */
  epoch: z.number().int().positive(),
  start: count,
  /** Below `tokens` where another run got the rest. */
  end: count,
});

export type Segment = z.output<typeof segmentSchema>;

/** A segment and how many of its tokens training has used, which is what a checkpoint keeps. */
export const segmentProgressSchema = segmentSchema.extend({ consumed: count });
export type SegmentProgress = z.output<typeof segmentProgressSchema>;

const streamSchema = z.strictObject({
  version: z.literal(1),
  segments: z.array(segmentSchema),
  /** Shards whose last token a durable checkpoint contains: they are this run's for good. */
  settled: z.array(z.string()),
});

export interface StreamRecord {
  readonly segments: Segment[];
  readonly settled: Set<string>;
}

export function lengthOf({ start, end }: Segment): number {
  return end - start;
}

/** Whether the segment gives the run the last of its shard's new tokens. */
export function completes({ epoch, end, tokens }: Segment): boolean {
  return epoch === 1 && end === tokens;
}

/** Tokens of a shard that earlier segments cover, in the first epoch. */
export function coveredTokens(segments: readonly Segment[], name: string): number {
  return Math.max(
    0,
    ...segments.filter((item) => item.name === name && item.epoch === 1).map(({ end }) => end),
  );
}

/**
 * The segment that reads a shard once more: of the shards that the run has to their end, the one that was read least
 * recently. Undefined where there is none yet.
 */
export function nextReplay(segments: readonly Segment[]): Segment | undefined {
  const whole = new Set(segments.filter(completes).map(({ name }) => name));
  const seen = new Set<string>();
  let oldest: Segment | undefined;
  for (const segment of segments.toReversed()) {
    if (!whole.has(segment.name) || segment.tokens === 0 || seen.has(segment.name)) continue;
    seen.add(segment.name);
    oldest = segment;
  }
  return oldest && { ...oldest, epoch: oldest.epoch + 1, start: 0, end: oldest.tokens };
}

/**
 * The record of a run's stream, and where training goes on in it.
 * @param checkpoint segments of the checkpoint that the run resumes from, if any: a prefix of the record
 */
export async function readStream(
  path: string,
  checkpoint: readonly SegmentProgress[],
  log: Log,
): Promise<StreamRecord> {
  const recorded = await readRecord(path, log);
  const prefix = checkpoint.map(({ consumed: _consumed, ...segment }) => segment);
  const fits = prefix.every((segment, index) => {
    const other = recorded?.segments[index];
    return (
      other !== undefined &&
      other.name === segment.name &&
      other.epoch === segment.epoch &&
      other.start === segment.start &&
      other.sha256 === segment.sha256 &&
      other.end >= segment.start + checkpoint[index].consumed
    );
  });
  if (recorded !== undefined && fits) {
    return { segments: recorded.segments, settled: new Set(recorded.settled) };
  }
  if (prefix.length > 0) log(`${path} does not fit the checkpoint; the checkpoint's list of shards is used`);
  return { segments: prefix, settled: new Set() };
}

async function readRecord(path: string, log: Log): Promise<z.output<typeof streamSchema> | undefined> {
  try {
    const parsed = streamSchema.safeParse(await readJson(path));
    if (parsed.success) return parsed.data;
    log(`${path} is damaged: ${parsed.error.issues[0].message}`);
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error;
    if (error.code === 'INPUT_CORRUPT') log(error.message);
    else if (error.code !== 'FILE_NOT_FOUND') throw error;
  }
  return undefined;
}

export async function writeStream(path: string, { segments, settled }: StreamRecord): Promise<void> {
  const record: z.output<typeof streamSchema> = { version: 1, segments, settled: [...settled] };
  await writeFileAtomic(path, `${JSON.stringify(record, null, 1)}\n`);
}
