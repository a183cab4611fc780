/**
 * The token stream of a run over one dataset: the concatenation of the shards in the order in which the run got them.
 *
 * A reader looks at tokens ahead of its position, and moves the position on when it has used them all. Invariants: the
 * stream is on disk (`record`) before it is used, so a run that resumes from a checkpoint reads the same tokens again; a
 * shard is acknowledged only by `settle`, which follows a durable checkpoint. Units are tokens; places are counted from
 * the position.
 */
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { formatCount } from '../../core/format.js';
import type { Log } from '../../core/log.js';
import { readShard } from '../../store/shards.js';
import type { TokenRange } from './batch.js';
import type { ShardFeed, ShardReference } from './feeds.js';
import {
  completes,
  coveredTokens,
  lengthOf,
  nextReplay,
  readStream,
  writeStream,
  type Segment,
  type SegmentProgress,
  type StreamRecord,
} from './segments.js';

export interface TokenStreamOptions {
  readonly feed: ShardFeed;
  /** Folder of the dataset. */
  readonly folder: string;
  /** Where the list of segments is kept. */
  readonly record: string;
  readonly tokenizerSha256: string;
  /** Never read a shard again: where the queue is empty there are no more tokens, for now. */
  readonly follow: boolean;
  /** Of the checkpoint that the run resumes from; empty for a run that begins. */
  readonly resume: readonly SegmentProgress[];
  /** Tokens ahead of the checkpoint's position of which some are used. */
  readonly begun: number;
  readonly log: Log;
}

/** Tokens of a segment, and where in them documents end. */
interface Content {
  readonly tokens: Uint16Array | Uint32Array;
  readonly ends: Int32Array;
}

const NOTHING: Content = { tokens: new Uint16Array(0), ends: new Int32Array(0) };

export class TokenStream {
  /** Changes whenever tokens that the stream had are not in it any more. */
  revision = 0;
  /** Tokens ahead of the position of which some are used: they stay in the stream although their shard may be lost. */
  begun: number;
  private readonly options: TokenStreamOptions;
  private readonly stream: StreamRecord;
  /** Index of the segment that the next token comes from, and how many tokens of it are used. */
  private at = 0;
  private offset = 0;
  private reclaimed = false;
  /** Segments from `at` on, by index. */
  private readonly loaded = new Map<number, Content>();

  /** Takes over `feed`, which `close` closes; it is closed where this fails. */
  static async open(options: TokenStreamOptions): Promise<TokenStream> {
    const { feed, record, resume, log } = options;
    try {
      const stream = new TokenStream(options, await readStream(record, resume, log));
      stream.seek(resume);
      await feed.finish([...stream.stream.settled]);
      await stream.settle();
      return stream;
    } catch (error) {
      await feed.close();
      throw error;
    }
  }

  private constructor(options: TokenStreamOptions, stream: StreamRecord) {
    this.options = options;
    this.stream = stream;
    this.begun = options.begun;
  }

  /** Segments so far and how much of each is used, for a checkpoint. */
  get progress(): SegmentProgress[] {
    return this.stream.segments.map((segment, index) => ({ ...segment, consumed: this.consumed(index, 0) }));
  }

  /**
   * Makes `count` tokens from the position on available; false where there are not so many now.
   * @throws TokenmillError DATA_EXHAUSTED where there is nothing to train on, TOKENIZER_MISMATCH
   */
  async reach(count: number): Promise<boolean> {
    if (!this.reclaimed) await this.reclaim();
    let available = -this.offset;
    for (let index = this.at; available < count; index++) {
      if (index === this.stream.segments.length && !(await this.extend())) return false;
      await this.load(index);
      available += lengthOf(this.stream.segments[index]);
    }
    return true;
  }

  /** `count` tokens from a place on, which `reach` has made available. */
  window(from: number, count: number): Int32Array {
    const window = new Int32Array(count);
    let filled = 0;
    for (const { index, start, end } of this.parts(from, count)) {
      window.set(this.content(index).tokens.subarray(start, end), filled);
      filled += end - start;
    }
    return window;
  }

