/** How records are read, from the settings that are asked for to the rows of a dataset. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/log.js';
import { ingest, type IngestSummary } from '../../src/ingest/ingest.js';
import { measureBatch } from '../../src/ingest/measure.js';
import { dedupConfig } from '../../src/filters/dedup/settings.js';
import { ingestOptionsSchema } from '../../src/ingest/options.js';
import { DEFAULT_READING, readingConfig } from '../../src/ingest/reading.js';
import { BAD_REASONS } from '../../src/ingest/records.js';
import { expandInputs } from '../../src/ingest/sources/expand.js';
import { Workspace } from '../../src/store/workspace.js';
import { rows } from '../support/dataset.js';
import { tokenmill } from '../support/cli.js';

const PAGES = fileURLToPath(new URL('../../fixtures/pages/', import.meta.url));

describe('settings', () => {
  it('are those that were asked for, steps in the order in which they are done', () => {
    expect(readingConfig({})).toEqual(DEFAULT_READING);
    expect(
      readingConfig({
        extract: 'markdown',
        keepLinks: true,
        keepComments: true,
        normalize: 'whitespace, mojibake',
        extractTimeout: 5,
      }),
    ).toEqual({
      extract: 'markdown',
      links: true,
      comments: true,
      normalize: ['mojibake', 'whitespace'],
      timeout_seconds: 5,
    });
    expect(readingConfig({ normalize: 'none' }).normalize).toEqual([]);
  });

  it.each([
    [{ normalize: 'nfd' }, 'there is no normalisation "nfd"'],
    [{ normalize: '' }, 'there is no normalisation ""'],
    [{ normalize: 'none,nfc' }, 'there is no normalisation "none"'],
    [{ keepLinks: true }, '--keep-links needs --extract markdown'],
  ])('%j: %s', (request, message) => {
    expect(() => readingConfig(request)).toThrow(message);
  });
});

describe('a document that takes longer than it may', () => {
  const page = Buffer.from(`<p>${'<b>x</b> y. '.repeat(500_000)}</p>`);
  const task = {
    kind: 'measure',
    layout: { format: 'html' },
    bytes: page,
    ends: Int32Array.of(page.length),
    dedup: dedupConfig({}),
  } as const;

  it('is bad, and says why', () => {
    // Six megabytes in a thousandth of a second: no machine is that fast.
    const { items } = measureBatch(task, undefined, { ...DEFAULT_READING, timeout_seconds: 0.001 });
    expect(items).toEqual([
      { kind: 'bad', reason: 'extract-timeout', detail: 'not read within 0.001 seconds' },
    ]);
    expect(BAD_REASONS['extract-timeout']).toBeDefined();
  });
});

describe('a dataset', () => {
  let workspace: string;
  let summary: IngestSummary;

  const run = async (settings: Record<string, unknown>): Promise<IngestSummary> => {
    const options = ingestOptionsSchema.parse({ dataset: 'd', workers: 1, ...settings });
    const { sources } = await expandInputs([join(PAGES, '*.html')]);
    return ingest(sources, options, { workspace: new Workspace(workspace), log: silentLog });
  };
  const config = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(new Workspace(workspace).dataset('d').config, 'utf8')) as Record<
      string,
      unknown
    >;

  beforeAll(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'tokenmill-reading-'));
    summary = await run({
      policy: 'keep-all',
      tokenizer: 'train:300',
      extract: 'markdown',
      keepComments: true,
      normalize: 'nfc,control',
    });
  });

  afterAll(() => rmSync(workspace, { recursive: true, force: true }));

  it('keeps how its records are read', async () => {
    expect(summary.counts).toMatchObject({ documents: 6, kept: 6 });
    expect((await config())['reading']).toEqual({
      extract: 'markdown',
      links: false,
      comments: true,
      normalize: ['control', 'nfc'],
      timeout_seconds: DEFAULT_READING.timeout_seconds,
    });
  });

  it('has what the pages say of themselves in columns, and their texts as they were asked for', async () => {
    const [news] = await rows(workspace, "SELECT * FROM documents WHERE source LIKE '%news.html'");
    const markdown = await readFile(join(PAGES, 'news.md'), 'utf8');
    const comments = [
      '## 2 comments',
      'High time! I have not dared to cross it with the cart since April, and neither has my neighbour.',
      'Who is going to pay for all of this, I should like to know, if not we?',
    ];
    expect(news).toMatchObject({
      title: 'Old bridge of Merrow to be mended before winter',
      author: 'Willa Ash, Ned Tarrow',
      published: '2023-10-04T06:30:00+01:00',
      site_name: 'Valley Courier',
      canonical_url: null,
      robots: 'max-image-preview:large, noai',
      declared_language: 'en-GB',
      language: 'en',
      text: `${markdown}\n${comments.join('\n\n')}`,
    });
    // What asks not to be trained on is found by a query.
    expect(await rows(workspace, "SELECT count(*) AS n FROM documents WHERE robots LIKE '%noai%'")).toEqual([
      { n: 1 },
    ]);
  });

  it.each([
    [{ extract: 'text' }, 'was created with --extract markdown, not text'],
    [{ keepLinks: true }, 'was created with --keep-links no, not yes'],
    [{ normalize: 'none' }, 'was created with --normalize control,nfc, not none'],
    [{ extractTimeout: 1 }, 'was created with --extract-timeout 60, not 1'],
  ])('is not continued with %j', async (settings, message) => {
    await expect(run(settings)).rejects.toThrow(message);
  });

  it('is continued with nothing said, or the same', async () => {
    expect((await run({})).skipped).toBe(6);
    expect((await run({ extract: 'markdown', normalize: 'control,nfc', keepComments: true })).skipped).toBe(
      6,
    );
  });

  it('of an older version is not continued, and says so', async () => {
    const { reading: _, ...older } = await config();
    const file = new Workspace(workspace).dataset('d').config;
    await writeFile(file, JSON.stringify({ ...older, extractor: 'tokenmill-2' }));
    await expect(run({})).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
      message: expect.stringContaining('was made with extractor tokenmill-2') as string,
    });
  });
});

describe('tokenmill extract', () => {
  it('prints the text of a page, its Markdown, and what it says of itself', async () => {
    const news = join(PAGES, 'news.html');
    expect((await tokenmill(['extract', news])).stdout).toBe(await readFile(join(PAGES, 'news.txt'), 'utf8'));
    const url = 'https://merrow.example/pages/news.html';
    const { stdout } = await tokenmill(['extract', '-', '--extract', 'markdown', '--json', '--url', url], {
      input: await readFile(news),
    });
    expect(JSON.parse(stdout)).toEqual({
      text: (await readFile(join(PAGES, 'news.md'), 'utf8')).trimEnd(),
      title: 'Old bridge of Merrow to be mended before winter',
      author: 'Willa Ash, Ned Tarrow',
      published: '2023-10-04T06:30:00+01:00',
      language: 'en-GB',
      site_name: 'Valley Courier',
      canonical_url: 'https://merrow.example/news/2023/10/old-bridge',
      robots: 'max-image-preview:large, noai',
      url,
      charset: 'utf-8',
    });
    const wrong = await tokenmill(['extract', news, '--normalize', 'nfd']);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('there is no normalisation "nfd"');
  });
});
