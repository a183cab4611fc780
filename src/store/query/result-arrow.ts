/**
 * Results of queries as an Arrow IPC stream ("IPC Streaming Format"), a record batch a chunk of DuckDB's.
 *
 * Types that both have keep their meaning; HUGEINT, UHUGEINT and DECIMAL become 64-bit floats, as in DuckDB's own
 * Parquet for HUGEINT; what is left (UUID, ENUM, INTERVAL, MAP, ...) becomes text as DuckDB writes it.
 */
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
  type Data,
} from 'apache-arrow';
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { QueryResult } from './result-text.js';

const SCALARS: Partial<Record<DuckDBTypeId, () => DataType>> = {
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.HUGEINT]: () => new Float64(),
  [DuckDBTypeId.UHUGEINT]: () => new Float64(),
  [DuckDBTypeId.DECIMAL]: () => new Float64(),
  [DuckDBTypeId.DATE]: () => new DateDay(),
  [DuckDBTypeId.TIMESTAMP]: () => new TimestampMicrosecond(),
  [DuckDBTypeId.TIMESTAMP_TZ]: () => new TimestampMicrosecond('UTC'),
  [DuckDBTypeId.BLOB]: () => new Binary(),
};

function arrowType(type: DuckDBType): DataType {
  if (type instanceof DuckDBListType) return new List(new Field('item', arrowType(type.valueType), true));
  if (type instanceof DuckDBStructType) {
    return new Struct(type.entryNames.map((name, i) => new Field(name, arrowType(type.entryTypes[i]), true)));
  }
  return SCALARS[type.typeId]?.() ?? new Utf8();
}

/**
 * The type that holds the same bytes. Arrow's builders take dates and times as milliseconds in a double, which would
 * lose microseconds; as plain integers they are exact.
 */
function storageType(type: DataType): DataType {
  if (DataType.isDate(type)) return new Int32();
  if (DataType.isTimestamp(type)) return new Int64();
  if (DataType.isList(type)) return new List(storageField(type.children[0]));
  if (DataType.isStruct(type)) return new Struct(type.children.map(storageField));
  return type;
}

function storageField(field: Field): Field {
  return new Field(field.name, storageType(field.type as DataType), true);
}

/** Data of a storage type as what it means. */
function retype(data: Data, type: DataType): Data {
  const children = data.children.map((child, i) =>
    retype(child, (type.children as Field[])[i].type as DataType),
  );
  return data.clone(type, data.offset, data.length, data.nullCount, data.buffers, children);
}

/** The value that Arrow's builders take for the storage type of `type`. */
function arrowValue(value: DuckDBValue, type: DuckDBType): unknown {
  if (value === null) return null;
  if (value instanceof DuckDBListValue && type instanceof DuckDBListType) {
    return value.items.map((item) => arrowValue(item, type.valueType));
  }
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType) {
    return Object.fromEntries(
      type.entryNames.map((name, i) => [name, arrowValue(value.entries[name], type.entryTypes[i])]),
    );
  }
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return value.micros;
  if (value instanceof DuckDBBlobValue) return value.bytes;
  if (type.typeId === DuckDBTypeId.HUGEINT || type.typeId === DuckDBTypeId.UHUGEINT) return Number(value);
  return SCALARS[type.typeId] === undefined ? String(value) : value;
}

/** Arrow's writer, whose bytes are taken when the consumer wants them rather than queued without bound. */
class PulledWriter extends RecordBatchStreamWriter {
  private parts: Uint8Array[] = [];

  protected override _write(chunk: ArrayBufferView | ArrayBufferLike): this {
    const bytes = ArrayBuffer.isView(chunk)
      ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      : new Uint8Array(chunk);
    this.parts.push(bytes);
    this._position += bytes.length;
    return this;
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.parts);
    this.parts = [];
    return bytes;
  }
}

export async function* formatArrow(result: QueryResult): AsyncGenerator<Uint8Array> {
  const schema = new Schema(result.names.map((name, i) => new Field(name, arrowType(result.types[i]), true)));
  const writer = new PulledWriter();
  writer.reset(undefined, schema);
  yield writer.take();
  for await (const chunk of result.chunks) {
    writer.write(recordBatch(chunk, schema, result.types));
    yield writer.take();
  }
  writer.close();
  yield writer.take();
}

function recordBatch(chunk: DuckDBDataChunk, schema: Schema, types: readonly DuckDBType[]): RecordBatch {
  const children = schema.fields.map((field, i) => {
    const values = chunk.getColumnValues(i).map((value) => arrowValue(value, types[i]));
    const type = field.type as DataType;
    return retype(vectorFromArray(values, storageType(type)).data[0], type);
  });
  const struct = makeData({
    type: new Struct(schema.fields),
    length: chunk.rowCount,
    nullCount: 0,
    children,
  });
  return new RecordBatch(schema, struct);
}