  /** The same tokens by shard. */
  ranges(from: number, count: number): TokenRange[] {
    return this.parts(from, count).map(({ index, start, end }) => {
      const segment = this.stream.segments[index];
      return {
        shard: segment.name,
        epoch: segment.epoch,
        start: segment.start + start,
        end: segment.start + end,
      };
    });
  }

  /** Places where documents end, the first behind `from` and the last at or behind `from` + `count`. */
  documentEnds(from: number, count: number): number[] {
    const ends: number[] = [];
    let base = -this.offset;
    for (let index = this.at; (ends.at(-1) ?? from) < from + count; index++) {
      for (const end of this.content(index).ends) {
        const place = base + end;
        const last = ends.at(-1) ?? from;
        if (place > last && last < from + count) ends.push(place);
      }
      base += lengthOf(this.stream.segments[index]);
    }
    return ends;
  }

  /** Moves the position on. */
  advance(tokens: number): void {
    const { segments } = this.stream;
    this.offset += tokens;
    while (this.at < segments.length && this.offset >= lengthOf(segments[this.at])) {
      this.offset -= lengthOf(segments[this.at]);
      this.loaded.delete(this.at);
      this.at += 1;
    }
  }

  /** Keeps the leases; to be called at least every few seconds. */
  async renew(): Promise<void> {
    for (const name of await this.options.feed.renew()) {
      const index = this.stream.segments.findLastIndex(
        (segment) => segment.name === name && completes(segment),
      );
      if (index !== -1) await this.shorten(index, this.begun, 'its lease expired');
    }
  }

  /** Acknowledges the shards of which all tokens are used. A checkpoint of this very position must be durable. */
  async settle(): Promise<void> {
    const { segments, settled } = this.stream;
    const names = segments
      .filter((segment, index) => completes(segment) && this.consumed(index, 0) === lengthOf(segment))
      .map(({ name }) => name)
      .filter((name) => !settled.has(name));
    if (names.length === 0) return;
    for (const name of names) settled.add(name);
    await this.write();
    await this.options.feed.finish(names);
  }

  /** Gives back the shards that are not used up. */
  async close(): Promise<void> {
    await this.options.feed.close();
  }

  private seek(resume: readonly SegmentProgress[]): void {
    resume.forEach(({ consumed }, index) => {
      if (consumed === 0) return;
      this.at = index;
      this.offset = consumed;
    });
    this.advance(0);
  }

  /** Tokens of a segment that come before the place `ahead`. */
  private consumed(index: number, ahead: number): number {
    const { segments } = this.stream;
    const length = lengthOf(segments[index]);
    if (index < this.at) return length;
    let place = this.offset + ahead;
    for (let before = this.at; before < index; before++) place -= lengthOf(segments[before]);
    return Math.min(length, Math.max(0, place));
  }

  private content(index: number): Content {
    return this.loaded.get(index) as Content;
  }

  private parts(from: number, count: number): { index: number; start: number; end: number }[] {
    const parts = [];
    let start = this.offset + from;
    for (let index = this.at, left = count; left > 0; index++) {
      const length = lengthOf(this.stream.segments[index]);
      const end = Math.min(length, start + left);
      if (start < end) {
        parts.push({ index, start, end });
        left -= end - start;
      }
      start = Math.max(0, start - length);
    }
    return parts;
  }

  /** After a restart: shards that the stream names and the run does not hold any more end where they were used. */
  private async reclaim(): Promise<void> {
    const { segments, settled } = this.stream;
    this.reclaimed = true;
    for (const [index, segment] of segments.entries()) {
      if (index < this.at || !completes(segment) || settled.has(segment.name)) continue;
      if (await this.options.feed.hold(segment.name)) continue;
      await this.shorten(index, this.begun, 'its lease was lost');
    }
  }

  /** Adds a segment: a shard that is new to the run, else one to be read again. */
  private async extend(): Promise<boolean> {
    const { segments } = this.stream;
    const taken = (name: string): boolean =>
      segments.some((segment) => segment.name === name && completes(segment));
    for (;;) {
      const shard = await this.options.feed.next(taken);
      if (shard === undefined) break;
      const { name, sha256, tokens } = shard;
      const start = coveredTokens(segments, name);
      const segment: Segment = { name, shard: shard.shard, sha256, tokens, epoch: 1, start, end: tokens };
      try {
        await this.append(segment);
        return true;
      } catch (error) {
        await this.reject(shard, error);
      }
    }
    return this.options.follow ? false : this.replay();
  }

