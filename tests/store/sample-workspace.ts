/** A small workspace as ingest and trainer leave one, written by hand: dataset `crawl` of two commits, and run `first`. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendCommit, type CommittedFile } from '../../src/store/commits.js';
import { openDatabase } from '../../src/store/database.js';
import { Queue } from '../../src/store/queue.js';
import { Workspace } from '../../src/store/workspace.js';
import { emptyCommit, HASH } from './support.js';

const POLICY = `SELECT ordinal, drop_if(word_count < 3, word_count) AS too_few_words,
  drop_if(word_count > 99, word_count) AS too_many_words FROM signals;`;

/** How many of the ordinals from `from` on, below `to`, are `residue` more than a multiple of four. */
function residues(from: number, to: number, residue: number): number {
  const below = (end: number): number => Math.ceil((end - residue) / 4);
  return below(to) - below(from);
}

/** Documents of one commit: half kept, with the tokens ordinal + 1; the rest too short or copies of the first. */
function documents(from: number, to: number): string {
  return `SELECT i AS ordinal, 'doc' || i AS document_id, 's.warc' AS "source", i * 100 AS "offset", 90::BIGINT AS length,
    'file' AS space, 'https://' || (CASE WHEN i % 4 = 0 THEN 'a' ELSE 'b' END) || '.example/' || i AS url, NULL::VARCHAR AS date,
    NULL::VARCHAR AS title, NULL::VARCHAR AS author, NULL::VARCHAR AS published, NULL::VARCHAR AS site_name,
    NULL::VARCHAR AS canonical_url, NULL::VARCHAR AS robots, 'text/html' AS mime, 'utf-8' AS charset, NULL::VARCHAR AS declared_language, CASE WHEN i % 5 = 0 THEN 'de' ELSE 'en' END AS "language",
    0.9::DOUBLE AS language_score, md5(i::VARCHAR) AS text_hash, CASE WHEN i % 2 = 0 THEN 'keep' ELSE 'drop' END AS verdict,
    CASE WHEN i % 4 = 1 THEN 'too_few_words' WHEN i % 4 = 3 THEN 'near_duplicate' END AS reason,
    CASE WHEN i % 4 = 1 THEN i::DOUBLE END AS measured, CASE WHEN i % 4 = 3 THEN 'doc0' END AS duplicate_of,
    CASE WHEN i % 4 = 3 THEN 0.9 END::DOUBLE AS jaccard, CASE WHEN i % 2 = 0 THEN 'train' END AS split,
    CASE WHEN i % 2 = 0 THEN i + 1 END::BIGINT AS tokens, CASE WHEN i % 2 = 0 THEN 'text of ' || i END AS "text",
    (i * 7 % 50)::BIGINT AS word_count FROM range(${from}, ${to}) r(i)`;
}

/** Adds a commit of the documents `from` up to `to`. */
export async function commitDocuments(
  workspace: Workspace,
  sequence: number,
  from: number,
  to: number,
): Promise<void> {
  const paths = workspace.dataset('crawl');
  const path = `documents/${String(sequence).padStart(9, '0')}.parquet`;
  const file = join(paths.folder, path);
  const database = await openDatabase({ threads: 1 });
  try {
    const copy = `COPY (${documents(from, to)}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`;
    await database.connection.run(copy);
  } finally {
    database.close();
  }
  const shard = `shards/train-${String(sequence).padStart(6, '0')}.arrow`;
  const files: CommittedFile[] = [
    { kind: 'documents', path, rows: to - from, bytes: (await stat(file)).size, sha256: HASH },
    { kind: 'shard', path: shard, rows: 10, bytes: 99, sha256: HASH, split: 'train', tokens: 100 },
  ];
  await appendCommit(paths, {
    ...emptyCommit('crawl', sequence),
    files,
    sources: [
      {
        source: 's.warc',
        location: 's.warc',
        size: 1_000_000,
        modified_ms: 1,
        format: 'warc',
        position: null,
        finished: false,
        records: to,
        documents: to,
        non_documents: 0,
        bad: 0,
      },
    ],
    counts: {
      records: to - from,
      documents: to - from,
      kept: residues(from, to, 0) + residues(from, to, 2),
      dropped: residues(from, to, 1) + residues(from, to, 3),
      'dropped.too_few_words': residues(from, to, 1),
      'dropped.near_duplicate': residues(from, to, 3),
      // The first n odd numbers have the sum n².
      tokens: Math.ceil(to / 2) ** 2 - Math.ceil(from / 2) ** 2,
    },
    totals: { records: to },
    next_ordinal: to,
  });
}

export async function sampleWorkspace(root: string): Promise<Workspace> {
  const workspace = new Workspace(root);
  const paths = await workspace.createDataset('crawl', {
    policy: { sql: POLICY },
  });
  await commitDocuments(workspace, 1, 0, 60);
  await commitDocuments(workspace, 2, 60, 100);
  const queue = new Queue(paths.queue);
  await queue.init();
  await queue.enqueue({
    name: 'train-000001',
    shard: 'shards/train-000001.arrow',
    split: 'train',
    tokens: 100,
    sha256: HASH,
  });
  const run = join(workspace.models, 'first');
  await mkdir(run, { recursive: true });
  const steps = [1, 2, 3, 4].map((step) =>
    JSON.stringify({
      run: 'first',
      step,
      loss: 5 - step,
      learning_rate: 0.1,
      tokens: step * 64,
      tokens_per_second: 9,
    }),
  );
  await writeFile(join(run, 'metrics.jsonl'), `${steps.join('\n')}\n`);
  const ranges = [
    [1, 'train-000001', 0, 60],
    [2, 'train-000001', 60, 40],
    [2, 'train-000002', 0, 20],
    [3, 'train-000002', 10, 60],
  ].map(([step, shard, from, tokens]) =>
    JSON.stringify({ step, dataset: 'crawl', shard, epoch: 1, first_token: from, tokens }),
  );
  await writeFile(join(run, 'consumed.jsonl'), `${ranges.join('\n')}\n`);
  return workspace;
}
