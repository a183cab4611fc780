/**
 * Which fields of a structured record (a JSON object, a row of CSV or Parquet) a document is made of.
 *
 * Names are those of the corpora that are published this way (C4, Dolma, RedPajama, FineWeb); the first that is there
 * counts, also inside `meta` or `metadata`. A person may name others: then those count and no default does.
 */
import type { BadDocument, FieldNames, ParsedDocument } from '../records.js';

const DEFAULTS = {
  text: ['text', 'content', 'raw_content'],
  url: ['url', 'source_url', 'uri'],
  id: ['id', 'doc_id'],
  date: ['date', 'timestamp', 'created', 'date_download'],
  title: ['title'],
  language: ['language', 'lang'],
} as const;

const NESTED = ['metadata', 'meta'];

/** Names of fields that hold a text where none was named. */
export const TEXT_FIELDS: readonly string[] = DEFAULTS.text;

/** What a document is made of, for formats of columns: the columns themselves, not the paths into them. */
export function documentColumns(columns: readonly string[], names: FieldNames = {}): string[] {
  const wanted = new Set<string>([...Object.values(DEFAULTS).flat(), ...NESTED]);
  for (const path of Object.values(names) as string[]) {
    // A column may have dots in its own name.
    wanted.add(columns.includes(path) ? path : path.split('.', 1)[0]);
  }
  return columns.filter((column) => wanted.has(column));
}

type Fields = Readonly<Record<string, unknown>>;

/** @param fields of the record, by name */
export function documentOf(fields: Fields, names: FieldNames = {}): ParsedDocument | BadDocument {
  const text = valueOf(fields, 'text', names.text);
  if (text === undefined || text.trim() === '') {
    const looked = names.text ?? DEFAULTS.text.join(', ');
    return { kind: 'bad', reason: 'no-text', detail: `none of ${looked} is a string that is not blank` };
  }
  const id = valueOf(fields, 'id', names.id);
  return {
    kind: 'document',
    url: valueOf(fields, 'url', names.url) ?? null,
    date: valueOf(fields, 'date') ?? null,
    title: valueOf(fields, 'title') ?? null,
    mime: null,
    charset: 'utf-8',
    language: valueOf(fields, 'language') ?? null,
    text,
    ...(id === undefined ? {} : { id }),
  };
}

/** Value of the field named, else of the first default that has one: a string or a number, as a string. */
function valueOf(fields: Fields, what: keyof typeof DEFAULTS, named?: string): string | undefined {
  if (named !== undefined) return scalar(atPath(fields, named));
  const nested = NESTED.map((name) => fields[name]).filter(isFields);
  for (const name of DEFAULTS[what]) {
    for (const object of [fields, ...nested]) {
      const value = scalar(object[name]);
      if (value !== undefined) return value;
    }
  }
  return undefined;
}

/** The field of that name; where there is none, what the path of names leads to. */
function atPath(fields: Fields, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  let value: unknown = fields;
  for (const name of path.split('.')) {
    if (!isFields(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
