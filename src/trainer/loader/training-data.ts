/**
 * The training data of a run: batches of sequences from one dataset, or from a mixture of several.
 *
 * Of a mixture, each sequence comes from the dataset that is furthest behind its share of all sequences so far, so the
 * shares hold at any time to within one sequence, without a random draw. A batch is taken whole or not at all.
 */
import { z } from 'zod';
import type { Row, TokenRange, TrainingBatch } from './batch.js';
import { rowPositionSchema, type RowSource } from './rows.js';

const count = z.number().int().nonnegative();

/** Where training is in each dataset, in the order of the mixture. */
export const dataPositionSchema = z.array(
  z.strictObject({
    dataset: z.string(),
    /** Sequences taken from it. */
    sequences: count,
    ...rowPositionSchema.shape,
  }),
);

export type DataPosition = z.output<typeof dataPositionSchema>;

export interface MixtureSource {
  readonly dataset: string;
  /** Share of the sequences, relative to those of the others. */
  readonly weight: number;
  readonly rows: RowSource;
  /** Sequences taken before. */
  readonly sequences: number;
}

export class TrainingData {
  private readonly sources: readonly MixtureSource[];
  private readonly batch: number;
  private readonly taken: number[];

  /** Takes over the sources, which `close` closes. @param batch sequences of a batch */
  constructor(sources: readonly MixtureSource[], batch: number) {
    this.sources = sources;
    this.batch = batch;
    this.taken = sources.map(({ sequences }) => sequences);
  }

  /** For a checkpoint. */
  get position(): DataPosition {
    return this.sources.map(({ dataset, rows }, index) => ({
      dataset,
      sequences: this.taken[index],
      ...rows.position,
    }));
  }

  /**
   * The next batch; undefined where a run that follows its datasets has to wait for more shards.
   * @throws TokenmillError DATA_EXHAUSTED where there is nothing to train on, TOKENIZER_MISMATCH
   */
  async next(): Promise<TrainingBatch | undefined> {
    await this.renew();
    const order = this.order();
    for (const [index, { rows }] of this.sources.entries()) {
      if (!(await rows.prepare(order.filter((source) => source === index).length))) return undefined;
    }
    const taken = order.map((source) => {
      this.taken[source] += 1;
      return { row: this.sources[source].rows.take(), dataset: this.sources[source].dataset };
    });
    return joinRows(taken);
  }

  /** Keeps the leases; to be called at least every few seconds. */
  async renew(): Promise<void> {
    for (const { rows } of this.sources) await rows.renew();
  }

  /** Acknowledges the shards of which all tokens are used. A checkpoint of this very position must be durable. */
  async settle(): Promise<void> {
    for (const { rows } of this.sources) await rows.settle();
  }

  /** Gives back the shards that are not used up. */
  async close(): Promise<void> {
    for (const { rows } of this.sources) await rows.close();
  }

  /** The source of each sequence of the next batch. */
  private order(): number[] {
    const total = this.sources.reduce((sum, { weight }) => sum + weight, 0);
    const taken = [...this.taken];
    return Array.from({ length: this.batch }, () => {
      const next = taken.reduce((sum, sequences) => sum + sequences, 1);
      const behind = this.sources.map(({ weight }, index) => (weight / total) * next - taken[index]);
      const source = behind.indexOf(Math.max(...behind));
      taken[source] += 1;
      return source;
    });
  }
}

function joinRows(taken: readonly { readonly row: Row; readonly dataset: string }[]): TrainingBatch {
  const join = (part: (row: Row) => Int32Array): Int32Array => {
    const parts = taken.map(({ row }) => part(row));
    const whole = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let filled = 0;
    for (const values of parts) {
      whole.set(values, filled);
      filled += values.length;
    }
    return whole;
  };
  const packed = taken.some(({ row }) => row.layout !== undefined);
  return {
    ids: join(({ ids }) => ids),
    targets: join(({ targets }) => targets),
    ...(packed && {
      layout: {
        documents: join(({ layout }) => (layout as NonNullable<Row['layout']>).documents),
        positions: join(({ layout }) => (layout as NonNullable<Row['layout']>).positions),
      },
    }),
    consumed: mergeRanges(
      taken.flatMap(({ row, dataset }) => row.consumed.map((range) => ({ ...range, dataset }))),
    ),
  };
}

/** Ranges that continue each other as one. */
function mergeRanges<Range extends TokenRange & { readonly dataset: string }>(
  ranges: readonly Range[],
): Range[] {
  const merged: Range[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    const continues =
      last !== undefined &&
      last.dataset === range.dataset &&
      last.shard === range.shard &&
      last.epoch === range.epoch &&
      last.end === range.start;
    if (continues) merged[merged.length - 1] = { ...last, end: range.end };
    else merged.push(range);
  }
  return merged;
}
