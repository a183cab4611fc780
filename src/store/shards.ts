/**
 * Token shards: the tokens of kept documents as an Arrow IPC file (Arrow columnar format 1.x, "IPC File Format").
 *
 * A row is a document: `document_id` utf8, `tokens` list<uint16>, or list<uint32> where the vocabulary has more than
 * 65,536 tokens; nothing is null, all rows are in one record batch, and the buffers are not compressed. So the values
 * of `tokens` are one contiguous buffer of the file, which can be mapped into memory. Equal content gives equal bytes.
 */
import { open } from 'node:fs/promises';
import {
  Field,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Uint16,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import { sha256 } from '../core/hash.js';
import { shardLayout, type ShardLayout } from './shard-layout.js';

/** Version of the format, in the metadata of every shard. */
export const SHARD_VERSION = '1';

/** Ids up to 65,535 fit in 16 bits. */
const MAX_UINT16_VOCAB = 0x1_0000;

/** Larger files are not read: offsets of a list column are 32-bit, and so is what one typed array should hold. */
export const MAX_SHARD_BYTES = 0x7fff_ffff;

/** Field name of list values that Arrow libraries agree on. */
const ITEM = 'item';

/** Token ids in the width that a shard has them in. */
export type ShardTokens = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Room for `count` tokens of a vocabulary of `vocabSize`. */
export function shardTokens(vocabSize: number, count: number): ShardTokens {
  return vocabSize <= MAX_UINT16_VOCAB ? new Uint16Array(count) : new Uint32Array(count);
}

export interface ShardMetadata {
  readonly dataset: string;
  readonly split: 'train' | 'valid';
  readonly tokenizerSha256: string;
  readonly vocabSize: number;
  readonly endOfTextId: number;
  readonly tokenCount: number;
}

export interface ShardContent {
  readonly documentIds: readonly string[];
  /** rows + 1 entries: tokens of row i are tokens[offsets[i]] up to tokens[offsets[i + 1]]. */
  readonly offsets: Int32Array | readonly number[];
  readonly tokens: Uint16Array | Uint32Array;
  readonly metadata: ShardMetadata;
}

export interface Shard {
  readonly rows: number;
  readonly offsets: Int32Array;
  /** All tokens, a view into the file's bytes. */
  readonly tokens: Uint16Array | Uint32Array;
  readonly metadata: ShardMetadata;
  /** Id of the document in a row. Decoded when asked for. */
  documentId(row: number): string;
}

type ShardSchema = { document_id: Utf8; tokens: List<Uint16 | Uint32> };

/** The shard as bytes. @throws TokenmillError INTERNAL where offsets, tokens and metadata do not fit each other */
export function encodeShard(content: ShardContent): Uint8Array {
  const { documentIds, tokens, metadata } = content;
  const offsets = Int32Array.from(content.offsets);
  const problem =
    checkOffsets(offsets, documentIds.length, tokens.length) ??
    checkTokens(tokens, metadata) ??
    (tokens instanceof Uint16Array === metadata.vocabSize <= MAX_UINT16_VOCAB
      ? undefined
      : 'wrong token width');
  if (problem !== undefined) throw new TokenmillError('INTERNAL', `a shard cannot be written: ${problem}`);
  const rows = documentIds.length;
  const type = tokens instanceof Uint16Array ? new Uint16() : new Uint32();
  const list = new List<Uint16 | Uint32>(new Field<Uint16 | Uint32>(ITEM, type, false));
  const schema = new Schema<ShardSchema>(
    [new Field('document_id', new Utf8(), false), new Field('tokens', list, false)],
    encodeMetadata(metadata),
  );
  const ids = encodeIds(documentIds);
  const children = [
    makeData({ type: new Utf8(), length: rows, nullCount: 0, valueOffsets: ids.offsets, data: ids.bytes }),
    makeData({
      type: list,
      length: rows,
      nullCount: 0,
      valueOffsets: offsets,
      child: makeData({ type, length: tokens.length, nullCount: 0, data: tokens }),
    }),
  ];
  const struct = makeData({
    type: new Struct<ShardSchema>(schema.fields),
    length: rows,
    nullCount: 0,
    children,
  });
  return RecordBatchFileWriter.writeAll([new RecordBatch(schema, struct)]).toUint8Array(true);
}

/**
 * Writes a shard; the file appears whole or not at all, and durably.
 * @throws TokenmillError as `encodeShard` and `writeFileAtomic` do
 */
export async function writeShard(
  path: string,
  content: ShardContent,
): Promise<{ bytes: number; sha256: string }> {
  const bytes = encodeShard(content);
  await writeFileAtomic(path, bytes);
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

/**
 * Reads a shard into memory. Its structure, offsets and token ids are always checked; the content's hash where
 * `expected` has one.
 * @throws TokenmillError SHARD_CORRUPT, or FILE_NOT_FOUND and the like
 */
export async function readShard(path: string, expected: { readonly sha256?: string } = {}): Promise<Shard> {
  const bytes = await readBytes(path);
  if (expected.sha256 !== undefined && sha256(bytes) !== expected.sha256) {
    throw corrupt(path, 'its SHA-256 is not the one that was recorded when it was written');
  }
  return decodeShard(bytes, path);
}

/** Reads a file into a buffer of its own: Arrow's 8-byte alignment holds only where the file starts at offset 0. */
async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAX_SHARD_BYTES) throw corrupt(path, `it has ${size} bytes, more than ${MAX_SHARD_BYTES}`);
      const bytes = new Uint8Array(size);
      for (let filled = 0; filled < size;) {
        const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
        if (bytesRead === 0) throw corrupt(path, 'it became shorter while it was read');
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Interprets the bytes of a shard; `path` is for messages. @throws TokenmillError SHARD_CORRUPT */
export function decodeShard(bytes: Uint8Array<ArrayBuffer>, path: string): Shard {
  let layout: ShardLayout;
  try {
    layout = shardLayout(bytes);
  } catch (error) {
    throw corrupt(path, (error as Error).message, error);
  }
  const { rows, idBytes, tokenCount } = layout;
  const metadata = decodeMetadata(layout.metadata, path);
  if ((layout.tokenBits === 32) !== metadata.vocabSize > MAX_UINT16_VOCAB) {
    throw corrupt(path, `${layout.tokenBits} bits do not fit a vocabulary of ${metadata.vocabSize} tokens`);
  }
  const offsets = int32View(layout.offsets);
  const idOffsets = int32View(layout.idOffsets);
  const { buffer, byteOffset } = layout.tokens;
  const tokens =
    layout.tokenBits === 16
      ? new Uint16Array(buffer, byteOffset, tokenCount)
      : new Uint32Array(buffer, byteOffset, tokenCount);
  const problem =
    checkOffsets(offsets, rows, tokenCount) ??
    // What a writer declares as the buffer of ids may include its padding.
    checkOffsets(idOffsets, rows, Math.min(idOffsets[rows], idBytes.length)) ??
    checkTokens(tokens, metadata);
  if (problem !== undefined) throw corrupt(path, problem);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    rows,
    offsets,
    tokens,
    metadata,
    documentId: (row) => decoder.decode(idBytes.subarray(idOffsets[row], idOffsets[row + 1])),
  };
}

function int32View(bytes: Uint8Array<ArrayBuffer>): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function corrupt(path: string, message: string, cause?: unknown): TokenmillError {
  return new TokenmillError('SHARD_CORRUPT', `shard ${path} is damaged: ${message}`, {
    place: { file: path },
    hint: 'make the shard again: ingest its sources into a new dataset',
    cause,
  });
}

/** The first rule of list offsets that does not hold. */
function checkOffsets(offsets: Int32Array, rows: number, values: number): string | undefined {
  if (offsets.length !== rows + 1) return `${rows} rows need ${rows + 1} offsets, not ${offsets.length}`;
  if (offsets[0] !== 0) return 'the first offset is not 0';
  for (let row = 0; row < rows; row++) {
    if (offsets[row + 1] < offsets[row]) return `offsets go back at row ${row}`;
  }
  if (offsets[rows] !== values) return `offsets end at ${offsets[rows]}, but there are ${values} values`;
  return undefined;
}

/** An id outside the vocabulary would index outside a model's embedding table. */
function checkTokens(tokens: Uint16Array | Uint32Array, metadata: ShardMetadata): string | undefined {
  if (tokens.length !== metadata.tokenCount) {
    return `it has ${tokens.length} tokens, but its metadata says ${metadata.tokenCount}`;
  }
  const { vocabSize } = metadata;
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] >= vocabSize) return `token ${tokens[i]} at ${i} is outside the vocabulary of ${vocabSize}`;
  }
  return undefined;
}

