/** A line of JSONL -> a document. */
import type { BadDocument, FieldNames, ParsedDocument } from '../records.js';
import { documentOf, isFields } from './fields.js';

export function parseJsonLine(bytes: Uint8Array, names?: FieldNames): ParsedDocument | BadDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    return { kind: 'bad', reason: 'json', detail: (error as Error).message };
  }
  if (isFields(value)) return documentOf(value, names);
  return { kind: 'bad', reason: 'json', detail: 'a line that is not a JSON object' };
}
