/**
 * A line of JSONL -> a document. Field names are those of the corpora that are published this way (C4, Dolma,
 * RedPajama, FineWeb); the first that is there counts, also inside `meta` or `metadata`.
 */
import type { BadDocument, ParsedDocument } from '../records.js';

const FIELDS = {
  text: ['text', 'content', 'raw_content'],
  url: ['url', 'source_url', 'uri'],
  id: ['id', 'doc_id'],
  date: ['date', 'timestamp', 'created', 'date_download'],
  title: ['title'],
  language: ['language', 'lang'],
} as const;

const NESTED = ['meta', 'metadata'];

/** Names of all that a document can be made of, for formats of columns. */
export const DOCUMENT_COLUMNS: ReadonlySet<string> = new Set([...Object.values(FIELDS).flat(), ...NESTED]);

export function parseJsonLine(bytes: Uint8Array): ParsedDocument | BadDocument {
  const object = parseObject(new TextDecoder().decode(bytes));
  if (!(object instanceof Map)) return { kind: 'bad', reason: 'json', detail: object };
  const text = first(object, FIELDS.text);
  if (text === undefined || text.trim() === '') {
    return {
      kind: 'bad',
      reason: 'no-text',
      detail: `none of ${FIELDS.text.join(', ')} is a string that is not blank`,
    };
  }
  const id = first(object, FIELDS.id);
  return {
    kind: 'document',
    url: first(object, FIELDS.url) ?? null,
    date: first(object, FIELDS.date) ?? null,
    title: first(object, FIELDS.title) ?? null,
    mime: null,
    charset: 'utf-8',
    language: first(object, FIELDS.language) ?? null,
    text,
    ...(id === undefined ? {} : { id }),
  };
}

/** The fields of a JSON object, those of an object in `meta` or `metadata` behind its own; else what is wrong. */
function parseObject(line: string): Map<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return (error as Error).message;
  }
  if (!isObject(value)) return 'a line that is not a JSON object';
  const nested = NESTED.map((name) => value[name]).filter(isObject);
  return new Map([...nested.flatMap((inner) => Object.entries(inner)), ...Object.entries(value)]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Value of the first field that is a string or a number, as a string. */
function first(object: Map<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = object.get(name);
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}
