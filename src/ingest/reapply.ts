/**
 * Another policy over a dataset that exists: a new dataset, as if its sources had been ingested under that policy, from
 * what is stored. Signals come from the rows of the documents, texts from there where they were kept; the records of
 * other documents that now pass are read again by their places, and nothing else of the crawl is.
 *
 * Invariants: the new dataset has the same documents with the same ordinals; a run that was cut off continues behind its
 * last commit.
 */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { compiledFile } from '../core/paths.js';
import { WorkerPool } from '../core/pool.js';
import { measureForDedup, type DedupMeasures } from '../filters/dedup/measure.js';
import { readSignatures } from '../filters/dedup/signatures.js';
import { applyPolicy, validatePolicy, type Policy } from '../filters/policy.js';
import { SIGNALS } from '../filters/signals/index.js';
import { TextTreatment } from '../filters/text-treatment.js';
import { latestSources, readCommits, type Commit } from '../store/commits.js';
import { acquireWriter } from '../store/lease.js';
import { quoteName, quoteText } from '../store/schema.js';
import { DatasetWriter } from './dataset-writer.js';
import { parseRecord } from './formats/parse.js';
import { layoutOfProgress } from './plan.js';
import type { IngestContext, IngestSummary } from './ingest.js';
import type { MeasuredDocument } from './measure.js';
import { openForReapply, type OpenDataset } from './open.js';
import type { ReadingConfig } from './reading.js';
import { RecordFetcher } from './record-fetcher.js';
import type { Layout, Space } from './records.js';
import type { WindowDocument } from './window.js';
import type { IngestPool, IngestWorkerData } from './worker.js';

/** Texts held between two commits. */
const WINDOW_BYTES = 32_000_000;
/** Documents held between two commits: rows take memory too. */
const WINDOW_DOCUMENTS = 20_000;

/** Deduplication measures of a document that a policy drops: nobody asks for them. */
const NO_MEASURES: DedupMeasures = {
  textHash: null,
  payloadHash: null,
  urlHash: null,
  bands: new BigUint64Array(),
  minhashes: new Uint32Array(),
};

export interface ReapplyOptions {
  /** The dataset that exists, and the one to make. */
  readonly from: string;
  readonly into: string;
  readonly policy: Policy;
  readonly set: Readonly<Record<string, string>>;
  readonly workers: number;
  /** Memory of DuckDB, for example 1GB. */
  readonly memory: string;
}

export interface ReapplySummary extends IngestSummary {
  /** Records that were read again. */
  readonly fetched: number;
}

/**
 * @throws TokenmillError DATASET_NOT_FOUND, DATASET_CORRUPT, CONFIG_MISMATCH, POLICY_INVALID, SOURCE_CHANGED, FILE_NOT_FOUND
 */
export async function reapplyPolicy(
  options: ReapplyOptions,
  context: IngestContext,
): Promise<ReapplySummary> {
  const { workspace, log } = context;
  const source = workspace.dataset(options.from);
  const opened = await openForReapply(workspace, options);
  const commits = await readCommits(source);
  const lease = await acquireWriter(join(workspace.dataset(options.into).folder, 'writer.lock'), {
    what: `dataset ${options.into}`,
    code: 'DATASET_LOCKED',
  });
  const pool: IngestPool = new WorkerPool(compiledFile(import.meta.url, './worker.js'), {
    threads: options.workers,
    workerData: { treatment: opened.treatment, reading: opened.config.reading } satisfies IngestWorkerData,
  });
  let writer: DatasetWriter | undefined;
  try {
    await validatePolicy(opened.connection, opened.policy);
    writer = await DatasetWriter.open({ ...opened, workspace, pool, lease, log });
    const work = new Reapplication(opened, writer, source.folder, commits);
    await work.run(context);
    const { totals } = writer.account;
    return {
      dataset: options.into,
      sources: latestSources(commits).length,
      skipped: 0,
      counts: { ...totals },
      totals: { ...totals },
      commits: writer.commits,
      shards: writer.sealedShards,
      tokenizer: writer.tokenizerName,
      fetched: work.fetched,
    };
  } finally {
    writer?.close();
    await pool.close();
    await opened.close();
    await lease.release();
  }
}

type Row = Readonly<Record<string, unknown>>;

class Reapplication {
  fetched = 0;
  private readonly connection: DuckDBConnection;
  private readonly policy: Policy;
  private readonly writer: DatasetWriter;
  private readonly folder: string;
  private readonly commits: readonly Commit[];
  private readonly treatment: TextTreatment;
  private readonly records: RecordFetcher;
  private readonly reading: ReadingConfig;
  private readonly layouts: ReadonlyMap<string, Layout>;
  private windowBytes = 0;
  private windowDocuments = 0;

  constructor(opened: OpenDataset, writer: DatasetWriter, folder: string, commits: readonly Commit[]) {
    this.connection = opened.connection;
    this.policy = opened.policy;
    this.writer = writer;
    this.folder = folder;
    this.commits = commits;
    this.treatment = new TextTreatment(opened.treatment);
    this.reading = opened.config.reading;
    const sources = latestSources(commits);
    this.records = new RecordFetcher(sources);
    this.layouts = new Map(sources.map((progress) => [progress.source, layoutOfProgress(progress)]));
  }

