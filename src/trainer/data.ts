/**
 * The training data of a run: one stream of tokens, cut into batches.
 *
 * The stream is the concatenation of the shards in the order in which the run got them, across shard borders. A batch
 * takes n + 1 tokens and moves on by n: inputs are all but the last, targets all but the first, so every token but the
 * run's first is a target once. Invariants: the stream is on disk (`stream.json`) before it is used, so a run
 * that resumes from a checkpoint goes on with the very next token and gets the batches that it would have got; a
 * shard is acknowledged only by `settle`, which follows a durable checkpoint. Units are tokens.
 */
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { formatCount } from '../core/format.js';
import type { Log } from '../core/log.js';
import { readShard } from '../store/shards.js';
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

export interface Batch {
  /** batch * context token ids, row by row. */
  readonly ids: Int32Array;
  /** The token that follows each of `ids`; -100 where there is none. */
  readonly targets: Int32Array;
}

export interface TrainingDataOptions {
  readonly feed: ShardFeed;
  /** Folder of the dataset. */
  readonly folder: string;
  /** Where the list of segments is kept. */
  readonly record: string;
  /** batch * context. */
  readonly batchTokens: number;
  readonly tokenizerSha256: string;
  /** Never read a shard again: where the queue is empty there is no batch, for now. */
  readonly follow: boolean;
  /** Of the checkpoint that the run resumes from; empty for a run that begins. */
  readonly resume: readonly SegmentProgress[];
  readonly log: Log;
}

export class TrainingData {
  private readonly options: TrainingDataOptions;
  private readonly stream: StreamRecord;
  /** Index of the segment that the next token comes from, and how many tokens of it are used. */
  private at = 0;
  private offset = 0;
  private reclaimed = false;
  /** Tokens of segments from `at` on, by index. */
  private readonly loaded = new Map<number, Uint16Array | Uint32Array>();

  /** Takes over `feed`, which `close` closes; it is closed where this fails. */
  static async open(options: TrainingDataOptions): Promise<TrainingData> {
    const { feed, record, resume, log } = options;
    try {
      const data = new TrainingData(options, await readStream(record, resume, log));
      data.seek(resume);
      await feed.finish([...data.stream.settled]);
      await data.settle();
      return data;
    } catch (error) {
      await feed.close();
      throw error;
    }
  }

  private constructor(options: TrainingDataOptions, stream: StreamRecord) {
    this.options = options;
    this.stream = stream;
  }

  /** Segments so far and how much of each is used, for a checkpoint. */
  get progress(): SegmentProgress[] {
    return this.stream.segments.map((segment, index) => ({ ...segment, consumed: this.consumed(index) }));
  }

  /**
   * The next batch; undefined where a run that follows its dataset has to wait for more shards.
   * @throws TokenmillError DATA_EXHAUSTED where there is nothing to train on, TOKENIZER_MISMATCH
   */
  async next(): Promise<Batch | undefined> {
    await this.renew();
    if (!this.reclaimed) await this.reclaim();
    const size = this.options.batchTokens;
    if (!(await this.fill(size + 1))) return undefined;
    const window = new Int32Array(size + 1);
    let index = this.at;
    let from = this.offset;
    for (let filled = 0; filled < window.length; index++, from = 0) {
      const tokens = this.loaded.get(index) as Uint16Array | Uint32Array;
      const part = tokens.subarray(from, from + window.length - filled);
      window.set(part, filled);
      filled += part.length;
    }
    this.advance(size);
    return { ids: window.slice(0, size), targets: window.slice(1) };
  }

  /** Keeps the leases; to be called at least every few seconds. */
  async renew(): Promise<void> {
    for (const name of await this.options.feed.renew()) {
      const index = this.stream.segments.findLastIndex(
        (segment) => segment.name === name && completes(segment),
      );
      if (index !== -1) await this.shorten(index, 'its lease expired');
    }
  }

  /** Acknowledges the shards of which all tokens are used. A checkpoint of this very position must be durable. */
  async settle(): Promise<void> {
    const { segments, settled } = this.stream;
    const names = segments
      .filter((segment, index) => completes(segment) && this.consumed(index) === lengthOf(segment))
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

  private consumed(index: number): number {
    if (index < this.at) return lengthOf(this.stream.segments[index]);
    return index === this.at ? this.offset : 0;
  }

  private advance(tokens: number): void {
    const { segments } = this.stream;
    this.offset += tokens;
    while (this.at < segments.length && this.offset >= lengthOf(segments[this.at])) {
      this.offset -= lengthOf(segments[this.at]);
      this.loaded.delete(this.at);
      this.at += 1;
    }
  }

  /** After a restart: shards that the stream names and the run does not hold any more end where they were used. */
  private async reclaim(): Promise<void> {
    const { segments, settled } = this.stream;
    this.reclaimed = true;
    for (const [index, segment] of segments.entries()) {
      if (index < this.at || !completes(segment) || settled.has(segment.name)) continue;
      if (!(await this.options.feed.hold(segment.name))) await this.shorten(index, 'its lease was lost');
    }
  }

  /** Loads `needed` tokens from the position on, extending the stream; false where there are not so many now. */
  private async fill(needed: number): Promise<boolean> {
    let available = -this.offset;
    for (let index = this.at; available < needed; index++) {
      if (index === this.stream.segments.length && !(await this.extend())) return false;
      await this.load(index);
      available += lengthOf(this.stream.segments[index]);
    }
    return true;
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
    const tokens = await this.read(segment);
    this.stream.segments.push(segment);
    await this.write();
    this.loaded.set(this.stream.segments.length - 1, tokens);
  }

  /** @throws TokenmillError what `error` is, unless it says that the shard is not readable */
  private async reject(shard: ShardReference, error: unknown): Promise<void> {
    if (!isUnreadable(error)) throw error;
    this.options.log(`${error.message}; it is left out, ${formatCount(shard.tokens)} tokens`);
    await this.options.feed.reject(shard.name, error.message);
  }

  /** Loads a segment of the stream; one that cannot be read ends where it was used. */
  private async load(index: number): Promise<void> {
    if (this.loaded.has(index)) return;
    const segment = this.stream.segments[index];
    try {
      this.loaded.set(index, await this.read(segment));
    } catch (error) {
      if (segment.epoch === 1) await this.reject(segment, error);
      else if (!isUnreadable(error)) throw error;
      await this.shorten(index, 'it cannot be read any more');
      this.loaded.set(index, new Uint16Array(0));
    }
  }

  private async read({
    name,
    shard,
    sha256,
    tokens,
    start,
    end,
  }: Segment): Promise<Uint16Array | Uint32Array> {
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
    return content.tokens.subarray(start, end);
  }

  /** Ends a segment where it was used: the rest of its shard is not this run's. */
  private async shorten(index: number, why: string): Promise<void> {
    const segment = this.stream.segments[index];
    const end = segment.start + this.consumed(index);
    if (end === segment.end) return;
    this.options.log(`shard ${segment.name}: ${why}; ${formatCount(segment.end - end)} tokens are left out`);
    this.stream.segments[index] = { ...segment, end };
    const tokens = this.loaded.get(index);
    if (tokens !== undefined) this.loaded.set(index, tokens.subarray(0, end - segment.start));
    await this.write();
  }

  private async write(): Promise<void> {
    await writeStream(this.options.record, this.stream);
  }
}

function isUnreadable(error: unknown): error is TokenmillError {
  return (
    error instanceof TokenmillError && (error.code === 'SHARD_CORRUPT' || error.code === 'FILE_NOT_FOUND')
  );
}
