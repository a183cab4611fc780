import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { SIGNALS } from '../../../src/filters/signals/index.js';
import { rows } from '../../support/dataset.js';
import { crawlWorkspace, NOTES, WARC } from '../crawl.js';
import { testApi, testFolder, type TestApi } from '../support.js';

interface Document {
  readonly ordinal: number;
  readonly document_id: string;
  readonly source: string;
  readonly offset: number;
  readonly length: number;
  readonly verdict: string;
}

const LIST = '/v1/datasets/crawl/documents';

let workspace: string;
beforeAll(async () => {
  workspace = await crawlWorkspace();
});

async function all(api: TestApi, query: string): Promise<Document[]> {
  const found: Document[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: { items: Document[]; next_cursor: string | null } = await api.json(
      'GET',
      `${LIST}?${query}${after}`,
    );
    found.push(...page.items);
    cursor = page.next_cursor;
  }
  return found;
}

describe('the list', () => {
  test('has every document once, in order, whatever the size of a page', async () => {
    const api = await testApi({ workspace });
    const expected = await rows(
      workspace,
      'SELECT * EXCLUDE (text, dataset) FROM documents ORDER BY ordinal',
    );
    for (const limit of [1, 7, 63, 1000]) {
      const documents = await all(api, `limit=${limit}`);
      expect(documents.map(({ ordinal }) => ordinal)).toEqual(expected.map(({ ordinal }) => ordinal));
      documents.forEach((document, row) => expect(expected[row]).toMatchObject(document));
    }
    expect(expected).toHaveLength(63);
  });

  test.each([
    ['verdict=drop', "verdict = 'drop'"],
    ['reason=too_many_ellipses', "reason = 'too_many_ellipses'"],
    ['language=de', "language = 'de'"],
    ['split=valid', "split = 'valid'"],
    ['verdict=keep&language=en&limit=5', "verdict = 'keep' AND language = 'en'"],
    ['url=.example%2F', "url LIKE '%.example/%'"],
    ['text=THE%20OLD&limit=3', "text ILIKE '%the old%'"],
    [`source=${encodeURIComponent(NOTES)}`, `source = '${NOTES}'`],
    // Not a pattern: these are looked for as they are.
    ['text=%25', "text LIKE '%\\%%' ESCAPE '\\'"],
    ['url=_', "url LIKE '%\\_%' ESCAPE '\\'"],
    ["reason=' OR 1=1 --", 'false'],
  ])('filters by %s', async (query, condition) => {
    const api = await testApi({ workspace });
    const expected = await rows(
      workspace,
      `SELECT ordinal FROM documents WHERE ${condition} ORDER BY ordinal`,
    );
    const found = await all(api, query);
    expect(found.map(({ ordinal }) => ordinal)).toEqual(expected.map(({ ordinal }) => ordinal));
  });

  test.each([
    'verdict=maybe',
    'split=test',
    'reason=',
    'limit=5000',
    'cursor=LTE',
    `text=${'x'.repeat(1001)}`,
  ])('refuses %s', async (query) => {
    const api = await testApi({ workspace });
    await api.problem('GET', `${LIST}?${query}`, 'USAGE');
  });
});

describe('a document', () => {
  test('with its text and its signals', async () => {
    const api = await testApi({ workspace });
    const [kept] = await rows(
      workspace,
      "SELECT * EXCLUDE (dataset) FROM documents WHERE verdict = 'keep' LIMIT 1",
    );
    const { dataset, signals, ...core } = await api.json('GET', `${LIST}/${String(kept['document_id'])}`);
    expect(dataset).toBe('crawl');
    expect(Object.keys(signals as object)).toEqual(SIGNALS.map(({ name }) => name));
    expect({ ...core, ...(signals as object) }).toEqual(kept);
    expect(core['text']).toEqual(expect.any(String));
  });

  test('by the first digits of its id, where they are unique', async () => {
    const api = await testApi({ workspace });
    const ids = (await all(api, '')).map(({ document_id }) => document_id);
    expect(await api.json('GET', `${LIST}/${ids[5].slice(0, 8)}`)).toMatchObject({ document_id: ids[5] });
    // 63 documents, 16 first digits.
    const digit = [...'0123456789abcdef'].find(
      (first) => ids.filter((id) => id.startsWith(first)).length > 1,
    );
    expect((await api.problem('GET', `${LIST}/${digit}`, 'DOCUMENT_NOT_FOUND')).hint).toBe(
      'give more digits',
    );
  });

  test('that does not exist, or has no such id', async () => {
    const api = await testApi({ workspace });
    await api.problem('GET', `${LIST}/${'0'.repeat(32)}`, 'DOCUMENT_NOT_FOUND');
    await api.problem('GET', `${LIST}/${'0'.repeat(32)}/record`, 'DOCUMENT_NOT_FOUND');
    await api.problem('GET', `${LIST}/xyz`, 'USAGE');
    await api.problem('GET', `${LIST}/${'a'.repeat(33)}`, 'USAGE');
  });
});

