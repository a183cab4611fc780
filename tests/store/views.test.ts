import { mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onTestFinished, describe, expect, it } from 'vitest';
import { appendCommit, type Commit, type CommittedFile } from '../../src/store/commits.js';
import { confineDatabase, openDatabase, type Database } from '../../src/store/database.js';
import { Queue } from '../../src/store/queue.js';
import { documentColumns, emptySelect, joinColumns, quoteName } from '../../src/store/schema.js';
import { createViews, VIEWS } from '../../src/store/views.js';
import { Workspace } from '../../src/store/workspace.js';
import { emptyCommit, failure, failureCode, HASH, testFolder } from './support.js';

interface Test {
  readonly workspace: Workspace;
  readonly database: Database;
  rows(sql: string): Promise<unknown[][]>;
  columns(view: string): Promise<string[]>;
}

async function newTest(folder?: string): Promise<Test> {
  const workspace = new Workspace(folder ?? (await testFolder()));
  const database = await openDatabase({ threads: 1 });
  onTestFinished(() => database.close());
  const rows = async (sql: string): Promise<unknown[][]> =>
    (await database.connection.runAndReadAll(sql)).getRowsJson();
  return {
    workspace,
    database,
    rows,
    columns: async (view) =>
      (await rows(`SELECT column_name, column_type FROM (DESCRIBE ${view})`)).map(
        ([name, type]) => `${String(name)} ${String(type)}`,
      ),
  };
}

/** Writes a Parquet file of a dataset. */
async function parquet(
  { workspace, database }: Test,
  dataset: string,
  path: string,
  select: string,
): Promise<CommittedFile> {
  const file = join(workspace.dataset(dataset).folder, path);
  await database.connection.run(`COPY (${select}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`);
  return {
    kind: path.startsWith('documents') ? 'documents' : 'signatures',
    path,
    rows: 1,
    bytes: (await stat(file)).size,
    sha256: HASH,
  };
}

async function commit(
  { workspace }: Test,
  dataset: string,
  sequence: number,
  changes: Partial<Commit>,
): Promise<void> {
  await appendCommit(workspace.dataset(dataset), { ...emptyCommit(dataset, sequence), ...changes });
}

const DOCUMENT_TYPES = ['dataset VARCHAR', ...documentColumns.map(({ name, type }) => `${name} ${type}`)];

describe('views of an empty workspace', () => {
  it('exist, with their columns and types, and have no rows', async () => {
    const test = await newTest();
    await createViews(test.database.connection, test.workspace, {
      signals: [{ name: 'word_count', type: 'BIGINT' }],
    });
    for (const view of VIEWS) expect(await test.rows(`SELECT count(*)::INT FROM ${view}`)).toEqual([[0]]);
    expect(await test.columns('documents')).toEqual([...DOCUMENT_TYPES, 'word_count BIGINT']);
    expect(await test.columns('signatures')).toEqual([
      'dataset VARCHAR',
      'ordinal BIGINT',
      'document_id VARCHAR',
      'text_hash VARCHAR',
      'payload_hash VARCHAR',
      'url_hash VARCHAR',
      'bands UBIGINT[]',
      'minhashes UINTEGER[]',
      'shingles UBIGINT[]',
    ]);
    expect(await test.columns('training')).toEqual([
      'run VARCHAR',
      'step BIGINT',
      'loss DOUBLE',
      'validation_loss DOUBLE',
      'learning_rate DOUBLE',
      'gradient_norm DOUBLE',
      'tokens BIGINT',
      'bits_per_byte DOUBLE',
      'tokens_per_second DOUBLE',
    ]);
    expect(await test.columns('training_tokens')).toEqual([
      'run VARCHAR',
      'step BIGINT',
      'dataset VARCHAR',
      'shard VARCHAR',
      'epoch BIGINT',
      'first_token BIGINT',
      'tokens BIGINT',
    ]);
  });

  it('names every view there is', async () => {
    const test = await newTest();
    await createViews(test.database.connection, test.workspace);
    const names = (await test.rows('SHOW TABLES')).flat();
    expect(names).toEqual([...VIEWS].sort());
  });
});

