/** What the loader gives to a step. */

import type { PackedDocuments } from '../programs/forward.js';

export interface Batch {
  /** batch * context token ids, row by row. */
  readonly ids: Int32Array;
  /** The token that follows each of `ids`; -100 where there is none. */
  readonly targets: Int32Array;
  /** Where documents are packed, so that attention does not cross from one to the next. */
  readonly layout?: PackedDocuments;
}

/** Tokens start to end (exclusive) of a shard. */
export interface TokenRange {
  /** The shard's name in the queue. */
  readonly shard: string;
  /** How many times the run reads these tokens with this one. */
  readonly epoch: number;
  readonly start: number;
  readonly end: number;
}

/** A batch for training, and which tokens of which shards it consists of. */
export interface TrainingBatch extends Batch {
  readonly consumed: readonly (TokenRange & { readonly dataset: string })[];
}

/** One sequence: `context` ids and what follows each. */
export interface Row extends Batch {
  readonly consumed: readonly TokenRange[];
}
