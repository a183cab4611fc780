import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShardBuilder, type ShardBuilderOptions } from '../../src/ingest/shard-builder.js';
import { readShard } from '../../src/store/shards.js';

let root: string;
let options: ShardBuilderOptions;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tokenmill-shard-builder-'));
  await mkdir(join(root, 'shards'));
  options = {
    folder: join(root, 'shards'),
    split: 'valid',
    dataset: 'd',
    shardTokens: 1000,
    tokenizerSha256: '0'.repeat(64),
    vocabSize: 300,
    endOfTextId: 0,
    sealed: 0,
  };
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('ShardBuilder', () => {
  it('keeps the tokens of its tail, and nothing of the buffer that they came in', async () => {
    const builder = new ShardBuilder(options);
    const batch = Uint16Array.from({ length: 100_000 }, (_, at) => at % 300);
    await builder.add('a1', batch.subarray(10, 14));
    await builder.add('b2', batch.subarray(297, 303));
    // Whoever gives a batch may use its memory for the next one.
    batch.fill(299);
    const sealed = await builder.seal();
    const shard = await readShard(join(root, sealed?.path ?? ''));
    expect([...shard.tokens]).toEqual([10, 11, 12, 13, 297, 298, 299, 0, 1, 2]);
    expect([...shard.offsets]).toEqual([0, 4, 10]);
    expect([shard.documentId(0), shard.documentId(1)]).toEqual(['a1', 'b2']);
  });

  it('seals with the document that brings it to its size, and goes on from a pending file', async () => {
    const builder = new ShardBuilder({ ...options, shardTokens: 5 });
    expect(await builder.add('a1', Uint16Array.of(1, 2, 3))).toBeUndefined();
    const pending = await builder.writePending(7);
    expect(pending).toMatchObject({ rows: 1, tokens: 3 });
    const next = new ShardBuilder({ ...options, shardTokens: 5, sealed: 4 });
    await next.restore(join(root, pending?.path ?? ''));
    const sealed = await next.add('b2', Uint16Array.of(4, 5, 6));
    expect(sealed).toMatchObject({ kind: 'shard', path: 'shards/valid-000005.arrow', rows: 2, tokens: 6 });
    const shard = await readShard(join(root, sealed?.path ?? ''));
    expect([...shard.tokens]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await next.seal()).toBeUndefined();
  });
});
