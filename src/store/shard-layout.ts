/**
 * Finds the buffers of a token shard in the bytes of its Arrow IPC file ("IPC File Format" and "RecordBatch message"
 * of the Arrow columnar format; field numbers are those of File.fbs, Schema.fbs and Message.fbs).
 *
 * Shards are read here and not by apache-arrow because its reader trusts every length in the file: with one bit
 * flipped in a length it loops for ever or asks for gigabytes. Here each is checked before it is used.
 */
import { FlatTable } from './flatbuffer.js';

const MAGIC = new TextEncoder().encode('ARROW1');
/** Footer and message of a shard take about 1 kB; a length beyond this is damage. */
const MAX_METADATA_BYTES = 1_000_000;
/** Words of File.fbs's Block struct: offset, metadata length with 4 bytes of padding, body length. */
const BLOCK_WORDS = 3;

/** Values of the enumerations MessageHeader and Type. */
const RECORD_BATCH = 3;
const TYPE_INT = 2;
const TYPE_UTF8 = 5;
const TYPE_LIST = 12;

export interface ShardLayout {
  readonly metadata: ReadonlyMap<string, string>;
  readonly rows: number;
  /** Bits of a token: 16 or 32. */
  readonly tokenBits: number;
  readonly tokenCount: number;
  /** Raw buffers; `idBytes` may have padding behind it, the others have none. */
  readonly idOffsets: Uint8Array<ArrayBuffer>;
  readonly idBytes: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint8Array<ArrayBuffer>;
  readonly tokens: Uint8Array<ArrayBuffer>;
}

/** @throws RangeError or Error saying what does not fit */
export function shardLayout(bytes: Uint8Array<ArrayBuffer>): ShardLayout {
  const footer = readFooter(bytes);
  const schema = footer.table(1);
  const tokenBits = checkSchema(schema);
  const blocks = footer.structs(3, BLOCK_WORDS);
  if (blocks.length !== 1) throw new Error(`it has ${blocks.length} record batches, not one`);
  const { message, body } = readMessage(bytes, blocks[0]);
  if (message.uint8(1) !== RECORD_BATCH) throw new Error('its message is not a record batch');
  const batch = message.table(2);
  if (batch.has(3)) throw new Error('its buffers are compressed');
  const rows = batch.int64(0);
  // Columns before their children: document_id, tokens, the items of tokens. A node is (length, nulls).
  const nodes = batch.structs(1, 2);
  if (nodes.length !== 3) throw new Error('its record batch does not have three columns');
  if (nodes[0][0] !== rows || nodes[1][0] !== rows) throw new Error('its columns differ in length');
  if (nodes.some(([, nulls]) => nulls !== 0)) throw new Error('it has nulls');
  const tokenCount = nodes[2][0];
  // Validity, offsets, data of document_id; validity, offsets of tokens; validity, data of its items.
  const buffers = batch.structs(2, 2);
  if (buffers.length !== 7) throw new Error('its record batch does not have seven buffers');
  const buffer = (index: number, length: number): Uint8Array<ArrayBuffer> => {
    const [offset, available] = buffers[index];
    const inside = offset >= 0 && offset + available <= body.length;
    // Typed arrays need the alignment that the format prescribes.
    const aligned = (body.byteOffset + offset) % 8 === 0;
    if (!inside || !aligned || length > available) throw new RangeError(`buffer ${index} does not fit`);
    return body.subarray(offset, offset + length);
  };
  return {
    metadata: new Map(schema.tables(2).map((pair) => [pair.text(0), pair.text(1)])),
    rows,
    tokenBits,
    tokenCount,
    idOffsets: buffer(1, 4 * (rows + 1)),
    idBytes: buffer(2, buffers[2][1]),
    offsets: buffer(4, 4 * (rows + 1)),
    tokens: buffer(6, (tokenCount * tokenBits) / 8),
  };
}

/** The file ends with the footer, its length and the magic word, with which it also begins. */
function readFooter(bytes: Uint8Array<ArrayBuffer>): FlatTable {
  const end = bytes.length - MAGIC.length - 4;
  const framed = MAGIC.every((byte, i) => bytes[i] === byte && bytes[end + 4 + i] === byte);
  if (end < MAGIC.length || !framed) throw new Error('it is cut off, or not an Arrow file');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(end, true);
  if (length <= 0 || length > Math.min(end - MAGIC.length, MAX_METADATA_BYTES)) {
    throw new RangeError(`a footer of ${length} bytes does not fit`);
  }
  return FlatTable.root(bytes.subarray(end - length, end));
}

/** A message: 4 bytes 0xff, the length of its metadata, the metadata, the body; `block` says where. */
function readMessage(
  bytes: Uint8Array<ArrayBuffer>,
  [offset, lengthAndPadding, bodyLength]: number[],
): { message: FlatTable; body: Uint8Array<ArrayBuffer> } {
  const length = lengthAndPadding % 2 ** 32;
  const bodyStart = offset + length;
  const fits = offset >= MAGIC.length && length > 8 && length <= MAX_METADATA_BYTES && bodyLength >= 0;
  if (!fits || bodyStart + bodyLength > bytes.length) throw new RangeError('its record batch does not fit');
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  if (view.getUint32(0, true) !== 0xffff_ffff || view.getInt32(4, true) !== length - 8) {
    throw new Error('its record batch is not where its footer says');
  }
  return {
    message: FlatTable.root(bytes.subarray(offset + 8, bodyStart)),
    body: bytes.subarray(bodyStart, bodyStart + bodyLength),
  };
}

/** Checks the columns and returns the bits of a token. Fields of Field: name 0, type 2 and 3, children 5. */
function checkSchema(schema: FlatTable): number {
  if (schema.int16(0) !== 0) throw new Error('it is big-endian');
  const fields = schema.tables(1);
  const names = fields.map((field) => field.text(0));
  if (names.join() !== 'document_id,tokens') {
    throw new Error(`its columns are ${names.join(', ')}, not document_id and tokens`);
  }
  const [id, tokens] = fields;
  if (id.uint8(2) !== TYPE_UTF8) throw new Error('document_id is not utf8');
  const [item] = tokens.tables(5);
  if (tokens.uint8(2) !== TYPE_LIST || item?.uint8(2) !== TYPE_INT) {
    throw new Error('tokens is not a list of integers');
  }
  const bits = item.table(3).int32(0);
  if ((bits !== 16 && bits !== 32) || item.table(3).uint8(1) !== 0) {
    throw new Error('tokens are not uint16 or uint32');
  }
  return bits;
}