describe('documents and signatures', () => {
  it('are the committed files of all datasets, whatever columns each has', async () => {
    const test = await newTest();
    for (const dataset of ['b', 'a']) await test.workspace.createDataset(dataset, {});
    await commit(test, 'a', 1, {
      files: [
        await parquet(
          test,
          'a',
          'documents/1.parquet',
          `SELECT 0::BIGINT AS ordinal, 'x' AS document_id, 5::BIGINT AS word_count`,
        ),
        await parquet(test, 'a', 'signatures/1.parquet', 'SELECT 0::BIGINT AS ordinal'),
      ],
    });
    await commit(test, 'a', 2, {
      files: [
        await parquet(
          test,
          'a',
          'documents/2.parquet',
          `SELECT 1.5 AS extra, 1::BIGINT AS ordinal, 'y' AS document_id`,
        ),
      ],
    });
    await commit(test, 'b', 1, {
      files: [
        await parquet(
          test,
          'b',
          'documents/1.parquet',
          `SELECT 0::BIGINT AS ordinal, 'z' AS document_id, 7::BIGINT AS word_count`,
        ),
      ],
    });
    // Written but not committed: the process may die before the commit.
    await parquet(test, 'a', 'documents/3.parquet', `SELECT 9::BIGINT AS ordinal, 'w' AS document_id`);
    await createViews(test.database.connection, test.workspace);
    const select =
      'SELECT dataset, ordinal::INT, document_id, word_count::INT, extra::DOUBLE FROM documents ORDER BY ALL';
    expect(await test.rows(select)).toEqual([
      ['a', 0, 'x', 5, null],
      ['a', 1, 'y', null, 1.5],
      ['b', 0, 'z', 7, null],
    ]);
    expect((await test.columns('documents')).slice(0, DOCUMENT_TYPES.length)).toEqual(DOCUMENT_TYPES);
    expect(await test.rows('SELECT dataset, ordinal FROM signatures')).toEqual([['a', '0']]);

    await createViews(test.database.connection, test.workspace, { dataset: 'b' });
    expect(await test.rows('SELECT document_id, verdict FROM documents')).toEqual([['z', null]]);
    expect(await failureCode(createViews(test.database.connection, test.workspace, { dataset: 'c' }))).toBe(
      'DATASET_NOT_FOUND',
    );
  });

  it('are found in folders whose names are patterns or hold quotes', async () => {
    const folder = join(await testFolder(), `it's [a] *?{x}`);
    await mkdir(folder);
    const test = await newTest(folder);
    await test.workspace.createDataset('a', {});
    await commit(test, 'a', 1, {
      files: [await parquet(test, 'a', 'documents/1.parquet', `SELECT 'x' AS document_id`)],
    });
    await mkdir(join(test.workspace.models, 'r[1]'), { recursive: true });
    await writeFile(join(test.workspace.models, 'r[1]', 'metrics.jsonl'), '{"step": 1}\n');
    await createViews(test.database.connection, test.workspace);
    expect(await test.rows('SELECT document_id FROM documents')).toEqual([['x']]);
    expect(await test.rows('SELECT run FROM training')).toEqual([['r[1]']]);
  });

  it.each([
    ['missing', (path: string) => rm(path), 'is missing'],
    ['cut off', (path: string) => truncate(path, 10), 'has 10 bytes, its commit says'],
    [
      'overwritten',
      async (path: string) => writeFile(path, Buffer.alloc((await stat(path)).size)),
      'documents cannot be read',
    ],
  ])('name a committed file that is %s', async (_, damage, message) => {
    const test = await newTest();
    await test.workspace.createDataset('a', {});
    const file = await parquet(test, 'a', 'documents/1.parquet', 'SELECT 0::BIGINT AS ordinal');
    await commit(test, 'a', 1, { files: [file] });
    await damage(join(test.workspace.dataset('a').folder, file.path));
    const error = await failure(createViews(test.database.connection, test.workspace));
    expect(error.code).toBe('DATASET_CORRUPT');
    expect(error.message).toContain(message);
    expect(error.message).toContain('1.parquet');
  });
});

