/**
 * The writing end of a dataset: collects the documents of a window, has them decided and tokenized, and commits.
 *
 * While the dataset's own tokenizer waits for its sample (`train:SIZE`), windows are decided but not committed, so
 * that a commit always has the tokens of its documents; memory then holds the sample's texts at most.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { publishFile, temporaryPath } from '../core/files.js';
import { sha256File } from '../core/hash.js';
import type { Log } from '../core/log.js';
import { DedupIndex } from '../filters/dedup/dedup-index.js';
import type { DedupConfig } from '../filters/dedup/settings.js';
import { readSignatures } from '../filters/dedup/signatures.js';
import type { Policy } from '../filters/policy.js';
import {
  appendCommit,
  committedFiles,
  readCommits,
  removeUncommitted,
  type Commit,
  type CommittedFile,
  type PendingFile,
} from '../store/commits.js';
import type { WriterLease } from '../store/lease.js';
import { Queue } from '../store/queue.js';
import type { DatasetPaths, Workspace } from '../store/workspace.js';
import { Account } from './account.js';
import {
  adoptTokenizer,
  committedTokenizer,
  trainDatasetTokenizer,
  trainingSize,
  TRAINING_SAMPLE_BYTES,
  type DatasetTokenizer,
} from './dataset-tokenizer.js';
import { DecidedDocuments, type DecidedBatch } from './decided.js';
import { splitOf, type Split } from './document.js';
import type { DatasetConfig } from './options.js';
import { ShardBuilder } from './shard-builder.js';
import { WindowStore, type Outcome, type WindowDocument } from './window.js';
import type { IngestPool, TokenizeResult, TokenizeTask } from './worker.js';

export interface WriterContext {
  readonly workspace: Workspace;
  readonly config: DatasetConfig;
  readonly policy: Policy;
  readonly connection: DuckDBConnection;
  readonly pool: IngestPool;
  readonly lease: WriterLease;
  readonly log: Log;
}

export class DatasetWriter {
  readonly account: Account;
  commits = 0;
  sealedShards = 0;
  private readonly context: WriterContext;
  private readonly paths: DatasetPaths;
  private readonly window: WindowStore;
  private readonly index: DedupIndex;
  private readonly queue: Queue;
  private sequence: number;
  private nextOrdinal: number;
  private documents: WindowDocument[] = [];
  private texts = new Map<number, Uint8Array>();
  private readonly decided = new DecidedDocuments();
  private tokenizer: DatasetTokenizer | undefined;
  private builders: Record<Split, ShardBuilder> | undefined;
  /** Tails as of the last commit. */
  private pending: readonly PendingFile[];
  private readonly sealedBefore: Record<Split, number>;
  private newFiles: CommittedFile[] = [];

  static async open(context: WriterContext): Promise<DatasetWriter> {
    const paths = context.workspace.dataset(context.config.dataset);
    const commits = await readCommits(paths);
    await removeUncommitted(paths, commits);
    const queue = new Queue(paths.queue);
    await queue.init();
    const files = committedFiles(commits);
    const index = await openIndex(context, paths, files);
    const window = await WindowStore.create(context.connection, context.policy, index);
    const writer = new DatasetWriter(context, paths, commits, files, window, index, queue);
    // A crash between a commit and its entries in the queue is repaired here.
    await writer.enqueue(files);
    await writer.openTokenizer(commits.at(-1)?.tokenizer ?? null);
    return writer;
  }

  private constructor(
    context: WriterContext,
    paths: DatasetPaths,
    commits: readonly Commit[],
    files: readonly CommittedFile[],
    window: WindowStore,
    index: DedupIndex,
    queue: Queue,
  ) {
    const last = commits.at(-1);
    this.context = context;
    this.paths = paths;
    this.window = window;
    this.index = index;
    this.queue = queue;
    this.sequence = commits.length;
    this.nextOrdinal = last?.next_ordinal ?? 0;
    this.pending = last?.pending ?? [];
    const sealed = (split: Split): number =>
      files.filter((file) => file.kind === 'shard' && file.split === split).length;
    this.sealedBefore = { train: sealed('train'), valid: sealed('valid') };
    this.account = new Account(
      last?.totals ?? {},
      commits.flatMap((commit) => commit.sources),
    );
  }

  get tokenizerName(): string | null {
    return this.tokenizer?.name ?? null;
  }

  get dedup(): DedupConfig {
    return this.context.config.dedup;
  }

  close(): void {
    this.index.close();
  }

  /** Documents that were committed or added. */
  get documentsSeen(): number {
    return this.nextOrdinal;
  }

  takeOrdinal(): number {
    return this.nextOrdinal++;
  }

  /** Adds a document to the window. `text` is UTF-8 and must stay unchanged. */
  addDocument(document: WindowDocument, text: Uint8Array): void {
    this.documents.push(document);
    this.texts.set(document.ordinal, text);
  }

  /**
   * Decides about the window's documents and commits them. `final` ends the ingest: shards are sealed, and a
   * tokenizer that waits for its sample learns from what there is.
   */
  async commitWindow({ final }: { final: boolean }): Promise<void> {
    await this.decide();
    if (this.tokenizer === undefined) {
      const size = trainingSize(this.context.config.tokenizer) as number;
      if (this.decided.bytes < TRAINING_SAMPLE_BYTES && !final) return;
      if (this.decided.kept > 0) {
        this.context.log(`training a tokenizer of ${size} tokens on ${this.decided.kept} documents`);
        const { workspace, config } = this.context;
        await this.useTokenizer(await trainDatasetTokenizer(workspace, config.dataset, size, this.sample()));
      }
    }
    await this.tokenize();
    await this.commit(final);
  }

  private async openTokenizer(committed: Commit['tokenizer']): Promise<void> {
    const { workspace, config } = this.context;
    if (committed !== null) {
      await this.useTokenizer(await committedTokenizer(workspace, committed.name, committed.sha256));
    } else if (trainingSize(config.tokenizer) === undefined) {
      await this.useTokenizer(await adoptTokenizer(workspace, config.tokenizer));
    }
  }

  private async useTokenizer(tokenizer: DatasetTokenizer): Promise<void> {
    const { config } = this.context;
    const builder = (split: Split): ShardBuilder =>
      new ShardBuilder({
        folder: this.paths.shards,
        split,
        dataset: config.dataset,
        shardTokens: config.shard_tokens,
        tokenizerSha256: tokenizer.tokenizer.sha256,
        vocabSize: tokenizer.tokenizer.vocabSize,
        endOfTextId: tokenizer.endOfTextId,
        sealed: this.sealedBefore[split],
      });
    this.tokenizer = tokenizer;
    this.builders = { train: builder('train'), valid: builder('valid') };
    for (const { split, path } of this.pending) {
      await this.builders[split].restore(join(this.paths.folder, path));
    }
  }

  private async decide(): Promise<void> {
    if (this.documents.length === 0) return;
    const decisions = await this.window.decide(this.documents);
    for (const { verdict, reason } of decisions) {
      this.account.add(verdict === 'keep' ? 'kept' : 'dropped');
      if (reason !== null) this.account.add(`dropped.${reason}`);
    }
    this.decided.add(decisions, (ordinal) => this.texts.get(ordinal) as Uint8Array);
    this.documents = [];
    this.texts.clear();
  }

  /** The first documents whose texts fill the sample; where a window ended does not matter. */
  private *sample(): Generator<Uint8Array> {
    let bytes = 0;
    for (const text of this.decided.texts()) {
      if (bytes >= TRAINING_SAMPLE_BYTES) return;
      bytes += text.length;
      yield text;
    }
  }

  private async tokenize(): Promise<void> {
    const { tokenizer, context } = this;
    const batches = this.decided.take();
    if (tokenizer === undefined) {
      // Nothing was kept that it could have learned from.
      for (const batch of batches) await this.addOutcomes(batch, undefined);
      return;
    }
    const { folder, endOfTextId } = tokenizer;
    const tasks = batches.map(({ texts, ends }): TokenizeTask => {
      return { kind: 'tokenize', tokenizer: folder, endOfTextId, texts, ends };
    });
    let next = 0;
    for await (const result of context.pool.map(tasks, ({ texts, ends }) => [texts.buffer, ends.buffer])) {
      await this.addOutcomes(batches[next++], result as TokenizeResult);
    }
  }

  /** What became of a batch of documents: tokens go to the shards, rows to the window. */
  private async addOutcomes(
    { decisions }: DecidedBatch,
    tokenized: TokenizeResult | undefined,
  ): Promise<void> {
    const { account, builders, context } = this;
    const outcomes: Outcome[] = [];
    let row = 0;
    for (const decision of decisions) {
      if (decision.verdict === 'drop' || tokenized === undefined || builders === undefined) {
        outcomes.push({ ...decision, split: null, tokens: null, text: null });
        continue;
      }
      const { id } = decision;
      const [start, textStart] = row === 0 ? [0, 0] : [tokenized.ends[row - 1], tokenized.textEnds[row - 1]];
      const tokens = tokenized.tokens.subarray(start, tokenized.ends[row]);
      const text = tokenized.texts.subarray(textStart, tokenized.textEnds[row]);
      row += 1;
      const split = splitOf(id, context.config.valid_fraction);
      outcomes.push({ ...decision, split, tokens: tokens.length, text });
      account.add('tokens', tokens.length);
      account.add(`tokens.${split}`, tokens.length);
      account.add('kept_bytes', text.length);
      const sealed = await builders[split].add(id, tokens);
      if (sealed !== undefined) this.newFiles.push(sealed);
    }
    await this.window.addOutcomes(outcomes);
  }

  private async commit(final: boolean): Promise<void> {
    const { account, builders } = this;
    const pending: PendingFile[] = [];
    for (const split of ['train', 'valid'] as const) {
      const file = final
        ? await builders?.[split].seal()
        : await builders?.[split].writePending(this.sequence + 1);
      if (file === undefined) continue;
      if ('kind' in file) this.newFiles.push(file);
      else pending.push(file);
    }
    if (!account.hasChanges() && this.newFiles.length === 0) return;
    const sequence = this.sequence + 1;
    const documents = account.counts['documents'] ?? 0;
    if (documents > 0) {
      const name = `${String(sequence).padStart(9, '0')}.parquet`;
      await this.addFile('documents', `documents/${name}`, documents, (path) =>
        this.window.writeDocuments(path),
      );
      await this.addFile('signatures', `signatures/${name}`, await this.window.countPassing(), (path) =>
        this.window.writeSignatures(path),
      );
    }
    await this.context.lease.assertHeld();
    const shards = this.newFiles.filter(({ kind }) => kind === 'shard');
    await appendCommit(this.paths, {
      version: 1,
      sequence,
      dataset: this.context.config.dataset,
      files: this.newFiles,
      pending,
      sources: account.changedSources(),
      bad_records: account.badNotes,
      counts: account.counts,
      totals: account.totals,
      next_ordinal: this.nextOrdinal,
      tokenizer:
        this.tokenizer === undefined
          ? null
          : { name: this.tokenizer.name, sha256: this.tokenizer.tokenizer.sha256 },
    });
    await this.enqueue(shards);
    for (const { path } of this.pending) await rm(join(this.paths.folder, path), { force: true });
    this.pending = pending;
    await this.window.clear();
    account.settle();
    this.newFiles = [];
    this.sequence = sequence;
    this.commits += 1;
    this.sealedShards += shards.length;
    await (final ? this.index.flush() : this.index.settle());
  }

  private async addFile(
    kind: 'documents' | 'signatures',
    path: string,
    rows: number,
    write: (path: string) => Promise<void>,
  ): Promise<void> {
    const target = join(this.paths.folder, path);
    const temporary = temporaryPath(target);
    await write(temporary);
    await publishFile(temporary, target);
    this.newFiles.push({
      kind,
      path,
      rows,
      bytes: (await stat(target)).size,
      sha256: await sha256File(target),
    });
  }

  private async enqueue(files: readonly CommittedFile[]): Promise<void> {
    const shards = files.filter(({ kind, split }) => kind === 'shard' && split === 'train');
    await this.queue.enqueue(
      ...shards.map(({ path, tokens = 0, sha256 }) => {
        const name = path.replace(/^shards\//, '').replace(/\.arrow$/, '');
        return { name, shard: path, split: 'train' as const, tokens, sha256 };
      }),
    );
  }
}

/** The index of the dataset with all documents of its commits: those that it does not have come from signature files. */
async function openIndex(
  { config, connection }: WriterContext,
  paths: DatasetPaths,
  files: readonly CommittedFile[],
): Promise<DedupIndex> {
  const { minhash, verify } = config.dedup;
  const signatures = files.filter(({ kind }) => kind === 'signatures');
  const index = await DedupIndex.open({
    folder: paths.index,
    permutations: minhash.bands * minhash.rows,
    verify: verify ?? undefined,
    documents: signatures.reduce((sum, { rows }) => sum + rows, 0),
  });
  let start = 0;
  for (const { path, rows } of signatures) {
    const skip = index.covered - start;
    if (skip < rows) {
      for await (const documents of readSignatures(connection, join(paths.folder, path), Math.max(0, skip))) {
        index.load(documents);
        await index.settle();
      }
    }
    start += rows;
  }
  return index;
}