  private async replay(): Promise<boolean> {
    const { segments } = this.stream;
    // As often as there are shards: each may turn out to be damaged by now.
    for (let tries = segments.filter(completes).length; tries > 0; tries--) {
      const segment = nextReplay(segments);
      if (segment === undefined) break;
      if (segments.every(({ epoch }) => epoch < segment.epoch)) {
        this.options.log(`the queue is empty: epoch ${segment.epoch} over the shards of this run`);
      }
      try {
        await this.append(segment);
        return true;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        this.options.log(`${error.message}; it is left out`);
        segments.push({ ...segment, end: 0 });
      }
    }
    const { message, hint } = await this.options.feed.explain();
    throw new TokenmillError('DATA_EXHAUSTED', `there is nothing to train on: ${message}`, { hint });
  }

  private async append(segment: Segment): Promise<void> {
    const content = await this.read(segment);
    this.stream.segments.push(segment);
    await this.write();
    this.loaded.set(this.stream.segments.length - 1, content);
  }

  /** @throws TokenmillError what `error` is, unless it says that the shard is not readable */
  private async reject(shard: ShardReference, error: unknown): Promise<void> {
    if (!isUnreadable(error)) throw error;
    this.options.log(`${error.message}; it is left out, ${formatCount(shard.tokens)} tokens`);
    await this.options.feed.reject(shard.name, error.message);
  }

  /** Loads a segment of the stream; one that cannot be read ends at the position. */
  private async load(index: number): Promise<void> {
    if (this.loaded.has(index)) return;
    const segment = this.stream.segments[index];
    try {
      this.loaded.set(index, await this.read(segment));
    } catch (error) {
      if (segment.epoch === 1) await this.reject(segment, error);
      else if (!isUnreadable(error)) throw error;
      await this.shorten(index, 0, 'it cannot be read any more');
      this.loaded.set(index, NOTHING);
    }
  }

  private async read({ name, shard, sha256, tokens, start, end }: Segment): Promise<Content> {
    const path = join(this.options.folder, shard);
    const content = await readShard(path, { sha256 });
    if (content.metadata.tokenizerSha256 !== this.options.tokenizerSha256) {
      throw new TokenmillError(
        'TOKENIZER_MISMATCH',
        `shard ${name} was made with another tokenizer than this run began with`,
        { place: { file: path }, hint: 'start another run for it with --run NAME' },
      );
    }
    if (content.tokens.length !== tokens) {
      throw new TokenmillError(
        'SHARD_CORRUPT',
        `shard ${path} has ${content.tokens.length} tokens, but its entry says ${tokens}`,
      );
    }
    return cut({ tokens: content.tokens, ends: content.offsets.subarray(1) }, start, end);
  }

  /** Ends a segment at the place `keep`, or where it ends already: the rest of its shard is not this run's. */
  private async shorten(index: number, keep: number, why: string): Promise<void> {
    const segment = this.stream.segments[index];
    const end = segment.start + this.consumed(index, keep);
    if (end === segment.end) return;
    this.options.log(`shard ${segment.name}: ${why}; ${formatCount(segment.end - end)} tokens are left out`);
    this.stream.segments[index] = { ...segment, end };
    const content = this.loaded.get(index);
    if (content !== undefined) this.loaded.set(index, cut(content, 0, end - segment.start));
    this.revision += 1;
    await this.write();
  }

  private async write(): Promise<void> {
    await writeStream(this.options.record, this.stream);
  }
}

/** Documents that reach over the end are cut there. */
function cut({ tokens, ends }: Content, start: number, end: number): Content {
  if (start === 0 && end === tokens.length) return { tokens, ends };
  const inside = [...ends].filter((place) => place > start && place < end).map((place) => place - start);
  if (end > start) inside.push(end - start);
  return { tokens: tokens.subarray(start, end), ends: Int32Array.from(inside) };
}

function isUnreadable(error: unknown): error is TokenmillError {
  return (
    error instanceof TokenmillError && (error.code === 'SHARD_CORRUPT' || error.code === 'FILE_NOT_FOUND')
  );
}
