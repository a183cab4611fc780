/** What a source is: told by its content, and by its name only where the content leaves it open. */
import { COMPRESSED_NAME, readHead } from '../containers/content.js';
import type { FieldNames, Format, Layout, Source } from '../records.js';
import { looksLikeCsv, sniffCsv } from './csv.js';
import { startsWarcRecord } from './cut-warc.js';

const BY_NAME: readonly (readonly [RegExp, Format])[] = [
  [/\.wet$/i, 'wet'],
  [/\.wat$/i, 'wat'],
  [/\.warc$/i, 'warc'],
  [/\.(?:jsonl|ndjson)$/i, 'jsonl'],
  [/\.(?:csv|tsv)$/i, 'csv'],
  [/\.x?html?$/i, 'html'],
  [/\.(?:md|markdown)$/i, 'markdown'],
];

/** A byte order mark, space, an XML declaration, comments, then a doctype or the root element. */
const HTML = /^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[^])*-->\s*)*<(?:!doctype\s+html|html[\s>])/i;
const JSON_OBJECT = /^\uFEFF?\s*\{\s*["}]/;
/** A Parquet file begins and ends with it. */
const PARQUET_MAGIC = Buffer.from('PAR1');
/** Characters of the head that are looked at for HTML and JSON. */
const TEXT_HEAD = 4096;

/**
 * Looks at the beginning of a source; standard input is not consumed by it.
 * @param known what a person said of it
 * @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN
 */
export async function detectLayout(
  source: Source,
  known: { readonly format?: Format; readonly fields?: FieldNames } = {},
): Promise<Layout> {
  return layoutOf((await readHead(source.location)).content, source.name, known);
}

/** The layout of content that begins with `head` and is called `name`. */
export function layoutOf(
  head: Buffer,
  name: string,
  { format = formatOf(head, name), fields }: { readonly format?: Format; readonly fields?: FieldNames } = {},
): Layout {
  return {
    format,
    ...(format === 'csv' ? { csv: sniffCsv(head) } : {}),
    ...(fields === undefined ? {} : { fields }),
  };
}

/** The format of content that begins with `head` and is called `name`. */
export function formatOf(head: Buffer, name: string): Format {
  const plainName = name.replace(COMPRESSED_NAME, '');
  const named = BY_NAME.find(([pattern]) => pattern.test(plainName))?.[1];
  if (head.subarray(0, PARQUET_MAGIC.length).equals(PARQUET_MAGIC)) return 'parquet';
  if (startsWarcRecord(head.subarray(head.findIndex((byte) => byte !== 0x0a && byte !== 0x0d)))) {
    return warcFlavour(head) ?? (named === 'wet' || named === 'wat' ? named : 'warc');
  }
  const text = head.toString('utf8', 0, TEXT_HEAD);
  if (JSON_OBJECT.test(text)) return 'jsonl';
  if (HTML.test(text)) return 'html';
  if (named === undefined && looksLikeCsv(head)) return 'csv';
  return named ?? 'text';
}

/** WARC, WET and WAT differ in the types of their records; undefined where the head shows only what all have. */
function warcFlavour(head: Buffer): 'warc' | 'wet' | 'wat' | undefined {
  const types = new Set(
    [...head.toString('latin1').matchAll(/^WARC-Type:[ \t]*([a-z]+)/gim)].map(([, type]) =>
      type.toLowerCase(),
    ),
  );
  if (types.has('response') || types.has('request') || types.has('resource')) return 'warc';
  if (types.has('conversion')) return 'wet';
  return types.has('metadata') ? 'wat' : undefined;
}