describe('the other views', () => {
  it('show the commit log, the queue and the runs', async () => {
    const test = await newTest();
    const paths = await test.workspace.createDataset('a', {});
    const source = {
      source: 's.warc',
      location: '/in/s.warc',
      size: 10,
      modified_ms: 2.5,
      format: 'warc',
      position: null,
      finished: false,
      records: 1,
      documents: 1,
      non_documents: 0,
      bad: 0,
    };
    await commit(test, 'a', 1, {
      sources: [source],
      counts: {
        records: 1,
        documents: 1,
        kept: 1,
        tokens: 7,
        'dropped.exact_duplicate': 2,
        'dropped.near_duplicate': 3,
        'dropped.x': 0,
      },
      tokenizer: { name: 't', sha256: HASH },
    });
    await commit(test, 'a', 2, {
      sources: [{ ...source, finished: true, records: 3, bad: 1 }],
      files: [
        {
          kind: 'shard',
          path: 'shards/train-000001.arrow',
          rows: 2,
          bytes: 99,
          sha256: HASH,
          split: 'train',
          tokens: 7,
        },
      ],
      bad_records: [
        { source: 's.warc', space: 'file', offset: 8, length: 2, reason: 'cut', detail: 'ends early' },
      ],
      counts: { records: 2, bad: 1 },
    });
    const queue = new Queue(paths.queue, { now: () => 1_700_000_000_000, leaseMs: 1_500 });
    await queue.init();
    await queue.enqueue({
      name: 'train-000001',
      shard: 'shards/train-000001.arrow',
      split: 'train',
      tokens: 7,
      sha256: HASH,
    });
    await queue.lease('run-1');
    const metrics = join(test.workspace.models, 'run-1', 'metrics.jsonl');
    await mkdir(dirname(metrics), { recursive: true });
    await mkdir(join(test.workspace.models, 'run-2'));
    await writeFile(join(test.workspace.models, 'notes.txt'), '');
    // The last line is being written.
    await writeFile(
      metrics,
      '{"step":1,"loss":2.5,"more":[1]}\n{"step":2,"loss":2.25,"validation_loss":3,"tokens":64,"tokens_per_second":12.5}\n{"step":3,"lo',
    );
    await createViews(test.database.connection, test.workspace);

    expect(await test.rows('SELECT * FROM commits')).toEqual([
      [
        'a',
        '1',
        '1',
        '1',
        '0',
        '1',
        '0',
        '5',
        '0',
        '7',
        HASH,
        '{"records":1,"documents":1,"kept":1,"tokens":7,"dropped.exact_duplicate":2,"dropped.near_duplicate":3,"dropped.x":0}',
      ],
      ['a', '2', '2', '0', '0', '0', '0', '0', '1', '0', null, '{"records":2,"bad":1}'],
    ]);
    expect(await test.rows(`SELECT (counts->>'dropped.x')::INT FROM commits WHERE sequence = 1`)).toEqual([
      [0],
    ]);
    expect(await test.rows('SELECT * FROM verdicts')).toEqual([
      ['a', '1', 'keep', null, '1', '7'],
      ['a', '1', 'drop', 'exact_duplicate', '2', null],
      ['a', '1', 'drop', 'near_duplicate', '3', null],
      ['a', '1', 'drop', 'x', '0', null],
    ]);
    expect(await test.rows('SELECT * FROM sources')).toEqual([
      ['a', 's.warc', '/in/s.warc', '10', 2.5, 'warc', null, true, '3', '1', '0', '1'],
    ]);
    expect(await test.rows('SELECT * FROM bad_records')).toEqual([
      ['a', '2', 's.warc', 'file', '8', '2', 'cut', 'ends early'],
    ]);
    expect(await test.rows('SELECT * FROM shards')).toEqual([
      ['a', 'train-000001', 'shards/train-000001.arrow', 'train', '2', '7', '99', HASH, '2'],
    ]);
    expect(await test.rows('SELECT * FROM queue')).toEqual([
      ['a', 'train-000001', 'leased', '0', '7', 'run-1', '2023-11-14 22:13:21.5', null],
    ]);
    expect(await test.rows('SELECT * FROM training ORDER BY step')).toEqual([
      ['run-1', '1', 2.5, null, null, null, null, null, null],
      ['run-1', '2', 2.25, 3, null, null, '64', null, 12.5],
    ]);
  });
});

