/**
 * Sequences of one dataset in the order of training: the stream is taken in blocks, and the sequences of a block are
 * shuffled among each other.
 *
 * - concatenate: a block is so many sequences one after the other; a sequence takes n + 1 tokens and moves on by n, so
 *   every token but the first of all is a target once. Documents follow each other within a sequence.
 * - best-fit: a block is so many tokens and the rest of the document in which they end; its documents are packed into
 *   sequences. A document is preceded by end-of-text as the text that a model begins from nothing is, so that each of its
 *   tokens is a target once; what remains of a sequence is filled up with targets that do not count.
 *
 * Invariants: the sequences depend on the stream and the settings alone, and the order of a block's on the seed and the
 * block's number, so a block can be made again: a checkpoint keeps where the block begins and how many of its sequences
 * are used. A block whose sequences are not all used is not acknowledged, and its tokens stay in the stream.
 */
import { z } from 'zod';
import { Random } from '../../core/random.js';
import { TokenmillError } from '../../core/errors.js';
import { IGNORED_TARGET } from '../programs/forward.js';
import type { Row } from './batch.js';
import { cutDocuments, packBestFit, type Piece } from './packing.js';
import { segmentProgressSchema } from './segments.js';
import { TokenStream, type TokenStreamOptions } from './stream.js';

export const PACKINGS = ['concatenate', 'best-fit'] as const;
export type Packing = (typeof PACKINGS)[number];

/** Sequences whose documents are packed together where there is no shuffling: enough to find a place for every length. */
const PACKED_TOGETHER = 64;

const count = z.number().int().nonnegative();

/** Where training is in a dataset. */
export const rowPositionSchema = z.strictObject({
  /** The shards of the stream, and how many tokens of each come before the block. */
  segments: z.array(segmentProgressSchema),
  block: z.strictObject({
    /** From 0. */
    number: count,
    /** Sequences of it that are used, and the tokens that it takes; 0 where it is not begun. */
    used: count,
    tokens: count,
  }),
});

export type RowPosition = z.output<typeof rowPositionSchema>;

export interface RowOptions {
  /** Tokens of a sequence. */
  readonly context: number;
  readonly packing: Packing;
  /** Sequences that are shuffled among each other; 0 for none. */
  readonly shuffle: number;
  readonly seed: number;
  readonly endOfTextId: number | null;
}

interface Block {
  readonly number: number;
  readonly tokens: number;
  readonly rows: readonly Row[];
}

export class RowSource {
  private readonly stream: TokenStream;
  private readonly options: RowOptions;
  /** The block at the stream's position and those behind it. */
  private blocks: Block[] = [];
  private number: number;
  private used: number;
  private revision = 0;

  /** @throws TokenmillError CONFIG_INVALID where documents cannot be packed, else as `TokenStream.open` */
  static async open(
    options: RowOptions & Omit<TokenStreamOptions, 'resume' | 'begun'>,
    resume: RowPosition | undefined,
  ): Promise<RowSource> {
    if (options.packing === 'best-fit' && options.endOfTextId === null) {
      await options.feed.close();
      throw new TokenmillError('CONFIG_INVALID', '--packing best-fit needs a tokenizer with end-of-text');
    }
    const begun = resume === undefined || resume.block.used === 0 ? 0 : resume.block.tokens;
    const stream = await TokenStream.open({ ...options, resume: resume?.segments ?? [], begun });
    return new RowSource(stream, options, resume?.block ?? { number: 0, used: 0 });
  }

  private constructor(
    stream: TokenStream,
    options: RowOptions,
    { number, used }: { number: number; used: number },
  ) {
    this.stream = stream;
    this.options = options;
    this.number = number;
    this.used = used;
  }

  get position(): RowPosition {
    const { number, used } = this;
    return { segments: this.stream.progress, block: { number, used, tokens: this.stream.begun } };
  }

  /** Makes the next `count` sequences available; false where there are not so many now. */
  async prepare(count: number): Promise<boolean> {
    for (;;) {
      this.dropChanged();
      const available = this.blocks.reduce((sum, { rows }) => sum + rows.length, -this.used);
      if (available >= count && this.blocks.length > 0) return true;
      const block = await this.nextBlock();
      if (block === undefined) return false;
      if (this.stream.revision !== this.revision) continue;
      if (this.blocks.length === 0 && this.used > 0 && block.tokens !== this.stream.begun) this.skipBegun();
      else this.blocks.push(block);
    }
  }

