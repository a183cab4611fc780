import { mkdtemp, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/log.js';
import { ingest, type IngestSummary } from '../../src/ingest/ingest.js';
import { ingestOptionsSchema } from '../../src/ingest/options.js';
import { expandInputs } from '../../src/ingest/sources/expand.js';
import { acquireWriter } from '../../src/store/lease.js';
import { Queue } from '../../src/store/queue.js';
import { readShard } from '../../src/store/shards.js';
import { Workspace } from '../../src/store/workspace.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { generateDocuments, toJsonl, type GeneratedDocument } from '../support/corpus.js';
import { decisions, rows, shardHashes } from '../support/dataset.js';
import { makeTokenizer } from '../support/tokenizer.js';

let folder: string;
let inputs: string[];
let documents: GeneratedDocument[];
/** Exists beforehand, so that windows commit one by one from the first. */
let tokenizer: string;
/** Workspaces that no test changes: with a tokenizer of its own; with `tokenizer`, in one window, by one worker. */
let trainedWorkspace: string;
let trainedSummary: IngestSummary;
let whole: string;
let wholeSummary: IngestSummary;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-pipeline-'));
  tokenizer = await makeTokenizer(join(folder, 'small'));
  documents = generateDocuments(1, 600);
  inputs = [join(folder, 'a.jsonl'), join(folder, 'b.jsonl.gz')];
  await writeFile(inputs[0], toJsonl(documents.slice(0, 350)));
  await writeFile(inputs[1], gzipSync(toJsonl(documents.slice(350))));
  trainedWorkspace = await newWorkspace();
  trainedSummary = await run(trainedWorkspace, { workers: 2 });
  whole = await newWorkspace();
  wholeSummary = await run(whole, { window: 1e9, tokenizer });
});

const newWorkspace = (): Promise<string> => mkdtemp(join(folder, 'workspace-'));

async function run(
  workspace: string,
  settings: Record<string, unknown> = {},
  more: { inputs?: string[]; signal?: AbortSignal; onProgress?: () => void } = {},
): Promise<IngestSummary> {
  const options = ingestOptionsSchema.parse({
    dataset: 'd',
    tokenizer: 'train:512',
    shardTokens: 20_000,
    workers: 1,
    ...settings,
  });
  const { sources } = await expandInputs(more.inputs ?? inputs);
  return ingest(sources, options, {
    workspace: new Workspace(workspace),
    log: silentLog,
    signal: more.signal,
    onProgress: more.onProgress,
  });
}