describe('a confined database', () => {
  it('reads the folders it may read and nothing else, for good', async () => {
    const test = await newTest();
    await test.workspace.createDataset('a', {});
    await commit(test, 'a', 1, {
      files: [await parquet(test, 'a', 'documents/1.parquet', `SELECT 'x' AS document_id`)],
    });
    const outside = join(await testFolder(), 'secret.csv');
    await writeFile(outside, 'a\n1\n');
    expect(await test.rows(`SELECT * FROM read_csv('${outside}')`)).toEqual([['1']]);
    const { connection } = test.database;
    await confineDatabase(connection, [test.workspace.root]);
    await createViews(connection, test.workspace);
    expect(await test.rows('SELECT document_id FROM documents')).toEqual([['x']]);
    for (const sql of [
      `SELECT * FROM read_csv('${outside}')`,
      `SELECT * FROM read_text('${join(test.workspace.root, '..', '*')}')`,
      `SELECT * FROM glob('/etc/*')`,
      `ATTACH '${outside}.db'`,
      `COPY (SELECT 1) TO '${outside}'`,
    ]) {
      await expect(connection.run(sql)).rejects.toThrow('disabled by configuration');
    }
    await expect(connection.run('SET enable_external_access = true')).rejects.toThrow('locked');
    await expect(connection.run(`SET allowed_directories = ['/']`)).rejects.toThrow('locked');
  });
});

describe('openDatabase', () => {
  it('loads no extension by itself', async () => {
    const test = await newTest();
    await expect(test.rows(`SELECT * FROM 'https://example.invalid/x.parquet'`)).rejects.toThrow('httpfs');
  });

  it('applies its settings and refuses nonsense', async () => {
    const folder = await testFolder();
    const database = await openDatabase({ threads: 2, memoryLimit: '100MB', temporaryFolder: folder });
    onTestFinished(() => database.close());
    const reader = await database.connection.runAndReadAll(
      `SELECT current_setting('threads')::INT, current_setting('memory_limit'), current_setting('temp_directory')`,
    );
    expect(reader.getRowsJson()).toEqual([[2, '95.3 MiB', folder]]);
    expect(await failureCode(openDatabase({ memoryLimit: 'much' }))).toBe('CONFIG_INVALID');
  });
});

describe('column lists', () => {
  it('have no name twice, whatever its case', async () => {
    expect(joinColumns([{ name: 'a', type: 'INT' }], [{ name: 'b', type: 'INT' }])).toHaveLength(2);
    const error = await failure(() => joinColumns(documentColumns, [{ name: 'URL', type: 'INT' }]));
    expect([error.code, error.message]).toEqual(['INTERNAL', 'two columns have the name URL']);
  });

  it('become SQL with quoted names', () => {
    expect(quoteName('a"b')).toBe('"a""b"');
    expect(emptySelect([{ name: 'offset', type: 'BIGINT' }])).toBe(
      'SELECT NULL::BIGINT AS "offset" WHERE false',
    );
  });
});
