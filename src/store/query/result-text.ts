/** Results of queries as text: a table for people, JSON and CSV for programs. */
import {
  DuckDBDecimalValue,
  DuckDBTypeId,
  JsonDuckDBValueConverter,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';
import { formatCount } from '../../core/format.js';

export interface QueryResult {
  /** Without duplicates. */
  readonly names: readonly string[];
  readonly types: readonly DuckDBType[];
  readonly chunks: AsyncIterable<DuckDBDataChunk>;
}

/** Rows from which the widths of a table's columns are taken; the rest flows past. */
const SAMPLE_ROWS = 1000;
/** Characters of a part of a result, about: long rows do not pile up. */
const PART_LENGTH = 65_536;
/** Characters of a value that a table shows. */
const MAX_CELL_WIDTH = 60;
/** Decimal digits that a double holds for certain. */
const SAFE_DIGITS = 15;

const NUMBERS = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.DECIMAL,
]);

const NESTED = new Set([
  DuckDBTypeId.LIST,
  DuckDBTypeId.ARRAY,
  DuckDBTypeId.STRUCT,
  DuckDBTypeId.MAP,
  DuckDBTypeId.UNION,
]);

/**
 * A value as JSON: numbers as numbers as long as no digit is lost, JSON columns as what they hold, all else as
 * DuckDB writes it.
 */
export const toJson: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (value instanceof DuckDBDecimalValue) {
    const text = value.toString();
    return text.replace(/[-.]/g, '').length <= SAFE_DIGITS ? Number(text) : text;
  }
  if (typeof value === 'string' && type.alias === 'JSON') return JSON.parse(value) as Json;
  return JsonDuckDBValueConverter(value, type, converter);
};

/** A value as one field of text: as DuckDB writes it, but what has parts as JSON. */
function toText(value: DuckDBValue, type: DuckDBType): string {
  if (typeof value === 'string' || !NESTED.has(type.typeId)) return String(value);
  return JSON.stringify(toJson(value, type, toJson));
}

/** Rows of values, a chunk at a time. */
async function* rowsOf(result: QueryResult): AsyncGenerator<DuckDBValue[][]> {
  for await (const chunk of result.chunks) yield chunk.getRows();
}

/** Rows as JSON objects, in texts of about `PART_LENGTH`; `between` separates two rows. */
async function* objects(result: QueryResult, between: string): AsyncGenerator<string> {
  let text = '';
  let separator = '';
  for await (const rows of rowsOf(result)) {
    for (const row of rows) {
      const fields = row.map(
        (value, i) => [result.names[i], toJson(value, result.types[i], toJson)] as const,
      );
      text += separator + JSON.stringify(Object.fromEntries(fields));
      separator = between;
      if (text.length < PART_LENGTH) continue;
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

/** An array of objects, one a line. */
export async function* formatJson(result: QueryResult): AsyncGenerator<string> {
  let any = false;
  for await (const text of objects(result, ',\n')) {
    yield any ? text : `[\n${text}`;
    any = true;
  }
  yield any ? '\n]\n' : '[]\n';
}

/** Objects, one a line. */
export async function* formatNdjson(result: QueryResult): AsyncGenerator<string> {
  let any = false;
  for await (const text of objects(result, '\n')) {
    yield text;
    any = true;
  }
  if (any) yield '\n';
}

/** RFC 4180 with a header. NULL is an empty field, an empty text is a quoted one. */
export async function* formatCsv(result: QueryResult): AsyncGenerator<string> {
  let text = `${result.names.map(csvField).join(',')}\r\n`;
  for await (const rows of rowsOf(result)) {
    for (const row of rows) {
      const fields = row.map((value, i) => (value === null ? '' : csvField(toText(value, result.types[i]))));
      text += `${fields.join(',')}\r\n`;
      if (text.length < PART_LENGTH) continue;
      yield text;
      text = '';
    }
  }
  yield text;
}

function csvField(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Aligned columns, long values cut, the number of rows last. Numbers are never cut. */
export async function* formatTable(result: QueryResult): AsyncGenerator<string> {
  const { names, types } = result;
  const right = types.map((type) => NUMBERS.has(type.typeId));
  const header = names.map((name) => cell(name));
  const widths = header.map((name) => length(name));
  let sample: string[][] | undefined = [];
  let count = 0;
  const line = (row: readonly string[]): string => {
    const cells = row.map((text, i) => {
      const shown = right[i] ? text : cut(text, widths[i]);
      const space = ' '.repeat(Math.max(0, widths[i] - length(shown)));
      return right[i] ? space + shown : shown + space;
    });
    return `${cells.join('  ').trimEnd()}\n`;
  };
  const flush = (rows: readonly string[][]): string => {
    for (const row of rows) {
      row.forEach((text, i) => {
        widths[i] = Math.max(widths[i], Math.min(length(text), right[i] ? Infinity : MAX_CELL_WIDTH));
      });
    }
    return line(header) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('');
  };
  for await (const rows of rowsOf(result)) {
    count += rows.length;
    const cells = rows.map((row) =>
      row.map((value, i) => (value === null ? 'NULL' : cell(toText(value, types[i])))),
    );
    if (sample === undefined) {
      yield cells.map(line).join('');
      continue;
    }
    sample.push(...cells);
    if (sample.length >= SAMPLE_ROWS) {
      yield flush(sample);
      sample = undefined;
    }
  }
  if (sample !== undefined) yield flush(sample);
  yield `(${formatCount(count)} ${count === 1 ? 'row' : 'rows'})\n`;
}

/** The texts of one column as they are, for plans of EXPLAIN, which are drawings of several lines. */
export async function* formatVerbatim(result: QueryResult): AsyncGenerator<string> {
  for await (const rows of rowsOf(result)) {
    for (const row of rows) yield `${String(row.at(-1))}\n`;
  }
}

/** A value on one line and harmless to a terminal, whatever bytes a crawled page had: control characters as spaces. */
function cell(text: string): string {
  // Long texts are cut before they are cleaned: only the beginning can be seen.
  return text.slice(0, 2 * MAX_CELL_WIDTH + 2).replace(/\p{Cc}+/gu, ' ');
}

function length(text: string): number {
  return Array.from(text).length;
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
