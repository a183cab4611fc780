/**
 * The texts of inputs for whoever needs nothing else of them and can take a large one in parts: a text file that is larger
 * than a document may be is no bad record here. The texts are those that ingest reads, in valid Unicode and normalised alike.
 */
import { openContent, readHead } from './containers/content.js';
import { startsWithTar } from './containers/tar.js';
import { isBinary } from './formats/binary.js';
import { detectEncoding } from './formats/charset.js';
import { layoutOf } from './formats/detect.js';
import { decodeParts } from './formats/encodings.js';
import { normalizeText } from './formats/normalize.js';
import { parseRecord } from './formats/parse.js';
import { DEFAULT_READING } from './reading.js';
import { MAX_TEXT_FILE_BYTES, type Format, type Source } from './records.js';
import { expandInputs } from './sources/expand.js';
import { readNamedTextsOf, reportBad } from './texts.js';

/**
 * Each text whole or in parts; one in parts has to be read to its end before the next. What is bad is reported on stderr.
 * @param wholeBytes a text file of up to so many bytes is given whole
 */
export async function* readTextParts(
  inputs: readonly string[],
  wholeBytes: number = MAX_TEXT_FILE_BYTES,
): AsyncGenerator<string | AsyncGenerator<string>> {
  const { sources } = await expandInputs([...inputs]);
  for (const source of sources) {
    const { container, content } = await readHead(source.location);
    const { format } = layoutOf(content, source.name);
    if (!startsWithTar(content) && (format === 'text' || format === 'markdown')) {
      const opened = await openContent(source.location, container, 0, () => true);
      try {
        yield* readFile(source, format, readable(source, opened.pieces), wholeBytes);
      } finally {
        await opened.close();
      }
    } else {
      for await (const { text } of readNamedTextsOf(source)) yield text;
    }
  }
}

type Pieces = Awaited<ReturnType<typeof openContent>>['pieces'];

/** Content as far as it can be read. */
async function* readable(source: Source, pieces: Pieces): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (piece.kind === 'content') yield piece.bytes;
    else if (piece.kind === 'damage') reportBad(source, piece.start, piece);
  }
}

async function* readFile(
  source: Source,
  format: Format,
  parts: AsyncGenerator<Uint8Array>,
  wholeBytes: number,
): AsyncGenerator<string | AsyncGenerator<string>> {
  const first: Uint8Array[] = [];
  let size = 0;
  while (size <= wholeBytes) {
    const { done, value } = await parts.next();
    if (done === true) break;
    first.push(value);
    size += value.length;
  }
  const bytes = Buffer.concat(first);
  if (size <= wholeBytes || isBinary(bytes)) {
    const parsed = parseRecord(format, bytes);
    if (parsed.kind === 'document') yield parsed.text;
    if (parsed.kind === 'bad') reportBad(source, 0, parsed);
    return;
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
    yield* parts;
  };
  yield normalizeParts(decodeParts(all(), detectEncoding(bytes, undefined, false)));
}

/** Normalises as for a whole text: a part neither ends within a line end nor counts as the beginning of a text. */
async function* normalizeParts(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  let isFirst = true;
  for await (const part of parts) {
    const text = held + part;
    held = text.endsWith('\r') ? '\r' : '';
    const whole = text.slice(0, text.length - held.length);
    yield isFirst
      ? normalizeText(whole, DEFAULT_READING.normalize)
      : normalizeText(`\n${whole}`, DEFAULT_READING.normalize).slice(1);
    isFirst = false;
  }
  yield normalizeText(held, DEFAULT_READING.normalize);
}
