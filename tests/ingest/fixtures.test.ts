/** The bundled crawl through the whole pipeline, held against what its generator says of every record. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Expected, ExpectedRecord } from '../../fixtures/generator/expected.js';
import { silentLog } from '../../src/core/log.js';
import { ingest, type IngestSummary } from '../../src/ingest/ingest.js';
import { readRecordAt } from '../../src/ingest/formats/record-at.js';
import { ingestOptionsSchema } from '../../src/ingest/options.js';
import { expandInputs } from '../../src/ingest/sources/expand.js';
import { Workspace } from '../../src/store/workspace.js';
import { rows } from '../support/dataset.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

let expected: Expected;
let summary: IngestSummary;
let workspace: string;
let documents: Record<string, unknown>[];

const placeOf = (record: { source: unknown; offset: unknown }): string =>
  `${String(record.source)} at ${String(record.offset)}`;

beforeAll(async () => {
  expected = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8')) as Expected;
  workspace = await mkdtemp(join(tmpdir(), 'tokenmill-fixtures-'));
  const root = join(FIXTURES, 'crawl');
  const { sources } = await expandInputs([root]);
  const named = sources.map((source) => ({ ...source, name: source.location.slice(root.length + 1) }));
  summary = await ingest(named, ingestOptionsSchema.parse({ dataset: 'd', tokenizer: 'train:512' }), {
    workspace: new Workspace(workspace),
    log: silentLog,
  });
  documents = await rows(workspace, 'SELECT * FROM documents ORDER BY ordinal');
}, 120_000);

describe('the bundled crawl', () => {
  it('is read in the order of its paths, every record once', () => {
    const places = expected.records
      .filter(({ outcome }) => outcome === 'keep' || outcome === 'drop')
      .map(placeOf);
    expect(documents.map((row) => placeOf(row as { source: unknown; offset: unknown }))).toEqual(places);
    expect(summary.counts['records']).toBe(expected.records.length);
  });

  it('gets the expected verdict and reason for each document', () => {
    const verdict = ({ outcome, reason }: ExpectedRecord): string =>
      reason === null ? outcome : `${outcome} ${reason}`;
    const wanted = expected.records
      .filter(({ outcome }) => outcome === 'keep' || outcome === 'drop')
      .map((record) => `${record.name}: ${verdict(record)}`);
    const names = new Map(expected.records.map((record) => [placeOf(record), record.name]));
    const decided = documents.map((row) => {
      const name = names.get(placeOf(row as { source: unknown; offset: unknown }));
      return `${name}: ${row['verdict'] as string}${row['reason'] === null ? '' : ` ${row['reason'] as string}`}`;
    });
    expect(decided).toEqual(wanted);
  });

  it('names the document that each duplicate repeats, with about its similarity', () => {
    const byId = new Map(documents.map((row) => [row['document_id'], row]));
    const duplicates = expected.records.filter(({ duplicate_of }) => duplicate_of !== undefined);
    const rowsByPlace = new Map(
      documents.map((row) => [placeOf(row as { source: unknown; offset: unknown }), row]),
    );
    expect(duplicates.length).toBeGreaterThan(20);
    for (const record of duplicates) {
      const row = rowsByPlace.get(placeOf(record)) as Record<string, unknown>;
      const original = byId.get(row['duplicate_of']) as { source: unknown; offset: unknown };
      expect(placeOf(original), record.name ?? '').toBe(
        placeOf(record.duplicate_of as { source: string; offset: number }),
      );
      // 112 permutations: a standard error of at most 0.05.
      expect(Math.abs((row['jaccard'] as number) - (record.jaccard ?? 1)), record.name ?? '').toBeLessThan(
        0.15,
      );
    }
  });

  it('counts what is no document, and what is bad, by reason', async () => {
    const count = (outcome: string): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const record of expected.records) {
        if (record.outcome === outcome)
          counts[record.reason as string] = (counts[record.reason as string] ?? 0) + 1;
      }
      return counts;
    };
    const counted = (prefix: string): Record<string, number> =>
      Object.fromEntries(
        Object.entries(summary.counts)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), value]),
      );
    expect(counted('non_document.')).toEqual(count('other'));
    expect(counted('bad.')).toEqual(count('bad'));
    const bad = await rows(
      workspace,
      'SELECT source, "offset", length, reason FROM bad_records ORDER BY source, "offset"',
    );
    const wanted = expected.records
      .filter(({ outcome }) => outcome === 'bad')
      .map(({ source, offset, length, reason }) => ({ source, offset, length, reason }))
      .sort((a, b) => (a.source === b.source ? a.offset - b.offset : a.source < b.source ? -1 : 1));
    expect(bad).toEqual(wanted);
  });

  it('counts in each commit what became of its documents', async () => {
    const of = (view: string, documents: string): string =>
      `SELECT verdict, reason, ${documents}::INT AS documents, sum(tokens)::INT AS tokens FROM ${view} GROUP BY ALL ORDER BY ALL`;
    const verdicts = await rows(workspace, of('verdicts', 'sum(documents)'));
    expect(verdicts.length).toBeGreaterThan(5);
    expect(verdicts).toEqual(await rows(workspace, of('documents', 'count(*)')));
  });

  it('keeps the main text of pages and drops what surrounds it', () => {
    const rowsByPlace = new Map(
      documents.map((row) => [placeOf(row as { source: unknown; offset: unknown }), row]),
    );
    let found = 0;
    let missing = 0;
    let unwanted = 0;
    for (const record of expected.records) {
      const text = rowsByPlace.get(placeOf(record))?.['text'] as string | null | undefined;
      if (text === null || text === undefined) continue;
      for (const segment of record.with ?? []) {
        if (text.includes(segment)) found += 1;
        else missing += 1;
      }
      unwanted += (record.without ?? []).filter((segment) => text.includes(segment)).length;
    }
    expect(found).toBeGreaterThan(400);
    const precision = found / (found + unwanted);
    const recall = found / (found + missing);
    expect((2 * precision * recall) / (precision + recall)).toBeGreaterThan(0.97);
  });

  it('can fetch every document again from its source', async () => {
    for (const row of documents.slice(0, 60)) {
      const place = {
        space: row['space'] as 'file' | 'content',
        offset: row['offset'] as number,
        length: row['length'] as number,
      };
      const bytes = await readRecordAt(join(FIXTURES, 'crawl', row['source'] as string), place);
      expect(bytes.length).toBeGreaterThan(0);
      const url = row['url'] as string | null;
      if (url !== null) expect(Buffer.from(bytes).toString('latin1')).toContain(url);
    }
  });

  it('has documents in five languages', async () => {
    expect((await rows(workspace, 'SELECT DISTINCT language FROM documents')).length).toBeGreaterThanOrEqual(
      5,
    );
  });
});