describe('the record of a document', () => {
  test('is the bytes of its source, dropped or kept, and never a page', async () => {
    const api = await testApi({ workspace });
    const documents = await all(api, '');
    const chosen = [
      documents.find(({ source, verdict }) => source === NOTES && verdict === 'keep'),
      documents.find(({ source, verdict }) => source === WARC && verdict === 'keep'),
      documents.find(({ source, verdict }) => source === NOTES && verdict === 'drop'),
    ] as Document[];
    for (const { document_id, source, offset, length } of chosen) {
      const response = await api.request('GET', `${LIST}/${document_id}/record`);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${document_id}.bin"`,
        'x-content-type-options': 'nosniff',
      });
      const expected = (await readFile(source)).subarray(offset, offset + length);
      expect(Buffer.from(await response.arrayBuffer()).equals(expected)).toBe(true);
    }
  });

  test('whose source is gone or was changed', async () => {
    const folder = await testFolder();
    const notes = join(folder, 'notes.jsonl');
    await cp(join(workspace, 'datasets'), join(folder, 'datasets'), { recursive: true });
    for (const sequence of [1, 2, 3]) {
      const commit = join(folder, `datasets/crawl/commits/00000000${sequence}.json`);
      // The commits say where a source is read from.
      await writeFile(
        commit,
        (await readFile(commit, 'utf8')).replaceAll(
          `"location": "${resolve(NOTES)}"`,
          `"location": "${notes}"`,
        ),
      );
    }
    await cp(NOTES, notes);
    const api = await testApi({ workspace: folder });
    const documents = await all(api, `source=${encodeURIComponent(NOTES)}`);
    const path = `${LIST}/${documents[documents.length - 1].document_id}/record`;
    expect((await api.request('GET', path)).status).toBe(200);
    await writeFile(notes, (await readFile(notes)).subarray(0, 1000));
    await api.problem('GET', path, 'SOURCE_CHANGED');
    await rm(notes);
    await api.problem('GET', path, 'FILE_NOT_FOUND');
  });
});

describe('faults', () => {
  test('a file of documents that is damaged', async () => {
    const folder = await testFolder();
    await cp(join(workspace, 'datasets'), join(folder, 'datasets'), { recursive: true });
    await writeFile(join(folder, 'datasets/crawl/documents/000000002.parquet'), 'not parquet');
    const api = await testApi({ workspace: folder });
    await api.problem('GET', `${LIST}?limit=1000`, 'DATASET_CORRUPT');
    await api.problem('GET', `${LIST}/${'0'.repeat(32)}`, 'DATASET_CORRUPT');
  });

  test('a client that has gone gets no answer and leaves the reader free', async () => {
    const api = await testApi({ workspace });
    await api.problem('GET', LIST, 'INTERRUPTED', { signal: AbortSignal.abort() });
    for (let i = 0; i < 8; i++) await api.json('GET', LIST);
  });

  test('many at once', async () => {
    const api = await testApi({ workspace });
    const pages = await Promise.all(
      Array.from({ length: 60 }, () => api.json('GET', `${LIST}?verdict=drop`)),
    );
    for (const page of pages) expect(page).toEqual(pages[0]);
  });
});