describe('ingest', () => {
  it('accounts for every document and decides as the corpus was made', async () => {
    const { counts, totals } = trainedSummary;
    const made = (kind: GeneratedDocument['kind']): number =>
      documents.filter((document) => document.kind === kind).length;
    expect(counts).toMatchObject({
      records: 600,
      documents: 600,
      kept: made('fresh'),
      'dropped.too_few_words': made('short'),
      'dropped.exact_duplicate': made('exact'),
      'dropped.near_duplicate': made('near'),
    });
    expect(counts).toEqual(totals);
    const decided = await decisions(trainedWorkspace);
    expect(decided.map(({ ordinal }) => ordinal)).toEqual(documents.map((_, index) => index));
    expect(new Set(decided.map(({ document_id }) => document_id)).size).toBe(600);
  });

  it('writes shards that hold each kept document once, in order, with the tokens of its text', async () => {
    const workspace = trainedWorkspace;
    const paths = new Workspace(workspace).dataset('d');
    const trained = await loadTokenizer(join(workspace, 'tokenizers', 'd-512'));
    for (const split of ['train', 'valid']) {
      const kept = await rows(
        workspace,
        `SELECT document_id, text, tokens FROM documents WHERE split = '${split}' ORDER BY ordinal`,
      );
      const shards = await rows(
        workspace,
        `SELECT path, tokens FROM shards WHERE split = '${split}' ORDER BY path`,
      );
      let row = 0;
      for (const { path, tokens } of shards) {
        const shard = await readShard(join(paths.folder, path as string));
        expect(shard.tokens.length).toBe(tokens);
        expect(shard.metadata).toMatchObject({
          dataset: 'd',
          split,
          vocabSize: 512,
          tokenizerSha256: trained.sha256,
        });
        for (let i = 0; i < shard.rows; i++, row++) {
          const ids = shard.tokens.subarray(shard.offsets[i], shard.offsets[i + 1]);
          expect(shard.documentId(i)).toBe(kept[row]['document_id']);
          expect(ids.length).toBe(kept[row]['tokens']);
          expect(ids[ids.length - 1]).toBe(trained.endOfTextId);
          expect(trained.decodeText(Uint32Array.from(ids.subarray(0, -1)))).toBe(kept[row]['text']);
        }
      }
      expect(row).toBe(kept.length);
      // All but the last shard reach the size, and only with their last document.
      const sizes = shards.map(({ tokens }) => tokens as number);
      expect(sizes.slice(0, -1).every((size) => size >= 20_000 && size < 21_000)).toBe(true);
    }
  });

  it('puts every train shard into the queue once', async () => {
    const workspace = trainedWorkspace;
    const queue = new Queue(new Workspace(workspace).dataset('d').queue);
    const train = await rows(workspace, `SELECT name FROM shards WHERE split = 'train' ORDER BY name`);
    expect((await queue.list()).map(({ name, state }) => [name, state])).toEqual(
      train.map(({ name }) => [name, 'ready']),
    );
    expect(train.length).toBeGreaterThan(2);
  });

  it('gives byte-identical shards and equal verdicts for any number of workers and any window', async () => {
    expect(wholeSummary.commits).toBe(1);
    const shards = await shardHashes(whole, 'd');
    const decided = await decisions(whole);
    for (const [workers, window] of [
      [2, 1e9],
      [1, 50_000],
      [2, 50_000],
      [3, 1],
    ]) {
      const other = await newWorkspace();
      const summary = await run(other, { workers, window, tokenizer });
      if (window < 1e9) expect(summary.commits).toBeGreaterThan(2);
      expect(await shardHashes(other, 'd')).toEqual(shards);
      expect(await decisions(other)).toEqual(decided);
    }
  });

  it('continues a dataset: a later ingest sees the duplicates of an earlier one, and skips what was read', async () => {
    const parts = await newWorkspace();
    await run(parts, { tokenizer }, { inputs: [inputs[0]] });
    const summary = await run(parts, { tokenizer });
    expect(summary).toMatchObject({ sources: 1, skipped: 1, counts: { records: 250 } });
    expect(await decisions(parts)).toEqual(await decisions(whole));
    expect(await run(parts, { tokenizer })).toMatchObject({ sources: 0, skipped: 2, commits: 0 });
  });

  it('stops at a commit when it is interrupted, and ends identical when it is run again', async () => {
    const cut = await newWorkspace();
    const controller = new AbortController();
    let calls = 0;
    const onProgress = (): void => {
      calls += 1;
      if (calls === 2) controller.abort();
    };
    await expect(
      run(cut, { tokenizer, window: 1 }, { signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const committed = await rows(cut, 'SELECT count(*) AS n FROM documents');
    expect(committed[0]['n']).toBeGreaterThan(0);
    expect(committed[0]['n']).toBeLessThan(600);
    await run(cut, { tokenizer });
    expect(await decisions(cut)).toEqual(await decisions(whole));
    expect(await shardHashes(cut, 'd')).toEqual(await shardHashes(whole, 'd'));
  });

  it('tells what does not fit an existing dataset', async () => {
    const workspace = whole;
    await expect(run(workspace, { tokenizer: 'train:600' })).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
      message: expect.stringContaining(`--tokenizer ${tokenizer}, not train:600`) as string,
    });
    await expect(run(workspace, { tokenizer, policy: 'keep-all' })).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
    });
    await expect(
      run(workspace, { tokenizer, policy: 'gopher', set: { min_words: '51' } }),
    ).rejects.toMatchObject({ code: 'CONFIG_MISMATCH' });
  });

  it('refuses a source that changed, and a bad tokenizer size, before anything is written', async () => {
    const workspace = await newWorkspace();
    const source = join(workspace, 'x.jsonl');
    await writeFile(source, toJsonl(documents.slice(0, 5)));
    await run(workspace, { tokenizer }, { inputs: [source] });
    await utimes(source, 1, 1);
    expect(await run(workspace, { tokenizer }, { inputs: [source] })).toMatchObject({ skipped: 1 });
    await writeFile(source, toJsonl(documents.slice(0, 6)));
    await expect(run(workspace, { tokenizer }, { inputs: [source] })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
    await expect(run(workspace, { dataset: 'other', tokenizer: 'train:12' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    expect(await new Workspace(workspace).listDatasets()).toEqual(['d']);
  });

  it('has one writer a dataset', async () => {
    const workspace = await newWorkspace();
    await run(workspace, { tokenizer }, { inputs: [inputs[0]] });
    const lease = await acquireWriter(new Workspace(workspace).dataset('d').lock, {
      what: 'dataset d',
      code: 'DATASET_LOCKED',
    });
    await expect(run(workspace, { tokenizer })).rejects.toMatchObject({
      code: 'DATASET_LOCKED',
      message: expect.stringContaining(String(process.pid)) as string,
    });
    await lease.release();
    expect((await run(workspace, { tokenizer })).counts['records']).toBe(250);
  });
});