function encodeIds(ids: readonly string[]): { bytes: Uint8Array; offsets: Int32Array } {
  const encoder = new TextEncoder();
  const encoded = ids.map((id) => encoder.encode(id));
  const offsets = new Int32Array(ids.length + 1);
  encoded.forEach((id, row) => {
    offsets[row + 1] = offsets[row] + id.length;
  });
  const bytes = new Uint8Array(offsets[ids.length]);
  encoded.forEach((id, row) => bytes.set(id, offsets[row]));
  return { bytes, offsets };
}

function encodeMetadata(metadata: ShardMetadata): Map<string, string> {
  return new Map([
    ['tokenmill.version', SHARD_VERSION],
    ['dataset', metadata.dataset],
    ['split', metadata.split],
    ['tokenizer_sha256', metadata.tokenizerSha256],
    ['vocab_size', String(metadata.vocabSize)],
    ['end_of_text_id', String(metadata.endOfTextId)],
    ['token_count', String(metadata.tokenCount)],
  ]);
}

function decodeMetadata(metadata: ReadonlyMap<string, string>, path: string): ShardMetadata {
  const text = (key: string): string => {
    const value = metadata.get(key);
    if (value === undefined) throw corrupt(path, `its metadata has no ${key}`);
    return value;
  };
  const whole = (key: string): number => {
    if (!/^\d{1,15}$/.test(text(key))) throw corrupt(path, `its ${key} is ${JSON.stringify(text(key))}`);
    return Number(text(key));
  };
  const version = text('tokenmill.version');
  if (version !== SHARD_VERSION)
    throw corrupt(path, `its format version is ${version}, not ${SHARD_VERSION}`);
  const split = text('split');
  if (split !== 'train' && split !== 'valid') throw corrupt(path, `its split is ${JSON.stringify(split)}`);
  return {
    dataset: text('dataset'),
    split,
    tokenizerSha256: text('tokenizer_sha256'),
    vocabSize: whole('vocab_size'),
    endOfTextId: whole('end_of_text_id'),
    tokenCount: whole('token_count'),
  };
}
