import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, List, tableFromIPC, tableToIPC, Uint16, Utf8, vectorFromArray, Table } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenmillError } from '../../src/core/errors.js';
import { sha256 } from '../../src/core/hash.js';
import {
  decodeShard,
  encodeShard,
  readShard,
  writeShard,
  type Shard,
  type ShardContent,
  type ShardMetadata,
} from '../../src/store/shards.js';
import { PYARROW } from './pyarrow-shards.js';
import { failure, failureCode, HASH, testFolder } from './support.js';

function metadataOf(tokenCount: number, vocabSize: number): ShardMetadata {
  return {
    dataset: 'crawl',
    split: 'train',
    tokenizerSha256: HASH,
    vocabSize,
    endOfTextId: vocabSize - 1,
    tokenCount,
  };
}

const SMALL: ShardContent = {
  documentIds: ['aa', '', '\ufeffé'],
  offsets: [0, 3, 3, 7],
  tokens: Uint16Array.from([1, 2, 299, 4, 5, 6, 299]),
  metadata: metadataOf(7, 300),
};

/** A copy in memory of its own, as a file read from disk is. */
const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

function contentOf(shard: Shard): unknown {
  return {
    documentIds: Array.from({ length: shard.rows }, (_, row) => shard.documentId(row)),
    offsets: [...shard.offsets],
    tokens: [...shard.tokens],
    metadata: shard.metadata,
  };
}

const comparable = (content: ShardContent): unknown => ({
  ...content,
  offsets: [...content.offsets],
  tokens: [...content.tokens],
});

const shardContent = fc
  .record({
    documents: fc.array(
      fc.record({ id: fc.string({ unit: 'binary' }), tokens: fc.array(fc.nat(), { maxLength: 20 }) }),
      { maxLength: 20 },
    ),
    vocabSize: fc.oneof(
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom(65_535, 65_536, 65_537, 200_000, 4_294_967_295),
    ),
    split: fc.constantFrom('train' as const, 'valid' as const),
  })
  .map(({ documents, vocabSize, split }): ShardContent => {
    const tokens = documents.flatMap((document) => document.tokens.map((token) => token % vocabSize));
    const offsets = [0];
    for (const document of documents) offsets.push(offsets[offsets.length - 1] + document.tokens.length);
    return {
      documentIds: documents.map(({ id }) => id),
      offsets,
      tokens: vocabSize <= 65_536 ? Uint16Array.from(tokens) : Uint32Array.from(tokens),
      metadata: { ...metadataOf(tokens.length, vocabSize), split },
    };
  });