  /** The next sequence, which `prepare` has made available. */
  take(): Row {
    const [block] = this.blocks;
    const row = block.rows[this.used];
    this.used += 1;
    this.stream.begun = block.tokens;
    if (this.used === block.rows.length) this.finishBlock();
    return row;
  }

  /** Keeps the leases; to be called at least every few seconds. */
  async renew(): Promise<void> {
    await this.stream.renew();
  }

  /** Acknowledges the shards of which all tokens are used. A checkpoint of this very position must be durable. */
  async settle(): Promise<void> {
    await this.stream.settle();
  }

  /** Gives back the shards that are not used up. */
  async close(): Promise<void> {
    await this.stream.close();
  }

  /** Forgets blocks that were made of tokens that are not this run's any more; one that was begun is kept. */
  private dropChanged(): void {
    if (this.revision === this.stream.revision) return;
    this.revision = this.stream.revision;
    this.blocks.length = Math.min(this.blocks.length, this.used > 0 ? 1 : 0);
  }

  private finishBlock(): void {
    const { tokens } = this.blocks.shift() as Block;
    this.leave(tokens);
  }

  /** After a restart: the block that was begun cannot be made again, since a shard of it is damaged or was lost. */
  private skipBegun(): void {
    this.leave(0);
  }

  private leave(tokens: number): void {
    this.stream.advance(tokens);
    this.stream.begun = 0;
    this.number += 1;
    this.used = 0;
  }

  private async nextBlock(): Promise<Block | undefined> {
    const number = this.number + this.blocks.length;
    const from = this.blocks.reduce((sum, { tokens }) => sum + tokens, 0);
    const { packing, shuffle, seed } = this.options;
    const block =
      packing === 'concatenate'
        ? await this.concatenated(from, Math.max(1, shuffle))
        : await this.packed(from, Math.max(PACKED_TOGETHER, shuffle));
    if (block === undefined) return undefined;
    const shuffled = shuffle > 0 || packing === 'best-fit';
    return { number, tokens: block.tokens, rows: shuffled ? permuted(block.rows, seed, number) : block.rows };
  }

  private async concatenated(from: number, rows: number): Promise<Omit<Block, 'number'> | undefined> {
    const { context } = this.options;
    const tokens = rows * context;
    if (!(await this.stream.reach(from + tokens + 1))) return undefined;
    const row = (index: number): Row => {
      const start = from + index * context;
      const window = this.stream.window(start, context + 1);
      return {
        ids: window.subarray(0, context),
        targets: window.subarray(1),
        consumed: this.stream.ranges(start, context),
      };
    };
    return { tokens, rows: Array.from({ length: rows }, (_, index) => row(index)) };
  }

  private async packed(from: number, rows: number): Promise<Omit<Block, 'number'> | undefined> {
    const { context } = this.options;
    if (!(await this.stream.reach(from + rows * context))) return undefined;
    const ends = this.stream.documentEnds(from, rows * context);
    const sequences = packBestFit(cutDocuments(from, ends, context), context);
    return {
      tokens: (ends.at(-1) as number) - from,
      rows: sequences.map((pieces) => this.packedRow(pieces)),
    };
  }

  private packedRow(pieces: readonly Piece[]): Row {
    const { context } = this.options;
    const endOfText = this.options.endOfTextId as number;
    const ids = new Int32Array(context).fill(endOfText);
    const targets = new Int32Array(context).fill(IGNORED_TARGET);
    const documents = new Int32Array(context).fill(pieces.length);
    const positions = new Int32Array(context);
    let filled = 0;
    for (const [document, { start, end, first }] of pieces.entries()) {
      const length = end - start;
      const tokens = this.stream.window(start, length);
      ids[filled] = first ? endOfText : this.stream.window(start - 1, 1)[0];
      ids.set(tokens.subarray(0, length - 1), filled + 1);
      targets.set(tokens, filled);
      documents.fill(document, filled, filled + length);
      for (let place = 0; place < length; place++) positions[filled + place] = place;
      filled += length;
    }
    for (let place = filled; place < context; place++) positions[place] = place - filled;
    const consumed = pieces.flatMap(({ start, end }) => this.stream.ranges(start, end - start));
    return { ids, targets, layout: { documents, positions }, consumed };
  }
}

/** Fisher and Yates' shuffle. */
function permuted(rows: readonly Row[], seed: number, number: number): Row[] {
  const random = new Random((seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);
  const order = [...rows];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
