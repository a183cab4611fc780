/** A row of CSV -> a document. */
import type { BadDocument, CsvDialect, FieldNames, ParsedDocument } from '../records.js';
import { parseCsvRow } from './csv.js';
import { documentOf } from './fields.js';

export function parseCsvRecord(
  bytes: Uint8Array,
  dialect: CsvDialect,
  names?: FieldNames,
): ParsedDocument | BadDocument {
  const row = parseCsvRow(new TextDecoder().decode(bytes), dialect.delimiter);
  if (row === undefined) return { kind: 'bad', reason: 'csv', detail: 'a row of too many fields' };
  const { columns } = dialect;
  // Fields too few are often left out at the end; more than there are columns cannot be told apart.
  if (row.length > columns.length) {
    const detail = `a row of ${row.length} fields where the header has ${columns.length}`;
    return { kind: 'bad', reason: 'csv', detail };
  }
  return documentOf(Object.fromEntries(row.map((value, index) => [columns[index], value])), names);
}
