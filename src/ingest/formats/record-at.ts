/** Reads one record again by its place, for lineage: a document leads back to its bytes. */
import { TokenmillError } from '../../core/errors.js';
import { openContent, readHead, type OpenContent } from '../containers/content.js';
import type { Place } from '../containers/content-window.js';
import { cutRows, recordStart } from './cut.js';
import { formatOf } from './detect.js';
import { MAX_HEADER_BYTES, MAX_RECORD_BYTES, type FieldNames } from '../records.js';

/** A record at its limit, and the line ends behind it. */
const MAX_BYTES = MAX_RECORD_BYTES + MAX_HEADER_BYTES;

/**
 * The bytes that cutting delivered for the record at this place.
 * @param fields that were named when it was cut, for formats whose records are made of them (Parquet)
 * @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN, INPUT_TOO_LARGE, SOURCE_CHANGED where they are not there
 */
export async function readRecordAt(location: string, place: Place, fields?: FieldNames): Promise<Uint8Array> {
  if (place.space === 'row') return readRow(location, place.offset, fields);
  const { container, content: head } = await readHead(location);
  const startsRecord = recordStart(formatOf(head, location));
  const seeks = container === 'plain' || place.space === 'file';
  const content = await openContent(location, container, seeks ? place.offset : 0, startsRecord);
  try {
    const bytes =
      container !== 'plain' && place.space === 'file'
        ? await readMembers(content, location, place)
        : await readRange(content, location, place, seeks ? 0 : place.offset);
    if (bytes !== undefined) return bytes;
  } finally {
    await content.close();
  }
  throw changed(location, place.offset);
}

function changed(location: string, offset: number): TokenmillError {
  return new TokenmillError(
    'SOURCE_CHANGED',
    `${location} does not have the record any more that was cut out of it`,
    { place: { file: location, offset }, hint: 'sources must stay as they were when they were read' },
  );
}

async function readRow(location: string, row: number, fields: FieldNames | undefined): Promise<Uint8Array> {
  const { container } = await readHead(location);
  for await (const record of cutRows(location, container, row, { fields }, { lineBytes: MAX_BYTES })) {
    if (record.kind === 'record' && record.offset === row) return record.bytes;
    break;
  }
  throw changed(location, row);
}

/** The content of the members that make up a range of the file. */
async function readMembers(
  content: OpenContent,
  location: string,
  place: Place,
): Promise<Uint8Array | undefined> {
  const end = place.offset + place.length;
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const piece of content.pieces) {
    if (piece.kind === 'damage') return undefined;
    if (piece.kind === 'content') {
      parts.push(piece.bytes);
      total += piece.bytes.length;
      checkSize(total, location, place);
    }
    const boundary = piece.kind === 'content' ? piece.memberEnd : piece.file;
    if (boundary !== undefined && boundary >= end) return boundary === end ? Buffer.concat(parts) : undefined;
  }
  return undefined;
}

/** `place.length` bytes of content, `skip` bytes behind where it was opened. */
async function readRange(
  content: OpenContent,
  location: string,
  place: Place,
  skip: number,
): Promise<Uint8Array | undefined> {
  checkSize(place.length, location, place);
  const parts: Uint8Array[] = [];
  let position = 0;
  const end = skip + place.length;
  for await (const piece of content.pieces) {
    if (piece.kind !== 'content') continue;
    const { bytes } = piece;
    parts.push(bytes.subarray(Math.max(0, skip - position), Math.max(0, end - position)));
    position += bytes.length;
    if (position >= end) return Buffer.concat(parts);
  }
  return undefined;
}

function checkSize(bytes: number, location: string, place: Place): void {
  if (bytes <= MAX_BYTES) return;
  throw new TokenmillError('INPUT_TOO_LARGE', `the record is larger than ${MAX_BYTES} bytes`, {
    place: { file: location, offset: place.offset },
  });
}