describe('a shard', () => {
  it('comes back as it was written, whatever it holds, and as equal bytes', () => {
    fc.assert(
      fc.property(shardContent, (content) => {
        const bytes = encodeShard(content);
        expect(contentOf(decodeShard(copyOf(bytes), 'x'))).toEqual(comparable(content));
        expect(encodeShard(content)).toEqual(bytes);
      }),
    );
  });

  it('is read by Arrow’s own library with the same content', () => {
    fc.assert(
      fc.property(shardContent, (content) => {
        const table = tableFromIPC(encodeShard(content));
        const width = content.metadata.vocabSize <= 65_536 ? 16 : 32;
        expect(table.schema.fields.map((field) => [field.name, String(field.type), field.nullable])).toEqual([
          ['document_id', 'Utf8', false],
          ['tokens', `List<Uint${width}>`, false],
        ]);
        expect([...(table.getChild('document_id') ?? [])]).toEqual(content.documentIds);
        const rows = [...(table.getChild('tokens') ?? [])] as (Uint16Array | Uint32Array)[];
        expect(rows.map((row) => [...row])).toEqual(
          content.documentIds.map((_, row) => [
            ...content.tokens.subarray(content.offsets[row], content.offsets[row + 1]),
          ]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('carries its metadata as strings in the schema', () => {
    expect(Object.fromEntries(tableFromIPC(encodeShard(SMALL)).schema.metadata)).toEqual({
      'tokenmill.version': '1',
      dataset: 'crawl',
      split: 'train',
      tokenizer_sha256: HASH,
      vocab_size: '300',
      end_of_text_id: '299',
      token_count: '7',
    });
  });

  it('has all its tokens as one view into the bytes of the file', async () => {
    const bytes = copyOf(encodeShard(SMALL));
    const shard = decodeShard(bytes, 'x');
    expect(shard.tokens.buffer).toBe(bytes.buffer);
    expect(shard.offsets.buffer).toBe(bytes.buffer);
    const path = join(await testFolder(), 'a.arrow');
    await writeShard(path, SMALL);
    expect((await readShard(path)).tokens).toEqual(SMALL.tokens);
  });

  it('is read as pyarrow writes it', () => {
    const shard = decodeShard(fromBase64(PYARROW.plain), 'x');
    expect(contentOf(shard)).toEqual({
      documentIds: ['a1', 'é2'],
      offsets: [0, 3, 5],
      tokens: [15496, 995, 50256, 0, 50256],
      metadata: metadataOf(5, 50_257),
    });
    expect(shard.tokens).toBeInstanceOf(Uint16Array);
  });

  it('is written with its size and hash, whole or not at all', async () => {
    const path = join(await testFolder(), 'a.arrow');
    const written = await writeShard(path, SMALL);
    const bytes = await readFile(path);
    expect(written).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    expect(contentOf(await readShard(path, { sha256: written.sha256 }))).toEqual(comparable(SMALL));
  });

  it.each([
    ['offsets that do not start at 0', { offsets: [1, 3, 3, 7] }],
    ['offsets that go back', { offsets: [0, 4, 3, 7] }],
    ['offsets that end early', { offsets: [0, 3, 3, 6] }],
    ['an offset too few', { offsets: [0, 3, 7] }],
    ['another token count in the metadata', { metadata: metadataOf(6, 300) }],
    ['a token outside the vocabulary', { metadata: metadataOf(7, 299) }],
    ['16 bits for a large vocabulary', { metadata: metadataOf(7, 65_537) }],
    ['32 bits for a small vocabulary', { tokens: Uint32Array.from(SMALL.tokens) }],
  ])('is not written with %s', async (_, change) => {
    expect(await failureCode(() => encodeShard({ ...SMALL, ...change }))).toBe('INTERNAL');
  });
});

describe('a damaged shard', () => {
  const bytes = encodeShard(SMALL);

  it('is refused wherever it is cut off', async () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(await failureCode(() => decodeShard(copyOf(bytes.subarray(0, length)), 'x'))).toBe(
        'SHARD_CORRUPT',
      );
    }
  });

  it('is refused, or its content is one that could have been written, whichever byte is changed', () => {
    let refused = 0;
    for (let position = 0; position < bytes.length; position++) {
      for (const mask of [0x01, 0x7f, 0x80, 0xff]) {
        const damaged = copyOf(bytes);
        damaged[position] ^= mask;
        let shard: Shard;
        try {
          shard = decodeShard(damaged, 'x');
        } catch (error) {
          if (!(error instanceof TokenmillError) || error.code !== 'SHARD_CORRUPT') throw error;
          refused += 1;
          continue;
        }
        const content = contentOf(shard) as ShardContent;
        expect(content.tokens).toHaveLength(content.metadata.tokenCount);
        expect(Math.max(...content.tokens)).toBeLessThan(content.metadata.vocabSize);
      }
    }
    expect(refused).toBeGreaterThan(bytes.length);
  });

  it('is always refused where its hash is known', async () => {
    const path = join(await testFolder(), 'a.arrow');
    const { sha256: expected } = await writeShard(path, SMALL);
    for (const position of [7, bytes.length - 300, bytes.length - 1]) {
      const damaged = copyOf(bytes);
      damaged[position] ^= 1;
      await writeFile(path, damaged);
      const error = await failure(readShard(path, { sha256: expected }));
      expect([error.code, error.place.file]).toEqual(['SHARD_CORRUPT', path]);
    }
    await writeFile(path, bytes);
    expect((await readShard(path, { sha256: expected })).rows).toBe(3);
  });

  it.each([
    [
      'of another kind of file',
      new TextEncoder().encode('PAR1 and some more bytes PAR1'),
      'not an Arrow file',
    ],
    ['that is empty', new Uint8Array(), 'not an Arrow file'],
    ['of an Arrow stream', tableToIPC(tableFromIPC(bytes), 'stream'), 'not an Arrow file'],
    ['with other columns', arrowFile({ id: ['a'], tokens: [[1]] }), 'its columns are id, tokens'],
    ['with a column more', arrowFile({ document_id: ['a'], tokens: [[1]], x: ['b'] }), 'its columns are'],
    ['without metadata', arrowFile({ document_id: ['a'], tokens: [[1]] }), 'has no tokenmill.version'],
    ['with nulls', arrowFile({ document_id: [null], tokens: [[1]] }), 'it has nulls'],
    ['with a later version', withMetadata('tokenmill.version', '2'), 'version is 2'],
    ['with another split', withMetadata('split', 'test'), 'split is "test"'],
    ['with a count that is none', withMetadata('token_count', '-7'), 'token_count is "-7"'],
    ['with another count', withMetadata('token_count', '8'), 'it has 7 tokens, but its metadata says 8'],
    ['with a smaller vocabulary', withMetadata('vocab_size', '299'), 'token 299 at 2 is outside'],
    ['with a larger vocabulary', withMetadata('vocab_size', '65537'), '16 bits do not fit'],
    ['of two record batches', fromBase64(PYARROW.two), 'it has 2 record batches'],
    ['with compressed buffers', fromBase64(PYARROW.lz4), 'compressed'],
  ])('%s is refused', async (_, damaged, message) => {
    const path = join(await testFolder(), 'a.arrow');
    await writeFile(path, damaged);
    const error = await failure(readShard(path));
    expect([error.code, error.place.file]).toEqual(['SHARD_CORRUPT', path]);
    expect(error.message).toContain(message);
  });

  it('that is missing is another error', async () => {
    expect(await failureCode(readShard(join(await testFolder(), 'none.arrow')))).toBe('FILE_NOT_FOUND');
  });

  function withMetadata(key: string, value: string): Uint8Array {
    const table = tableFromIPC(bytes);
    table.schema.metadata.set(key, value);
    return tableToIPC(table, 'file');
  }
});

function arrowFile(columns: Record<string, unknown[]>): Uint8Array {
  const vectors = Object.entries(columns).map(([name, values]) => [
    name,
    name === 'tokens'
      ? vectorFromArray(values, new List(new Field('item', new Uint16(), false)))
      : vectorFromArray(values, new Utf8()),
  ]);
  return tableToIPC(new Table(Object.fromEntries(vectors) as ConstructorParameters<typeof Table>[0]), 'file');
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