  async run(context: IngestContext): Promise<void> {
    const { writer, commits } = this;
    const total = commits.at(-1)?.next_ordinal ?? 0;
    if (writer.documentsSeen === total && writer.account.hasSources()) return;
    try {
      for (const commit of commits) {
        if (commit.next_ordinal <= writer.documentsSeen) continue;
        for await (const document of this.documentsOf(commit)) {
          writer.addDocument(document.row, document.text);
          writer.account.add('records');
          writer.account.add('documents');
          this.windowBytes += document.text.length;
          this.windowDocuments += 1;
          context.onProgress?.({
            bytes: writer.documentsSeen,
            totalBytes: total,
            documents: writer.documentsSeen,
            kept: writer.account.totals['kept'] ?? 0,
          });
          if (this.windowBytes < WINDOW_BYTES && this.windowDocuments < WINDOW_DOCUMENTS) continue;
          await writer.commitWindow({ final: false });
          this.windowBytes = 0;
          this.windowDocuments = 0;
          if (context.signal?.aborted === true) {
            throw new TokenmillError('INTERRUPTED', 'interrupted', {
              hint: 'run the same command again to continue',
            });
          }
        }
      }
    } finally {
      await this.records.close();
    }
    this.bookSources();
    await writer.commitWindow({ final: true });
  }

  /** Documents of a commit that the new dataset does not have yet, in order. */
  private async *documentsOf(commit: Commit): AsyncGenerator<{ row: WindowDocument; text: Uint8Array }> {
    const file = commit.files.find(({ kind }) => kind === 'documents');
    if (file === undefined) return;
    const path = quoteText(join(this.folder, file.path));
    const columns = ['ordinal', 'url', 'language', 'language_score', ...SIGNALS.map(({ name }) => name)];
    await this.connection.run(
      `CREATE OR REPLACE TEMP TABLE reapplied AS SELECT ${columns.map(quoteName).join(', ')} FROM read_parquet(${path})`,
    );
    await applyPolicy(this.connection, this.policy, {
      signalsTable: 'reapplied',
      verdictsTable: 'reapplied_verdicts',
    });
    const signatures = await this.signaturesOf(commit);
    const first = this.writer.documentsSeen;
    const result = await this.connection.stream(
      `SELECT d.*, v.verdict = 'keep' AS passes FROM read_parquet(${path}) d JOIN reapplied_verdicts v USING (ordinal)
       WHERE d.ordinal >= ${first} ORDER BY d.ordinal`,
    );
    for await (const rows of result.yieldRowObjects())
      for (const row of rows) yield this.document(row, signatures);
  }

  private async signaturesOf(commit: Commit): Promise<Map<number, DedupMeasures>> {
    const signatures = new Map<number, DedupMeasures>();
    const file = commit.files.find(({ kind }) => kind === 'signatures');
    if (file === undefined) return signatures;
    for await (const documents of readSignatures(this.connection, join(this.folder, file.path), 0)) {
      for (const { ordinal, id: _, ...measures } of documents) signatures.set(ordinal, measures);
    }
    return signatures;
  }

  private async document(
    row: Row,
    signatures: ReadonlyMap<number, DedupMeasures>,
  ): Promise<{ row: WindowDocument; text: Uint8Array }> {
    const place = {
      source: row['source'] as string,
      space: row['space'] as Space,
      offset: Number(row['offset']),
      length: Number(row['length']),
    };
    let dedup = signatures.get(Number(row['ordinal']));
    let text: Uint8Array = new Uint8Array();
    if (row['passes'] === true) {
      const stored = row['text'] as string | null;
      if (stored !== null && dedup !== undefined) text = Buffer.from(stored);
      else {
        const parsed = await this.parse(place);
        const treated = this.treatment.apply(parsed.text);
        text = Buffer.from(treated);
        dedup ??= measureForDedup({ ...parsed, text: treated }, this.writer.dedup);
      }
    }
    const measured: MeasuredDocument = {
      kind: 'document',
      ...(Object.fromEntries(
        ['url', 'date', 'title', 'mime', 'charset'].map((name) => [name, row[name]]),
      ) as Pick<MeasuredDocument, 'url' | 'date' | 'title' | 'mime' | 'charset'>),
      declaredLanguage: row['declared_language'] as string | null,
      page: {
        author: row['author'] as string | null,
        published: row['published'] as string | null,
        canonicalUrl: row['canonical_url'] as string | null,
        siteName: row['site_name'] as string | null,
        robots: row['robots'] as string | null,
      },
      language: row['language'] as string,
      languageScore: row['language_score'] as number,
      textHash: row['text_hash'] as string,
      signals: SIGNALS.map(({ name, type }) =>
        type === 'BIGINT' ? Number(row[name]) : (row[name] as number | string | boolean),
      ),
      dedup: dedup ?? NO_MEASURES,
    };
    const document: WindowDocument = {
      ordinal: this.writer.takeOrdinal(),
      id: row['document_id'] as string,
      ...place,
      measured,
    };
    return { row: document, text };
  }

  private async parse(place: {
    source: string;
    space: Space;
    offset: number;
    length: number;
  }): Promise<{ text: string; url: string | null; payloadDigest?: string | null }> {
    this.fetched += 1;
    const bytes = await this.records.fetch(place);
    const layout = this.layouts.get(place.source) as Layout;
    const parsed = parseRecord(layout.format, bytes, { ...layout, reading: this.reading });
    if (parsed.kind === 'document') return parsed;
    throw new TokenmillError('SOURCE_CHANGED', `${place.source} has no document any more where one was`, {
      place: { file: place.source, offset: place.offset },
      hint: 'sources must stay as they were when they were read',
    });
  }

  /** What the dataset knows of its sources, and of records that are no documents. */
  private bookSources(): void {
    const { account } = this.writer;
    for (const progress of latestSources(this.commits)) account.adopt(progress);
    const totals = this.commits.at(-1)?.totals ?? {};
    for (const [name, value] of Object.entries(totals)) {
      if (/^(non_document|bad)/.test(name)) account.add(name, value);
      else if (name === 'records') account.add(name, value - (totals['documents'] ?? 0));
    }
    for (const note of this.commits.flatMap((commit) => commit.bad_records)) account.note(note);
  }
}
