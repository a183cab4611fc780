/**
 * Cuts the stream of kept documents into token shards.
 *
 * Invariant: where a shard ends depends on the documents alone, never on windows or commits: a shard is sealed
 * with the document that brings it to `shardTokens` or beyond, so shards overshoot by at most one document.
 * The unfinished rest, the tail, lives in memory and, at each commit, in a pending file that the commit names.
 */
import { join } from 'node:path';
import type { CommittedFile, PendingFile } from '../store/commits.js';
import { readShard, shardTokens, writeShard, type ShardMetadata, type ShardTokens } from '../store/shards.js';
import type { Split } from './document.js';

export interface ShardBuilderOptions {
  readonly folder: string;
  readonly split: Split;
  readonly dataset: string;
  readonly shardTokens: number;
  readonly tokenizerSha256: string;
  readonly vocabSize: number;
  readonly endOfTextId: number;
  /** Shards of this split that were sealed before. */
  readonly sealed: number;
}

export class ShardBuilder {
  private readonly options: ShardBuilderOptions;
  private sealed: number;
  private ids: string[] = [];
  private parts: ShardTokens[] = [];
  private tokens = 0;

  constructor(options: ShardBuilderOptions) {
    this.options = options;
    this.sealed = options.sealed;
  }

  /** Takes the tail that an earlier run left in a pending file. */
  async restore(path: string): Promise<void> {
    const shard = await readShard(path);
    for (let row = 0; row < shard.rows; row++) {
      this.append(shard.documentId(row), shard.tokens.subarray(shard.offsets[row], shard.offsets[row + 1]));
    }
  }

  private append(id: string, tokens: Uint16Array | Uint32Array): void {
    this.ids.push(id);
    // A copy: the tail of a split that gets few documents would hold the tokens of all documents around them for ever.
    this.parts.push(tokens.slice());
    this.tokens += tokens.length;
  }

  /** Adds a document, its end-of-text included. Returns the shard's file if that sealed one. */
  async add(id: string, tokens: ShardTokens): Promise<CommittedFile | undefined> {
    this.append(id, tokens);
    return this.tokens >= this.options.shardTokens ? this.seal() : undefined;
  }

  /** Ends the current shard, full or not; undefined where it is empty. */
  async seal(): Promise<CommittedFile | undefined> {
    if (this.ids.length === 0) return undefined;
    const name = `${this.options.split}-${String(this.sealed + 1).padStart(6, '0')}.arrow`;
    const file = await this.write(name);
    this.sealed += 1;
    this.ids = [];
    this.parts = [];
    this.tokens = 0;
    return { kind: 'shard', ...file };
  }

  /** Writes the tail for the commit `sequence`; undefined where it is empty. */
  async writePending(sequence: number): Promise<PendingFile | undefined> {
    if (this.ids.length === 0) return undefined;
    return this.write(`pending-${this.options.split}-${String(sequence).padStart(9, '0')}.arrow`);
  }

  private async write(name: string): Promise<PendingFile> {
    const { folder, split, dataset, tokenizerSha256, vocabSize, endOfTextId } = this.options;
    const offsets = new Int32Array(this.ids.length + 1);
    const tokens = shardTokens(vocabSize, this.tokens);
    let offset = 0;
    this.parts.forEach((part, row) => {
      tokens.set(part, offset);
      offset += part.length;
      offsets[row + 1] = offset;
    });
    const metadata: ShardMetadata = {
      dataset,
      split,
      tokenizerSha256,
      vocabSize,
      endOfTextId,
      tokenCount: this.tokens,
    };
    const { bytes, sha256 } = await writeShard(join(folder, name), {
      documentIds: this.ids,
      offsets,
      tokens,
      metadata,
    });
    return { path: `shards/${name}`, split, rows: this.ids.length, tokens: this.tokens, bytes, sha256 };
  }
}
